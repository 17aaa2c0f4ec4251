"""Cores and minidumps made with `struct` alone, by whoever wants to know what is in them."""

from __future__ import annotations

import struct
from collections.abc import Sequence

__all__ = ["elf_core", "macho_core", "macho_images", "minidump", "note", "page"]

PAGE = 4096


def page(number: int) -> bytes:
    """A page that is like no other."""
    return struct.pack("<Q", number * 0x1234567) * (PAGE // 8)


def note(order: str, owner: bytes, kind: int, content: bytes) -> bytes:
    """An ELF note."""
    head = struct.pack(order + "III", len(owner) + 1, len(content), kind)
    name = owner + b"\0"
    return head + name + bytes(-len(name) % 4) + content + bytes(-len(content) % 4)


def status(order: str, wide: bool, thread: int, registers: bytes) -> bytes:
    """NT_PRSTATUS."""
    word = "Q" if wide else "I"
    head = struct.pack(f"{order}iiihH{word}{word}iiii", 11, 0, 0, 11, 0, 0, 0, thread, 7, 8, 9)
    return note(order, b"CORE", 1, head + bytes(64 if wide else 32) + registers + bytes(8))


def elf_core(
    order: str,
    wide: bool,
    machine: int,
    notes: bytes,
    segments: list[tuple[int, bytes, int, int]],
    *,
    extended: bool = False,
) -> bytes:
    """A core.

    Args:
        segments: address, bytes, size in memory, p_flags.
        extended: its number of segments stands in section 0.
    """
    ehdr, phdr, shdr = (64, 56, 64) if wide else (52, 32, 40)
    count = len(segments) + 1
    headers = ehdr + count * phdr
    sections = headers if extended else 0
    at = headers + (shdr if extended else 0)
    rows = [(4, 0, at, 0, len(notes), 0)]
    data = notes
    for address, content, memory, flags in segments:
        rows.append((1, flags, at + len(data), address, len(content), memory))
        data += content
    table = b""
    for kind, flags, offset, address, stored, memory in rows:
        if wide:
            row = (kind, flags, offset, address, 0, stored, memory, 1)
            table += struct.pack(order + "IIQQQQQQ", *row)
        else:
            table += struct.pack(order + "8I", kind, offset, address, 0, stored, memory, flags, 1)
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    form = order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH")
    stated = 0xFFFF if extended else count
    head = struct.pack(form, 4, machine, 1, 0, ehdr, sections, 0, ehdr, phdr, stated, shdr, 1, 0)
    zero = b""
    if extended:
        zero = struct.pack(order + ("IIQQQQIIQQ" if wide else "10I"), *[0] * 7, count, 0, 0)
    return ident + head + table + zero + data


def minidump(streams: list[tuple[int, bytes]], *, tail: bytes = b"") -> bytes:
    """A little-endian minidump; `tail` stands behind its streams."""
    at = 32 + 12 * len(streams)
    directory, data = b"", b""
    for kind, content in streams:
        directory += struct.pack("<III", kind, len(content), at + len(data))
        data += content
    head = struct.pack("<4sIIIIIQ", b"MDMP", 0xA793, len(streams), 32, 0, 1_700_000_000, 2)
    return head + directory + data + tail


def macho_core(
    segments: list[tuple[int, bytes, int, int]], threads: list[bytes], notes: Sequence[bytes] = ()
) -> bytes:
    """A little-endian core of x86-64: address, bytes, size in memory, rights; thread states.

    Args:
        notes: LC_NOTE, each without its type and size.
    """
    more = [(4, one) for one in threads] + [(0x31, one) for one in notes]
    size = 72 * len(segments) + sum(8 + len(one) for _, one in more)
    head = struct.pack("<8I", 0xFEEDFACF, 0x01000007, 3, 4, len(segments) + len(more), size, 0, 0)
    at = len(head) + size
    commands, data = b"", b""
    for address, content, memory, rights in segments:
        row = (0x19, 72, b"", address, memory, at + len(data), len(content), 7, rights, 0, 0)
        commands += struct.pack("<II16sQQQQiiII", *row)
        data += content
    for kind, one in more:
        commands += struct.pack("<II", kind, 8 + len(one)) + one
    return head + commands + data


def macho_images(threads: list[bytes]) -> tuple[int, bytes]:
    """Such a core that names three images: where the one is whose header is captured.

    It has three pages, two of which are its second segment's, and is the program. The header of
    the next is not there, and of the last nobody says where it is.
    """
    base, linked, unknown = 0x10000, 0x100000000, (1 << 64) - 1
    rows = b"".join(
        struct.pack("<II16sQQQQiiII", 0x19, 72, name, at, size, 0, 0, 5, 5, 0, 0)
        for name, at, size in (
            (b"__TEXT", linked, PAGE),
            (b"__DATA", linked + PAGE, 2 * PAGE),
        )
    )
    header = struct.pack("<8I", 0xFEEDFACF, 0x01000007, 3, 2, 2, len(rows), 0, 0) + rows
    segments = [(base, header.ljust(PAGE, b"\x01") + page(2) + page(3), 3 * PAGE, 5)]
    paths = b"/usr/bin/program\0/usr/lib/gone\0"
    size = 24 + 3 * 48

    def placed(at: int) -> bytes:
        infos = struct.pack("<IIQII", 1, 3, at + 24, 48, 0)
        names = at + size
        for path, address in ((names, base), (names + 17, 0x7FFF00000000), (names + 17, unknown)):
            infos += struct.pack("<Q16sQQII", path, b"", address, unknown, 0, 0)
        notes = [struct.pack("<16sQQ", b"all image infos", at, size)]
        return macho_core(segments, threads, notes) + infos + paths

    return base, placed(len(placed(0)) - size - len(paths))
