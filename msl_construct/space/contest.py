"""Who answers for an address that several parts of a memory claim.

The addresses are cut into stretches that begin and end where parts do. A stretch is as long
as it has to be for the parts that reach into it from before to be no more than those that
begin and end in it: so all stretches together name each part a constant number of times on
average. Who answers within a stretch is found out when it is first asked for, by one pass
over the runs of its parts, and kept as the places where the answer changes.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right, insort
from collections.abc import Iterator, Sequence
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

from .claim import Claim
from .space import ABSENT, CAPTURED

__all__ = ["Contest", "Kept"]

_SHORTEST = 64  # edges of parts in a stretch
_MOST_CHANGES = 1 << 16  # of the answer within a stretch, before it is cut
_KEPT_CHANGES = 1 << 20  # over all stretches; twelve bytes each
_NOBODY = 0xFFFFFFFF
_FARTHEST = (1 << 64) - 1

C = TypeVar("C", bound=Claim)
_Changes = tuple["array[int]", "array[int]"]
"""How far behind the start of the stretch the answer changes, and to which part's number."""


class Kept:
    """The changes of the stretches that were asked for last, of all contests of a memory."""

    def __init__(self) -> None:
        self._changes: dict[tuple[object, int], _Changes] = {}  # the longest unused first
        self._size = 0

    def take(self, key: tuple[object, int]) -> _Changes | None:
        """What is kept under a key, and no longer is."""
        found = self._changes.pop(key, None)
        if found is not None:
            self._size -= len(found[0])
        return found

    def put(self, key: tuple[object, int], changes: _Changes) -> None:
        """Keep something; others go until there is room."""
        self._size += len(changes[0])
        while self._size > _KEPT_CHANGES and self._changes:
            self.take(next(iter(self._changes)))
        self._changes[key] = changes


class Contest(Generic[C]):
    """Parts that overlap, each directly or through others.

    Args:
        parts: at least one; none of them empty.
        kept: where to keep what was found out.
    """

    def __init__(self, parts: Sequence[C], kept: Kept) -> None:
        self._parts = sorted(parts, key=lambda part: part.order)
        self._kept = kept
        self._starts: list[int] = []
        self._members: dict[int, array[int]] = {}  # by the start of the stretch
        self._end = max(part.end for part in parts)
        self._cut()

    def winners(self, start: int, end: int) -> Iterator[tuple[int, int, C]]:
        """Ranges within [start, end) and who answers for them; where nobody does there is none."""
        position, end = start, min(end, self._end)
        while position < end:
            index = bisect_right(self._starts, position)
            begin = self._starts[index - 1]
            offsets, numbers = self._changes(begin)
            # Finding it out may have cut the stretch short.
            stop = min(end, self._starts[index] if index < len(self._starts) else self._end)
            at = bisect_right(offsets, position - begin) - 1
            while position < stop:
                behind = min(stop, begin + offsets[at + 1]) if at + 1 < len(offsets) else stop
                if at >= 0 and numbers[at] != _NOBODY:
                    yield position, behind, self._parts[numbers[at]]
                position = behind
                at += 1

    def _cut(self) -> None:
        """Cut the addresses into stretches, each with the numbers of the parts that touch it."""
        edges = [(part.base, 1, number) for number, part in enumerate(self._parts)]
        edges += [(part.end, 0, number) for number, part in enumerate(self._parts)]
        edges.sort()
        begun: set[int] = set()
        seen = enough = 0
        for address, opening, number in edges:
            if address == self._end:
                return
            if not self._starts or (seen >= enough and address > self._starts[-1]):
                self._starts.append(address)
                self._members[address] = array("I", sorted(begun))
                seen, enough = 0, max(_SHORTEST, len(begun))
            if opening:
                begun.add(number)
                self._members[self._starts[-1]].append(number)
            else:
                begun.discard(number)
            seen += 1

    def _changes(self, start: int) -> _Changes:
        """Where within a stretch the answer changes, and to whom."""
        found = self._kept.take((self, start))
        if found is None:
            found = self._found_out(start)
        self._kept.put((self, start), found)
        return found

    def _found_out(self, start: int) -> _Changes:
        index = bisect_right(self._starts, start)
        end = self._starts[index] if index < len(self._starts) else self._end
        offsets, numbers = array("Q"), array("I")
        for address, number in self._sweep(start, end):
            if len(offsets) == _MOST_CHANGES or address - start > _FARTHEST:
                # The rest becomes a stretch of its own, of the parts that reach into it.
                insort(self._starts, address)
                reaching = (n for n in self._members[start] if self._parts[n].end > address)
                self._members[address] = array("I", reaching)
                break
            offsets.append(address - start)
            numbers.append(number)
        return offsets, numbers

    def _sweep(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """``(address, number)`` wherever the answer changes, from left to right."""
        runs = {number: self._parts[number].runs(start, end) for number in self._members[start]}
        state = dict.fromkeys(runs, ABSENT)
        coming = {number: run for number in runs if (run := next(runs[number], None)) is not None}
        waiting = [(run[0], number) for number, run in coming.items()]
        heapify(waiting)  # at which address something changes for which part
        captured, others = _Candidates(), _Candidates()
        answering = -1
        while waiting and waiting[0][0] < end:
            address = waiting[0][0]
            while waiting and waiting[0][0] == address:
                number = heappop(waiting)[1]
                run = coming.pop(number, None) or next(runs[number], None)
                if run is None:
                    state[number] = ABSENT
                elif run[0] > address:
                    coming[number] = run
                    heappush(waiting, (run[0], number))
                    state[number] = ABSENT
                else:
                    heappush(waiting, (address + run[1], number))
                    state[number] = run[2]
                    if run[2] == CAPTURED:
                        captured.add(number)
                    elif run[2] != ABSENT:
                        others.add(number)
            while captured and state[captured.first] != CAPTURED:
                captured.drop()
            while others and state[others.first] in (ABSENT, CAPTURED):
                others.drop()
            now = captured.first if captured else others.first if others else _NOBODY
            if now != answering:
                yield address, now
                answering = now


class _Candidates:
    """Numbers of parts, each once, the lowest first; what no longer counts is dropped late."""

    def __init__(self) -> None:
        self._heap: list[int] = []
        self._there: set[int] = set()

    def __bool__(self) -> bool:
        return bool(self._heap)

    @property
    def first(self) -> int:
        return self._heap[0]

    def add(self, number: int) -> None:
        if number not in self._there:
            self._there.add(number)
            heappush(self._heap, number)

    def drop(self) -> None:
        self._there.discard(heappop(self._heap))
