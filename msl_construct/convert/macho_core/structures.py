"""The structures of Mach-O files (`mach-o/loader.h`, `mach/*/thread_status.h`) that a core has."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from ..structures import I32, U32, U64, PackedStructure

__all__ = [
    "COMMAND",
    "CORE",
    "HEADER",
    "IMAGES_HEADER",
    "IMAGE_ENTRY",
    "MAGICS",
    "NOTE",
    "NOTE_FORM",
    "SEGMENT",
    "SEGMENT_32",
    "SEGMENT_32_FORM",
    "SEGMENT_64",
    "SEGMENT_64_FORM",
    "THREAD",
    "ImageEntry",
    "Segment32",
    "Segment64",
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

SEGMENT_32, THREAD, SEGMENT_64, NOTE = 1, 4, 0x19, 0x31
"""LC_SEGMENT, LC_THREAD, LC_SEGMENT_64, LC_NOTE."""

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


class NoteCommand(NamedTuple):
    """note_command."""

    type: U32
    size: U32
    owner: Annotated[bytes, "16s"]
    offset: U64
    length: U64


class ImagesHeader(NamedTuple):
    """What the note "all image infos" begins with."""

    version: U32
    images: U32
    entries: U64
    entry_size: U32
    unused: U32


class ImageEntry(NamedTuple):
    """One image; what is not known of it is all ones."""

    path: U64
    uuid: Annotated[bytes, "16s"]
    address: U64
    segments: U64
    segment_count: U32
    unused: U32


HEADER = PackedStructure(MachHeader)
COMMAND = PackedStructure(LoadCommand)
NOTE_FORM = PackedStructure(NoteCommand)
IMAGES_HEADER = PackedStructure(ImagesHeader)
IMAGE_ENTRY = PackedStructure(ImageEntry)
SEGMENT_64_FORM = PackedStructure(Segment64)
SEGMENT_32_FORM = PackedStructure(Segment32)
