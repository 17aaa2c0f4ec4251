"""A file from before the first draft, made by hand."""

from __future__ import annotations

import struct
import uuid

import lz4.block  # type: ignore[import-untyped]
import zstandard

from .hashing import digest

PAGE = 4096


def _pad8(raw: bytes) -> bytes:
    return raw + bytes(-len(raw) % 8)


def _packed(pages: bytes, codec: str) -> bytes:
    if codec == "zstd":
        return bytes(zstandard.ZstdCompressor().compress(pages))
    if codec == "lz4":
        return _pad8(struct.pack("<I", len(pages)) + lz4.block.compress(pages, store_size=False))
    return pages


def pages_of(count: int) -> bytes:
    """Pages that compress, each of its own content."""
    return b"".join(bytes([number + 1]) * PAGE for number in range(count))


def early_file(codec: str = "none", *, version: bytes = b"\1\0") -> bytes:
    """Two captured pages of five, an empty list, a module with an odd blob, and the end."""
    start = 1_780_000_000_000_000_000
    header = struct.pack("<8sBB2sIQ", b"MEMSLICE", 1, 64, version, 0, 0b11)
    header += uuid.UUID("11111111-2222-4333-8444-555555555555").bytes
    header += struct.pack("<QHHIB7x", start, 1, 1, 4242, 0)
    states = bytes([0b00011000, 0b01000000]) + bytes(6)  # captured, failed, unmapped, captured
    region = struct.pack("<QQBBHIQ", 0x7F000000, 5 * PAGE, 5, 3, PAGE, 5, start + 1) + states
    path, name = b"/usr/lib/libx.so.1\0", b"1.2.3\0"
    module = struct.pack("<QQHHI", 0x7F000000, 5 * PAGE, len(_pad8(path)), len(_pad8(name)), 0)
    module += _pad8(path) + _pad8(name) + bytes(32) + struct.pack("<II", 5, 0) + b"blob\0"
    index_uuid = uuid.UUID("aaaaaaaa-2222-4333-8444-555555555555")
    blocks = [
        (0x0001, 0, uuid.UUID("99999999-2222-4333-8444-555555555555"), bytes(16),
         region + _packed(pages_of(2), codec)),
        (0x0010, 1, index_uuid, bytes(16), struct.pack("<II", 1, 0)),
        (0x0002, 0, uuid.UUID("bbbbbbbb-2222-4333-8444-555555555555"), index_uuid.bytes, module),
    ]  # fmt: skip
    data, previous = header, header
    for code, flags, identity, parent, payload in blocks:
        previous = _block(code, flags, identity, parent, previous, _pad8(payload))
        data += previous
    end = digest("blake3", data) + struct.pack("<Q8x", start + 9)
    closing = uuid.UUID("cccccccc-2222-4333-8444-555555555555")
    return data + _block(0x0FFF, 0, closing, bytes(16), previous, end)


def _block(
    code: int, flags: int, identity: uuid.UUID, parent: bytes, previous: bytes, payload: bytes
) -> bytes:
    size = 80 + len(payload)
    front = struct.pack("<4sHHIHH", b"MSLC", code, flags, size, 0, 0)
    return front + identity.bytes + parent + digest("blake3", previous) + payload
