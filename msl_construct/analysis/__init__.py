"""What an analyst does with a dump: addresses by name, reading, searching.

Everything here stands on `msl_construct.space.AddressSpace` and yields dataclasses.
"""

from __future__ import annotations

from .addresses import Addresses
from .hexdump import HexLine, hex_lines
from .locations import Location, Locations, ModuleLocation, RegionLocation
from .patterns import (
    SearchPattern,
    hex_pattern,
    integer_pattern,
    pointer_pattern,
    regex_pattern,
    text_pattern,
)
from .searching import Hit, Searched, search
from .text_strings import strings

__all__ = [
    "Addresses",
    "HexLine",
    "Hit",
    "Location",
    "Locations",
    "ModuleLocation",
    "RegionLocation",
    "SearchPattern",
    "Searched",
    "hex_lines",
    "hex_pattern",
    "integer_pattern",
    "pointer_pattern",
    "regex_pattern",
    "search",
    "strings",
    "text_pattern",
]
