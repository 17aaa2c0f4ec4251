"""The allocator's chunk around an address, where it can be told: that of glibc."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ...space import CAPTURED
from .pool import Pool

__all__ = ["AllocatedChunk", "chunk_around"]

_LEAST = 32
_MOST = 1 << 26
_LOOKED_BACK = 4096
_FLAGS = 7
_IN_USE_BEFORE = 1
_ALL = (1 << 64) - 1


@dataclass(frozen=True)
class AllocatedChunk:
    """Memory that an allocator gave away.

    Attributes:
        address: of its first byte, as the program has it.
        size: bytes that the program may use.
        allocator: whose.
    """

    address: int
    size: int
    allocator: str = "glibc"


def chunk_around(pool: Pool, address: int) -> AllocatedChunk | None:
    """The chunk that an address is in; None: no header in the 4 KiB in front of it tells of one.

    A header of glibc is the word in front of the chunk: its size, a multiple of 16, with flags in
    the lowest 3 bits, of which that for the heap of another thread is taken as it is. It counts
    if the header that follows is one, too, and says that what is before it is in use.
    """
    little = pool.dump.schema.byte_order.value == "little"
    word = struct.Struct("<Q" if little else ">Q")
    last = address - address % 16
    first = last - _LOOKED_BACK
    data = pool.bytes_at(first - 8, last - first + 8)
    if data is None:
        first = _first_header(pool, max(0, first), last)
        data = pool.bytes_at(first - 8, last - first + 8)
        if data is None:
            return None
    np = pool.numpy
    headers = np.frombuffer(data, word.format)[::2]
    starts = np.uint64(first) + np.arange(len(headers), dtype=np.uint64) * np.uint64(16)
    sizes = headers & np.uint64(~_FLAGS & _ALL)
    good = (sizes & np.uint64(15) == 0) & (sizes >= _LEAST) & (sizes <= _MOST)
    good &= starts - np.uint64(16) + sizes > address
    for index in np.flatnonzero(good)[::-1].tolist():
        start, size = int(starts[index]), int(sizes[index])
        behind = pool.bytes_at(start - 16 + size + 8, 8)
        if behind is None:
            continue
        follows = word.unpack(behind)[0]
        if follows & _IN_USE_BEFORE and _is_size(follows & ~_FLAGS):
            return AllocatedChunk(start, size - 8)
    return None


def _first_header(pool: Pool, first: int, last: int) -> int:
    """The first address, a multiple of 16, of which the header and all up to `last` is captured."""
    begin = last
    for address, _, state in pool.dump.memory.states(first, last) if first < last else ():
        if state != CAPTURED:
            begin = last
        elif begin == last:
            begin = address
    return min(last, -(-(begin + 8) // 16) * 16)


def _is_size(size: int) -> bool:
    """Whether a chunk has so many bytes, its header included; what ends a heap has 16."""
    return not size % 16 and 16 <= size <= _MOST
