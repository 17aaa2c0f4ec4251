"""Bends bytes of a conformant file and mends every hash behind them: `struct` only.

The hashes are those that a producer would have written who made just this one mistake.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from independent import wire
from independent.hashing import digest

HEADER = 80
_LENGTH, _PREV_HASH, _TYPE = 8, 0x30, 4
_HASHES = (wire.END_OF_CAPTURE, wire.END_OF_EXTENSION)


def blocks_of(data: bytes, order: str) -> Iterator[tuple[int, int, int]]:
    """Offset, type and length of each block of a whole file."""
    at = data[9]
    while at < len(data):
        (kind,) = struct.unpack_from(f"{order}H", data, at + _TYPE)
        (length,) = struct.unpack_from(f"{order}I", data, at + _LENGTH)
        yield at, kind, length
        at += length


def mended(data: bytes, order: str) -> bytes:
    """The file with every PrevHash, FileHash and SegmentHash right."""
    done = bytearray(data)
    previous, segment = bytes(done[: done[9]]), 0
    for at, kind, length in list(blocks_of(data, order)):
        done[at + _PREV_HASH : at + HEADER] = digest("blake3", previous)
        if kind in _HASHES:
            if length >= HEADER + 32:
                covered = digest("blake3", bytes(done[segment:at]))
                done[at + HEADER : at + HEADER + 32] = covered
            segment = at + length
        previous = bytes(done[at : at + length])
    return bytes(done)


def changed(data: bytes, order: str, at: int, new: bytes) -> bytes:
    """The file with other bytes at one place."""
    return mended(data[:at] + new + data[at + len(new) :], order)


def resized(data: bytes, order: str, block: int, payload: bytes) -> bytes:
    """The file with another payload in the block at this offset."""
    (length,) = struct.unpack_from(f"{order}I", data, block + _LENGTH)
    head = bytearray(data[block : block + HEADER])
    struct.pack_into(f"{order}I", head, _LENGTH, HEADER + len(payload))
    return mended(data[:block] + bytes(head) + payload + data[block + length :], order)
