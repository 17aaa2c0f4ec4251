"""AES key schedules in memory: by the algebra of the expansion (FIPS 197, 5.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

__all__ = ["LONGEST", "KeySchedule", "expanded", "schedules"]

_ROUNDS = {16: 10, 24: 12, 32: 14}
LONGEST = 240
"""Bytes of the schedule of a key of 256 bits."""
_MOST = 4096
"""Places of a piece that are looked at one by one; what is random has one in 2^96."""


@dataclass(frozen=True)
class KeySchedule:
    """A key schedule that is what its key expands to.

    Attributes:
        offset: where it begins.
        key: that it was made of.
        swapped: whether its words are stored in the other byte order.
    """

    offset: int
    key: bytes
    swapped: bool

    @property
    def length(self) -> int:
        """Bytes of all round keys."""
        return 16 * (_ROUNDS[len(self.key)] + 1)


@cache
def _box() -> bytes:
    """The S-box, by its definition: inverses in GF(2^8), and an affine map."""
    inverse = [0] * 256
    value = power = 1
    exponents, logarithms = [0] * 256, [0] * 256
    for index in range(255):
        exponents[index], logarithms[power] = power, index
        value = power << 1 ^ power  # times 3, which generates all
        power = value ^ 0x11B if value & 0x100 else value
    for one in range(1, 256):
        inverse[one] = exponents[(255 - logarithms[one]) % 255]
    found = bytearray()
    for one in inverse:
        bits = one
        for shift in range(1, 5):
            bits ^= (one << shift | one >> (8 - shift)) & 0xFF
        found.append(bits ^ 0x63)
    return bytes(found)


def expanded(key: bytes) -> bytes:
    """All round keys of a key of 16, 24 or 32 bytes."""
    box, size = _box(), len(key) // 4
    words = [key[at : at + 4] for at in range(0, len(key), 4)]
    constant = 1
    while len(words) < 4 * (_ROUNDS[len(key)] + 1):
        last = words[-1]
        if len(words) % size == 0:
            last = bytes(box[one] for one in last[1:] + last[:1])
            last = bytes((last[0] ^ constant, *last[1:]))
            constant = constant << 1 ^ (0x11B if constant & 0x80 else 0)
        elif size == 8 and len(words) % size == 4:
            last = bytes(box[one] for one in last)
        words.append(bytes(a ^ b for a, b in zip(words[-size], last)))
    return b"".join(words)


def schedules(
    np: Any, data: bytes | bytearray, first: int, stop: int, left: list[int]
) -> Iterator[KeySchedule]:
    """Key schedules that begin in [first, stop), which is a multiple of 4 away from their place.

    Looked for are words of which each is the sum of the one before it and of the one a key
    earlier, and the first of them goes through the S-box: what is left is expanded and compared.

    Args:
        np: numpy.
        data: with what stands behind `stop`.
        left: told how many places were not looked at, if they were too many.
    """
    words = np.frombuffer(data, "<u4", (len(data) - first) // 4, first)
    table = np.frombuffer(_box(), np.uint8)
    for size in (4, 6, 8):
        count = min((stop - first + 3) // 4, len(words) - 4 * (_ROUNDS[4 * size] + 1) + 1)
        if count <= 0:
            continue
        sums = words[1 : count + 1] ^ words[size : count + size]
        sums ^= words[size + 1 : count + size + 1]
        places = np.flatnonzero((sums == 0) & (words[size : count + size] != 0))
        for step in (2, 3):
            places = places[
                words[places + step] ^ words[places + size + step - 1]
                == words[places + size + step]
            ]
        if not len(places):
            continue
        last = words[places + size - 1]
        mixed = table[last.view(np.uint8)].view("<u4")
        wanted = words[places] ^ words[places + size]
        natural = ((mixed >> 8) | (mixed << 24)) ^ np.uint32(1) == wanted
        swapped = ((mixed << 8) | (mixed >> 24)) ^ np.uint32(1 << 24) == wanted
        likely = places[natural | swapped]
        if len(likely) > _MOST:
            left.append(len(likely) - _MOST)
        for index, other in zip(likely[:_MOST].tolist(), swapped[natural | swapped].tolist()):
            at = first + 4 * index
            found = _checked(bytes(data[at : at + LONGEST]), 4 * size, other)
            if found is not None:
                yield KeySchedule(at, found, other)


def _checked(data: bytes, size: int, swapped: bool) -> bytes | None:
    """The key, if its schedule is what stands there."""
    length = 16 * (_ROUNDS[size] + 1)
    data = data[:length]
    if swapped:
        data = b"".join(data[at : at + 4][::-1] for at in range(0, length, 4))
    return data[:size] if expanded(data[:size]) == data else None
