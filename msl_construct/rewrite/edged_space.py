"""The memory of an imported dump with the bytes of pages that its source did not hold whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ..reader.memory import MemoryView
from ..reader.regions import Fragment
from ..source import BufferSource, Source
from ..space import ADDRESSES_END, CAPTURED, LayeredSpace
from ..space.layers import Wanted

__all__ = ["EdgedSpace"]

_FAILED = "failed"


class KeptEdge(NamedTuple):
    """Bytes of a page, all the rest of which is Failed."""

    base: int
    data: bytes
    order: int

    @property
    def end(self) -> int:
        """First address behind it."""
        return self.base + len(self.data)

    def runs(self, start: int, end: int) -> Iterator[tuple[int, int, str, int]]:
        """See `msl_construct.space.Claim`."""
        low, high = max(start, self.base), min(end, self.end)
        if low < high:
            yield low, high - low, CAPTURED, low - self.base


def _joined(edges: Iterable[KeptEdge]) -> Iterator[tuple[int, int]]:
    """Address and length of stretches of edges, which may adjoin and overlap."""
    start = end = 0
    for one in sorted(edges, key=lambda one: one.base):
        if one.base > end:
            if end > start:
                yield start, end - start
            start = one.base
        end = max(end, one.end)
    if end > start:
        yield start, end - start


class EdgedSpace(LayeredSpace[Fragment | KeptEdge]):
    """An `AddressSpace` in which a byte that the note has is captured where the page is Failed.

    An import writes no other edges, but anybody can write a note: it makes no memory.

    Args:
        memory: of the dump.
        edges: addresses and bytes, as the note of the import has them.

    Attributes:
        unplaced: bytes of edges at addresses that have no such page.
        noted: address and length of the others; by address, none adjoining the next.
    """

    def __init__(self, memory: MemoryView, edges: Iterable[tuple[int, bytes]]) -> None:
        self._memory = memory
        behind = 1 + max((one.order for one in memory.parts), default=0)
        kept: list[KeptEdge] = []
        self.unplaced = 0
        for base, data in edges:
            for at, length, state in memory.states(base, base + len(data)):
                if state == _FAILED and at + length <= ADDRESSES_END:
                    kept.append(KeptEdge(at, data[at - base :][:length], behind + len(kept)))
                else:
                    self.unplaced += length
        super().__init__([*memory.parts, *kept])
        self.noted = list(_joined(kept))

    def name_of(self, address: int) -> str | None:
        """See `AddressSpace.name_of`."""
        return self._memory.name_of(address)

    def place_of_part(self, part: Fragment | KeptEdge) -> tuple[Source, int]:
        """See `LayeredSpace.place_of_part`."""
        if isinstance(part, KeptEdge):
            return BufferSource(part.data), 0
        return self._memory.place_of_part(part)

    def bytes_of(self, wanted: Sequence[Wanted[Fragment | KeptEdge]]) -> memoryview:
        """See `LayeredSpace.bytes_of`."""
        pieces: list[memoryview] = []
        gathered: list[Wanted[Fragment]] = []
        for part, offset, length in wanted:
            if not isinstance(part, KeptEdge):
                gathered.append((part, offset, length))
                continue
            if gathered:
                pieces.append(self._memory.bytes_of(gathered))
                gathered = []
            pieces.append(memoryview(part.data)[offset : offset + length])
        if gathered:
            pieces.append(self._memory.bytes_of(gathered))
        return pieces[0] if len(pieces) == 1 else memoryview(b"".join(pieces))
