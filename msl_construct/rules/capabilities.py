"""CapBitmap against the blocks that are there, both ways (§8).

What counts is the capture up to its End-of-Capture: the header is never rewritten, so who
appends a Key Hint later can't set its bit.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..schema.blocks import CAPABILITIES
from .declare import rule
from .facts import Facts
from .model import Found, Level, Scope


def _present(facts: Facts) -> dict[str, int]:
    """The first block of each category that the capture holds."""
    categories = {
        code: kind.capability for code, kind in facts.schema.blocks.items() if kind.capability
    }
    present: dict[str, int] = {}
    for block in range(facts.capture_count):
        category = categories.get(facts.types[block])
        if category is not None:
            present.setdefault(category, block)
    return present


@rule(
    "MSL-8-CAP-BITMAP-BIT-WITHOUT-BLOCK",
    Level.MUST,
    Scope.WHOLE,
    requirement="Only bits of categories that were captured are set in CapBitmap.",
    wrong="CapBitmap announces a category of which the capture holds no block.",
    why="Whoever selects files by CapBitmap gets one that does not hold what it promises.",
)
def bit_without_block(facts: Facts) -> Iterator[Found]:
    if not facts.finished:
        return  # the blocks may have been about to be written
    present = _present(facts)
    for kind in sorted({b.capability for b in facts.schema.blocks.values() if b.capability}):
        mask = _mask(facts, kind)
        if facts.header.record["cap_bitmap"] & mask and kind not in present:
            yield _found(facts, f"bit {kind} is set: expected a block of that kind, found none")


@rule(
    "MSL-8-CAP-BITMAP-BLOCK-WITHOUT-BIT",
    Level.MUST,
    Scope.WHOLE,
    requirement="The bits of all categories that were captured are set in CapBitmap.",
    wrong="The capture holds blocks of a category that CapBitmap does not announce.",
    why="Whoever selects files by CapBitmap misses this one.",
)
def block_without_bit(facts: Facts) -> Iterator[Found]:
    for kind, block in sorted(_present(facts).items()):
        if not facts.header.record["cap_bitmap"] & _mask(facts, kind):
            yield _found(facts, f"bit {kind}: expected it set, as {facts.describe(block)} is there")


def _mask(facts: Facts, category: str) -> int:
    """The bit of a category, by the specification's name."""
    bits = facts.schema.flags[CAPABILITIES].bits
    return 1 << next(bit.bit for bit in bits if bit.label == category)


def _found(facts: Facts, text: str) -> Found:
    stated = facts.header.record["cap_bitmap"]
    offset = facts.schema.file_header.offset_of("cap_bitmap")
    return Found(f"CapBitmap {int(stated):#x}: {text}", offset, field="cap_bitmap")
