"""Reading the target's memory by virtual address."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..errors import MemoryAccessError
from .inflate import InflatedSource
from .regions import ABSENT, Fragment, Region

__all__ = ["Memory", "MemoryView", "Overlap"]

Painted = tuple[int, int, str, Fragment | None, int]


@dataclass(frozen=True)
class Memory:
    """What a dump knows about an address range.

    Attributes:
        address, size: the range asked for, in bytes.
        data: the captured bytes of the range, one run behind the other and nothing in
            between: as long as the range only when all of it was captured.
        runs: ``(address, length, state)`` over the whole range, in order. ``captured``
            runs have their bytes in `data`; every other state (``failed``, ``unmapped``,
            ``not_resident``, ``reserved``, ``truncated``, ``damaged``, ``absent``) has none.
    """

    address: int
    size: int
    data: memoryview
    runs: tuple[tuple[int, int, str], ...]

    @property
    def complete(self) -> bool:
        """Whether every byte of the range was captured."""
        return self.data.nbytes == self.size

    def __bytes__(self) -> bytes:
        """The range's bytes.

        Raises:
            MemoryAccessError: some of them were not captured.
        """
        for address, length, state in self.runs:
            if state != "captured":
                raise MemoryAccessError(
                    f"{length} bytes at {address:#x} are {state}: expected captured pages; read "
                    "the runs, or choose a fill with filled()"
                )
        return bytes(self.data)

    def filled(self, fill: int) -> bytes:
        """The range's bytes, with `fill` wherever nothing was captured: the caller's choice."""
        out = bytearray(bytes([fill])) * self.size
        taken = 0
        for address, length, state in self.runs:
            if state == "captured":
                at = address - self.address
                out[at : at + length] = self.data[taken : taken + length]
                taken += length
        return bytes(out)


@dataclass(frozen=True)
class Overlap:
    """An address range that more than one region claims."""

    start: int
    end: int
    first: Region
    second: Region


class MemoryView:
    """The address space of a dump.

    Where regions overlap, captured bytes go before any other state, and among captured
    bytes those of the block that stands first in the file; `overlaps` lists such ranges.
    """

    def __init__(self, regions: Sequence[Region]) -> None:
        self._regions = regions
        self._inflated: InflatedSource | None = None
        self._fragments = sorted(
            (f for region in regions for f in region.fragments if f.size),
            key=lambda f: (f.base, f.block.index),
        )
        self._bases = [f.base for f in self._fragments]
        reach, self._reach = 0, []
        for fragment in self._fragments:
            reach = max(reach, fragment.end)
            self._reach.append(reach)

    @property
    def overlaps(self) -> list[Overlap]:
        """Ranges claimed twice, by neighbours in address order."""
        owner = {id(f): region for region in self._regions for f in region.fragments}
        found, widest = [], None
        for fragment in self._fragments:
            if widest is not None and fragment.base < widest.end:
                found.append(
                    Overlap(
                        fragment.base,
                        min(fragment.end, widest.end),
                        owner[id(widest)],
                        owner[id(fragment)],
                    )
                )
            if widest is None or fragment.end > widest.end:
                widest = fragment
        return found

    def read(self, address: int, size: int) -> Memory:
        """Bytes and states of [address, address + size), across adjacent regions.

        Args:
            address: first virtual address.
            size: bytes; nothing is allocated for what was not captured.
        """
        if address < 0 or size < 0:
            raise ValueError(f"address {address} and size {size}: expected none below zero")
        runs: list[tuple[int, int, str]] = []
        pieces: list[memoryview] = []
        for start, end, state, fragment, offset in self._paint(address, address + size):
            if fragment is not None and state == "captured":
                source = fragment.data.source
                if isinstance(source, InflatedSource) and source is not self._inflated:
                    if self._inflated is not None:  # one inflated region is kept, not all
                        self._inflated.release()
                    self._inflated = source
                pieces.append(fragment.data.view()[offset : offset + end - start])
            if runs and runs[-1][2] == state:
                runs[-1] = (runs[-1][0], runs[-1][1] + end - start, state)
            else:
                runs.append((start, end - start, state))
        data = pieces[0] if len(pieces) == 1 else memoryview(b"".join(pieces))
        return Memory(address, size, data, tuple(runs))

    def region_at(self, address: int) -> Region | None:
        """The first region in the file that covers an address."""
        covering = [r for r in self._regions if any(f.base <= address < f.end for f in r.fragments)]
        return covering[0] if covering else None

    def _within(self, start: int, end: int) -> list[Fragment]:
        """Fragments that touch [start, end)."""
        last = bisect_right(self._bases, end - 1) if end > start else 0
        found = []
        while last > 0 and self._reach[last - 1] > start:
            last -= 1
            if self._fragments[last].end > start:
                found.append(self._fragments[last])
        return found

    def _paint(self, start: int, end: int) -> Iterator[Painted]:
        """The range from left to right: regions where there are any, gaps between them."""
        position = start
        for cluster in _clusters(self._within(start, end)):
            if len(cluster) == 1:
                fragment = cluster[0]
                painted: Iterable[Painted] = (
                    (at, at + length, state, fragment, offset)
                    for at, length, state, offset in fragment.runs(start, end)
                )
            else:
                painted = _overlaid(cluster, start, end)
            for piece in painted:
                if piece[0] > position:
                    yield position, piece[0], ABSENT, None, 0
                yield piece
                position = piece[1]
        if position < end:
            yield position, end, ABSENT, None, 0


def _clusters(fragments: list[Fragment]) -> Iterator[list[Fragment]]:
    """Fragments in address order, those that overlap together."""
    cluster: list[Fragment] = []
    reach = 0
    for fragment in sorted(fragments, key=lambda f: (f.base, f.block.index)):
        if cluster and fragment.base >= reach:
            yield cluster
            cluster = []
        cluster.append(fragment)
        reach = max(reach, fragment.end)
    if cluster:
        yield cluster


def _overlaid(fragments: list[Fragment], start: int, end: int) -> list[Painted]:
    """Overlapping fragments as one: captured before any other state, then by file order."""
    fragments = sorted(fragments, key=lambda f: f.block.index)
    runs = [(f, run) for f in fragments for run in f.runs(start, end)]
    captured = [(f, run) for f, run in runs if run[2] == "captured"]
    others = [(f, run) for f, run in runs if run[2] not in ("captured", ABSENT)]
    painted: list[Painted] = []
    for fragment, (at, length, state, offset) in [*captured, *others]:
        _add(painted, (at, at + length, state, fragment, offset))
    return painted


def _add(painted: list[Painted], piece: Painted) -> None:
    """Paint what is still free of a piece; `painted` stays sorted and disjoint."""
    start, end, state, fragment, offset = piece
    index = bisect_right(painted, start, key=lambda p: p[0])
    if index and painted[index - 1][1] > start:
        index -= 1
    position = start
    while position < end:
        if index < len(painted) and painted[index][0] <= position:
            position = max(position, painted[index][1])
            index += 1
            continue
        stop = min(end, painted[index][0]) if index < len(painted) else end
        painted.insert(index, (position, stop, state, fragment, offset + position - start))
        position = stop
        index += 1
