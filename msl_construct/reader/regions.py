"""Memory regions: fragments put back together, and their pages (§5.1)."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..page_map import PageMap
from ..schema import Code, FlagValue, Record
from ..source import Extent
from .block import Block

__all__ = ["ABSENT", "TRUNCATED", "Fragment", "Region", "assemble"]

TRUNCATED = "truncated"
"""State of a page that the map calls captured but whose bytes are not in the payload."""

ABSENT = "absent"
"""State of an address that no region of the dump covers."""


class Fragment:
    """One Memory Region block that decodes at least to its page map.

    Attributes:
        base, size: the address range, in bytes.
        page_size: bytes of a page.
        pages: the state of every page.
        data: the bytes of the captured pages; may be shorter than the map promises.
    """

    def __init__(self, block: Block, payload: Record) -> None:
        self.block = block
        self.payload = payload
        self.base: int = payload["base_addr"]
        self.size: int = payload["region_size"]
        self.page_size: int = 1 << payload["page_size_log2"]
        self.pages: PageMap = payload["page_state_map"]
        self.data: Extent = payload["page_data"]

    @property
    def end(self) -> int:
        """First address behind the fragment."""
        return self.base + self.size

    @property
    def missing(self) -> int:
        """Bytes that the page map promises and the payload doesn't hold."""
        return max(0, self.pages.captured * self.page_size - self.data.length)

    def runs(self, start: int, end: int) -> Iterator[tuple[int, int, str, int]]:
        """``(address, length, state, data offset)`` over [start, end), clipped to the fragment.

        The data offset counts within `data` and means something for captured runs only.
        """
        start, end = max(start, self.base), min(end, self.end)
        if start >= end:
            return
        size, states = self.page_size, self.block.schema.page_states
        first, stop = (start - self.base) // size, -(-(end - self.base) // size)
        rank = self.pages.rank(min(first, self.pages.pages))
        covered = start
        for page, count, state in self.pages.runs(first, stop):
            address = max(start, self.base + page * size)
            length = min(end, self.base + (page + count) * size) - address
            covered = address + length
            if state:
                yield address, length, states.decode(state).name, 0
                continue
            offset = rank * size + (address - self.base - page * size)
            rank += count
            there = max(0, min(length, self.data.length - offset))
            if there:
                yield address, there, states.decode(state).name, offset
            if there < length:
                yield address + there, length - there, TRUNCATED, 0
        if covered < end:  # RegionSize is no multiple of the page size: the map has no such page
            yield covered, end - covered, ABSENT, 0


@dataclass
class Region:
    """A memory region, all of its fragments together.

    Attributes:
        fragments: in address order; one unless the region was split.
        orphan: its fragments are continuations of a block that is not in the dump.
    """

    fragments: list[Fragment] = field(default_factory=list)
    orphan: bool = False

    @property
    def first(self) -> Fragment:
        """The fragment that names the region."""
        return self.fragments[0]

    @property
    def uuid(self) -> uuids.UUID:
        """BlockUUID of the fragment that the others are continuations of."""
        return self.head.block.uuid

    @property
    def head(self) -> Fragment:
        """The fragment that is no continuation; for an orphan, the first in the file."""
        return min(self.fragments, key=lambda f: ("continuation" in f.block.flags, f.block.index))

    @property
    def base_addr(self) -> int:
        """First address."""
        return self.first.base

    @property
    def end(self) -> int:
        """First address behind the last fragment."""
        return max(f.end for f in self.fragments)

    @property
    def region_size(self) -> int:
        """Bytes of address space from the first fragment to the end of the last."""
        return self.end - self.base_addr

    @property
    def page_size(self) -> int:
        """Bytes of a page."""
        return self.first.page_size

    @property
    def protection(self) -> FlagValue:
        """Access rights."""
        rights: FlagValue = self.first.payload["protection"]
        return rights

    @property
    def region_type(self) -> Code:
        """What backs the region."""
        kind: Code = self.first.payload["region_type"]
        return kind

    @property
    def page_data(self) -> memoryview:
        """The captured pages' bytes, without a copy while the region is in one piece."""
        if len(self.fragments) == 1:
            return self.first.data.view()
        return memoryview(b"".join(bytes(f.data.view()) for f in self.fragments))

    @property
    def counts(self) -> dict[str, int]:
        """Pages of each state, by name."""
        totals: dict[str, int] = {}
        for fragment in self.fragments:
            states = fragment.block.schema.page_states
            for state, count in enumerate(fragment.pages.counts()):
                name = states.decode(state).name
                totals[name] = totals.get(name, 0) + count
        return totals

    def runs(self) -> Iterator[tuple[int, int, str]]:
        """``(first page, count, state)`` over the region, pages counted from `base_addr`."""
        held: tuple[int, int, str] | None = None
        for fragment in self.fragments:
            shift = (fragment.base - self.base_addr) // self.page_size
            states = fragment.block.schema.page_states
            for page, count, state in fragment.pages.runs():
                name = states.decode(state).name
                if held is not None and held[2] == name and held[0] + held[1] == page + shift:
                    held = (held[0], held[1] + count, name)
                    continue
                if held is not None:
                    yield held
                held = (page + shift, count, name)
        if held is not None:
            yield held


def fragment_of(block: Block) -> Fragment | None:
    """The block as a fragment, unless its payload has no usable page map."""
    payload = block.payload
    return Fragment(block, payload) if "page_data" in payload else None


def assemble(blocks: Iterable[Block]) -> list[Region]:
    """Regions in file order of their first fragment; continuations join their parent."""
    regions: list[Region] = []
    by_uuid: dict[uuids.UUID, Region] = {}
    orphans: dict[uuids.UUID, list[Fragment]] = {}
    for block in blocks:
        fragment = fragment_of(block)
        if fragment is None:
            continue
        if "continuation" not in block.flags:
            region = Region([fragment])
            regions.append(region)
            by_uuid.setdefault(block.uuid, region)
        elif block.parent_uuid in by_uuid:
            by_uuid[block.parent_uuid].fragments.append(fragment)
        else:
            orphans.setdefault(block.parent_uuid, []).append(fragment)
    for parent, fragments in orphans.items():
        if parent in by_uuid:  # a continuation may stand before its parent
            by_uuid[parent].fragments.extend(fragments)
        else:
            regions.append(Region(fragments, orphan=True))
    for region in regions:
        region.fragments.sort(key=lambda f: f.base)
    return regions
