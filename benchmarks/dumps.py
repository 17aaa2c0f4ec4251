"""Files for the benchmarks, made with struct and blake3 alone: the package has no part in it."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from blake3 import blake3

__all__ = ["BLOCK_HEADER", "Region", "Shape", "block_header", "dense", "sparse"]

FILE_HEADER = struct.Struct("<8sBBHIQ16sQHHIB7s")
BLOCK_HEADER = struct.Struct("<4sHHIHH16s16s32s")
REGION = struct.Struct("<QQBBB5sQ")
END = struct.Struct("<32sQ8s")

MEMORY_REGION, MODULE_LIST_INDEX, PROCESS_IDENTITY, END_OF_CAPTURE = 0x0001, 0x0010, 0x0040, 0x0FFF
NO_UUID, NO_HASH = bytes(16), bytes(32)


@dataclass(frozen=True)
class Region:
    """A region of which every page is captured."""

    pages: int
    page_size_log2: int = 12

    @property
    def data(self) -> int:
        """Bytes of page data."""
        return self.pages << self.page_size_log2

    @property
    def map(self) -> int:
        """Bytes of the page map, two bits a page, padded to 8."""
        return -(-self.pages // 32) * 8

    @property
    def front(self) -> int:
        """Bytes of the block in front of the page data."""
        return BLOCK_HEADER.size + REGION.size + self.map

    @property
    def length(self) -> int:
        """BlockLength."""
        return self.front + self.data


@dataclass(frozen=True)
class Shape:
    """What a file turned out like: where page data is, and how much there is of everything."""

    size: int
    blocks: int
    data: list[tuple[int, int]]


def block_header(kind: int, length: int, number: int, previous: bytes = NO_HASH) -> bytes:
    """The 80 bytes in front of a payload."""
    identity = struct.pack("<QQ", number, 0x80)
    return BLOCK_HEADER.pack(b"MSLC", kind, 0, length, 1, 0, identity, NO_UUID, previous)


def _file_header() -> bytes:
    return FILE_HEADER.pack(
        b"MEMSLICE", 1, 64, 0x0100, 0, 0x101, bytes(range(16)), 10**18, 1, 1, 4711, 1, bytes(7)
    )


def _first_payloads() -> Iterator[tuple[int, bytes]]:
    path = b"/usr/bin/target\0"
    yield PROCESS_IDENTITY, struct.pack("<IIQHHI", 1, 1, 10**18, 16, 16, 0) + path + path
    yield MODULE_LIST_INDEX, struct.pack("<II", 0, 0)


def _front(region: Region, number: int, previous: bytes) -> bytes:
    header = block_header(MEMORY_REGION, region.length, number, previous)
    base = 0x10_0000_0000 + number * 0x1_0000_0000
    fields = REGION.pack(base, region.data, 3, 5, region.page_size_log2, bytes(5), 10**18)
    return header + fields + bytes(region.map)


def sparse(path: Path, regions: Sequence[Region]) -> Shape:
    """A file whose page data are holes, and whose hashes are zero: for what does not hash."""
    data: list[tuple[int, int]] = []
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        head = bytearray(_file_header())
        for number, (kind, payload) in enumerate(_first_payloads()):
            head += block_header(kind, BLOCK_HEADER.size + len(payload), number) + payload
        os.pwrite(descriptor, head, 0)
        offset = len(head)
        for number, region in enumerate(regions, 2):
            os.pwrite(descriptor, _front(region, number, NO_HASH), offset)
            data.append((offset + region.front, region.data))
            offset += region.length
        end = block_header(END_OF_CAPTURE, BLOCK_HEADER.size + END.size, len(regions) + 2)
        os.pwrite(descriptor, end + END.pack(NO_HASH, 10**18, bytes(8)), offset)
        os.fsync(descriptor)
        return Shape(os.fstat(descriptor).st_size, len(regions) + 3, data)
    finally:
        os.close(descriptor)


def dense(path: Path, regions: Sequence[Region]) -> Shape:
    """A file full of data with all its hashes, on disk before this returns."""
    data: list[tuple[int, int]] = []
    noise = os.urandom(max(region.data for region in regions))
    whole, previous = blake3(), b""
    with open(path, "wb", buffering=0) as file:

        def put(*pieces: bytes | memoryview) -> None:
            nonlocal previous
            link = blake3()
            for piece in pieces:
                link.update(piece)
                whole.update(piece)
                assert file.write(piece) == len(piece)
            previous = link.digest()

        put(_file_header())
        number = 0
        for kind, payload in _first_payloads():
            length = BLOCK_HEADER.size + len(payload)
            put(block_header(kind, length, number, previous), payload)
            number += 1
        for region in regions:
            data.append((file.tell() + region.front, region.data))
            # Data that starts elsewhere in the noise each time, and wraps around.
            turn = number * 4099 % region.data
            with memoryview(noise)[: region.data] as view:
                put(_front(region, number, previous), view[turn:], view[:turn])
            number += 1
        length = BLOCK_HEADER.size + END.size
        closing = END.pack(whole.digest(), 10**18, bytes(8))
        put(block_header(END_OF_CAPTURE, length, number, previous), closing)
        os.fsync(file.fileno())
        return Shape(file.tell(), number + 1, data)
