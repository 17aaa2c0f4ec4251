"""Memory regions: fragments put back together, and their pages (§5.1)."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..codecs.inflate import InflatedSource
from ..page_map import PageMap
from ..schema import Code, FlagValue, Record
from ..schema.pages import PackedPages, PageStateMap
from ..source import Extent
from ..space import ABSENT, DAMAGED, TRUNCATED
from .block import RAW, Block

__all__ = ["ABSENT", "DAMAGED", "TRUNCATED", "Fragment", "Region", "assemble"]


_NO_PAGES = PageMap.uniform(0)


class Fragment:
    """One Memory Region block.

    Attributes:
        damaged: its page map does not fit the payload: nothing is known of its pages.
        base, size: the address range, in bytes.
        page_size: bytes of a page.
        pages: the state of every page.
        data: the bytes of the captured pages; may be shorter than the map promises.
    """

    def __init__(self, block: Block, payload: Record, page_size: int) -> None:
        self.block = block
        self.payload = payload
        self.base: int = payload["base_addr"]
        self.size: int = payload["region_size"]
        self.page_size = page_size
        self.damaged = "page_data" not in payload
        self.pages: PageMap = payload.get("page_state_map", _NO_PAGES)
        self.data: Extent = (
            Extent(block.source, block.offset, 0)
            if self.damaged
            else _unpacked(payload["page_data"], block)
        )

    @property
    def end(self) -> int:
        """First address behind the fragment."""
        return self.base + self.size

    @property
    def continues(self) -> bool:
        """Whether it is one of the later fragments of its region."""
        return bool(self.block.identity[1] & self.block.schema.continuation)

    @property
    def order(self) -> int:
        """Its place in the file."""
        return self.block.index

    @property
    def missing(self) -> int:
        """Bytes that the page map promises and the payload doesn't hold."""
        return max(0, self.pages.captured * self.page_size - self.data.length)

    @property
    def captured(self) -> int:
        """Captured pages whose bytes are there: what `counts` says of them, sooner."""
        return min(self.pages.captured, self._whole_pages)

    def counts(self, first: int = 0, stop: int | None = None) -> dict[str, int]:
        """Pages of each state among [first, stop), by name; ``truncated`` only where any are."""
        pages = self.pages
        stop = pages.pages if stop is None else min(stop, pages.pages)
        counts = pages.counts(first, stop)
        names = self.block.schema.page_state_names
        found = dict(zip(names, counts))
        if counts[0]:
            before = pages.rank(first) if first else 0
            lacking = max(0, before + counts[0] - max(self._whole_pages, before))
            if lacking:
                found[names[0]] -= lacking
                found[TRUNCATED] = lacking
        return found

    def states(self) -> Iterator[tuple[int, int, str]]:
        """``(first page, count, state)``; captured pages without their bytes are ``truncated``."""
        names = self.block.schema.page_state_names
        rank = 0
        for page, count, state in self.pages.runs():
            name = names[state]
            if state:
                yield page, count, name
                continue
            there = max(0, min(count, self._whole_pages - rank))
            rank += count
            if there:
                yield page, there, name
            if there < count:
                yield page + there, count - there, TRUNCATED

    @property
    def _whole_pages(self) -> int:
        return self.data.length // self.page_size

    def runs(self, start: int, end: int) -> Iterator[tuple[int, int, str, int]]:
        """``(address, length, state, data offset)`` over [start, end), clipped to the fragment.

        The data offset counts within `data` and means something for captured runs only.
        """
        start, end = max(start, self.base), min(end, self.end)
        if start >= end:
            return
        if self.damaged:
            yield start, end - start, DAMAGED, 0
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
        return min(self.fragments, key=lambda f: (f.continues, f.block.index))

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
        rights: FlagValue = self.head.payload["protection"]
        return rights

    @property
    def region_type(self) -> Code:
        """What backs the region."""
        kind: Code = self.head.payload["region_type"]
        return kind

    @property
    def page_data(self) -> memoryview:
        """The captured pages' bytes, as one buffer: of a large region rather read parts."""
        if len(self.fragments) == 1:
            return self.first.data.view()
        return memoryview(b"".join(bytes(f.data.view()) for f in self.fragments))

    @property
    def counts(self) -> dict[str, int]:
        """Pages of each state, by name."""
        totals: dict[str, int] = {}
        for fragment in self.fragments:
            for name, count in fragment.counts().items():
                totals[name] = totals.get(name, 0) + count
        return totals

    def runs(self) -> Iterator[tuple[int, int, str]]:
        """``(first page, count, state)`` over the region, pages counted from `base_addr`."""
        held: tuple[int, int, str] | None = None
        for fragment in self.fragments:
            shift = (fragment.base - self.base_addr) // self.page_size
            for page, count, name in fragment.states():
                if held is not None and held[2] == name and held[0] + held[1] == page + shift:
                    held = (held[0], held[1] + count, name)
                    continue
                if held is not None:
                    yield held
                held = (page + shift, count, name)
        if held is not None:
            yield held


def fragment_of(block: Block) -> Fragment | None:
    """The block as a fragment, unless not even its place and page size are known."""
    payload = block.payload
    kind = block.type
    assert kind is not None
    if kind.layout is None or RAW in payload:
        return None
    page_map = kind.layout.field("page_state_map").type
    assert isinstance(page_map, PageStateMap)
    page_size = page_map.page_size(payload)
    return None if page_size is None else Fragment(block, payload, page_size)


def _unpacked(data: Extent, block: Block) -> Extent:
    """Page data that is compressed by itself, inflated when somebody reads it."""
    if not isinstance(data, PackedPages):
        return data
    size = data.inflated_size
    return Extent(
        InflatedSource(data, data.codec, size, block.inflate_limit, block.budget), 0, size
    )


def lacks_data(block: Block) -> bool:
    """Whether a Memory Region promises captured pages whose bytes it does not hold."""
    fragment = fragment_of(block)
    return fragment is not None and fragment.missing > 0


def _joins(region: Region, fragment: Fragment) -> bool:
    """Whether a continuation's pages line up with those of its region."""
    size = region.page_size
    return fragment.page_size == size and (fragment.base - region.base_addr) % size == 0


def assemble(blocks: Iterable[Block]) -> list[Region]:
    """Regions in file order of their first fragment; continuations join their parent."""
    regions: list[Region] = []
    # By the UUID's bytes, whose hash can't be foreseen: a file can't make them all collide.
    by_uuid: dict[bytes, Region] = {}
    orphans: dict[bytes, list[Fragment]] = {}
    for block in blocks:
        fragment = fragment_of(block)
        if fragment is None:
            continue
        _, flags, _, uuid, parent = block.identity
        if not flags & block.schema.continuation:
            region = Region([fragment])
            regions.append(region)
            by_uuid.setdefault(uuid, region)
            continue
        found = by_uuid.get(parent)
        if found is None:
            orphans.setdefault(parent, []).append(fragment)
        elif _joins(found, fragment):
            found.fragments.append(fragment)
        else:  # pages that don't line up can't be counted together
            regions.append(Region([fragment], orphan=True))
    for parent, fragments in orphans.items():
        for fragment in fragments:
            found = by_uuid.get(parent)
            if found is None:
                by_uuid[parent] = Region([fragment], orphan=True)
                regions.append(by_uuid[parent])
            elif _joins(found, fragment):  # may stand before its parent
                found.fragments.append(fragment)
            else:
                regions.append(Region([fragment], orphan=True))
    for region in regions:
        if len(region.fragments) > 1:
            region.fragments.sort(key=lambda f: f.base)
    return regions
