"""What an analyst does with a dump: addresses by name, reading, searching.

Everything here stands on `msl_construct.space.AddressSpace` and yields dataclasses.
"""

from __future__ import annotations

from .addresses import Addresses, pointer_width
from .aligning import AlignedStretch, Alignment, RegionPair, align
from .comparing import ComparedPages, MemoryChange, compare
from .diffing import DumpDifference, diff
from .extracting import (
    MOST_HASHED_HOLES,
    ExtractedPart,
    WantedPart,
    extract,
    manifest,
    module_parts,
    region_parts,
)
from .hexdump import HexLine, hex_lines
from .hits import Hit, Searched
from .image_layouts import FileRange, ImageLayout, image_layout
from .locations import Location, Locations, ModuleLocation, RegionLocation
from .patterns import (
    SearchPattern,
    base64_patterns,
    hex_pattern,
    integer_pattern,
    pointer_pattern,
    regex_pattern,
    reversed_pattern,
    text_pattern,
)
from .searching import search, search_rows
from .string_blocks import StringBlock
from .text_strings import string_rows, strings
from .timeline import Timeline, TimelineRow, timeline
from .yara import RuleGap, RuleScan, load_rules, scan_rules, yara_engine

__all__ = [
    "MOST_HASHED_HOLES",
    "Addresses",
    "AlignedStretch",
    "Alignment",
    "ComparedPages",
    "DumpDifference",
    "ExtractedPart",
    "FileRange",
    "HexLine",
    "Hit",
    "ImageLayout",
    "Location",
    "Locations",
    "MemoryChange",
    "ModuleLocation",
    "RegionLocation",
    "RegionPair",
    "RuleGap",
    "RuleScan",
    "SearchPattern",
    "Searched",
    "StringBlock",
    "Timeline",
    "TimelineRow",
    "WantedPart",
    "align",
    "base64_patterns",
    "compare",
    "diff",
    "extract",
    "hex_lines",
    "hex_pattern",
    "image_layout",
    "integer_pattern",
    "load_rules",
    "manifest",
    "module_parts",
    "pointer_pattern",
    "pointer_width",
    "regex_pattern",
    "region_parts",
    "reversed_pattern",
    "scan_rules",
    "search",
    "search_rows",
    "string_rows",
    "strings",
    "text_pattern",
    "timeline",
    "yara_engine",
]
