"""Put very many damaged cores and minidumps to the importer, and what it makes to its judges.

Usage: python tests/fuzzing/foreign.py [--count 10000] [--from 0] [--seconds S] [--keep DIR]

Every mutant ends in an error of ours, or in a dump that holds, of which `msl check` finds
nothing, that says the same as its source, and can be exported (`test_import_mutants`). Every fourth
has its memory measured; the process may never have more than 512 MiB beyond what it begins with.
The number makes the mutant again: ``--from 17 --count 1``.

Exit codes: 0 nothing found; 1 something found, a line on stdout for each; 2 usage.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).parents[1]
if __package__ in (None, ""):  # run as a program
    sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from test_import_mutants import SPECIMENS, judge, mutant  # noqa: E402 - found by what stands above

__all__ = ["main"]

_KEPT_AT_MOST = 40
_SAID = 1000
_MEASURED = 4
_ROOM = 512 << 20


def main(arguments: list[str] | None = None) -> int:
    """The command line; gives the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--from", type=int, default=0, dest="first", metavar="NUMBER")
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--keep", type=Path, metavar="DIR")
    given = parser.parse_args(arguments)
    end = time.monotonic() + given.seconds
    names = list(SPECIMENS)
    ended: Counter[str] = Counter()
    found = 0
    number = given.first
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + _ROOM, size + _ROOM))
    while number < given.first + given.count and time.monotonic() < end:
        name = names[number % len(names)]
        data = mutant(name, number)
        try:
            ended[judge(data, f"{name} {number}", measured=not number % _MEASURED)] += 1
        except (Exception, MemoryError) as error:
            found += 1
            cause = error.__cause__ or error
            print(f"{name} {number}: {type(cause).__name__}: {cause}", flush=True)
            if given.keep is not None:
                given.keep.mkdir(parents=True, exist_ok=True)
                (given.keep / f"{number}-{name}").write_bytes(data)
            if found == _KEPT_AT_MOST:
                break
        number += 1
        if number % _SAID == 0:
            print(f"to {number}: {dict(ended)}, {found} found", flush=True)
    print(f"{given.first} to {number - 1} of {len(names)} files: {dict(ended)}, {found} found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
