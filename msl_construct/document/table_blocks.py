"""The blocks that a table is made from: read again for every table, so that none is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from ..drafts import DIALECTS, DRAFTS
from ..reader.block import Block
from ..reader.dump import Dump
from ..reader.regions import Region, assemble, fragment_of

__all__ = ["TableBlocks", "regions_of"]


class TableBlocks(Iterable[Block]):
    """Blocks of some types of a dump, in file order, made anew whenever somebody iterates.

    Args:
        types: keys of block types; empty: all of them.
    """

    def __init__(self, dump: Dump, types: tuple[str, ...]) -> None:
        self._dump = dump
        self._types = types
        own = {block.code for block in dump.schema.draft.blocks if block.key in types}
        self._codes = own | _codes(types)

    def __iter__(self) -> Iterator[Block]:
        dump, kinds = self._dump, self._dump.index.types
        for index in range(dump.capture_count):
            if not self._types:
                yield dump.block(index)
            elif kinds[index] in self._codes and (block := dump.block(index)).key in self._types:
                yield block
        for segment in dump.segments:
            for block in dump.segment_blocks(segment):
                if may_be_appended(block) and (not self._types or block.key in self._types):
                    yield block


@lru_cache(maxsize=256)
def _codes(types: tuple[str, ...]) -> frozenset[int]:
    """Codes that block types have in any draft or dialect."""
    drafts = (*DRAFTS.values(), *(dialect.draft for dialect in DIALECTS.values()))
    return frozenset(block.code for draft in drafts for block in draft.blocks if block.key in types)


def may_be_appended(block: Block) -> bool:
    """Whether segments may hold blocks of this type (§4.6); what others hold is in no table."""
    return block.type is None or block.type.in_segment


def regions_of(blocks: Iterable[Block]) -> Iterator[Region]:
    """What `assemble` gives, in its order; only regions of several fragments are kept.

    Args:
        blocks: Memory Region blocks that can be iterated over twice.
    """
    parents = {block.parent_uuid.bytes for block in blocks if _continues(block)}
    if not parents:
        for block in blocks:
            fragment = fragment_of(block)
            if fragment is not None:
                yield Region([fragment])
        return
    first: dict[bytes, int] = {}

    def belongs(block: Block) -> bool:
        return _continues(block) or block.uuid.bytes in parents

    for block in blocks:
        if not _continues(block) and belongs(block) and fragment_of(block) is not None:
            first.setdefault(block.uuid.bytes, block.index)
    several = assemble(block for block in blocks if belongs(block))
    waiting = iter([(_place(region, first), region) for region in several])
    place, region = next(waiting, (None, None))
    for block in blocks:
        if belongs(block):
            continue
        while place is not None and region is not None and place < block.index:
            yield region
            place, region = next(waiting, (None, None))
        fragment = fragment_of(block)
        if fragment is not None:
            yield Region([fragment])
    while region is not None:
        yield region
        place, region = next(waiting, (None, None))


def _continues(block: Block) -> bool:
    return bool(block.flags & block.schema.continuation)


def _place(region: Region, first: dict[bytes, int]) -> int | None:
    """The block that a region stands at; None for those at the end, whose parent comes later."""
    head = region.head.block
    if region.orphan:
        parent = first.get(head.parent_uuid.bytes)
        if parent is None or parent > head.index:
            return None
    return int(head.index)
