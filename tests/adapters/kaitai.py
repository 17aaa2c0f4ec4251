"""A parser that Kaitai Struct generates from schema/*.ksy, as a decoder under test.

Usage: python kaitai.py FOLDER DUMP; FOLDER is of kaitai_build.py. It runs the driver of that
language in tests/languages, which prints what the generated classes hold. The version that the
newest schema's parser finds says which schema's parser is meant for the file. What the language
can't hold, by its .lacks, is left out.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from ending import run
from pruning import pruned


class Refused(Exception):
    """The parser raised while it read the file: it has no other way to refuse one."""


def parse(how, names):
    done = subprocess.run(
        [*how["command"], names],
        env={**os.environ, **how["environment"]},
        capture_output=True,
        check=True,
    )
    found = json.loads(done.stdout)
    if "error" in found:
        raise Refused(found["error"])
    return found


def main(path):
    how = json.loads((Path(sys.argv[1]) / "run.json").read_text(encoding="utf-8"))
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as names:
        names.write(f"{path}\n")
        names.flush()
        found = parse(how[how["newest"]], names.name)
        version = found["header"]["version"]
        if version != how["newest"] and version in how:
            found = parse(how[version], names.name)
    # It can't hash, so it knows no segments: all blocks stand in one list, as it has them.
    blocks = [{"index": index, **block} for index, block in enumerate(found["blocks"])]
    parts = {"header": found["header"], "blocks": blocks, "segments": []}
    order = {"byte_order": found["header"]["endianness"]}
    return pruned({"format": order, **parts, "trailing": found["trailing"]}, how["lacks"])


if __name__ == "__main__":
    run(main, (Refused,))
