"""A file that stops growing anywhere: whatever is on disk is true, as far as it goes."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from independent import decode
from independent.hashing import digest
from independent.specimens import KINDS, LE10, Kind
from test_region_writer import BASE, PAGE, PLANS, Plan, expected, fill
from writing import live

import msl_construct
from msl_construct.errors import MslError


class Recorder(io.RawIOBase):
    """An unbuffered file that remembers every write, and takes `at_most` bytes a time."""

    def __init__(self, at_most: int | None = None) -> None:
        self._inner = io.BytesIO()
        self._at_most = at_most
        self.writes: list[tuple[int, bytes]] = []

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._inner.seek(offset, whence)

    def tell(self) -> int:
        return self._inner.tell()

    def read(self, size: int = -1) -> bytes:
        return self._inner.read(size)

    def write(self, data: Any) -> int:
        piece = bytes(data[: self._at_most])
        self.writes.append((self._inner.tell(), piece))
        return self._inner.write(piece)

    def images(self) -> Iterator[bytes]:
        """What is on disk after each write, from none to all."""
        image = bytearray()
        yield b""
        for offset, data in self.writes:
            if offset > len(image):
                image += bytes(offset - len(image))
            image[offset : offset + len(data)] = data
            yield bytes(image)


def salvaged(image: bytes, order: str) -> dict[int, bytes | str]:
    """Pages of every region whose map is on disk, complete or not, as far as data goes."""
    found: dict[int, bytes | str] = {}
    position = 64
    while len(image) - position >= 80 and image[position : position + 4] == b"MSLC":
        kind, _, length = struct.unpack_from(order + "HHI", image, position + 4)
        body = position + 80
        if kind == 1 and len(image) >= body + 0x20:
            base, size = struct.unpack_from(order + "QQ", image, body)
            pages = size >> image[body + 0x12]
            stored = ((pages + 3) // 4 + 7) // 8 * 8
            data = body + 0x20 + stored
            end = min(len(image), position + length)
            if data <= len(image):
                for page in range(pages):
                    state = image[body + 0x20 + page // 4] >> (6 - 2 * (page % 4)) & 3
                    if state:
                        found[base + page * PAGE] = ("", "failed", "unmapped")[state]
                    elif data + PAGE <= end:
                        found[base + page * PAGE] = image[data : data + PAGE]
                        data += PAGE
                    else:
                        data = end  # not written yet
        position += length
    return found


def chain_holds(image: bytes, document: dict[str, Any]) -> bool:
    previous = image[:64]
    for block in document["blocks"]:
        if block["prev_hash"] != digest("blake3", previous).hex():
            return False
        at = int(block["offset"], 16)
        previous = image[at : at + block["block_length"]]
    return True


def check_image(image: bytes, order: str, want: dict[int, bytes | str], *, resting: bool) -> int:
    """One moment of a file; the number of its complete blocks."""
    if len(image) < 64:
        with pytest.raises(MslError):
            msl_construct.open(image)
        return 0
    dump = msl_construct.open(image)
    document = decode.decode(image)
    assert len(dump.blocks) == len(document["blocks"])
    assert all("damage" not in block for block in document["blocks"])
    assert chain_holds(image, document)
    for region in dump.regions:
        found = dump.memory.read(region.base_addr, region.region_size)
        taken = 0
        for address, length, state in found.runs:
            for at in range(address, address + length, PAGE):
                if state == "captured":
                    assert bytes(found.data[taken : taken + PAGE]) == want[at]
                    taken += PAGE
                else:
                    assert state == want[at]
    for address, value in salvaged(image, order).items():
        assert value == want[address], f"page at {address:#x} is not what was there"
    verdict = dump.verify()
    assert verdict.intact
    assert resting or not verdict.complete
    return len(document["blocks"])


@pytest.mark.parametrize("at_most", [None, 700])
@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.name)
@pytest.mark.parametrize("name", PLANS)
def test_every_moment_of_a_file(name: str, kind: Kind, at_most: int | None) -> None:
    plan: Plan = PLANS[name]
    pages = sum(count for _, count in plan)
    file = Recorder(at_most)
    second = BASE + pages * PAGE
    want = {**expected(plan), second: b"\x77" * PAGE, second + PAGE: "failed"}
    with live(file, kind, "memory_regions") as out:
        with out.region(base_addr=BASE, region_size=pages * PAGE, page_size_log2=10) as region:
            fill(region, plan)
        with out.region(base_addr=second, region_size=2 * PAGE, page_size_log2=10) as region:
            region.captured(b"\x77" * PAGE)
            region.mark("failed")
    images = list(file.images())
    counts = [check_image(i, kind.order, want, resting=i == images[-1]) for i in images]
    assert counts == sorted(counts), "a block that was complete is no longer there"
    assert counts[-1] == 5
    assert msl_construct.open(images[-1]).verify().complete


def test_the_check_can_fail() -> None:
    """A page map that is corrected too late would be noticed."""
    plan = PLANS["alternating"]
    file = Recorder()
    geometry = {"base_addr": BASE, "region_size": 18 * PAGE, "page_size_log2": 10}
    with live(file, LE10, "memory_regions") as out, out.region(**geometry) as region:
        fill(region, plan)
    patches = [i for i, (_, data) in enumerate(file.writes) if len(data) == 1]
    assert len(patches) > 3
    del file.writes[patches[1]]

    def check() -> None:
        for image in file.images():
            check_image(image, "<", expected(plan), resting=True)

    with pytest.raises(AssertionError):
        check()


def test_a_file_is_written_forward_but_for_map_and_length() -> None:
    """§12: what is written is never modified, except the block that is still being written."""
    file = Recorder()
    with live(file, LE10, "memory_regions") as out:
        begun = len(file.writes)
        with out.region(base_addr=BASE, region_size=9 * PAGE, page_size_log2=10) as region:
            fill(region, PLANS["last-fails"])
        ended = len(file.writes)
        block = file.writes[begun][0]
    end = 0
    for number, (offset, data) in enumerate(file.writes):
        if offset < end:
            assert begun <= number < ended
            assert offset == block + 8 or block + 80 + 0x20 <= offset < block + 80 + 0x28
        end = max(end, offset + len(data))
