"""The structures of ELF files (System V ABI, gABI chapters 4 and 5) that a core is made of."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from ..structures import U8, U16, U32, U64, PackedStructure

__all__ = [
    "CORE",
    "HEADERS",
    "HEADER_32",
    "HEADER_64",
    "IDENT",
    "LOAD",
    "MAGIC",
    "NOTE",
    "NOTE_HEADER",
    "PAST_COUNTS",
    "PROGRAM_32",
    "PROGRAM_64",
    "PROGRAM_HEADERS",
    "SECTION_32",
    "SECTION_64",
    "SECTION_HEADERS",
    "STATE_COMPONENT",
    "Header32",
    "Header64",
    "Ident",
    "NoteHeader",
    "ProgramHeader32",
    "ProgramHeader64",
    "SectionHeader64",
]

MAGIC = b"\x7fELF"
CORE = 4
"""e_type of a core."""

LOAD, NOTE = 1, 4
"""p_type of memory and of notes."""

PAST_COUNTS = 0xFFFF
"""e_phnum of a file whose count stands in sh_info of section 0 (PN_XNUM)."""


class Ident(NamedTuple):
    """What every ELF file begins with."""

    magic: Annotated[bytes, "4s"]
    file_class: U8
    data: U8
    version: U8
    os_abi: U8
    abi_version: U8
    padding: Annotated[bytes, "7s"]


class Header64(NamedTuple):
    """Elf64_Ehdr behind e_ident."""

    type: U16
    machine: U16
    version: U32
    entry: U64
    program_headers: U64
    section_headers: U64
    flags: U32
    header_size: U16
    program_header_size: U16
    program_header_count: U16
    section_header_size: U16
    section_header_count: U16
    names_section: U16


class Header32(NamedTuple):
    """Elf32_Ehdr behind e_ident."""

    type: U16
    machine: U16
    version: U32
    entry: U32
    program_headers: U32
    section_headers: U32
    flags: U32
    header_size: U16
    program_header_size: U16
    program_header_count: U16
    section_header_size: U16
    section_header_count: U16
    names_section: U16


class ProgramHeader64(NamedTuple):
    """Elf64_Phdr."""

    type: U32
    flags: U32
    offset: U64
    address: U64
    physical: U64
    file_size: U64
    memory_size: U64
    alignment: U64


class ProgramHeader32(NamedTuple):
    """Elf32_Phdr."""

    type: U32
    offset: U32
    address: U32
    physical: U32
    file_size: U32
    memory_size: U32
    flags: U32
    alignment: U32


class SectionHeader64(NamedTuple):
    """Elf64_Shdr."""

    name: U32
    type: U32
    flags: U64
    address: U64
    offset: U64
    size: U64
    link: U32
    info: U32
    alignment: U64
    entry_size: U64


class SectionHeader32(NamedTuple):
    """Elf32_Shdr."""

    name: U32
    type: U32
    flags: U32
    address: U32
    offset: U32
    size: U32
    link: U32
    info: U32
    alignment: U32
    entry_size: U32


class NoteHeader(NamedTuple):
    """Elf_Nhdr, of both classes."""

    name_size: U32
    content_size: U32
    type: U32


class StateComponent(NamedTuple):
    """`struct x86_xfeat_component`: where XSAVE images have a feature."""

    type: U32
    size: U32
    offset: U32
    flags: U32


IDENT = PackedStructure(Ident)
STATE_COMPONENT = PackedStructure(StateComponent)
NOTE_HEADER = PackedStructure(NoteHeader)
HEADER_32, HEADER_64 = PackedStructure(Header32), PackedStructure(Header64)
PROGRAM_32, PROGRAM_64 = PackedStructure(ProgramHeader32), PackedStructure(ProgramHeader64)
SECTION_32, SECTION_64 = PackedStructure(SectionHeader32), PackedStructure(SectionHeader64)

HEADERS: tuple[PackedStructure[Header32] | PackedStructure[Header64], ...] = (HEADER_32, HEADER_64)
"""By whether the file is of 64 bits; so are the other two."""
PROGRAM_HEADERS: tuple[PackedStructure[ProgramHeader32] | PackedStructure[ProgramHeader64], ...] = (
    PROGRAM_32,
    PROGRAM_64,
)
SECTION_HEADERS: tuple[PackedStructure[SectionHeader32] | PackedStructure[SectionHeader64], ...] = (
    SECTION_32,
    SECTION_64,
)
