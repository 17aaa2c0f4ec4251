"""Matches of one pattern in a piece of captured memory."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from ..abbreviated import abbreviated
from ..schema import ByteOrder
from .finding import find_all
from .islands import CONTEXT, IslandPiece
from .patterns import SearchPattern
from .string_runs import string_runs

__all__ = ["SHOWN", "Found", "matches"]

SHOWN = 256
"""Bytes of a hit that it carries."""

Found = tuple[int, int, int, "int | None", bytes, bytes, bytes]
"""Address, number of the pattern, length, value of a pointer; what is in front of it, its own
bytes, and what is behind it."""


def matches(
    pattern: SearchPattern,
    number: int,
    piece: IslandPiece,
    behind: dict[int, int] | None,
    order: ByteOrder,
    told: list[str],
) -> Iterator[Found]:
    """Matches that begin in a piece; of an expression, behind the last that was found.

    Args:
        pattern, number: what for, and which of all patterns that is.
        piece: where.
        behind: where expressions and strings go on, by their numbers; None: a string that begins in
            front of the piece is one of that.
        order: of pointers.
        told: what is to be said of matches that may be longer.
    """
    base, data = piece.address, piece.data
    goes_on = 0 if behind is None else behind.get(number, 0)
    first, last = max(goes_on - base, piece.first), piece.stop
    if pattern.runs is not None:
        found = _by_runs(pattern, data, first, last, alone=behind is None and first > 0)
    elif pattern.bounds is not None:
        found = _pointers(pattern, piece, first, last, order)
    elif pattern.kind == "regex":
        found = _by_expression(pattern, data, first, last)
    elif pattern.literal:
        found = _by_literal(pattern, data, first, last)
    else:
        found = _everywhere(pattern, data, first, last)
    for at, length, value in found:
        stop = at + length
        if behind is not None and number in behind:
            behind[number] = base + stop
        if pattern.kind == "regex" and stop == len(data) and not piece.ends:
            told.append(
                f"a match of {abbreviated(pattern.given)} at {base + at:#x} may go on: it was "
                f"followed for {length} bytes"
            )
        yield (
            base + at,
            number,
            length,
            value,
            bytes(data[max(0, at - CONTEXT) : at]),
            bytes(data[at : min(stop, at + SHOWN)]),
            bytes(data[stop : stop + CONTEXT]),
        )


Match = tuple[int, int, "int | None"]


def _by_literal(
    pattern: SearchPattern, data: bytes | bytearray, first: int, last: int
) -> Iterator[Match]:
    """Look for the bytes that are known, then at what is around them."""
    expression, literal, before = pattern.expression, pattern.literal, pattern.before
    assert expression is not None
    for at in find_all(data, literal, first + before):
        if at - before >= last:
            return
        match = expression.match(data, at - before)
        if match is not None:
            yield at - before, match.end() - match.start(), None


def _by_runs(
    pattern: SearchPattern, data: bytes | bytearray, first: int, last: int, *, alone: bool
) -> Iterator[Match]:
    """Strings; one that is longer than any is cut.

    Args:
        alone: whether one that begins in front of `first` is none of ours.
    """
    assert pattern.runs is not None
    encoding, least = pattern.runs
    for start, end in string_runs(data, least, encoding, first - pattern.width * alone):
        if start < first:
            continue
        while start < last and (end - start) // pattern.width >= least:
            stop = min(end, start + pattern.longest)
            yield start, stop - start, None
            start = stop
        if start >= last:
            return


def _by_expression(
    pattern: SearchPattern, data: bytes | bytearray, first: int, last: int
) -> Iterator[Match]:
    assert pattern.expression is not None
    for match in pattern.expression.finditer(data, first):
        if match.start() >= last:
            return
        if match.end() > match.start():
            yield match.start(), match.end() - match.start(), None


def _everywhere(
    pattern: SearchPattern, data: bytes | bytearray, first: int, last: int
) -> Iterator[Match]:
    """Matches wherever they begin, of what has no byte that is certain."""
    assert pattern.expression is not None
    at = first
    while at < last:
        match = pattern.expression.search(data, at)
        if match is None or match.start() >= last:
            return
        yield match.start(), match.end() - match.start(), None
        at = match.start() + 1


def _pointers(
    pattern: SearchPattern, piece: IslandPiece, first: int, last: int, order: ByteOrder
) -> Iterator[Match]:
    assert pattern.bounds is not None
    low, high = pattern.bounds
    width = pattern.width
    first += -(piece.address + first) % width
    stop = min(last + width - 1, len(piece.data))
    count = max(0, (stop - first) // width)
    values = memoryview(piece.data)[first : first + count * width]
    for index, value in _values(values, width, order, low, high):
        yield first + index * width, width, value


def _values(
    data: memoryview, width: int, order: ByteOrder, low: int, high: int
) -> Iterator[tuple[int, int]]:
    try:
        import numpy  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        mark = "<" if order is ByteOrder.LITTLE else ">"
        for index, (value,) in enumerate(struct.iter_unpack(f"{mark}{_CODES[width]}", data)):
            if low <= value < high:
                yield index, value
        return
    numbers = numpy.frombuffer(data, f"{'<' if order == 'little' else '>'}u{width}")
    top = 1 << 8 * width
    if low >= top:
        return
    kind = numpy.dtype(f"u{width}").type
    first, span = kind(low), kind(min(high, top) - 1 - low)
    scratch = numpy.empty(_AT_ONCE, kind)
    for begin in range(0, len(numbers), _AT_ONCE):
        some = numbers[begin : begin + _AT_ONCE]
        # What is below the range wraps around to far above it, so that the least of all says
        # whether there is one.
        shifted = numpy.subtract(some, first, out=scratch[: len(some)])
        if shifted.min() <= span:
            for index in numpy.flatnonzero(shifted <= span).tolist():
                yield begin + index, int(some[index])


_AT_ONCE = 16384
"""Numbers that a processor holds close to itself."""
_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}
