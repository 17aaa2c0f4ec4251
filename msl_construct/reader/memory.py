"""Reading the target's memory by virtual address."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..codecs.inflate import InflatedSource
from ..source import Source
from ..space import CAPTURED, Cover, LayeredSpace, Memory
from ..space.layers import Wanted
from .regions import Fragment, Region

__all__ = ["Memory", "MemoryView", "Overlap"]


@dataclass(frozen=True)
class Overlap:
    """An address range that more than one region claims."""

    start: int
    end: int
    first: Region
    second: Region


class MemoryView(LayeredSpace[Fragment]):
    """The address space of a dump: an `msl_construct.space.AddressSpace`.

    Where regions overlap, captured bytes go before any other state, and among captured
    bytes those of the block that stands first in the file; `overlaps` lists such ranges.

    Args:
        regions: in file order.
        names: what stands where; asked when a name is first wanted.
    """

    def __init__(
        self, regions: Sequence[Region], names: Callable[[], Cover[str]] | None = None
    ) -> None:
        self._regions = regions
        self._names_of = names
        self._inflated: InflatedSource | None = None
        super().__init__(fragment for region in regions for fragment in region.fragments)

    @property
    def overlaps(self) -> list[Overlap]:
        """Ranges claimed twice, by neighbours in address order."""
        owner = {id(f): region for region in self._regions for f in region.fragments}
        found, widest = [], None
        for fragment in self._parts:
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

    def hidden(self) -> Iterator[tuple[int, int, int]]:
        """Where captured bytes are that no read gives, as others answer for their addresses.

        Yields:
            Start and end of the range in which regions overlap, and how many such bytes there are.
        """
        for index, (start, end) in enumerate(zip(self._starts, self._ends)):
            parts = self._parts[self._firsts[index] : self._firsts[index + 1]]
            if len(parts) > 1:
                stored = sum(
                    length
                    for part in parts
                    for _, length, state, _ in part.runs(part.base, part.end)
                    if state == CAPTURED
                )
                given = sum(run[1] for run in self.states(start, end) if run[2] == CAPTURED)
                if stored > given:
                    yield start, end, stored - given

    def region_at(self, address: int) -> Region | None:
        """The first region in the file that covers an address."""
        return self._first.at(address)

    def place_of(self, address: int) -> tuple[Region | None, str | None, int, int]:
        """Region and name of an address, and the addresses around it with the same answer."""
        region, start, end = self._first.span(address)
        name = None
        if self._names is not None:
            name, first, behind = self._names.span(address)
            start, end = max(start, first), min(end, behind)
        if name is None and region is not None:
            name = f"[{region.region_type.name}]"
        return region, name, start, end

    def name_of(self, address: int) -> str | None:
        """What stands at an address.

        The path of the module, the name that the VAS Map has for the mapping, or the region's
        type in brackets: ``[heap]``; the first of these that there is.
        """
        name = None if self._names is None else self._names.at(address)
        if name is not None:
            return name
        region = self.region_at(address)
        return None if region is None else f"[{region.region_type.name}]"

    def place_of_part(self, part: Fragment) -> tuple[Source, int]:
        """See `LayeredSpace.place_of_part`; an inflated part has a source of its own."""
        return part.data.source, part.data.offset

    def bytes_of(self, wanted: Sequence[Wanted[Fragment]]) -> memoryview:
        """See `LayeredSpace.bytes_of`; no payload is inflated twice for it."""
        if len(wanted) == 1:
            return self._view(*wanted[0])
        if not any(isinstance(f.data.source, InflatedSource) for f, _, _ in wanted):
            return memoryview(b"".join(self._view(*piece) for piece in wanted))
        out = memoryview(bytearray(sum(length for _, _, length in wanted)))
        by_fragment: dict[int, list[tuple[int, Wanted[Fragment]]]] = {}
        at = 0
        for piece in wanted:
            by_fragment.setdefault(id(piece[0]), []).append((at, piece))
            at += piece[2]
        for pieces in by_fragment.values():
            for at, piece in pieces:
                out[at : at + piece[2]] = self._view(*piece)
        return out.toreadonly()

    def _view(self, fragment: Fragment, offset: int, length: int) -> memoryview:
        source = fragment.data.source
        if isinstance(source, InflatedSource) and source is not self._inflated:
            if self._inflated is not None:  # one inflated region is kept, not all
                self._inflated.release()
            self._inflated = source
        return source.view(fragment.data.offset + offset, length)

    @cached_property
    def _first(self) -> Cover[Region]:
        return Cover((f.base, f.end, region) for region in self._regions for f in region.fragments)

    @cached_property
    def _names(self) -> Cover[str] | None:
        return None if self._names_of is None else self._names_of()
