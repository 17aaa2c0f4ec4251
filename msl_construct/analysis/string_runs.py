"""Runs of printable characters in a piece of memory: with numpy where it is there, else by `re`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

__all__ = ["string_runs"]

_TAB = 9
_PRINTABLE = b"[\\x20-\\x7e\\t]"


def string_runs(
    data: bytes | bytearray, least: int, encoding: str, first: int = 0
) -> Iterator[tuple[int, int]]:
    """Start and end of each run, as long as it is.

    Args:
        least: characters.
        encoding: ``ascii``, ``utf-16-le`` or ``utf-16-be``.
        first: where to begin; a run that goes on from in front of it begins there.
    """
    numpy = _numpy()
    if numpy is None:
        for match in _expression(least, encoding).finditer(data, first):
            yield match.span()
        return
    values = numpy.frombuffer(data, numpy.uint8)[first:]
    printable = (values - numpy.uint8(0x20)) < numpy.uint8(0x5F)
    printable |= values == _TAB
    if encoding == "ascii":
        for start, end in _edges(numpy, printable, least):
            yield first + start, first + end
        return
    zero = values == 0
    little = encoding == "utf-16-le"
    pairs = printable[:-1] & zero[1:] if little else zero[:-1] & printable[1:]
    if not pairs.any():
        return
    found = [
        (first + parity + 2 * start, first + parity + 2 * end)
        for parity in (0, 1)
        for start, end in _edges(numpy, pairs[parity::2], least)
    ]
    yield from sorted(found)


@cache
def _numpy() -> Any:
    try:
        import numpy  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return None
    return numpy


@cache
def _expression(least: int, encoding: str) -> re.Pattern[bytes]:
    one = {
        "ascii": _PRINTABLE,
        "utf-16-le": b"(?:" + _PRINTABLE + b"\\x00)",
        "utf-16-be": b"(?:\\x00" + _PRINTABLE + b")",
    }[encoding]
    return re.compile(one + b"{%d,}" % least, re.DOTALL)


def _edges(numpy: Any, flags: Any, least: int) -> list[tuple[int, int]]:
    """Where so many flags or more stand side by side: by ANDs of ever larger steps."""
    covered = 1
    while covered < least:
        step = min(covered, least - covered)
        flags = flags[:-step] & flags[step:] if len(flags) > step else flags[:0]
        covered += step
    if not len(flags):
        return []
    changes = (numpy.flatnonzero(flags[1:] != flags[:-1]) + 1).tolist()
    if flags[0]:
        changes.insert(0, 0)
    if len(changes) % 2:
        changes.append(len(flags))
    more = least - 1
    return [(start, end + more) for start, end in zip(changes[::2], changes[1::2])]
