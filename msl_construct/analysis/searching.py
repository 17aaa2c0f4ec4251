"""Looking for patterns in virtual memory: across the edges of regions, never across a hole."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from heapq import merge
from itertools import islice

from ..abbreviated import abbreviated
from ..errors import DamageError, LimitError, MemoryAccessError
from ..schema import ByteOrder
from ..space import AddressSpace
from .finding import find_all
from .forked import can_fork, in_order
from .islands import CONTEXT, IslandPiece, SearchedBytes, islands, piece_size, read_piece
from .locations import Location, Locations
from .patterns import SearchPattern
from .string_runs import string_runs

__all__ = ["Hit", "Searched", "first_unreadable", "hit_at", "search"]

_WORTH_PROCESSES = 16
"""Pieces that are to be looked at."""
_BATCH = 1 << 29
_MOST_ISLANDS = 1 << 14
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


Found = tuple[int, int, int, "int | None", bytes, bytes, bytes]
"""Address, number of the pattern, length, value of a pointer; what is in front of it, its own
bytes, and what is behind it."""


def search(
    space: AddressSpace,
    places: Locations,
    patterns: Sequence[SearchPattern],
    *,
    order: ByteOrder = ByteOrder.LITTLE,
    within: Iterable[tuple[int, int]] | None = None,
    searched: Searched | None = None,
    processes: int = 1,
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
        processes: how many copies of this process look, where there is much to look at, no
            pattern is an expression, and no thread would be missing in a copy.
    """
    told = searched or Searched()
    look = _Look(space, places, patterns, order, told)
    for some in _batches(islands(space, within, told.coverage)):
        for address, number, length, value, before, data, after in look.at(some, processes):
            told.hits += 1
            pattern = patterns[number]
            yield Hit(
                address,
                length,
                data,
                pattern.kind,
                pattern.given,
                places.at(address),
                before,
                after,
                _text(pattern.kind, pattern, data),
                value,
            )


def _batches(found: Iterator[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Islands, as many as are looked at by processes that are made once."""
    batch: list[tuple[int, int]] = []
    size = 0
    for start, end in found:
        batch.append((start, end))
        size += end - start
        if size >= _BATCH or len(batch) >= _MOST_ISLANDS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


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
    first = max(island[0], address - CONTEXT)
    last = min(island[1], address + length + CONTEXT)
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
    if pattern.runs is not None:
        return data.decode(pattern.runs[0], "replace")
    if kind in ("text", "utf16", "base64", "reversed"):
        return pattern.given
    if kind == "regex" and data.isascii() and data.decode("ascii").isprintable():
        return data.decode("ascii")
    return None


@dataclass
class _Look:
    """Looking for patterns, island by island."""

    space: AddressSpace
    places: Locations
    patterns: Sequence[SearchPattern]
    order: ByteOrder
    told: Searched

    def __post_init__(self) -> None:
        self.longest = max((pattern.longest for pattern in self.patterns), default=0)
        self.size = piece_size(self.longest)
        self.sequential = [
            index
            for index, one in enumerate(self.patterns)
            if one.kind == "regex" or one.runs is not None
        ]

    def at(self, some: list[tuple[int, int]], processes: int) -> Iterator[Found]:
        """All matches in islands."""
        units = [
            (start, end, number)
            for start, end in some
            for number in range(-(-(end - start) // self.size))
        ]
        together = not self.sequential and processes > 1 and len(units) >= _WORTH_PROCESSES
        if together and can_fork():
            yield from self._together(units, processes)
            return
        for start, end in some:
            yield from self._island(start, end)

    def _together(self, units: list[tuple[int, int, int]], processes: int) -> Iterator[Found]:
        """In several processes; an island of which something can't be had, in this one."""

        def work(number: int) -> list[Found | None]:
            try:
                return list(self._piece(*units[number], {}))
            except (DamageError, LimitError):
                return [None]

        done, lost = 0, -1
        with closing(in_order(work, len(units), processes)) as results:
            for (start, end, number), found in zip(units, results):
                if start == lost:
                    continue
                done = done if number else 0
                if found == [None]:
                    lost = start
                    yield from islice(self._island(start, end), done, None)
                    continue
                done += len(found)
                yield from found

    def _island(self, start: int, end: int) -> Iterator[Found]:
        """All matches of an island, but for regions of it that can't be read."""
        while start < end:
            done = 0
            try:
                for found in self._readable(start, end):
                    yield found
                    done += 1
                return
            except (DamageError, LimitError):
                stop, behind, why = first_unreadable(self.space, self.places, start, end)
            # What stands in front of it is found again, up to its very edge.
            yield from islice(self._readable(start, stop), done, None)
            self.told.failed.append(f"{behind - stop} bytes at {stop:#x} were not searched: {why}")
            self.told.coverage.captured -= behind - stop
            start = behind

    def _readable(self, start: int, end: int) -> Iterator[Found]:
        """Matches in captured memory.

        Raises:
            DamageError, LimitError: some of it can't be had.
        """
        behind = dict.fromkeys(self.sequential, start)  # where each goes on
        for number in range(-(-(end - start) // self.size)):
            yield from self._piece(start, end, number, behind)

    def _piece(self, start: int, end: int, number: int, behind: dict[int, int]) -> Iterator[Found]:
        piece = read_piece(self.space, start, end, number, self.size, self.longest)
        return merge(
            *(
                _matches(one, n, piece, behind, self.order, self.told)
                for n, one in enumerate(self.patterns)
            )
        )


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


def _matches(
    pattern: SearchPattern,
    number: int,
    piece: IslandPiece,
    behind: dict[int, int],
    order: ByteOrder,
    told: Searched,
) -> Iterator[Found]:
    """Matches that begin in a piece; of an expression, behind the last that was found."""
    base, data = piece.address, piece.data
    first, last = max(behind.get(number, 0) - base, piece.first), piece.stop
    if pattern.runs is not None:
        found = _by_runs(pattern, data, first, last)
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
        if number in behind:
            behind[number] = base + stop
        if pattern.kind == "regex" and stop == len(data) and not piece.ends:
            told.failed.append(
                f"a match of {abbreviated(pattern.given)} at {base + at:#x} may go on: it was "
                f"followed for {length} bytes"
            )
        yield (
            base + at,
            number,
            length,
            value,
            bytes(data[max(0, at - CONTEXT) : at]),
            bytes(data[at : min(stop, at + _SHOWN)]),
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
    pattern: SearchPattern, data: bytes | bytearray, first: int, last: int
) -> Iterator[Match]:
    """Strings; one that is longer than any is cut."""
    assert pattern.runs is not None
    encoding, least = pattern.runs
    for start, end in string_runs(data, least, encoding, first):
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
