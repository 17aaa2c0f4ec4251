"""As much of ELF as tells what a mapped file is: header, program headers, notes.

For 32 and 64 bits and both byte orders. The file belongs to the target, so nothing in it is
believed: every count and size is bounded, every read is one `os.pread` at a checked offset,
and no mapping of the file is made, which its owner could truncate under us.
"""

from __future__ import annotations

import json
import os
import struct
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["EXECUTABLE_SEGMENT", "Elf", "ElfError", "LoadSegment", "read_elf"]

EXECUTABLE_SEGMENT = 1
"""The bit of `LoadSegment.flags` for code."""

_LOAD, _DYNAMIC, _NOTE = 1, 2, 4
_BUILD_ID, _PACKAGE = 3, 0xCAFE1A7E
_MAX_HEADERS = 256
_MAX_NOTES = 1 << 16

_MACHINES = {
    (1, 3): "x86",
    (1, 6): "x86",
    (2, 62): "x86_64",
    (1, 62): "x86_64",  # the x32 interface: the instruction set and registers of x86_64
    (2, 183): "arm64",
    (1, 183): "arm64",
    (1, 40): "arm32",
    (1, 8): "mips32",
    (2, 8): "mips64",
    (1, 243): "riscv32",
    (2, 243): "riscv64",
    (1, 20): "ppc32",
    (2, 21): "ppc64",
    (2, 22): "s390x",
    (2, 258): "loongarch64",
}


class ElfError(ValueError):
    """The bytes are not an ELF file, or its headers lie outside of it."""


class LoadSegment(NamedTuple):
    """One loadable part.

    Attributes:
        offset, file_size: where it lies in the file.
        address, memory_size: where it wants to be, relative to the load address.
        flags: bits, see `EXECUTABLE_SEGMENT`.
    """

    offset: int
    file_size: int
    address: int
    memory_size: int
    flags: int


@dataclass(frozen=True)
class Elf:
    """What a file says of itself.

    Attributes:
        architecture: the schema's name; ``unknown`` if it has none.
        bits: 32 or 64.
        kind: as stored: 2 executable, 3 shared object or position-independent executable.
        segments: the loadable ones, in the file's order.
        dynamic: whether it takes part in dynamic linking.
        build_id: from its notes; empty where there is none.
        version: from its packaging note; empty where there is none.
        package: name from the same note.
    """

    architecture: str
    bits: int
    kind: int
    segments: tuple[LoadSegment, ...]
    dynamic: bool
    build_id: bytes
    version: str
    package: str


def read_elf(descriptor: int) -> Elf:
    """Read an open file's headers and notes.

    Raises:
        ElfError: it is no ELF file, or cut off.
        OSError: it can't be read.
    """
    head = os.pread(descriptor, 64, 0)
    if len(head) < 52 or head[:4] != b"\x7fELF" or head[4] not in (1, 2) or head[5] not in (1, 2):
        raise ElfError("no ELF header")
    wide, order = head[4] == 2, "<" if head[5] == 1 else ">"
    if wide and len(head) < 64:
        raise ElfError("the ELF header is cut off")
    kind, machine = struct.unpack_from(order + "HH", head, 16)
    if wide:
        (table,) = struct.unpack_from(order + "Q", head, 32)
        entry, count = struct.unpack_from(order + "HH", head, 54)
    else:
        (table,) = struct.unpack_from(order + "I", head, 28)
        entry, count = struct.unpack_from(order + "HH", head, 42)
    segments: list[LoadSegment] = []
    notes: list[tuple[int, int, int]] = []
    dynamic = False
    smallest = 56 if wide else 32
    if smallest <= entry <= 1024:
        data = _pread(descriptor, entry * min(count, _MAX_HEADERS), table)
        for at in range(0, len(data) - smallest + 1, entry):
            if wide:
                what, flags, offset, address, _, size, memory, align = struct.unpack_from(
                    order + "IIQQQQQQ", data, at
                )
            else:
                what, offset, address, _, size, memory, flags, align = struct.unpack_from(
                    order + "IIIIIIII", data, at
                )
            if what == _LOAD:
                segments.append(LoadSegment(offset, size, address, memory, flags))
            elif what == _DYNAMIC:
                dynamic = True
            elif what == _NOTE:
                notes.append((offset, size, align))
    build_id, version, package = _read_notes(descriptor, order, notes)
    return Elf(
        architecture=_MACHINES.get((head[4], machine), "unknown"),
        bits=64 if wide else 32,
        kind=kind,
        segments=tuple(segments),
        dynamic=dynamic,
        build_id=build_id,
        version=version,
        package=package,
    )


def _pread(descriptor: int, size: int, offset: int) -> bytes:
    """What there is of `size` bytes at an offset that a hostile file may have chosen."""
    if offset > 1 << 62 or size <= 0:
        return b""
    return os.pread(descriptor, size, offset)


def _read_notes(
    descriptor: int, order: str, places: list[tuple[int, int, int]]
) -> tuple[bytes, str, str]:
    """Build ID, version and package name from the note segments."""
    build_id, version, package = b"", "", ""
    left = _MAX_NOTES
    for offset, size, align in places[:16]:
        data = _pread(descriptor, min(size, left), offset)
        left -= len(data)
        step = 8 if align == 8 else 4
        at = 0
        while at + 12 <= len(data):
            name_size, value_size, kind = struct.unpack_from(order + "III", data, at)
            value_at = at + 12 + name_size
            value_at = (value_at + step - 1) // step * step
            end = value_at + value_size
            if end > len(data):
                break
            name = data[at + 12 : at + 12 + name_size].rstrip(b"\0")
            value = data[value_at:end]
            if name == b"GNU" and kind == _BUILD_ID and not build_id:
                build_id = value[:64]
            elif name == b"FDO" and kind == _PACKAGE and not version:
                package, version = _packaging(value)
            at = (end + step - 1) // step * step
    return build_id, version, package


def _packaging(value: bytes) -> tuple[str, str]:
    """Name and version from the JSON of a packaging note (systemd's ELF package metadata)."""
    try:
        told = json.loads(value.rstrip(b"\0").decode("utf-8"))
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(told, dict):
        return "", ""
    name, version = told.get("name"), told.get("version")
    return (
        name if isinstance(name, str) else "",
        version if isinstance(version, str) and len(version) < 1024 else "",
    )
