"""Seeds one after the other: options, progress, what is kept, and the end of it."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable
from pathlib import Path

__all__ = ["judge_seeds", "seed_options"]

_KEPT_AT_MOST = 20


def seed_options(parser: argparse.ArgumentParser, *, count: int, seed: str) -> None:
    """Which seeds, for how long, and where to put what was found."""
    parser.add_argument("--count", type=int, default=count)
    parser.add_argument("--from", type=int, default=0, dest="first", metavar="NUMBER")
    parser.add_argument("--seed", default=seed)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--keep", type=Path, metavar="DIR")


def judge_seeds(
    given: argparse.Namespace,
    judge: Callable[[str, int], int],
    made: Callable[[str], Iterable[bytes]],
    *,
    said: int,
) -> int:
    """Put the files of seeds to a judge; the exit code.

    Args:
        given: see `seed_options`.
        judge: gives how many files there were of a seed, which it gets with its number.
        made: the files of a seed, to keep them.
        said: seeds between two lines about how far it is.
    """
    end = time.monotonic() + given.seconds
    found = files = 0
    number = given.first
    while number < given.first + given.count and time.monotonic() < end:
        seed = f"{given.seed}:{number}"
        try:
            files += judge(seed, number)
        except Exception as error:
            found += 1
            print(f"{seed}: {type(error).__name__}: {error}", flush=True)
            if given.keep is not None:
                given.keep.mkdir(parents=True, exist_ok=True)
                for index, data in enumerate(made(seed)):
                    (given.keep / f"{given.seed}-{number}-{index}.msl").write_bytes(data)
            if found == _KEPT_AT_MOST:
                break
        number += 1
        if number % said == 0:
            print(f"to {number}: {files} files, {found} found", flush=True)
    seeds = f"seeds {given.seed}:{given.first} to {given.seed}:{number - 1}"
    print(f"{seeds}: {files} files, {found} found")
    return 1 if found else 0
