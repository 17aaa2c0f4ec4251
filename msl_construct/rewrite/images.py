"""What identifies an image, read from captured memory: ELF, PE and Mach-O.

The memory belongs to the target, so nothing in it is believed: every count and size is bounded, and
bytes that were not captured are said to be missing, never guessed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from ..errors import MemoryAccessError
from ..space import AddressSpace

__all__ = ["RewriteImageError", "build_id_of"]

_MOST_HEADERS = 256
_MOST_NOTES = 1 << 16
_LONGEST = 20  # bytes that a row of the manifest has room for

_ELF, _PE = b"\x7fELF", b"MZ"
_LOAD, _NOTE, _BUILD_ID = 1, 4, 3
_DEBUG, _CODEVIEW, _RSDS = 6, 2, b"RSDS"
_UUID_COMMAND = 0x1B
_MACH = {0xFEEDFACF: 32, 0xFEEDFACE: 28}
"""Bytes of the header of a Mach-O image, by its magic."""


class RewriteImageError(ValueError):
    """No build-id can be read; the message says why."""


def build_id_of(space: AddressSpace, base: int) -> bytes:
    """What identifies the image at an address: build-id, GUID of the symbols, or UUID.

    Raises:
        ImageError: it has none, it is no image, or the bytes were not captured.
    """
    try:
        begin = _read(space, base, 4)
        if begin == _ELF:
            return _elf(space, base)
        if begin[:2] == _PE:
            return _pe(space, base)
        (magic,) = struct.unpack("<I", begin)
        if magic in _MACH:
            return _mach_o(space, base, _MACH[magic])
    except MemoryAccessError as error:
        raise RewriteImageError(f"not captured: {error}") from None
    except struct.error:
        raise RewriteImageError("the image's headers are damaged") from None
    raise RewriteImageError(
        f"no image begins at {base:#x}: expected ELF, PE or Mach-O, found {begin.hex()}"
    )


def _read(space: AddressSpace, address: int, size: int) -> bytes:
    return bytes(space.read(address % (1 << 64), size))


def _elf(space: AddressSpace, base: int) -> bytes:
    wide, big = _read(space, base + 4, 2)
    if wide not in (1, 2) or big not in (1, 2):
        raise RewriteImageError("the ELF header is damaged")
    order = "<" if big == 1 else ">"
    head = struct.Struct(order + ("16xHHIQQQIHHH" if wide == 2 else "16xHHIIIIIHHH"))
    fields = head.unpack(_read(space, base, head.size))
    offset, size, count = fields[4], fields[8], fields[9]
    entry = struct.Struct(order + ("IIQQQQQQ" if wide == 2 else "IIIIIIII"))
    if size != entry.size or not 0 < count <= _MOST_HEADERS:
        raise RewriteImageError("the ELF program headers are damaged")
    table = _read(space, base + offset, size * count)
    rows = [_segment(row, wide) for row in entry.iter_unpack(table)]
    loads = [address for kind, address, _ in rows if kind == _LOAD]
    if not loads:
        raise RewriteImageError("the ELF image has nothing to load")
    shift = base - (min(loads) & ~0xFFF)
    for kind, address, length in rows:
        if kind == _NOTE:
            notes = _read(space, shift + address, min(length, _MOST_NOTES))
            for name, note, text in _notes(notes, order):
                if note == _BUILD_ID and name == b"GNU\0" and text:
                    return text[:_LONGEST]
    raise RewriteImageError("the ELF image has no build-id")


def _segment(row: tuple[int, ...], wide: int) -> tuple[int, int, int]:
    """Type, address and bytes in the file of a program header."""
    return (row[0], row[3], row[5]) if wide == 2 else (row[0], row[2], row[4])


def _notes(stored: bytes, order: str) -> Iterator[tuple[bytes, int, bytes]]:
    head, at = struct.Struct(order + "III"), 0
    while at + head.size <= len(stored):
        name_size, size, kind = head.unpack_from(stored, at)
        at += head.size
        name = stored[at : at + name_size]
        at += -(-name_size // 4) * 4
        yield name, kind, stored[at : at + size]
        at += -(-size // 4) * 4


def _pe(space: AddressSpace, base: int) -> bytes:
    (start,) = struct.unpack("<I", _read(space, base + 0x3C, 4))
    head = _read(space, base + start, 24)
    if head[:4] != b"PE\0\0":
        raise RewriteImageError("an MZ header without PE")
    (magic,) = struct.unpack("<H", _read(space, base + start + 24, 2))
    directories = base + start + 24 + (112 if magic == 0x20B else 96)
    place, size = struct.unpack("<II", _read(space, directories + 8 * _DEBUG, 8))
    for number in range(min(size // 28, _MOST_HEADERS)):
        row = struct.unpack("<IIHHIIII", _read(space, base + place + 28 * number, 28))
        if row[4] == _CODEVIEW and row[6]:
            found = _read(space, base + row[6], 20)
            if found[:4] == _RSDS:
                return found[4:]
    raise RewriteImageError("the PE image names no symbols")


def _mach_o(space: AddressSpace, base: int, size: int) -> bytes:
    count, length = struct.unpack_from("<II", _read(space, base, size), 16)
    commands, at = _read(space, base + size, min(length, _MOST_NOTES)), 0
    for _ in range(min(count, _MOST_HEADERS)):
        kind, step = struct.unpack_from("<II", commands, at)
        if kind == _UUID_COMMAND:
            return commands[at + 8 : at + 24]
        at += max(step, 8)
    raise RewriteImageError("the Mach-O image has no UUID")
