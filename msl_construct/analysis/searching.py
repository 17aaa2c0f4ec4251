"""Looking for patterns in virtual memory: across the edges of regions, never across a hole."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from heapq import merge
from itertools import chain, islice
from typing import Any, Literal

from ..errors import DamageError, LimitError, MemoryAccessError
from ..schema import ByteOrder
from ..space import AddressSpace, CapturedReader
from .forked import can_fork, in_order
from .islands import CONTEXT, SearchedBytes, islands, piece_size, read_piece
from .locations import Location, Locations
from .matching import SHOWN, Found, matches
from .patterns import SearchPattern

__all__ = ["Hit", "Searched", "first_unreadable", "hit_at", "search", "search_rows"]

_Rows = list[Any]
_Looked = tuple[_Rows, dict[int, int]]
"""What is in a piece, and where strings go on if one was cut."""
_Answer = _Looked | Literal["lost", "later"]
"""The same; that it can't be had; that nobody has looked."""
_WORTH_PROCESSES = 16
"""Pieces that are to be looked at."""
_AT_ONCE = 8
"""Of them, before a process says what it has found."""
_MANY = 1 << 16
"""Hits that a process remembers before it leaves the next pieces to who asked it."""
_BATCH = 1 << 29
_MOST_ISLANDS = 1 << 14


@dataclass(slots=True, unsafe_hash=True)  # frozen ones take five times as long to make
class Hit:
    """Where a pattern was found. Not to be changed.

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
    look = _Look(space, places, patterns, order, told, lambda found: found)
    for some in look.everywhere(within, processes):
        for found in some:
            told.hits += 1
            yield look.hit(found)


def search_rows(
    space: AddressSpace,
    places: Locations,
    patterns: Sequence[SearchPattern],
    row: Callable[[Hit], str],
    *,
    order: ByteOrder = ByteOrder.LITTLE,
    within: Iterable[tuple[int, int]] | None = None,
    searched: Searched | None = None,
    processes: int = 1,
) -> Iterator[list[str]]:
    """The same as rows of text, each made by the process that found the hit; some at a time.

    Args:
        space, places, patterns, order, within, searched, processes: as for `search`.
        row: makes one of a hit.
    """
    told = searched or Searched()
    look = _Look(space, places, patterns, order, told, lambda found: row(look.hit(found)))
    for some in look.everywhere(within, processes):
        told.hits += len(some)
        yield some


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
    """Looking for patterns, island by island.

    Attributes:
        made: what becomes of a match, where it is found.
    """

    space: AddressSpace
    places: Locations
    patterns: Sequence[SearchPattern]
    order: ByteOrder
    told: Searched
    made: Callable[[Found], Any]

    def __post_init__(self) -> None:
        self.longest = max((pattern.longest for pattern in self.patterns), default=0)
        self.size = piece_size(self.longest)
        self.nearby = CapturedReader(self.space)
        self.sequential = [
            index
            for index, one in enumerate(self.patterns)
            if one.kind == "regex" or one.runs is not None
        ]
        self._expressions = any(one.kind == "regex" for one in self.patterns)

    def hit(self, found: Found) -> Hit:
        """A match with what it is and where."""
        address, number, length, value, before, data, after = found
        pattern = self.patterns[number]
        return Hit(
            address,
            length,
            data,
            pattern.kind,
            pattern.given,
            self.places.at(address),
            before,
            after,
            _text(pattern.kind, pattern, data),
            value,
        )

    def everywhere(
        self, within: Iterable[tuple[int, int]] | None, processes: int
    ) -> Iterator[_Rows]:
        """All matches, some at a time."""
        for some in _batches(islands(self.space, within, self.told.coverage)):
            yield from self._at(some, processes)

    def _at(self, some: list[tuple[int, int]], processes: int) -> Iterator[_Rows]:
        """All matches in islands."""
        units = [
            (start, end, number)
            for start, end in some
            for number in range(-(-(end - start) // self.size))
        ]
        together = processes > 1 and len(units) >= _WORTH_PROCESSES
        if together and not self._expressions and can_fork():
            yield from self._together(units, processes)
            return
        for start, end in some:
            yield from ([self.made(found)] for found in self._island(start, end))

    def _together(self, units: list[tuple[int, int, int]], processes: int) -> Iterator[_Rows]:
        """In several processes; an island of which something can't be had, in this one.

        So is a piece behind one with a string that was cut, since it has the rest of it, and a
        piece behind one with very much in it.
        """
        self.places.at(units[0][0])  # what that takes is made once, and not in each copy
        lost = -1
        behind: dict[int, int] = {}  # where strings go on that were cut
        done = 0
        with closing(self._answers(units, processes)) as answers:
            for unit, answer in zip(units, answers):
                start, end, number = unit
                if start == lost:
                    continue
                if number == 0:
                    behind, done = {}, 0
                try:
                    if answer == "lost":
                        raise DamageError("another process could not have it")
                    if behind or answer == "later":
                        goes_on = dict[int, int]()
                        for row in self._rows(unit, behind or None, goes_on):
                            done += 1
                            yield [row]
                        behind = goes_on
                    else:
                        done += len(answer[0])
                        yield answer[0]
                        behind = answer[1]
                except (DamageError, LimitError):
                    lost = start
                    for found in islice(self._island(start, end), done, None):
                        yield [self.made(found)]

    def _rows(
        self, unit: tuple[int, int, int], behind: dict[int, int] | None, goes_on: dict[int, int]
    ) -> Iterator[Any]:
        """What is in a piece.

        Args:
            behind: see `matches`.
            goes_on: told where strings go on, if one was cut.

        Raises:
            DamageError, LimitError: it can't be had.
        """
        cut, ends = False, dict.fromkeys(self.sequential, unit[0])
        for one in self._piece(*unit, behind):
            if one[1] in ends:
                ends[one[1]] = one[0] + one[2]
                cut = cut or one[2] == self.patterns[one[1]].longest
            yield self.made(one)
        if cut:
            goes_on.update(ends)

    def _answers(
        self, units: list[tuple[int, int, int]], processes: int
    ) -> Generator[_Answer, None, None]:
        """An answer of each piece."""
        at_once = 1 if self.sequential else _AT_ONCE

        def work(number: int) -> list[_Answer]:
            answers: list[_Answer] = []
            count = 0
            for unit in units[number * at_once : (number + 1) * at_once]:
                if count >= _MANY:
                    answers.append("later")
                    continue
                goes_on = dict[int, int]()
                try:
                    rows = list(self._rows(unit, None, goes_on))
                except (DamageError, LimitError):
                    answers.append("lost")
                else:
                    answers.append((rows, goes_on))
                    count += len(rows)
            return answers

        with closing(in_order(work, -(-len(units) // at_once), processes)) as results:
            yield from chain.from_iterable(results)

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

    def _piece(
        self, start: int, end: int, number: int, behind: dict[int, int] | None
    ) -> Iterator[Found]:
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
