"""The decoder in tests/independent as a decoder under test: `struct` and the drafts, no more.

Usage: python independent_decoder.py DUMP. It shows everything but the bytes of pages and of
compressed payloads.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

from ending import run
from independent.decode import NotMsl, decode


def main(path):
    return decode(Path(path).read_bytes(), path)


if __name__ == "__main__":
    run(main, (NotMsl,))
