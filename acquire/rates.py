"""How fast pages become a dump on this machine: measured on a little, before anybody is touched."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from typing import NamedTuple

from msl_construct.builder.compress import compressor
from msl_construct.builder.crew import WORKERS
from msl_construct.hashing import new_hasher

__all__ = ["COPYING", "Rates", "rates"]

COPYING = 0.03 / (1 << 30)
"""Seconds that copying a process (fork) takes for each byte; in huge pages a thirtieth."""

_READING = 4e9
"""Bytes a second out of a process; measured between 3 and 9 GB/s."""
_SHARE = 0.6
"""Of what the stages would do one after the other; the machine has other things to do."""
_DISK = 400e6
"""Bytes a second into a new file: disks differ more than can be known without writing to them."""
_SAMPLE = 1 << 20
_LEAST = 1 << 16
_PATIENCE = 0.1  # seconds for measuring one codec


class Rates(NamedTuple):
    """Bytes of pages a second.

    Attributes:
        reading: for pages that are read.
        zeros: for pages that are written as zeros without being read.
    """

    reading: float
    zeros: float


def rates(compress: str, level: int | None, algorithm: str, *, disk: bool) -> Rates:
    """What can be expected.

    Args:
        compress, level: the codec; ``none`` for none.
        algorithm: HashAlgo name.
        disk: whether the dump goes to a file on a disk.
    """
    hashing = _hashing(algorithm)
    most = _DISK if disk else float("inf")
    if compress == "none":
        both = _SHARE / (1 / _READING + 1 / hashing)
        return Rates(min(both, most), min(_SHARE * hashing, most))
    found = [
        _SHARE * WORKERS / (1 / _READING + 1 / _compressing(compress, level, zeros))
        for zeros in (False, True)
    ]
    return Rates(*found)


@cache
def _hashing(algorithm: str) -> float:
    data = bytes(4 << 20)
    hasher = new_hasher(algorithm)
    return _rate(len(data), lambda: hasher.update(data))


@cache
def _compressing(codec: str, level: int | None, zeros: bool) -> float:
    """One thread's rate, on programs (which are harder than most data) or on zeros."""
    sample = bytes(_SAMPLE) if zeros else _program()
    compress = compressor(codec, level)
    compress(sample[:_LEAST])  # its tables are made at first use
    began, size, rate = time.monotonic(), _LEAST, 1.0
    while size <= len(sample):
        rate = _rate(size, partial(compress, sample[:size]))
        if time.monotonic() - began > _PATIENCE / 4:  # the next takes twice as long
            break
        size *= 2
    return rate


def _rate(size: int, work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return size / max(time.perf_counter() - began, 1e-6)


@cache
def _program() -> bytes:
    """Machine code and tables of the interpreter itself."""
    for path in (sys.executable, os.__file__):
        with suppress(OSError), open(path, "rb") as file:
            file.seek(max(0, os.path.getsize(path) // 3))
            found = file.read(_SAMPLE)
            if len(found) >= _LEAST:
                return found
    return bytes(range(256)) * (_SAMPLE >> 8)
