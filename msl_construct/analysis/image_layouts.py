"""Which bytes of a program's file stand where in memory, as its own headers say: ELF and PE.

Nothing of a header is believed before it was held against what is captured.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..errors import ImageError
from ..space import AddressSpace

__all__ = ["FileRange", "ImageLayout", "image_layout"]

_MOST_SEGMENTS = 4096
_LARGEST_FILE = 1 << 36
"""Bytes that a file may be said to have."""


@dataclass(frozen=True)
class FileRange:
    """Bytes of the file that were mapped.

    Attributes:
        offset, size: in the file.
        address: where they stand in memory.
        name: what they are, for people.
    """

    offset: int
    size: int
    address: int
    name: str

    @property
    def end(self) -> int:
        """The first offset behind them."""
        return self.offset + self.size


@dataclass
class ImageLayout:
    """A file as its headers describe it.

    Attributes:
        kind: ``elf`` or ``pe``.
        size: of the file, as far as it was mapped.
        ranges: what was, by offset; they don't overlap.
        altered: header fields that must change since what they speak of was not mapped: name,
            offset and the new bytes.
        left_out: what the file had that was not mapped, for people.
    """

    kind: str
    size: int
    ranges: list[FileRange]
    altered: list[tuple[str, int, bytes]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def image_layout(space: AddressSpace, base: int) -> ImageLayout:
    """The layout of the image at an address.

    Raises:
        ImageError: its headers are not captured, or none of ELF or PE.
    """
    start = _bytes(space, base, 64, "the header")
    if start[:4] == b"\x7fELF":
        return _elf(space, base, start)
    if start[:2] == b"MZ":
        return _pe(space, base, start)
    raise ImageError(f"{base:#x}: expected an ELF or PE header, found {start[:4].hex()}")


def _bytes(space: AddressSpace, address: int, size: int, what: str) -> bytes:
    memory = space.read(address, size)
    if not memory.complete:
        at, _, state = next(run for run in memory.runs if run[2] != "captured")
        raise ImageError(f"{what} at {address:#x} is not captured: {at:#x} is {state}")
    return bytes(memory.data)


def _placed(kind: str, ranges: list[FileRange]) -> ImageLayout:
    """Ranges by offset; of two that overlap the first keeps the bytes."""
    found: list[FileRange] = []
    behind = 0
    for one in sorted(ranges, key=lambda each: (each.offset, -each.size)):
        skip = max(0, behind - one.offset)
        if one.size <= skip:
            continue
        found.append(FileRange(one.offset + skip, one.size - skip, one.address + skip, one.name))
        behind = one.end
    if behind > _LARGEST_FILE:
        raise ImageError(f"the headers speak of a file of {behind} bytes: expected {_LARGEST_FILE}")
    return ImageLayout(kind, behind, found)


# --- ELF ----------------------------------------------------------------------------------------

_LOAD, _DYNAMIC = 1, 2
_CLASSES = {1: ("HHIIIIIHHHHHH", 52), 2: ("HHIQQQIHHHHHH", 64)}
_MOST_DYNAMIC = 1 << 16
_LOADER_ADDS = {
    3: "DT_PLTGOT",
    4: "DT_HASH",
    5: "DT_STRTAB",
    6: "DT_SYMTAB",
    7: "DT_RELA",
    17: "DT_REL",
    23: "DT_JMPREL",
    36: "DT_RELR",
    0x6FFF_FEF5: "DT_GNU_HASH",
    0x6FFF_FFF0: "DT_VERSYM",
}
"""Tags of a dynamic section; glibc writes into it (elf/get-dynamic-info.h), musl does not."""
_SEGMENTS = {1: "IIIIIIII", 2: "IIQQQQQQ"}


def _elf(space: AddressSpace, base: int, start: bytes) -> ImageLayout:
    width, order = start[4], {1: "<", 2: ">"}.get(start[5])
    if width not in _CLASSES or order is None:
        raise ImageError(f"{base:#x}: an ELF header of class {width}, byte order {start[5]}")
    form, size = _CLASSES[width]
    values = struct.unpack(order + form, start[16:size])
    _, _, _, _, table, sections, _, _, each, count, section_each, section_count, _ = values
    if each != struct.calcsize(order + _SEGMENTS[width]) or not 0 < count <= _MOST_SEGMENTS:
        raise ImageError(f"{base:#x}: an ELF header with {count} segments of {each} bytes each")
    raw = _bytes(space, base + table, each * count, "the program headers")
    loaded: list[tuple[int, int, int]] = []
    dynamic: list[tuple[int, int, int]] = []
    for values in struct.iter_unpack(order + _SEGMENTS[width], raw):
        # (type, offset, vaddr, paddr, filesz, …), with the flags in front in class 64
        offset, address, _, filled = values[1:5] if width == 1 else values[2:6]
        if values[0] in (_LOAD, _DYNAMIC):
            (loaded if values[0] == _LOAD else dynamic).append((offset, address, filled))
    first = min(loaded, default=None)
    if first is None:
        raise ImageError(f"{base:#x}: an ELF header without a segment that is loaded")
    bias = base - (first[1] - first[0])
    placed = [
        FileRange(offset, filled, bias + address, f"segment {number}")
        for number, (offset, address, filled) in enumerate(loaded)
    ]
    layout = _placed("elf", [one for one in placed if _is_somewhere(one)])
    layout.left_out += [
        f"{one.name}: {one.size} bytes at {one.offset:#x}, at no address that there is"
        for one in placed
        if one.size and not _is_somewhere(one)
    ]
    if section_count and not _mapped(layout, sections, section_each * section_count):
        layout.left_out.append(f"section headers at {sections:#x}")
        word = 4 if width == 1 else 8
        at = 32 if width == 1 else 40
        tail = size - 4  # e_shnum and e_shstrndx are the last two
        layout.altered += [
            ("e_shoff", at, bytes(word)),
            ("e_shnum", tail, bytes(2)),
            ("e_shstrndx", tail + 2, bytes(2)),
        ]
    for offset, address, filled in dynamic[:1]:
        behind = max(address + filled for _, address, filled in loaded)
        form = order + ("II" if width == 1 else "QQ")
        if bias > 0 and _stands(layout, offset, bias + address, filled):
            table = space.read(bias + address, filled) if 0 < filled <= _MOST_DYNAMIC else None
            if table is not None and table.complete:
                layout.altered += _relocated(bytes(table.data), form, offset, bias, behind)
    return layout


def _relocated(
    table: bytes, form: str, offset: int, bias: int, behind: int
) -> Iterator[tuple[str, int, bytes]]:
    """Addresses in a dynamic section to which glibc's loader has added where the file was mapped.

    Tools look for names and relocations there, and find none in the file as long as it is added.

    Args:
        offset: of the section, in the file.
        behind: address behind all that is loaded, as the file has it.
    """
    each = struct.calcsize(form)
    found = []
    for at in range(0, len(table) - each + 1, each):
        tag, value = struct.unpack_from(form, table, at)
        if tag == 0:
            break
        if tag in _LOADER_ADDS and value:
            found.append((_LOADER_ADDS[tag], offset + at + each // 2, value))
    if any(not bias <= value < bias + behind for _, _, value in found):
        return  # another loader leaves them as they are; near 0 they may look like addresses
    for name, place, value in found:
        yield name, place, struct.pack(form[0] + form[1], value - bias)


def _is_somewhere(one: FileRange) -> bool:
    return 0 <= one.address <= (1 << 64) - one.size


def _mapped(layout: ImageLayout, offset: int, size: int) -> bool:
    return any(one.offset <= offset and offset + size <= one.end for one in layout.ranges)


def _stands(layout: ImageLayout, offset: int, address: int, size: int) -> bool:
    """Whether bytes of the file are those at an address, as the segments say."""
    return any(
        one.offset <= offset
        and offset + size <= one.end
        and address - one.address == offset - one.offset
        for one in layout.ranges
    )


# --- PE -----------------------------------------------------------------------------------------

_MAGICS = {0x10B: 96, 0x20B: 112}
"""Of the optional header, and where its data directories begin."""
_CERTIFICATES = 4


def _pe(space: AddressSpace, base: int, start: bytes) -> ImageLayout:
    (at,) = struct.unpack_from("<I", start, 60)
    head = _bytes(space, base + at, 24, "the PE header")
    if head[:4] != b"PE\0\0":
        raise ImageError(f"{base + at:#x}: expected a PE header, found {head[:4].hex()}")
    _, count, _, symbols, symbol_count, size, _ = struct.unpack("<HHIIIHH", head[4:])
    optional = _bytes(space, base + at + 24, size, "the optional header")
    if size < 64 or struct.unpack_from("<H", optional)[0] not in _MAGICS or count > _MOST_SEGMENTS:
        raise ImageError(f"{base + at:#x}: a PE header of {count} sections, {size} bytes")
    (headers,) = struct.unpack_from("<I", optional, 60)
    table = _bytes(space, base + at + 24 + size, 40 * count, "the section table")
    ranges = [FileRange(0, headers, base, "headers")]
    elsewhere = []  # names that stand behind the symbols
    for place in range(0, len(table), 40):
        name, virtual, address, raw, offset = struct.unpack_from("<8sIIII", table, place)
        text = name.rstrip(b"\0").decode("ascii", "backslashreplace")
        if text[:1] == "/" and text[1:].isdecimal():
            elsewhere.append((f"name of section {text}", at + 24 + size + place, b"_"))
        # What the file pads a section with is not mapped beyond the page it ends in.
        mapped = min(raw, -(-max(virtual, 1) // 4096) * 4096) if virtual else raw
        if mapped and offset:
            ranges.append(FileRange(offset, mapped, base + address, f"section {text}"))
    layout = _placed("pe", ranges)
    directories = _MAGICS[struct.unpack_from("<H", optional)[0]] + 8 * _CERTIFICATES
    if directories + 8 <= size:
        where, length = struct.unpack_from("<II", optional, directories)
        if where and length:
            layout.left_out.append(f"certificates: {length} bytes at {where:#x}")
            place = at + 24 + directories
            layout.altered.append(("certificate table", place, bytes(8)))
    if symbols and symbol_count and not _mapped(layout, symbols, 18 * symbol_count):
        layout.left_out.append(f"{symbol_count} symbols at {symbols:#x}")
        layout.altered.append(("PointerToSymbolTable and NumberOfSymbols", at + 12, bytes(8)))
        # Binutils take a file for none at all whose sections are called by what is not there.
        layout.altered += elsewhere
    return layout
