"""How the bytes are written: strictly, in one pass, in bounded memory."""

from __future__ import annotations

from .feed import RegionFeed
from .region import RegionWriter
from .region_plan import READ, ZERO, Plan, Read
from .segment import SegmentWriter, append_segment
from .uuids import new_uuid
from .writer import Writer

__all__ = [
    "READ",
    "ZERO",
    "Plan",
    "Read",
    "RegionFeed",
    "RegionWriter",
    "SegmentWriter",
    "Writer",
    "append_segment",
    "new_uuid",
]
