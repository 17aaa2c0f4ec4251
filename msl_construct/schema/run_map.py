"""Page maps that are not made before they are written."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from ..page_map import PAGES_PER_BYTE, PageMap, Run, checked_runs, stored_size
from ..source import CHUNK, Extent

__all__ = ["RunMap"]


class RunMap(PageMap):
    """The states of a region's pages as runs; a source of the bytes that store them.

    A few words of a document can ask for a map of gigabytes. What it says of its pages is told
    from the runs, and the stored bytes are made a piece at a time.

    Args:
        runs: of all pages, in order.
        pages: how many the region has.
        tail: the stored bytes from the one that holds the first unused state, where they are
            not zero behind the last page.

    Raises:
        ValueError: the runs leave pages out, overlap, or have an impossible state.
    """

    __slots__ = ("_firsts", "_runs", "_tail")

    def __init__(self, runs: Iterable[Run], pages: int, tail: bytes | None = None) -> None:
        self.pages = pages
        self._ranks = None
        self._captured = None
        self._runs: list[Run] = []
        for first, count, state in checked_runs(runs, pages):
            if self._runs and self._runs[-1][2] == state:
                first, before, _ = self._runs.pop()
                count += before
            self._runs.append((first, count, state))
        self._firsts = [first for first, _, _ in self._runs]
        self._tail = tail

    # -- the stored bytes ----------------------------------------------------------------

    @property
    def size(self) -> int:
        """Bytes that store the map, padding included."""
        return stored_size(self.pages)

    @property
    def extent(self) -> Extent:
        """The stored bytes, named and not made."""
        return Extent(self, 0, self.size)

    @property
    def stored(self) -> bytes:  # type: ignore[override]
        """All of the stored bytes at once."""
        return self.read(0, self.size)

    def read(self, offset: int, length: int) -> bytes:
        """Some of the stored bytes."""
        length = max(0, min(length, self.size - offset))
        start = offset * PAGES_PER_BYTE
        pages = max(0, min(length * PAGES_PER_BYTE, self.pages - start))
        runs = [
            (first - start, count, state) for first, count, state in self.runs(start, start + pages)
        ]
        piece = PageMap.from_runs(runs, pages).stored[:length].ljust(length, b"\0")
        behind = self.pages // PAGES_PER_BYTE
        if self._tail is None or offset + length <= behind:
            return piece
        kept = piece[: max(0, behind - offset)]
        return kept + self._tail[max(0, offset - behind) :][: length - len(kept)]

    def view(self, offset: int, length: int) -> memoryview:
        """Some of the stored bytes."""
        return memoryview(self.read(offset, length))

    def pieces(self, offset: int, length: int, size: int = CHUNK) -> Iterator[memoryview]:
        """Some of the stored bytes, each piece made when it is asked for."""
        end = min(offset + length, self.size)
        for start in range(offset, end, size):
            yield self.view(start, min(size, end - start))

    def forget(self, before: int) -> None:
        """Nothing is kept that could be dropped."""

    # -- looking -------------------------------------------------------------------------

    def __getitem__(self, page: int) -> int:
        if not 0 <= page < self.pages:
            raise IndexError(f"page {page} of {self.pages}")
        return self._runs[bisect_right(self._firsts, page) - 1][2]

    @property
    def tail(self) -> bytes:
        return self.read(self.pages // PAGES_PER_BYTE, self.size)

    @property
    def all_captured(self) -> bool:
        return not any(self.counts()[1:]) and not any(self.tail)

    def with_tail(self, tail: bytes) -> RunMap:
        return RunMap(self._runs, self.pages, tail)

    def runs(self, first: int = 0, stop: int | None = None) -> Iterator[Run]:
        stop = self.pages if stop is None else min(stop, self.pages)
        for index in range(max(0, bisect_right(self._firsts, first) - 1), len(self._runs)):
            begin, count, state = self._runs[index]
            begin, end = max(begin, first), min(begin + count, stop)
            if begin >= end:
                return
            yield begin, end - begin, state

    def counts(self, first: int = 0, stop: int | None = None) -> tuple[int, int, int, int]:
        totals = [0, 0, 0, 0]
        for _, count, state in self.runs(first, stop):
            totals[state] += count
        return totals[0], totals[1], totals[2], totals[3]

    def rank(self, page: int) -> int:
        return self.counts(0, page)[0]
