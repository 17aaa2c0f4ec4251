"""A parser that Kaitai Struct generates from schema/msl.ksy, as a decoder under test.

Usage: python kaitai.py FOLDER DUMP; FOLDER is of kaitai_build.py. It runs the driver of that
language in tests/languages, which prints what the generated classes hold.
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


def main(path):
    folder = Path(sys.argv[1])
    how = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as names:
        names.write(f"{path}\n")
        names.flush()
        done = subprocess.run(
            [*how["command"], folder / "plan.json", names.name],
            env={**os.environ, **how["environment"]},
            capture_output=True,
            check=True,
        )
    found = json.loads(done.stdout)
    if "error" in found:
        raise Refused(found["error"])
    # It can't hash, so it knows no segments: all blocks stand in one list, as it has them.
    blocks = [{"index": index, **block} for index, block in enumerate(found["blocks"])]
    return {
        "header": found["header"],
        "blocks": blocks,
        "segments": [],
        "trailing": found["trailing"],
    }


if __name__ == "__main__":
    run(main, (Refused,))
