"""The parts of a candidate's score, from what is printed of it and the bytes of the dumps."""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from .memory import Known

__all__ = ["Bytes", "parts_of"]

_HEADERS = 4096
_FOUND_BY_LOOKS = ("secret_", "rsa_prime", "p256_", "x25519_", "ed25519_", "tls_")
"""Beginnings of shapes that are looked for in runs; others are as long as a pattern says."""


class Bytes:
    """Captured bytes of a dump by address, those side by side in one piece."""

    def __init__(self, known: Known) -> None:
        self.pieces: list[tuple[int, bytes]] = []
        for start, data in sorted(known.pieces):
            last = self.pieces[-1] if self.pieces else (0, b"")
            if self.pieces and last[0] + len(last[1]) == start:
                self.pieces[-1] = last[0], last[1] + data
            else:
                self.pieces.append((start, data))

    def at(self, address: int, size: int) -> bytes | None:
        """Bytes; None: not all of them are there."""
        for start, data in self.pieces:
            if start <= address and address + size <= start + len(data):
                return data[address - start : address - start + size]
        return None

    def words(self, value: int) -> int:
        """How many aligned words of 8 bytes have a value."""
        wanted, count = struct.pack("<Q", value), 0
        for start, data in self.pieces:
            at = data.find(wanted)
            while at >= 0:
                count += (start + at) % 8 == 0
                at = data.find(wanted, at + 1)
        return count


def parts_of(
    row: Mapping[str, Any],
    own: Bytes,
    others: Sequence[Bytes],
    alone: Sequence[Collection[tuple[str, int, str]]],
    weight: float,
) -> dict[str, float]:
    """What the parts of a row of ``msl candidates --json`` must be; the dump is little-endian.

    Args:
        own: of the dump that it is in.
        others: of the other dumps, in order; alone: of each, addresses, lengths and shapes that it
            has when it is looked at by itself.
        weight: of the shape, as its file has it.

    Raises:
        AssertionError: a fact that is printed is not so.
    """
    address, length, facts = int(row["address"], 16), row["length"], row["facts"]
    data = own.at(address, length)
    assert data is not None
    bits = sum(-n / length * math.log2(n / length) for n in Counter(data).values()) + 0.0
    assert facts["entropy_bits"] == round(bits, 2)
    alignment = next((step for step in (16, 8, 4) if address % step == 0), 1)
    assert facts["alignment"] == alignment
    run = length
    if row["shape"].startswith(_FOUND_BY_LOOKS):
        run = max(length, _run_around(own, address, length))
    assert facts["run_length"] == run
    chunk = _chunk_around(own, address)
    told = row["chunk"]
    assert chunk == (told and (int(told["address"], 16), told["size"]))
    targets = {address, chunk[0] if chunk else address}
    assert facts["pointers"] == sum(map(own.words, targets))
    for place in row["pointed_from"]:
        word = own.at(int(place, 16), 8)
        assert word is not None
        assert int.from_bytes(word, "little") in targets
    same = other = dense = alike = 0
    for place, bytes_, found in zip(row["addresses_in_other_dumps"], others, alone):
        there = None if place is None else bytes_.at(int(place, 16), length)
        if there is None:
            continue
        same += there == data
        other += there != data
        blocks = [there[at : at + 16] for at in range(0, length - 15, 16)]
        dense += there != data and sum(map(_is_dense, blocks)) >= 0.75 * len(blocks) > 0
        alike += (place, length, row["shape"]) in found
    if others:
        assert (facts["same_bytes_in"], facts["other_bytes_in"]) == (same, other)
        assert (facts["dense_other_bytes_in"], facts["found_in_other_dumps"]) == (dense, alike)
    most = math.log2(min(length, 256))
    return {
        "shape": weight,
        "check": 0.2 if row["checked"] else 0.0,
        "entropy": round(0.05 * bits / most, 3),
        "alignment": {16: 0.03, 8: 0.02, 4: 0.01, 1: 0.0}[alignment],
        "length": round(0.05 * length / run, 3),
        "chunk": 0.0
        if chunk is None or chunk[0] != address
        else (0.04 if chunk[1] - length < 24 else 0.02),
        "pointed_from": 0.03 if facts["pointers"] else 0.0,
        "class": 0.03 if dense else 0.02 if same else 0.0,
        "dumps": round(0.01 * min(5, alike), 3),
    }


def _is_dense(block: bytes) -> bool:
    pairs = block[:2], block[6:8], block[8:10], block[14:]
    letters = all(one in (9, 10) or 0x20 <= one < 0x7F for one in block)
    return len(set(block)) >= 12 and not letters and all(any(pair) for pair in pairs)


def _run_around(own: Bytes, address: int, length: int) -> int:
    """Bytes of the run that has most of a candidate: dense blocks, and what is next to them."""

    def dense(at: int) -> bool:
        block = own.at(at, 16)
        return block is not None and _is_dense(block)

    def beside(edge: int, step: int) -> int:
        """Where bytes end, of 15 at most, that are not zero."""
        at = edge
        while abs(at - edge) < 15 and own.at(at - (step < 0), 1) not in (None, b"\0"):
            at += step
        return at

    first = next((at for at in range(address & -16, address + length, 16) if dense(at)), None)
    assert first is not None
    stop = first + 16
    grown = True
    while grown:
        grown = True
        if dense(first - 16):
            first -= 16
        elif dense(stop):
            stop += 16
        elif dense(first - 32) and beside(first - 16, 1) >= beside(first, -1):
            first -= 32  # what is beside both of them meets
        elif dense(stop + 16) and beside(stop + 16, -1) <= beside(stop, 1):
            stop += 32
        else:
            grown = False
    return beside(stop, 1) - beside(first, -1)


def _chunk_around(own: Bytes, address: int) -> tuple[int, int] | None:
    """First byte and size of the chunk of glibc that an address is in."""
    for start in range(address & -16, (address & -16) - _HEADERS - 16, -16):
        header = own.at(start - 8, 8)
        if header is None:
            return None
        size = int.from_bytes(header, "little") & ~7
        behind = own.at(start - 16 + size + 8, 8) if 32 <= size <= 1 << 26 else None
        if size % 16 or behind is None or start - 16 + size <= address:
            continue
        following = int.from_bytes(behind, "little")
        if following & 1 and not (following & ~7) % 16 and 16 <= following & ~7 <= 1 << 26:
            return start, size - 8
    return None
