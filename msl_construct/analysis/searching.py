"""Looking for patterns in virtual memory: across the edges of regions, never across a hole."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from heapq import merge
from itertools import islice

from ..errors import DamageError, LimitError, MemoryAccessError
from ..schema import ByteOrder
from ..space import AddressSpace
from .islands import IslandPiece, SearchedBytes, islands, pieces
from .locations import Location, Locations
from .patterns import SearchPattern

__all__ = ["Hit", "Searched", "first_unreadable", "hit_at", "search"]

_CONTEXT = 16
"""Bytes in front of a hit and behind it that are shown with it."""
_SEEN_BEHIND = 64
"""Bytes in front of where a match may begin that an expression can look at."""
_SHOWN = 256
"""Bytes of a hit that it carries."""


@dataclass(frozen=True)
class Hit:
    """Where a pattern was found.

    Attributes:
        address, length: of the match, in bytes.
        data: its bytes; of a long one the first.
        kind, pattern: what was looked for; of a string, its encoding and empty.
        location: where that is.
        before, after: captured bytes next to it, at most 16 each.
        text: the bytes as text where that is what they are; else None.
        value: of a pointer; else None.
        rule: of YARA; else None. Its `pattern` is that of the rule which matches; of a rule that
            needs none it is empty, and the length 0.
    """

    address: int
    length: int
    data: bytes
    kind: str
    pattern: str
    location: Location
    before: bytes
    after: bytes
    text: str | None = None
    value: int | None = None
    rule: str | None = None


@dataclass
class Searched:
    """What a search looked at; complete when it has ended.

    Attributes:
        coverage: bytes that were searched, and those that could not be.
        failed: what could not be read although it was captured, each with where and why.
        hits: how many there were.
    """

    coverage: SearchedBytes = field(default_factory=lambda: SearchedBytes(0, {}))
    failed: list[str] = field(default_factory=list)
    hits: int = 0


Found = tuple[int, int, int, "int | None"]
"""Address, number of the pattern, length, value of a pointer."""


def search(
    space: AddressSpace,
    places: Locations,
    patterns: Sequence[SearchPattern],
    *,
    order: ByteOrder = ByteOrder.LITTLE,
    within: Iterable[tuple[int, int]] | None = None,
    searched: Searched | None = None,
) -> Iterator[Hit]:
    """All matches of all patterns in one pass, by address.

    A text, number or sequence of bytes is found wherever it begins; matches of one regular
    expression do not overlap.

    Args:
        space: what is searched.
        places: says where a hit is.
        patterns: what for.
        order: byte order of pointers.
        within: address ranges, ascending and apart; None: everything.
        searched: told what was looked at.
    """
    told = searched or Searched()
    for start, end in islands(space, within, told.coverage):
        for address, number, length, value in _island(
            space, places, start, end, patterns, order, told
        ):
            told.hits += 1
            pattern = patterns[number]
            hit = hit_at(space, places, (start, end), address, length, pattern.kind, pattern.given)
            yield replace(hit, text=_text(pattern.kind, pattern, hit.data), value=value)


def hit_at(
    space: AddressSpace,
    places: Locations,
    island: tuple[int, int],
    address: int,
    length: int,
    kind: str,
    pattern: str,
) -> Hit:
    """A hit with what is around it.

    Args:
        island: how far what is captured goes.

    Raises:
        MemoryAccessError, DamageError, LimitError: its own bytes can't be had.
    """
    first = max(island[0], address - _CONTEXT)
    last = min(island[1], address + length + _CONTEXT)
    try:
        around = bytes(space.read(first, last - first))
    except (DamageError, LimitError, MemoryAccessError):  # of what is next to it
        first, last = address, address + length
        around = bytes(space.read(first, last - first))
    return Hit(
        address,
        length,
        around[address - first : address - first + min(length, _SHOWN)],
        kind,
        pattern,
        places.at(address),
        around[: address - first],
        around[address - first + length :],
    )


def _text(kind: str, pattern: SearchPattern, data: bytes) -> str | None:
    if kind in ("text", "utf16", "base64", "reversed"):
        return pattern.given
    if kind == "regex" and data.isascii() and data.decode("ascii").isprintable():
        return data.decode("ascii")
    return None


def _island(
    space: AddressSpace,
    places: Locations,
    start: int,
    end: int,
    patterns: Sequence[SearchPattern],
    order: ByteOrder,
    told: Searched,
) -> Iterator[Found]:
    """All matches of an island, but for regions of it that can't be read."""
    while start < end:
        done = 0
        try:
            for found in _readable(space, start, end, patterns, order):
                yield found
                done += 1
            return
        except (DamageError, LimitError):
            stop, behind, why = first_unreadable(space, places, start, end)
        # What stands in front of it is found again, up to its very edge.
        yield from islice(_readable(space, start, stop, patterns, order), done, None)
        told.failed.append(f"{behind - stop} bytes at {stop:#x} were not searched: {why}")
        told.coverage.captured -= behind - stop
        start = behind


def first_unreadable(
    space: AddressSpace, places: Locations, start: int, end: int
) -> tuple[int, int, str]:
    """Where the first region begins and ends that can't be read, and why."""
    at = start
    while at < end:
        behind = min(end, places.end_of(at))
        try:
            space.read(at, 1)
        except (DamageError, LimitError) as error:
            return at, behind, str(error)
        at = behind
    return start, end, "it could be read at its beginning only"


def _readable(
    space: AddressSpace,
    start: int,
    end: int,
    patterns: Sequence[SearchPattern],
    order: ByteOrder,
) -> Iterator[Found]:
    """Matches in captured memory.

    Raises:
        DamageError, LimitError: some of it can't be had.
    """
    longest = max(pattern.longest for pattern in patterns)
    overlap = longest + _SEEN_BEHIND
    behind = [start] * len(patterns)  # where each goes on
    if start >= end:
        return
    for piece in pieces(space, start, end, overlap):
        stop = end if piece.last else piece.address + len(piece.data) - longest
        found = [
            _matches(pattern, number, piece, behind, stop, order)
            for number, pattern in enumerate(patterns)
        ]
        yield from merge(*found)


def _matches(
    pattern: SearchPattern,
    number: int,
    piece: IslandPiece,
    behind: list[int],
    stop: int,
    order: ByteOrder,
) -> Iterator[Found]:
    """Matches that begin from where this pattern goes on to `stop`."""
    base = piece.address
    first = max(behind[number], base) - base
    last = stop - base
    if pattern.bounds is not None:
        found = _pointers(pattern, piece, first, last, order)
    elif pattern.kind == "regex":
        found = _by_expression(pattern, piece.data, first, last)
    elif pattern.literal:
        found = _by_literal(pattern, piece.data, first, last)
    else:
        found = _everywhere(pattern, piece.data, first, last)
    behind[number] = max(behind[number], stop)
    for at, length, value in found:
        if pattern.kind == "regex":
            behind[number] = max(behind[number], base + at + length)
        yield base + at, number, length, value


Match = tuple[int, int, "int | None"]


def _by_literal(
    pattern: SearchPattern, data: bytes | bytearray, first: int, last: int
) -> Iterator[Match]:
    """Look for the bytes that are known, then at what is around them."""
    expression, literal, before = pattern.expression, pattern.literal, pattern.before
    assert expression is not None
    at = data.find(literal, first + before)
    while at >= 0 and at - before < last:
        match = expression.match(data, at - before)
        if match is not None:
            yield at - before, match.end() - match.start(), None
        at = data.find(literal, at + 1)


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
    if low >= 1 << 8 * width:
        return
    top = min(high - 1, (1 << 8 * width) - 1)
    found = numpy.flatnonzero(
        (numbers >= numbers.dtype.type(low)) & (numbers <= numbers.dtype.type(top))
    )
    for index in found.tolist():
        yield index, int(numbers[index])


_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}
