"""The entries of a long table: read again whenever somebody asks, so that none is kept."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, overload

from ..source import BufferSource, Cursor, ShiftedSource, Source, StreamSource
from .values import Record

__all__ = ["HELD", "Entries", "EntriesShown"]

HELD = 1024
"""How many entries of a table are kept as they are read; of a longer one none is."""

_EVERY = 256
"""How many entries stand between two whose place is remembered."""


class Entries(Sequence[Record]):
    """Entries that were found to fit, by where they stand.

    Args:
        source: what they stand in; of a pipe the bytes are kept.
        start, end: from the first byte of the first entry to the end of the payload.
        decode: reads one entry.
    """

    def __init__(
        self, source: Source, start: int, end: int, decode: Callable[[Cursor], Record]
    ) -> None:
        self._source = source
        self._end = end
        self._decode = decode
        self._marks = array("Q", [start])
        self._count = 0

    def add(self, behind: int) -> None:
        """One more entry fits; the next begins at `behind`."""
        self._count += 1
        if self._count % _EVERY == 0:
            self._marks.append(behind)

    def keep(self, behind: int) -> Entries:
        """Make sure that they can be read again; the last of them ends at `behind`."""
        if isinstance(self._source, StreamSource):
            start = self._marks[0]
            held = BufferSource(self._source.read(start, behind - start))
            self._source = ShiftedSource(held, start)
            self._end = behind
        return self

    def or_few(self, few: Sequence[Record], behind: int) -> Sequence[Record]:
        """These, as `keep` gives them, or the same as they were read while they are few."""
        return few if self._count <= HELD else self.keep(behind)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Record]:
        return self._from(0)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        if isinstance(index, slice):
            return [self[i] for i in range(self._count)[index]]
        number = range(self._count)[index]
        return next(self._from(number))

    def _from(self, number: int) -> Iterator[Record]:
        mark = number // _EVERY
        cursor = Cursor(self._source, self._marks[mark], self._end)
        for at in range(mark * _EVERY, self._count):
            entry = self._decode(cursor)
            if at >= number:
                yield entry

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (list, Entries)) or len(other) != self._count:
            return False
        return all(mine == theirs for mine, theirs in zip(self, other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{self._count} entries>"

    def __reduce__(self) -> tuple[object, ...]:
        """Whoever pickles them takes them along: the source may be gone by then."""
        return list, (list(self),)


class EntriesShown(Iterable[Any]):
    """The same as the canonical document has them, one after the other."""

    def __init__(self, entries: Entries, show: Callable[[Record], Any]) -> None:
        self._entries = entries
        self._show = show

    def __iter__(self) -> Iterator[Any]:
        return map(self._show, self._entries)
