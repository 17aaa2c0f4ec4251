"""The samples that are made on demand: made, walked with `struct` alone, and checked.

They take a while and several GiB of (mostly empty) file: ``MSL_LARGE=1`` asks for them.
"""

from __future__ import annotations

import mmap
import os
import resource
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from blake3 import blake3
from sampling import sampled

from msl_construct.corpus.large import LARGE, Large, write_large

pytestmark = pytest.mark.skipif(
    not os.environ.get("MSL_LARGE"), reason="needs MSL_LARGE=1, and some GiB of sparse file"
)

HEADER, BLOCK_HEADER = 64, 80
REGION, RELATED, END = 0x0001, 0x0041, 0x0FFF
HAS_CHILDREN, CONTINUATION = 1 << 4, 1 << 5
MOST_MEMORY = 400 << 20


class Walked(NamedTuple):
    """A block, as its header says."""

    offset: int
    type: int
    flags: int
    length: int
    uuid: bytes
    parent: bytes


def walked(data: mmap.mmap) -> Iterator[Walked]:
    """The blocks of a little-endian file, with the chain checked on the way."""
    view = memoryview(data)
    before = blake3(view[:HEADER]).digest()
    offset = HEADER
    while offset < len(data):
        magic, kind, flags, length = struct.unpack_from("<4sHHI", data, offset)
        uuid, parent, link = struct.unpack_from("<16s16s32s", data, offset + 16)
        assert magic == b"MSLC"
        assert link == before
        before = blake3(view[offset : offset + length], max_threads=2).digest()
        yield Walked(offset, kind, flags, length, uuid, parent)
        offset += length
    view.release()
    assert offset == len(data)


def made(name: str, folder: Path) -> Path:
    large: Large = next(each for each in LARGE if each.name == name)
    path = folder / f"{name}.msl"
    write_large(large, path)
    return path


def check(path: Path) -> None:
    """No finding, and no more memory than a file of this size is worth."""

    def limit() -> None:
        # What is mapped of the file counts here, so the limit is the file's size more.
        most = MOST_MEMORY + path.stat().st_size + (1 << 30)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))

    command = [sys.executable, "-m", "msl_construct", "check", "--strict", path]
    done = subprocess.run(command, preexec_fn=limit, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done


def a_region_beyond_block_length(blocks: list[Walked], data: mmap.mmap) -> None:
    first, second = (block for block in blocks if block.type == REGION)
    assert 2**32 - 1 - 2 * 4096 < first.length <= 2**32 - 1
    assert (first.flags, second.flags) == (HAS_CHILDREN, CONTINUATION)
    assert second.parent == first.uuid
    pages, end = 0, None
    for block in (first, second):
        at = block.offset + BLOCK_HEADER
        base, size = struct.unpack_from("<QQ", data, at)
        assert end in (None, base)
        end, count = base + size, size >> 12
        states = data[at + 32 : at + 32 + (count + 3) // 4]
        assert not any(states)
        start = block.offset + block.length - size
        for page in {0, count - 1}:
            text = f"page {pages + page}".encode()
            assert data[start + (page << 12) : start + (page << 12) + len(text)] == text
        pages += count
    assert pages == (1 << 20) + 2


def a_hundred_thousand_blocks(blocks: list[Walked], data: mmap.mmap) -> None:
    assert [block.type for block in blocks[2:-1]] == [RELATED] * 100_000
    assert blocks[-1].type == END
    assert len({block.uuid for block in blocks}) == len(blocks)


HOLDS = {
    "continuation-4gib": a_region_beyond_block_length,
    "blocks-100000": a_hundred_thousand_blocks,
}


def test_each_is_looked_at() -> None:
    assert {each.name for each in LARGE} == set(HOLDS)


@sampled()
@pytest.mark.parametrize("name", HOLDS)
def test_it_is_what_it_says(name: str, tmp_path: Path) -> None:
    path = made(name, tmp_path)
    assert path.stat().st_blocks * 512 < 64 << 20
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        HOLDS[name](list(walked(data)), data)
    check(path)
