"""Looking for patterns in virtual memory: across the edges of regions, never across a hole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from heapq import merge
from itertools import chain, islice

from ..errors import DamageError, LimitError, MemoryAccessError
from ..schema import ByteOrder
from ..space import AddressSpace, NearbyBytes
from .forked import can_fork, in_order
from .islands import CONTEXT, SearchedBytes, islands, piece_size, read_piece
from .locations import Location, Locations
from .matching import SHOWN, Found, matches
from .patterns import SearchPattern

__all__ = ["Hit", "Searched", "first_unreadable", "hit_at", "search"]

_WORTH_PROCESSES = 16
"""Pieces that are to be looked at."""
_AT_ONCE = 8
"""Of them, before a process says what it has found."""
_BATCH = 1 << 29
_MOST_ISLANDS = 1 << 14


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
        around[address - first : address - first + min(length, SHOWN)],
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
        self.nearby = NearbyBytes(self.space)
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

        def one(unit: tuple[int, int, int]) -> list[Found | None]:
            try:
                return list(self._piece(*unit, {}))
            except (DamageError, LimitError):
                return [None]

        def work(number: int) -> list[list[Found | None]]:
            first = number * _AT_ONCE
            return [one(unit) for unit in units[first : first + _AT_ONCE]]

        done, lost = 0, -1
        with closing(in_order(work, -(-len(units) // _AT_ONCE), processes)) as results:
            for (start, end, number), found in zip(units, chain.from_iterable(results)):
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
        piece = read_piece(self.nearby, start, end, number, self.size, self.longest)
        return merge(
            *(
                matches(one, n, piece, behind, self.order, self.told.failed)
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
