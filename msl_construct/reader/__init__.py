"""How the bytes are read: walking, decoding on demand, memory by address, verifying."""

from __future__ import annotations

from ..codecs.inflate import DEFAULT_INFLATE_LIMIT
from .block import RAW, Block, Compression
from .block_list import Blocks
from .dump import Dump, open_dump, open_listing
from .header import EXTENSION, FileHeader, read_header
from .memory import Memory, MemoryView, Overlap
from .regions import ABSENT, TRUNCATED, Fragment, Region
from .segments import Segment
from .verdict import Finding, Verdict
from .walk import Ending

__all__ = [
    "ABSENT",
    "DEFAULT_INFLATE_LIMIT",
    "EXTENSION",
    "RAW",
    "TRUNCATED",
    "Block",
    "Blocks",
    "Compression",
    "Dump",
    "Ending",
    "FileHeader",
    "Finding",
    "Fragment",
    "Memory",
    "MemoryView",
    "Overlap",
    "Region",
    "Segment",
    "Verdict",
    "open_dump",
    "open_listing",
    "read_header",
]
