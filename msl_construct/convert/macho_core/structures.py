"""The structures of Mach-O files (`mach-o/loader.h`, `mach/*/thread_status.h`) that a core has."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from ..structures import I32, U32, U64, PackedStructure

__all__ = [
    "COMMAND",
    "CORE",
    "HEADER",
    "MAGICS",
    "SEGMENT",
    "SEGMENT_32",
    "SEGMENT_32_FORM",
    "SEGMENT_64",
    "SEGMENT_64_FORM",
    "THREAD",
]

MAGICS = {
    b"\xfe\xed\xfa\xce": (">", False),
    b"\xce\xfa\xed\xfe": ("<", False),
    b"\xfe\xed\xfa\xcf": (">", True),
    b"\xcf\xfa\xed\xfe": ("<", True),
}
"""Byte order, and whether addresses have 64 bits."""

CORE = 4
"""filetype of a core (MH_CORE)."""

SEGMENT_32, THREAD, SEGMENT_64 = 1, 4, 0x19
"""LC_SEGMENT, LC_THREAD, LC_SEGMENT_64."""

SEGMENT = (SEGMENT_32, SEGMENT_64)


class MachHeader(NamedTuple):
    """mach_header; that of 64 bits has four more bytes."""

    magic: U32
    processor: U32
    variant: U32
    file_type: U32
    commands: U32
    commands_size: U32
    flags: U32


class LoadCommand(NamedTuple):
    """load_command."""

    type: U32
    size: U32


class Segment64(NamedTuple):
    """segment_command_64."""

    type: U32
    size: U32
    name: Annotated[bytes, "16s"]
    address: U64
    memory_size: U64
    offset: U64
    file_size: U64
    most: I32
    protection: I32
    sections: U32
    flags: U32


class Segment32(NamedTuple):
    """segment_command."""

    type: U32
    size: U32
    name: Annotated[bytes, "16s"]
    address: U32
    memory_size: U32
    offset: U32
    file_size: U32
    most: I32
    protection: I32
    sections: U32
    flags: U32


HEADER = PackedStructure(MachHeader)
COMMAND = PackedStructure(LoadCommand)
SEGMENT_64_FORM = PackedStructure(Segment64)
SEGMENT_32_FORM = PackedStructure(Segment32)
