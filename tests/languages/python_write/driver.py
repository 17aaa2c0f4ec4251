"""Read files with the generated read-write Python class and write them again.

Usage: python driver.py OUT LIST; LIST names the files, one a line; what was written of the
first goes to OUT/0, of the second to OUT/1 … and one line with a file's name and what went
wrong, if anything did, to stdout. The generated msl.py is found on PYTHONPATH.
"""

import io
import json
import os
import sys

from kaitaistruct import KaitaiStream, ReadWriteKaitaiStruct
from msl import Msl

VIEWS = {
    "BlockLookahead": ("magic", "block_length"),
    "MemoryRegion": ("page_states",),
    "PaddedText": ("content",),
}
"""Instances that only look at bytes which belong to other fields: those are what is written."""


def rewritten(data):
    parser = Msl(KaitaiStream(io.BytesIO(data)))
    parser._read()
    parser._fetch_instances()
    settle(parser)
    out = io.BytesIO(bytes(len(data)))  # the size has to be known before
    parser._write(KaitaiStream(out))
    return out.getvalue()


def settle(found):
    """Turn the views off in a structure and all inside of it, and have each checked."""
    for name, value in list(vars(found).items()):
        if name not in ("_parent", "_root"):
            for inner in value if isinstance(value, list) else [value]:
                if isinstance(inner, ReadWriteKaitaiStruct):
                    settle(inner)
    for view in VIEWS.get(type(found).__name__, ()):
        setattr(found, f"{view}__enabled", False)
    found._check()


def main(folder, list_file):
    with open(list_file) as file:
        paths = file.read().splitlines()
    for index, path in enumerate(paths):
        shown = {"file": path}
        try:
            with open(path, "rb") as file:
                written = rewritten(file.read())
            with open(os.path.join(folder, str(index)), "wb") as file:
                file.write(written)
        except Exception as error:  # whatever a damaged file makes the parser do
            shown["error"] = f"{type(error).__name__}: {error}"
        print(json.dumps(shown))


if __name__ == "__main__":
    main(*sys.argv[1:])
