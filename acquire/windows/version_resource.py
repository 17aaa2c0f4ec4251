"""The version in the resources of an image file: VS_FIXEDFILEINFO's FileVersion.

Anybody can write such a file: counts are bounded, and nothing goes deeper than
the three levels that a tree of resources has.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import IO

__all__ = ["file_version", "version_of"]

Read = Callable[[int, int], bytes]
"""Gives bytes by their offset in the image as it is mapped; raises `EOFError` where none are."""

_DOS, _PE = b"MZ", b"PE\0\0"
_HEADERS_AT = 0x3C
_OPTIONAL_AT = 24
_RESOURCES_AT = {0x10B: 96 + 8 * 2, 0x20B: 112 + 8 * 2}
"""Offset in the optional header by its magic: the third entry of the data directory."""
_SECTION = struct.Struct("<8x4I16x")
_MOST_SECTIONS = 96
_TYPE_VERSION = 16
_SUBDIRECTORY = 1 << 31
_MOST_ENTRIES, _LARGEST = 4096, 1 << 16
_SIGNATURE = struct.pack("<I", 0xFEEF04BD)


def version_of(read: Read) -> str:
    """``MAJOR.MINOR.BUILD.REVISION``; empty where the image has no such resource.

    Raises:
        EOFError: it ends too early.
    """
    if read(0, 2) != _DOS:
        return ""
    headers = _number(read, _HEADERS_AT)
    if read(headers, 4) != _PE:
        return ""
    optional = headers + _OPTIONAL_AT
    place = _RESOURCES_AT.get(int.from_bytes(read(optional, 2), "little"))
    if place is None:
        return ""
    root, length = struct.unpack("<II", read(optional + place, 8))
    if not root or not length:
        return ""
    at = _entry(read, root, 0, _TYPE_VERSION)
    for _ in range(2):  # its name, and its language: the first of each
        if not at & _SUBDIRECTORY:
            return ""
        at = _entry(read, root, at & ~_SUBDIRECTORY, None)
    if not at or at & _SUBDIRECTORY:
        return ""
    data, size = struct.unpack("<II", read(root + at, 8))
    found = read(data, min(size, _LARGEST)) if size else b""
    start = found.find(_SIGNATURE)
    if start < 0 or len(found) < start + 16:
        return ""
    high, low = struct.unpack_from("<II", found, start + 8)
    return f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}"


def _entry(read: Read, root: int, at: int, wanted: int | None) -> int:
    """What the entry of a directory leads to; 0: there is none.

    Args:
        wanted: its number; None: the first.
    """
    named, numbered = struct.unpack("<HH", read(root + at + 12, 4))
    count = min(named + numbered, _MOST_ENTRIES)
    rows = read(root + at + 16, 8 * (count if wanted is not None else min(count, 1)))
    for number, place in struct.iter_unpack("<II", rows):
        if wanted is None or number == wanted:
            return int(place)
    return 0


def file_version(path: str) -> str:
    """The same of a file; empty where that can't be read."""
    try:
        with open(path, "rb") as file:
            return version_of(_as_mapped(file))
    except (OSError, EOFError, ValueError):
        return ""


def _as_mapped(file: IO[bytes]) -> Read:
    """Reads a file by the offsets that its content has when it is mapped as an image."""

    def stored(at: int, size: int) -> bytes:
        file.seek(at)
        found = file.read(size)
        if len(found) < size:
            raise EOFError(f"{at + size} bytes are needed")
        return found

    headers = _number(stored, _HEADERS_AT)
    count, length = struct.unpack("<2xH12xH", stored(headers + 4, 18))
    table = headers + _OPTIONAL_AT + length
    rows = stored(table, _SECTION.size * min(count, _MOST_SECTIONS))
    sections = list(_SECTION.iter_unpack(rows))

    def read(at: int, size: int) -> bytes:
        for _, start, stored_size, where in sections:
            if start <= at < start + stored_size:
                if at + size > start + stored_size:
                    raise EOFError(f"a section of the image ends before {at + size:#x}")
                return stored(where + at - start, size)
        return stored(at, size)

    return read


def _number(read: Read, at: int) -> int:
    return int.from_bytes(read(at, 4), "little")
