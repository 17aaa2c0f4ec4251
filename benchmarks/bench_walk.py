"""Opening a dump, which walks over the headers of all its blocks, against a loop by hand."""

from __future__ import annotations

import mmap
import os
import struct
from pathlib import Path

from dumps import Region, sparse
from measure import MIB, Row, Setting, compare, in_turns, note

import msl_construct

NAME = "walk"

_HEAD = struct.Struct("<4sHHI")
_LENGTH = 80
_FIRST = 64


def run(setting: Setting) -> list[Row]:
    """All rows of this benchmark."""
    count = setting.size(20_000, 200)
    small, large = Region(1, page_size_log2=10), Region(105)
    cases = {
        "1 KiB each": [small] * count,
        "430 KB each, sparse": [large] * count,
        "1 KiB and 430 KB in turn, sparse": [small, large] * (count // 2),
    }
    rows = []
    for what, regions in cases.items():
        path = setting.tmp / "walk.msl"
        shape = sparse(path, regions)
        note(f"{shape.blocks} blocks, {shape.size / MIB:.0f} MiB")
        try:
            rows += _case(setting, path, shape.blocks, what)
        finally:
            path.unlink()
    return rows


def _case(setting: Setting, path: Path, blocks: int, what: str) -> list[Row]:
    assert by_pread(path) == by_mmap(path) == by_package(path) == blocks
    times = in_turns(
        2 * setting.rounds + 1,
        package=lambda: by_package(path),
        pread=lambda: by_pread(path),
        mmap=lambda: by_mmap(path),
    )
    each = 1e6 * sorted(times["package"])[len(times["package"]) // 2] / blocks
    return [
        compare(
            NAME,
            f"open {blocks} blocks, {what}",
            times,
            ("package", peer),
            bound_name=f"{peer} and struct by hand",
            target=3.0,
            remark=f"{each:.2f} µs a block",
        )
        for peer in ("pread", "mmap")
    ]


def by_package(path: Path) -> int:
    """The number of blocks, by opening the dump."""
    with msl_construct.open(path) as dump:
        return len(dump.blocks)


def by_pread(path: Path) -> int:
    """The number of blocks, by one pread a header."""
    found: list[tuple[int, int, int, int]] = []
    descriptor = os.open(path, os.O_RDONLY)
    try:
        size = os.fstat(descriptor).st_size
        unpack, pread, offset = _HEAD.unpack_from, os.pread, _FIRST
        while offset < size:
            magic, kind, flags, length = unpack(pread(descriptor, _LENGTH, offset))
            if magic != b"MSLC" or not _LENGTH <= length <= size - offset:
                break
            found.append((offset, kind, flags, length))
            offset += length
    finally:
        os.close(descriptor)
    return len(found)


def by_mmap(path: Path) -> int:
    """The number of blocks, by looking at a mapping of the file."""
    found: list[tuple[int, int, int, int]] = []
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapping:
        mapping.madvise(mmap.MADV_RANDOM)
        size = len(mapping)
        unpack, offset = _HEAD.unpack_from, _FIRST
        while offset < size:
            magic, kind, flags, length = unpack(mapping, offset)
            if magic != b"MSLC" or not _LENGTH <= length <= size - offset:
                break
            found.append((offset, kind, flags, length))
            offset += length
    return len(found)
