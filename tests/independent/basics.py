"""Numbers and small helpers of the wire format: codes, padding, strings, UUIDs."""

from __future__ import annotations

import struct
from typing import NamedTuple

from .hashing import digest

V10 = 0x0100
V11 = 0x0101

MEMORY_REGION = 0x0001
MODULE_ENTRY = 0x0002
MODULE_LIST_INDEX = 0x0010
THREAD_CONTEXT = 0x0011
KEY_HINT = 0x0020
IMPORT_PROVENANCE = 0x0030
PROCESS_IDENTITY = 0x0040
RELATED_DUMP = 0x0041
END_OF_EXTENSION = 0x0FFE
END_OF_CAPTURE = 0x0FFF
VAS_MAP = 0x1001

COMPRESSED = 0x01
ZSTD = 0x02  # CompAlgo 1 in bits 1-2
LZ4 = 0x04  # CompAlgo 2 in bits 1-2
HAS_KEY_HINTS = 0x08
HAS_CHILDREN = 0x10
CONTINUATION = 0x20

CAPTURED, FAILED, UNMAPPED, STATE_3 = 0, 1, 2, 3
NIL = bytes(16)
ZERO_HASH = bytes(32)


class Text(NamedTuple):
    """A string spelled out: the bytes the length counts, a lying length, odd padding."""

    stored: bytes
    length: int | None = None
    padding: bytes | None = None


Str = str | bytes | Text | None


def pad8(n: int) -> int:
    return (n + 7) & ~7


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 8)


def text(value: Str) -> tuple[int, bytes]:
    """(length field, stored bytes) of a string; ``bytes`` are stored without adding a NUL."""
    if value is None:
        return 0, b""
    if isinstance(value, str):
        value = Text(value.encode() + b"\0")
    elif isinstance(value, bytes):
        value = Text(value)
    length = len(value.stored) if value.length is None else value.length
    padding = bytes(-len(value.stored) % 8) if value.padding is None else value.padding
    return length, value.stored + padding


def uuid4(seed: int) -> bytes:
    """A fixed UUID that has version nibble 4 and variant bits 10."""
    raw = bytearray(digest("sha_256", b"uuid" + struct.pack("<Q", seed))[:16])
    raw[6] = 0x40 | raw[6] & 0x0F
    raw[8] = 0x80 | raw[8] & 0x3F
    return bytes(raw)
