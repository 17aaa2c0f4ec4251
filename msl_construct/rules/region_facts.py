"""What is remembered of memory regions: columns of numbers, forty-six bytes a region."""

from __future__ import annotations

from array import array
from bisect import bisect_left

from ..reader import Block
from ..schema import Record, Schema
from ..schema.pages import PageStateMap

__all__ = ["UNKNOWN", "RegionFacts"]

UNKNOWN = (1 << 64) - 1
"""Bytes of PageData where nobody can tell: no page map, or one of a size that is no pages."""


class RegionFacts:
    """Columns with one entry for each Memory Region block whose place is known."""

    def __init__(self) -> None:
        self.blocks = array("I")
        self.bases = array("Q")
        self.sizes = array("Q")
        self.exponents = array("B")
        self.data = array("Q")
        self.timestamps = array("Q")
        self._page_maps: dict[Schema, PageStateMap] = {}

    def __len__(self) -> int:
        return len(self.blocks)

    def take(self, block: Block, payload: Record) -> None:
        """Note a region; one without a usable size of pages has no place."""
        schema = block.schema
        page_map = self._page_maps.get(schema)
        if page_map is None:
            page_map = self._page_maps[schema] = _page_map(schema, block.key)
        exponent = page_map.exponent(payload)
        if exponent is None:
            return
        self.blocks.append(block.index)
        self.bases.append(payload["base_addr"])
        self.sizes.append(payload["region_size"])
        self.exponents.append(exponent)
        self.data.append(_data(payload, exponent))
        self.timestamps.append(payload.get("timestamp", 0))

    def known(self, row: int) -> bool:
        """Whether size and page map agree, so that it is clear which addresses it covers."""
        return self.data[row] != UNKNOWN

    def row_of(self, block: int | None) -> int | None:
        """The row of a block; None where it has none."""
        if block is None:
            return None
        row = bisect_left(self.blocks, block)
        return row if row < len(self.blocks) and self.blocks[row] == block else None


def _page_map(schema: Schema, key: str) -> PageStateMap:
    layout = schema.block(key).layout
    assert layout is not None
    found = layout.field("page_state_map").type
    assert isinstance(found, PageStateMap)
    return found


def _data(payload: Record, exponent: int) -> int:
    """Bytes of PageData: by the map or by what is there, as that they differ is another rule."""
    pages = payload.get("page_state_map")
    if pages is None or payload["region_size"] & (1 << exponent) - 1:
        return UNKNOWN
    stored: int = payload["page_data"].length if "page_data" in payload else 0
    mapped: int = pages.captured << exponent
    return min(max(mapped, stored), UNKNOWN)
