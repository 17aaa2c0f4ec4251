"""A parser that Kaitai Struct generates from schema/*.ksy, as a decoder under test.

Usage: python kaitai.py FOLDER DUMP; FOLDER is of kaitai_build.py. It runs the driver of that
language in tests/languages, which prints what the generated classes hold. Of the parsers for
the versions of the format that one counts whose version the file has, by its own reading.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from ending import run


class Refused(Exception):
    """The parser raised while it read the file: it has no other way to refuse one."""


def parse(how, names):
    done = subprocess.run(
        [*how["command"], names],
        env={**os.environ, **how["environment"]},
        capture_output=True,
        check=True,
    )
    return json.loads(done.stdout)


def main(path):
    how = json.loads((Path(sys.argv[1]) / "run.json").read_text(encoding="utf-8"))
    refusal = ""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as names:
        names.write(f"{path}\n")
        names.flush()
        for version, parser in how["parsers"].items():  # the newest first
            found = parse(parser, names.name)
            refusal = refusal or found.get("error", "")
            read = found.get("header", {}).get("version")
            if read == version or (read and read not in how["parsers"]):
                break
        else:
            raise Refused(refusal)
    # It can't hash, so it knows no segments: all blocks stand in one list, as it has them.
    blocks = [{"index": index, **block} for index, block in enumerate(found["blocks"])]
    for block in blocks:
        if "error" in block:  # what it says where a payload does not fit its layout
            block["damage"] = block.pop("error")
    parts = {"header": found["header"], "blocks": blocks, "segments": []}
    order = {"byte_order": found["header"]["endianness"]}
    return {"format": order, **parts, "trailing": found["trailing"]}


if __name__ == "__main__":
    run(main, (Refused,))
