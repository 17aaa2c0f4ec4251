"""How fast pages become a dump on this machine: measured on a little, before anybody is touched."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache, partial
from random import Random
from typing import NamedTuple

from msl_construct.builder.compressing_feed import WORKERS
from msl_construct.codecs.compress import compressor
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
_PATIENCE = 0.2  # seconds for measuring one codec


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
    data = bytes(_SAMPLE)
    hasher = new_hasher(algorithm)
    return max(_rate(len(data), partial(hasher.update, data)) for _ in range(4))


@cache
def _compressing(codec: str, level: int | None, zeros: bool) -> float:
    """One thread's rate, on what is like a heap or on zeros."""
    sample = bytes(_SAMPLE) if zeros else _heap()
    compress = compressor(codec, level)
    compress(sample[:_LEAST])  # its tables are made at first use
    began, size, rate = time.thread_time(), _LEAST, 1.0
    while size <= len(sample):
        rate = max(rate, _rate(size, partial(compress, sample[:size])))
        if time.thread_time() - began > _PATIENCE / 4:  # the next takes twice as long
            break
        size *= 2
    return rate


def _rate(size: int, work: Callable[[], object]) -> float:
    """Bytes in a second of processor time: what others do meanwhile must not count."""
    began = time.thread_time()
    work()
    return size / max(time.thread_time() - began, 1e-6)


@cache
def _heap() -> bytes:
    """Something like a heap: words that are counters, small numbers, or pointers into one area."""
    random = Random(0)
    words = _SAMPLE // 8
    sample = bytearray(_SAMPLE)
    sample[0::8] = random.randbytes(words)
    sample[1::8] = random.randbytes(words)
    for place, value in ((2, 0x5A), (3, 0x1E), (4, 0x7F), (5, 0x7F)):
        kept = random.randbytes(words // 2)
        sample[place :: 2 * 8] = bytes(value if byte & 1 else byte for byte in kept)
    return bytes(sample)
