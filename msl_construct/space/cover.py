"""The first of several ranges that covers an address."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from heapq import heappop, heappush
from typing import Generic, TypeVar

__all__ = ["Cover"]

T = TypeVar("T")


class Cover(Generic[T]):
    """Answers for every address which of some ranges is the first that covers it.

    Made in the time of a sort, asked in that of a binary search, however the ranges overlap.

    Args:
        ranges: ``(start, end, what is there)``; the first of them goes before the second, and
            so on. Empty ones cover nothing.
    """

    def __init__(self, ranges: Iterable[tuple[int, int, T]]) -> None:
        self._starts: list[int] = []
        self._first: list[T | None] = []
        held = [entry for entry in ranges if entry[0] < entry[1]]
        edges = sorted({edge for start, end, _ in held for edge in (start, end)})
        by_start = sorted(range(len(held)), key=lambda number: held[number][0])
        waiting: list[int] = []  # those that have begun, the first of them on top
        begun = 0
        for edge in edges:
            while begun < len(by_start) and held[by_start[begun]][0] == edge:
                heappush(waiting, by_start[begun])
                begun += 1
            while waiting and held[waiting[0]][1] <= edge:
                heappop(waiting)
            first = held[waiting[0]][2] if waiting else None
            if not self._starts or self._first[-1] is not first:
                self._starts.append(edge)
                self._first.append(first)

    def at(self, address: int) -> T | None:
        """The first that covers `address`; None if none does."""
        index = bisect_right(self._starts, address)
        return self._first[index - 1] if index else None

    def span(self, address: int) -> tuple[T | None, int, int]:
        """The same, and the addresses around it that have the same answer: first, and behind."""
        index = bisect_right(self._starts, address)
        start = self._starts[index - 1] if index else 0
        end = self._starts[index] if index < len(self._starts) else 1 << 64
        return (self._first[index - 1] if index else None), start, max(end, address + 1)
