"""Random damage for fuzzing: from a seed to a mutated file, the same on every machine."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence

from independent.hashing import digest

HEADER = 80
INTERESTING = (
    0, 1, 2, 7, 8, 9, 63, 64, 79, 80, 81, 255, 256, 4095, 4096, 0x7FFF, 0x8000, 0xFFFF,
    0x10000, 1 << 24, (1 << 31) - 1, 1 << 31, (1 << 32) - 81, (1 << 32) - 1, 1 << 40, 1 << 62,
    (1 << 63) - 1, 1 << 63, (1 << 64) - 4096, (1 << 64) - 1,
)  # fmt: skip
TYPES = (
    0x0000, 0x0001, 0x0002, 0x0010, 0x0011, 0x0020, 0x0030, 0x0040, 0x0041, 0x0050, 0x0FFE,
    0x0FFF, 0x1001, 0x1003, 0x2345, 0xFFFF,
)  # fmt: skip

Mutation = Callable[[random.Random, bytearray, Sequence[bytes]], None]


def order_of(data: bytes | bytearray) -> str:
    return ">" if len(data) > 8 and data[8] == 2 else "<"


def spans(data: bytes | bytearray) -> list[tuple[int, int]]:
    """Offset and length of each block that a plain walk finds."""
    found: list[tuple[int, int]] = []
    position = data[9] if len(data) > 9 else 64
    while position + HEADER <= len(data) and data[position : position + 4] == b"MSLC":
        (length,) = struct.unpack_from(order_of(data) + "I", data, position + 8)
        if not HEADER <= length <= len(data) - position:
            break
        found.append((position, length))
        position += length
    return found


def _put(data: bytearray, offset: int, width: int, value: int) -> None:
    if 0 <= offset <= len(data) - width:
        order = "little" if order_of(data) == "<" else "big"
        data[offset : offset + width] = (value & (1 << 8 * width) - 1).to_bytes(width, order)


def _number(rng: random.Random) -> int:
    if rng.random() < 0.7:
        return rng.choice(INTERESTING) + rng.choice((0, 0, 0, -1, 1))
    return rng.getrandbits(rng.choice((8, 16, 32, 64)))


def _place(rng: random.Random, data: bytearray) -> tuple[int, int]:
    """A block, or the whole of what stands there when no block is left."""
    blocks = spans(data)
    return rng.choice(blocks) if blocks else (0, len(data))


def flip_bits(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    for _ in range(rng.choice((1, 1, 2, 8))):
        if data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def flip_structure(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    at = rng.choice((0, _place(rng, data)[0]))
    offset = at + rng.randrange(HEADER + 48)
    if offset < len(data):
        data[offset] ^= 1 << rng.randrange(8)


def file_header(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    offset, width = rng.choice(
        ((8, 1), (9, 1), (0x0A, 2), (0x0C, 4), (0x10, 8), (0x30, 2), (0x39, 4), (0x3D, 1))
    )
    _put(data, offset, width, _number(rng))


def block_header(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    offset, width = rng.choice(((0, 4), (4, 2), (6, 2), (8, 4), (8, 4), (12, 2), (14, 2), (48, 8)))
    value = rng.choice(TYPES) if offset == 4 else _number(rng)
    _put(data, _place(rng, data)[0] + offset, width, value)


def block_length(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    at, length = _place(rng, data)
    _put(data, at + 8, 4, length + rng.choice((-80, -8, -1, 1, 7, 8, 80, 4096)))


def block_flags(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    _put(data, _place(rng, data)[0] + 6, 2, rng.choice((1, 3, 5, 7, 0x10, 0x20, 0x23, 0x25, 2, 4)))


def payload_field(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    at, length = _place(rng, data)
    width = rng.choice((1, 2, 2, 4, 4, 8))
    reach = max(1, min(96, length - HEADER) // width)
    _put(data, at + HEADER + width * rng.randrange(reach), width, _number(rng))


def page_size(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    regions = [s for s in spans(data) if data[s[0] + 4 : s[0] + 6] in (b"\1\0", b"\0\1")]
    if regions:
        at = rng.choice(regions)[0] + HEADER
        _put(data, at + 0x12, 1, rng.choice((0, 9, 10, 11, 12, 13, 20, 39, 40, 41, 63, 64, 255)))
        if rng.random() < 0.5:
            _put(data, at + 8, 8, _number(rng))


def region_words(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    """Addresses and sizes that wrap around, overlap or claim pages without end."""
    regions = [s for s in spans(data) if data[s[0] + 4 : s[0] + 6] in (b"\1\0", b"\0\1")]
    for at, _length in regions[: rng.randrange(1, 4)]:
        _put(data, at + HEADER + rng.choice((0, 8)), 8, _number(rng))


def truncate(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    del data[rng.randrange(len(data) + 1) :]


def append(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    data += rng.choice((b"MSLC", b"", bytes(90))) + rng.randbytes(rng.randrange(200))


def insert(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    at = rng.randrange(len(data) + 1)
    data[at:at] = rng.randbytes(rng.randrange(1, 40))


def remove(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    at = rng.randrange(len(data) + 1)
    del data[at : at + rng.randrange(1, 200)]


def fill(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    at, size = rng.randrange(len(data) + 1), rng.randrange(1, 100)
    stop = min(len(data), at + size)
    data[at:stop] = rng.choice((bytes(stop - at), b"\xff" * (stop - at), rng.randbytes(stop - at)))


def duplicate_block(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    at, length = _place(rng, data)
    where = _place(rng, data)[0]
    data[where:where] = data[at : at + length]


def drop_block(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    at, length = _place(rng, data)
    if at:
        del data[at : at + length]


def swap_blocks(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    (a, n), (b, m) = sorted((_place(rng, data), _place(rng, data)))
    if a and a + n <= b:
        data[a : b + m] = data[b : b + m] + data[a + n : b] + data[a : a + n]


def swap_words(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    if len(data) >= 16:
        a, b = (rng.randrange(len(data) // 8) * 8 for _ in range(2))
        data[a : a + 8], data[b : b + 8] = data[b : b + 8], data[a : a + 8]


def splice(rng: random.Random, data: bytearray, pool: Sequence[bytes]) -> None:
    """The blocks of another file from somewhere on."""
    other = rng.choice(pool)
    at, source = _place(rng, data)[0], spans(other)
    if source:
        data[at:] = other[rng.choice(source)[0] :]


def both_orders(rng: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    if len(data) > 8:
        data[8] = rng.choice((1, 2))


MUTATIONS: tuple[Mutation, ...] = (
    flip_bits, flip_structure, file_header, block_header, block_length, block_flags,
    payload_field, payload_field, payload_field, page_size, region_words, truncate, append,
    insert, remove, fill, duplicate_block, drop_block, swap_blocks, swap_words, splice,
    both_orders,
)  # fmt: skip


def rechain(data: bytearray) -> None:
    """Make the hashes fit again, so that what checks them lets the damage through."""
    previous, closed = bytes(data[: data[9]]) if len(data) > 9 else b"", 0
    order = order_of(data)
    for at, length in spans(data):
        data[at + 48 : at + 80] = digest("blake3", previous)
        (kind,) = struct.unpack_from(order + "H", data, at + 4)
        if kind == 0x0FFE and length >= HEADER + 32:
            data[at + 80 : at + 112] = digest("blake3", bytes(data[closed:at]))
        if kind in (0x0FFE, 0x0FFF):
            closed = at + length
        previous = bytes(data[at : at + length])


def mutated(seed: str, pool: Sequence[bytes], extra: Sequence[bytes] = ()) -> bytes:
    """The file of a seed; `extra` files join the pool without shifting what others give."""
    rng = random.Random(seed)
    original, among_extra = rng.choice(pool), rng.random() < 0.15
    if among_extra and extra:
        original = extra[rng.randrange(1 << 30) % len(extra)]
    data = bytearray(original)
    for _ in range(rng.choice((1, 1, 2, 3, 4))):
        rng.choice(MUTATIONS)(rng, data, pool)
    if rng.random() < 0.3:
        rechain(data)
    return bytes(data)
