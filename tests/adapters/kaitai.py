"""A parser that Kaitai Struct generates from schema/*.ksy, as a decoder under test.

Usage: python kaitai.py FOLDER DUMP; FOLDER is of kaitai_build.py. It runs the driver of that
language in tests/languages, which prints what the generated classes hold. Of the parsers for
the versions of the format that one counts whose version the file has, by its own reading.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from ending import run


class Refused(Exception):
    """The parser raised while it read the file: it has no other way to refuse one."""


def started(how):
    """A driver that answers each path on its stdin with a line; it may be asked by a child."""
    return subprocess.Popen(
        [*how["command"], "/dev/stdin"],
        env={**os.environ, **how["environment"]},
        **dict.fromkeys(("stdin", "stdout"), subprocess.PIPE),
    )


def asked(driver, path):
    driver.stdin.write(f"{path}\n".encode())
    driver.stdin.flush()
    return json.loads(driver.stdout.readline())


def main(drivers, path):
    refusal = ""
    for version, driver in drivers.items():  # the newest first
        found = asked(driver, path)
        refusal = refusal or found.get("error", "")
        read = found.get("header", {}).get("version")
        if read == version or (read and read not in drivers):
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
    how = json.loads((Path(sys.argv[1]) / "run.json").read_text(encoding="utf-8"))
    drivers = {version: started(parser) for version, parser in how["parsers"].items()}
    run(lambda path: main(drivers, path), (Refused,))
