"""An address space made of parts that may overlap: regions, segments of a core file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from ..errors import MemoryAccessError
from ..source import Source
from .claim import Claim
from .contest import Contest, Kept
from .space import ABSENT, CAPTURED, Memory, Run, merged

__all__ = ["LayeredSpace", "Wanted"]


C = TypeVar("C", bound=Claim)
Wanted = tuple[C, int, int]
"""A part, and offset and length within its bytes."""


class LayeredSpace(ABC, Generic[C]):
    """The `AddressSpace` of parts of which some may overlap.

    Where they do, captured bytes go before any other state, and among captured bytes those
    of the part that stands first in the file. Finding who answers for an address takes a
    binary search. It is preceded, where parts overlap, by one look at the runs of those that
    do: once for each stretch of addresses.

    Args:
        parts: in any order; empty ones say nothing.
    """

    def __init__(self, parts: Iterable[C]) -> None:
        self._parts = sorted((p for p in parts if p.end > p.base), key=lambda p: (p.base, p.order))
        self._starts: list[int] = []  # of clusters: parts that overlap, one after the other
        self._ends: list[int] = []
        self._firsts: list[int] = []
        for index, part in enumerate(self._parts):
            if self._ends and part.base < self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], part.end)
                continue
            self._starts.append(part.base)
            self._ends.append(part.end)
            self._firsts.append(index)
        self._firsts.append(len(self._parts))
        self._contests: dict[int, Contest[C]] = {}
        self._kept = Kept()

    @property
    def parts(self) -> Sequence[C]:
        """All that say something, by address."""
        return self._parts

    @abstractmethod
    def bytes_of(self, wanted: Sequence[Wanted[C]]) -> memoryview:
        """The bytes of parts, one piece behind the other."""

    # -- what every address space answers ----------------------------------------------

    def ranges(self) -> Iterator[tuple[int, int]]:
        """See `AddressSpace.ranges`."""
        begin = None
        for index, start in enumerate(self._starts):
            if begin is None:
                begin = start
            if index + 1 == len(self._starts) or self._starts[index + 1] > self._ends[index]:
                yield begin, self._ends[index]
                begin = None

    def states(self, start: int, end: int) -> Iterator[Run]:
        """See `AddressSpace.states`."""
        return merged((at, length, state) for at, length, state, _, _ in self._painted(start, end))

    def read(self, address: int, size: int) -> Memory:
        """Bytes and states of [address, address + size), across adjacent parts.

        Args:
            address: first virtual address.
            size: bytes; nothing is allocated for what was not captured.

        Raises:
            ValueError: one of them is below zero.
            MemoryAccessError: the file no longer holds what it held when it was opened.
        """
        if address < 0 or size < 0:
            raise ValueError(f"address {address} and size {size}: expected none below zero")
        runs: list[Run] = []
        wanted: list[Wanted[C]] = []
        promised = 0
        for at, length, state, part, offset in self._painted(address, address + size):
            if state == CAPTURED:
                assert part is not None
                promised += length
                if wanted and wanted[-1][0] is part and sum(wanted[-1][1:]) == offset:
                    wanted[-1] = (part, wanted[-1][1], wanted[-1][2] + length)
                else:
                    wanted.append((part, offset, length))
            if runs and runs[-1][2] == state:
                runs[-1] = (runs[-1][0], runs[-1][1] + length, state)
            else:
                runs.append((at, length, state))
        data = self.bytes_of(wanted) if wanted else memoryview(b"")
        if data.nbytes != promised:
            raise MemoryAccessError(
                f"{size} bytes at {address:#x}: expected {promised} captured ones, found "
                f"{data.nbytes}: the file has become shorter"
            )
        return Memory(address, size, data, tuple(runs))

    def places(self, address: int, size: int) -> Iterator[tuple[Source, int, int]]:
        """Where captured bytes of [address, address + size) stand: source, offset and length.

        What has no bytes is left out.
        """
        for _, length, state, part, offset in self._painted(address, address + size):
            if state == CAPTURED and part is not None:
                source, start = self.place_of_part(part)
                yield source, start + offset, length

    def place_of_part(self, part: C) -> tuple[Source, int]:
        """Where the bytes of a part begin."""
        raise NotImplementedError

    def name_of(self, address: int) -> str | None:
        """See `AddressSpace.name_of`: parts have no names unless somebody gives them some."""
        return None

    # -- who answers -------------------------------------------------------------------

    def _painted(self, start: int, end: int) -> Iterator[tuple[int, int, str, C | None, int]]:
        """The range from left to right, with the part that answers: gaps have none."""
        position = start
        for at, stop, part in self._answering(start, end):
            for address, length, state, offset in part.runs(at, stop):
                if state == ABSENT:
                    continue
                if address > position:
                    yield position, address - position, ABSENT, None, 0
                yield address, length, state, part, offset
                position = address + length
        if position < end:
            yield position, end - position, ABSENT, None, 0

    def _answering(self, start: int, end: int) -> Iterator[tuple[int, int, C]]:
        """Ranges within [start, end) and the part that answers for each."""
        cluster = bisect_right(self._ends, start)
        while cluster < len(self._starts) and self._starts[cluster] < end:
            at, stop = max(start, self._starts[cluster]), min(end, self._ends[cluster])
            first, behind = self._firsts[cluster], self._firsts[cluster + 1]
            if behind - first == 1:
                yield at, stop, self._parts[first]
            else:
                contest = self._contests.get(cluster)
                if contest is None:
                    contest = self._contests[cluster] = Contest(
                        self._parts[first:behind], self._kept
                    )
                yield from contest.winners(at, stop)
            cluster += 1
