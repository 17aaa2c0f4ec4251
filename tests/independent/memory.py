"""Which byte stands at which address, by a file's page maps alone: with `struct`, slowly."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from .decode import END_OF_CAPTURE, _File, _open, _Raw, _segments, _walk, inflate

__all__ = ["Known", "Unsure", "known"]

_REGION = 0x0001
_LONGEST_MAP = 1 << 24


class Unsure(ValueError):
    """Something is odd enough that nothing is said here of what the file knows."""


class Known:
    """Bytes by address; where regions overlap, all of them.

    Attributes:
        pieces: addresses and the bytes there.
    """

    def __init__(self, pieces: Iterable[tuple[int, bytes]] = ()) -> None:
        self.pieces = list(pieces)

    def at(self, address: int) -> set[int]:
        """What a byte may be; nothing: nobody knows."""
        return {
            data[address - start]
            for start, data in self.pieces
            if start <= address < start + len(data)
        }

    def alone(self, address: int, size: int) -> bool:
        """Whether one piece alone says what stands there."""
        return sum(s < address + size and address < s + len(d) for s, d in self.pieces) == 1

    def has(self, address: int, data: bytes) -> bool:
        """Whether bytes are those of the file."""
        if any(
            stored[address - start : address - start + len(data)] == data
            for start, stored in self.pieces
            if start <= address
        ):
            return True
        return all(byte in self.at(address + at) for at, byte in enumerate(data))


def known(data: bytes) -> Known:
    """What a file that is not encrypted knows of memory.

    Raises:
        NotMsl: it must be rejected.
        Unsure: see there.
    """
    file = _open(data)
    raws: list[_Raw] = []
    for raw in _walk(file, file.header_size):
        raws.append(raw)
        if file.revised and raw.block_type == END_OF_CAPTURE:
            break
    if file.revised and raws and raws[-1].block_type == END_OF_CAPTURE:
        position = raws[-1].offset + raws[-1].length
        end = _segments(file, position, [{"offset": hex(raws[-1].offset)}], [])
        raws += [raw for raw in _walk(file, position) if raw.offset < end]
    found = Known()
    for raw in raws:
        if raw.block_type == _REGION and raw.version == 1:
            found.pieces += _captured(file, raw, data[raw.offset + 80 : raw.offset + raw.length])
    return found


def _captured(file: _File, raw: _Raw, payload: bytes) -> list[tuple[int, bytes]]:
    if raw.flags & 1:
        if len(payload) >= 8 and struct.unpack_from(file.order + "Q", payload)[0] > 1 << 20:
            raise Unsure("a payload that inflates to much")
        try:
            payload, _ = inflate(payload, raw.flags >> 1 & 3, file.order)
        except ValueError as error:
            raise Unsure(f"a payload that does not inflate: {error}") from error
    if len(payload) < 0x20:
        raise Unsure("a region without its fields")
    base, size = struct.unpack_from(file.order + "QQ", payload)
    log2 = payload[0x12]
    if not 10 <= log2 <= 40 or size >> log2 > _LONGEST_MAP:
        raise Unsure("a page size or number of pages beyond all bounds")
    pages = size >> log2
    at = 0x20 + (-(-pages // 4) + 7) // 8 * 8
    if len(payload) < at:
        raise Unsure("a region without its whole map")
    pieces, first = [], None
    for page in range(pages + 1):
        captured = page < pages and not payload[0x20 + page // 4] << 2 * (page % 4) & 0xC0
        if captured and first is None:
            first = page
        elif not captured and first is not None:
            length = page - first << log2
            pieces.append((base + (first << log2), payload[at : at + length]))
            at += length
            first = None
    return [(address, bytes(data)) for address, data in pieces if data]
