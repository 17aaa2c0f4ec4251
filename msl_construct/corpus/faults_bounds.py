"""One fault each, of sizes that tempt a reader to believe them before it looks (§5.1, §6)."""

from __future__ import annotations

from typing import Literal

from ..page_map import pad8
from .assemble import payload_of
from .base_plans import live
from .faults import fault
from .manifest import Consumer
from .payloads import KIB
from .plan import Edit, Plan, before, since
from .recipe import Where, payload_at

_PAGE_MAP = "MEMORY-REGION-PAGE-MAP-TOO-LARGE"
_PAGE_SIZE = "MSL-5.1-MEMORY-REGION-VALUE-NOT-PERMITTED"
_PAGE_DATA = "MSL-5.1-MEMORY-REGION-PAGE-DATA-LENGTH"


def _overwrite(plan: Plan, field: str, value: int) -> Where:
    """Put a number into a field of the first region, whatever follows from it."""
    layout = plan.form.schema.block("memory_region").layout
    assert layout is not None
    order: Literal["little", "big"] = "big" if plan.form.byte_order == "big" else "little"
    width = layout.field(field).type.minimum
    edit = Edit(layout.offset_of(field), value.to_bytes(width, order))
    plan.block("region").edits.append(edit)
    return payload_at(plan, "region", field)


def _region_of_4_eib(plan: Plan) -> Where:
    """A RegionSize of 4 EiB in pages of 1 KiB; the block holds the map of four."""
    _overwrite(plan, "region_size", 1 << 62)
    return payload_at(plan, "region", "page_state_map")


fault(f"MSL-6-{_PAGE_MAP}", before("draft-2026-10"), further=True)(_region_of_4_eib)
fault(f"MSL-7-{_PAGE_MAP}", since("draft-2026-10"), further=True)(_region_of_4_eib)


def _page_size(log2: int, name: str) -> None:
    def bend(plan: Plan) -> Where:
        return _overwrite(plan, "page_size_log2", log2)

    bend.__name__ = f"log2_{log2}"
    bend.__doc__ = f"PageSizeLog2 is {log2}: {name}."
    reject = Consumer.REJECT_BLOCK
    fault(_PAGE_SIZE, features=("pagesize",), consumer=reject, further=True)(bend)


_page_size(0, "pages of one byte")
_page_size(63, "a page is half of all addresses")
_page_size(64, "a shift by all bits of an address")
_page_size(255, "the most that the field can say")


@fault("MSL-5.4-PROCESS-IDENTITY-LENGTH-TOO-LARGE", further=True)
def string_not_padded(plan: Plan) -> Where:
    """The last string ends with its NUL: the padding that belongs to it is not stored."""
    block = plan.block("identity")
    length = len(block.payload["cmd_line"].encode()) + 1
    start = len(payload_of(plan.form.schema, block, {})) - pad8(length)
    block.keep = start + length
    return payload_at(plan, "identity", start)


@fault(_PAGE_DATA, base=live, further=True)
def page_missing(plan: Plan) -> Where:
    """The map says two pages are captured, PageData holds one: what follows is another block."""
    layout = plan.form.schema.block("memory_region").layout
    assert layout is not None
    start = layout.offset_of("page_state_map") + 8
    plan.block("region").keep = start + KIB
    return payload_at(plan, "region", start)


@fault(_PAGE_DATA, base=live, further=True)
def page_too_many(plan: Plan) -> Where:
    """The map says two pages are captured, PageData holds three."""
    layout = plan.form.schema.block("memory_region").layout
    assert layout is not None
    plan.block("region").extra = b"\xee" * KIB
    return payload_at(plan, "region", layout.offset_of("page_state_map") + 8)
