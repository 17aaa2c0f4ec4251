"""What is remembered of memory regions: columns of numbers, forty-six bytes a region."""

from __future__ import annotations

from array import array
from bisect import bisect_left

from ..reader import Block
from ..schema import Record
from ..schema.variable import PageStateMap

__all__ = ["UNKNOWN", "RegionFacts"]

UNKNOWN = (1 << 64) - 1
"""Bytes of PageData where there is no page map to tell them."""


class RegionFacts:
    """Columns with one entry for each Memory Region block whose place is known."""

    def __init__(self) -> None:
        self.blocks = array("I")
        self.bases = array("Q")
        self.sizes = array("Q")
        self.exponents = array("B")
        self.data = array("Q")
        self.timestamps = array("Q")

    def __len__(self) -> int:
        return len(self.blocks)

    def take(self, block: Block, payload: Record) -> None:
        """Note a region; one without a usable size of pages has no place."""
        kind = block.schema.block(block.key).layout
        assert kind is not None
        page_map = kind.field("page_state_map").type
        assert isinstance(page_map, PageStateMap)
        exponent = payload.get("page_size_log2")
        if exponent is None or not page_map.low <= exponent <= page_map.high:
            return
        self.blocks.append(block.index)
        self.bases.append(payload["base_addr"])
        self.sizes.append(payload["region_size"])
        self.exponents.append(exponent)
        # What the map says, not what is there: that the two differ is a rule of its own.
        pages = payload.get("page_state_map")
        self.data.append(UNKNOWN if pages is None else min(pages.captured << exponent, UNKNOWN))
        self.timestamps.append(payload.get("timestamp", 0))

    def row_of(self, block: int | None) -> int | None:
        """The row of a block; None where it has none."""
        if block is None:
            return None
        row = bisect_left(self.blocks, block)
        return row if row < len(self.blocks) and self.blocks[row] == block else None
