"""Blocks of memslicer and MemDiver that no public draft lays out, made with struct alone."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from .basics import Str, text
from .hashing import digest

SYSTEM_CONTEXT = 0x0050
KERNEL_SYMBOL_BUNDLE = 0x0055
MEMDIVER_CONNECTIVITY_TABLE = 0x0055
PERSISTENCE_MANIFEST = 0x0056
KERNEL_MODULE_LIST = 0x0057
TARGET_INTROSPECTION = 0x0058
POINTER_GRAPH = 0x1003


def system_context(
    order: str,
    *,
    aligned: bool,
    boot_time: int = 1_773_500_000_000_000_000,
    target_count: int = 1,
    table_bitmap: int = 7,
    acq_user: Str = "examiner",
    hostname: Str = "host1",
    domain: Str = "example.org",
    os_detail: Str = "Linux 6.1",
    case_ref: Str = "CASE-7",
) -> bytes:
    """memslicer packs it (u8, u32, nine bytes reserved), MemDiver aligns it (u32, u32, six)."""
    stored = [text(value) for value in (acq_user, hostname, domain, os_detail, case_ref)]
    form, behind = ("QII", 6) if aligned else ("QBI", 9)
    out = struct.pack(order + form, boot_time, target_count, table_bitmap)
    out += struct.pack(order + "5H", *(length for length, _ in stored)) + bytes(behind)
    assert len(out) == 32
    return out + b"".join(raw for _, raw in stored)


def tagged(order: str, tag: int, value: bytes) -> bytes:
    return struct.pack(order + "HH", tag, len(value)) + value


def counted_rows(order: str, rows: Iterable[bytes], *, padded: bool = True) -> bytes:
    stored = list(rows)
    body = struct.pack(order + "II", len(stored), 0) + b"".join(stored)
    return body + bytes(-len(body) % 8 if padded else 0)


def introspection(order: str, rows: Iterable[bytes], *, target_pid: int = 4242) -> bytes:
    body = struct.pack(order + "II", target_pid, 0) + b"".join(rows)
    return body + bytes(-len(body) % 8)


def persistence_row(
    order: str,
    *,
    source: int = 1,
    path: str = "/etc/systemd/system/x.service",
    modified: int = 1_773_500_000_000_000_000,
    size: int = 100,
    mode: int = 0o100644,
) -> bytes:
    raw = path.encode()
    return (
        struct.pack(order + "BBH", source, 0, len(raw))
        + raw
        + struct.pack(order + "QQI", modified, size, mode)
    )


def kernel_module_row(
    order: str,
    *,
    name: str = "ext4",
    size: int = 1_000_000,
    ref_count: int = 3,
    state: int = 1,
    taint: int = 0,
    base: int = 0xFFFF_FFFF_C000_0000,
    flags: int = 0,
) -> bytes:
    raw = name.encode()
    return (
        struct.pack(order + "H", len(raw))
        + raw
        + struct.pack(order + "QIBBQBB", size, ref_count, state, taint, base, flags, 0)
    )


def with_nul(order: str, value: str) -> bytes:
    """A string of MemDiver's Connectivity Table: its length counts the NUL."""
    raw = value.encode() + b"\0"
    return struct.pack(order + "H", len(raw)) + raw


def pointer_graph(order: str, *, integrity: bool = True) -> bytes:
    """Two nodes and the edge between them."""
    out = struct.pack(order + "IIII", 2, 1, int(integrity), 0)
    for kind, value, label in ((1, 0x7FFF_0000_1000, "a"), (3, 0x10, None)):
        length, raw = text(label)
        out += struct.pack(order + "BBHQ", kind, 0, length, value) + raw
    length, raw = text("next")
    out += struct.pack(order + "IIBBH", 0, 1, 1, 0, length) + raw
    return out + (digest("blake3", out) if integrity else b"")
