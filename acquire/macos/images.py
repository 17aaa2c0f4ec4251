"""What the dynamic linker loaded, read from its list in the target's memory.

Everything here comes from memory that the target can write: every count is bounded, every
pointer may lead nowhere.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..model import Mapping, Module

__all__ = ["Image", "cpu_of", "images_at", "modules_of"]

_MOST_IMAGES = 16384
_LONGEST_PATH = 1024
_MOST_COMMANDS = 1 << 20
_PIECE = 256
_MAGIC = 0xFEEDFACF
_LC_SEGMENT_64, _LC_UUID = 0x19, 0x1B
_CPUS = {0x0100_0007: "x86_64", 0x0100_000C: "arm64"}

Read = Callable[[int, int], bytes]
"""Exactly so many bytes at an address; none if they can't be read."""


class Image(NamedTuple):
    """One entry of the list."""

    base: int
    path: str


def images_at(read: Read, address: int) -> list[Image]:
    """The images in the dyld_all_image_infos at `address`; empty if it is being changed."""
    head = read(address, 16)
    if not head:
        return []
    _, count, array = struct.unpack("<IIQ", head)
    if not array or count > _MOST_IMAGES:
        return []
    entries = read(array, 24 * count)
    return [Image(base, _text(read, path)) for base, path, _ in struct.iter_unpack("<QQQ", entries)]


def _text(read: Read, address: int) -> str:
    found = b""
    while len(found) < _LONGEST_PATH:
        # A piece ends where the next starts, so that none crosses into a page that isn't there.
        piece = read(address, _PIECE - address % _PIECE)
        text, end, _ = piece.partition(b"\0")
        found += text
        if end or not piece:
            break
        address += len(piece)
    return found.decode("utf-8", "surrogateescape")


def _header(read: Read, base: int) -> tuple[int, bytes]:
    """The cputype and the load commands of a Mach-O image; (0, nothing) if it is none."""
    head = read(base, 32)
    if not head:
        return 0, b""
    magic, cpu, _, _, _, size, _, _ = struct.unpack("<8I", head)
    if magic != _MAGIC or size > _MOST_COMMANDS:
        return 0, b""
    return cpu, read(base + 32, size)


def cpu_of(read: Read, image: Image) -> str:
    """The schema's name of the architecture that an image was built for, or ``unknown``."""
    return _CPUS.get(_header(read, image.base)[0], "unknown")


def _measures(read: Read, base: int) -> tuple[int, bytes]:
    """The size of the __TEXT segment and the UUID; 0 and nothing where unknown."""
    _, commands = _header(read, base)
    size, uuid, offset = 0, b"", 0
    while offset + 8 <= len(commands):
        kind, length = struct.unpack_from("<II", commands, offset)
        if length < 8 or offset + length > len(commands):
            break
        body = commands[offset : offset + length]
        if kind == _LC_SEGMENT_64 and length >= 40 and body[8:24].rstrip(b"\0") == b"__TEXT":
            size = int.from_bytes(body[32:40], "little")
        elif kind == _LC_UUID and length >= 24:
            uuid = body[8:24]
        offset += length
    return size, uuid


def modules_of(
    read: Read,
    images: Sequence[Image],
    mappings: Sequence[Mapping],
    hashes: dict[str, bytes | None],
) -> list[Module]:
    """One module an image, spanning its code; without images, one an executable file mapping."""
    found = []
    for image in images:
        size, uuid = _measures(read, image.base)
        found.append(
            Module(
                base_addr=image.base,
                module_size=size,
                path=image.path,
                disk_hash=hashes.get(image.path),
                build_id=uuid,
            )
        )
    if not found:
        found = [
            Module(mapping.start, mapping.size, mapping.name, disk_hash=hashes.get(mapping.name))
            for mapping in mappings
            if mapping.region_type == "image" and mapping.name
        ]
    return sorted(found, key=lambda module: module.base_addr)
