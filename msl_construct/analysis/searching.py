"""Looking for patterns in virtual memory: across the edges of regions, never across a hole."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from heapq import merge
from itertools import chain, islice
from typing import Any, Literal

from ..errors import DamageError, LimitError
from ..schema import ByteOrder
from ..space import AddressSpace, CapturedReader
from .forked import can_fork, in_order
from .hits import Hit, Searched, first_unreadable
from .islands import IslandPiece, islands, piece_size, read_piece
from .locations import Locations
from .matching import Found, matches
from .patterns import SearchPattern
from .string_blocks import StringBlock, string_block

__all__ = ["search", "search_rows"]

_Some = tuple[int, Any]
"""How many matches, and what was made of them."""
_Looked = tuple[int, Any, dict[int, int]]
"""The same of a piece, and where strings go on if one was cut."""
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
    for _, some in look.everywhere(within, processes):
        for found in some:
            told.hits += 1
            yield look.hit(found)


def search_rows(
    space: AddressSpace,
    places: Locations,
    patterns: Sequence[SearchPattern],
    row: Callable[[Hit], str],
    *,
    rows: Callable[[StringBlock], str] | None = None,
    order: ByteOrder = ByteOrder.LITTLE,
    within: Iterable[tuple[int, int]] | None = None,
    searched: Searched | None = None,
    processes: int = 1,
) -> Iterator[tuple[int, str]]:
    """The same as rows of text, each made by the process that found the hit.

    Args:
        space, places, patterns, order, within, searched, processes: as for `search`.
        row: makes one of a hit: one line.
        rows: makes those of many strings, the same ones; None: `row` makes them.

    Returns:
        Some at a time: how many, and the lines.
    """
    told = searched or Searched()

    def lines(found: Sequence[Found]) -> str:
        return "\n".join([row(look.hit(one)) for one in found])

    look = _Look(space, places, patterns, order, told, lines, rows)
    for count, text in look.everywhere(within, processes):
        told.hits += count
        yield count, text


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
        made: what becomes of matches, where they are found.
        block: what becomes of strings, many at once; None: the same as of all others.
    """

    space: AddressSpace
    places: Locations
    patterns: Sequence[SearchPattern]
    order: ByteOrder
    told: Searched
    made: Callable[[Sequence[Found]], Any]
    block: Callable[[StringBlock], Any] | None = None

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
    ) -> Iterator[_Some]:
        """All matches, some at a time."""
        for some in _batches(islands(self.space, within, self.told.coverage)):
            yield from self._at(some, processes)

    def _at(self, some: list[tuple[int, int]], processes: int) -> Iterator[_Some]:
        """All matches in islands."""
        units = [
            (start, end, number)
            for start, end in some
            for number in range(self._pieces(start, end))
        ]
        together = processes > 1 and len(units) >= _WORTH_PROCESSES
        if together and not self._expressions and can_fork():
            yield from self._together(units, processes)
            return
        for start, end in some:
            yield from self._island(start, end)

    def _together(self, units: list[tuple[int, int, int]], processes: int) -> Iterator[_Some]:
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
                        for found in self._found(self._read(*unit), behind or None, goes_on):
                            done += 1
                            yield 1, self.made([found])
                        behind = goes_on
                    else:
                        count, made, behind = answer
                        done += count
                        yield count, made
                except (DamageError, LimitError):
                    lost = start
                    yield from self._one_by_one(islice(self._matches(start, end), done, None))

    def _found(
        self, piece: IslandPiece, behind: dict[int, int] | None, goes_on: dict[int, int]
    ) -> Iterator[Found]:
        """What is in a piece.

        Args:
            behind: see `matches`.
            goes_on: told where strings go on, if one was cut.
        """
        cut, ends = False, dict.fromkeys(self.sequential, piece.address)
        for one in self._within(piece, behind):
            if one[1] in ends:
                ends[one[1]] = one[0] + one[2]
                cut = cut or one[2] == self.patterns[one[1]].longest
            yield one
        if cut:
            goes_on.update(ends)

    def _looked(self, unit: tuple[int, int, int]) -> _Looked:
        """What is in a piece, in a process that has not looked at the one in front of it.

        Raises:
            DamageError, LimitError: it can't be had.
        """
        piece = self._read(*unit)
        if self.block is not None:
            block = string_block(self.patterns, piece, None)
            if block is not None:
                return len(block), self.block(block), {}
        goes_on = dict[int, int]()
        found = list(self._found(piece, None, goes_on))
        return len(found), self.made(found), goes_on

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
                try:
                    looked = self._looked(unit)
                except (DamageError, LimitError):
                    answers.append("lost")
                else:
                    answers.append(looked)
                    count += looked[0]
            return answers

        with closing(in_order(work, -(-len(units) // at_once), processes)) as results:
            yield from chain.from_iterable(results)

    def _one_by_one(self, found: Iterable[Found]) -> Iterator[_Some]:
        return ((1, self.made([one])) for one in found)

    def _island(self, start: int, end: int) -> Iterator[_Some]:
        """What is in an island, but for regions of it that can't be read."""
        if self.block is None:
            yield from self._one_by_one(self._matches(start, end))
            return
        done = 0
        behind = dict.fromkeys(self.sequential, start)
        try:
            for number in range(self._pieces(start, end)):
                piece = self._read(start, end, number)
                block = string_block(self.patterns, piece, behind)
                if block is None:
                    some = self._one_by_one(self._within(piece, behind))
                else:
                    some = iter([(len(block), self.block(block))])
                for count, made in some:
                    done += count
                    yield count, made
        except (DamageError, LimitError):
            yield from self._one_by_one(islice(self._matches(start, end), done, None))

    def _matches(self, start: int, end: int) -> Iterator[Found]:
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
        for number in range(self._pieces(start, end)):
            yield from self._within(self._read(start, end, number), behind)

    def _pieces(self, start: int, end: int) -> int:
        """Of an island."""
        return -(-(end - start) // self.size)

    def _read(self, start: int, end: int, number: int) -> IslandPiece:
        return read_piece(self.nearby, start, end, number, self.size, self.longest)

    def _within(self, piece: IslandPiece, behind: dict[int, int] | None) -> Iterator[Found]:
        return merge(
            *(
                matches(one, n, piece, behind, self.order, self.told.failed)
                for n, one in enumerate(self.patterns)
            )
        )
