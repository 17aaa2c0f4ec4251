"""Runs of printable characters in a piece of memory: with numpy where it is there, else by `re`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, cached_property
from typing import Any

__all__ = ["Characters", "string_runs"]

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
    starts, ends = Characters(numpy, data).runs(least, encoding, first)
    yield from zip(starts.tolist(), ends.tolist())


class Characters:
    """What of bytes can be characters, asked for several encodings.

    Args:
        numpy: the module.
        data: bytes of memory.
    """

    def __init__(self, numpy: Any, data: bytes | bytearray) -> None:
        self.numpy = numpy
        self.values = numpy.frombuffer(data, numpy.uint8)

    @staticmethod
    def of(data: bytes | bytearray) -> Characters | None:
        """The same; None: there is no numpy."""
        numpy = _numpy()
        return None if numpy is None else Characters(numpy, data)

    def runs(self, least: int, encoding: str, first: int) -> tuple[Any, Any]:
        """Starts and ends of runs, two arrays; see `string_runs`."""
        if encoding == "ascii":
            starts, ends = self._edges(self._covered(self._printable[first:], least, 1))
            return starts + first, ends + (first + least - 1)
        printable, zero = self._printable[first:], self._zero[first:]
        little = encoding == "utf-16-le"
        pairs = printable[:-1] & zero[1:] if little else zero[:-1] & printable[1:]
        pairs = self._covered(pairs, least, 2)
        if not pairs.any():
            return self._edges(pairs[:0])
        found = [(parity, *self._edges(pairs[parity::2])) for parity in (0, 1)]
        starts = self.numpy.concatenate([first + parity + 2 * some for parity, some, _ in found])
        ends = self.numpy.concatenate([first + parity + 2 * some for parity, _, some in found])
        order = starts.argsort()
        return starts[order], ends[order] + 2 * (least - 1)

    @cached_property
    def _printable(self) -> Any:
        found = (self.values - self.numpy.uint8(0x20)) < self.numpy.uint8(0x5F)
        found |= self.values == _TAB
        return found

    @cached_property
    def _zero(self) -> Any:
        return self.values == 0

    @staticmethod
    def _covered(flags: Any, least: int, width: int) -> Any:
        """Where so many flags or more follow each other: by ANDs of ever larger steps.

        Args:
            width: from one flag to the next that follows it.
        """
        covered = 1
        while covered < least:
            step = min(covered, least - covered)
            far = step * width
            flags = flags[:-far] & flags[far:] if len(flags) > far else flags[:0]
            covered += step
        return flags

    def _edges(self, flags: Any) -> tuple[Any, Any]:
        """Where flags that stand side by side begin, and end."""
        numpy = self.numpy
        if not len(flags):
            return numpy.empty(0, numpy.int64), numpy.empty(0, numpy.int64)
        changes = numpy.flatnonzero(flags[1:] != flags[:-1]) + 1
        if flags[0]:
            changes = numpy.concatenate([[0], changes])
        if len(changes) % 2:
            changes = numpy.concatenate([changes, [len(flags)]])
        return changes[::2], changes[1::2]


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
