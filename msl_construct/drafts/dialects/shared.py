"""What several dialects lay out alike: zeros behind a payload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...schema.fields import Field
from ...schema.layout import Layout
from .vocabulary import Padding

if TYPE_CHECKING:
    from ...schema import Schema
    from .model import Evidence

__all__ = ["PADDING", "SECTION", "aligned", "as_given", "padded"]

SECTION = "§6"
"""Where draft-2026-10 has the tables of the investigation."""

PADDING = Field("Padding", Padding(), "Zeros up to the next block.", optional=True)


def padded(layout: Layout, since: str) -> Layout:
    """A layout with the zeros behind it that align the next block."""
    return layout.appending(since, PADDING)


def aligned(seen: Evidence, schema: Schema, *, compressed: bool) -> list[bool]:
    """Of each block that is compressed, or of each other one, whether 8 divides its length."""
    mask = schema.flags["BlockFlags"].mask("compressed")
    return [
        not length % 8
        for length, flags in zip(seen.lengths, seen.flags)
        if bool(flags & mask) is compressed
    ]


def as_given(producer: str) -> dict[str, str]:
    """What the writer of a producer lets those who call it write, by the rules that it breaks.

    Known from the source of both writers: they pack what they are given, and look at nothing else.
    """
    threads = f"{producer} writes a thread with the registers that it is given, be there none."
    rows = f"{producer} writes the rows of a VAS Map as it is given them, whatever their codes."
    return {
        "MSL-5.7-PROGRAM-COUNTER-MISSING": threads,
        "MSL-5.7-STACK-POINTER-MISSING": threads,
        "MSL-5.8-VAS-MAP-ENTRY-UNDEFINED-FLAG": rows,
        "MSLX-5.8-VAS-MAP-ENTRY-UNREGISTERED-CODE": rows,
        "MSLX-5.8-VAS-MAP-MISPLACED": f"{producer} writes a VAS Map where it is told to.",
        "MSL-5.6-KEY-HINT-WITHOUT-REGION": f"{producer} writes the RegionUUID of a Key Hint as it "
        "is given it, and does not look whether there is such a region.",
        "MSLX-5.6-KEY-HINT-EMPTY": f"{producer} writes any KeyLen that it is given.",
        "MSLX-5.1-REGION-EMPTY": f"{producer} writes regions without pages, if it is told to.",
    }
