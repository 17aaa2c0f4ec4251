"""What is remembered of a file: little, found again quickly, whatever the file holds."""

from __future__ import annotations

import gc
import random
import struct
import time
import tracemalloc
import uuid
import weakref
from collections.abc import Callable

import pytest
import zstandard
from independent import wire
from independent.gallery import undecided

import msl_construct
from msl_construct.errors import MslError
from msl_construct.rules import check
from msl_construct.rules.declare import rule
from msl_construct.rules.facts import Facts
from msl_construct.rules.model import Level, Scope
from msl_construct.rules.streams import bytes_behind
from msl_construct.rules.uuid_table import NIL, UuidTable
from msl_construct.source import BufferSource, Extent


def test_uuids_are_found_by_the_first_of_their_numbers() -> None:
    source = random.Random(3)
    known = [source.randbytes(16) for _ in range(5000)]
    order = known + source.sample(known, 500)
    table = UuidTable()
    for number, one in enumerate(order):
        earlier = table.add(one)
        assert earlier == (None if number < 5000 else known.index(one))
    assert len(table) == 5500
    assert [table.find(one) for one in known] == list(range(5000))
    assert [table[number] for number in (0, 4999, 5000)] == [order[0], order[4999], order[5000]]
    assert table.find(source.randbytes(16)) is None


def test_the_nil_uuid_identifies_nothing() -> None:
    table = UuidTable()
    assert [table.add(NIL), table.add(NIL)] == [None, None]
    assert table.find(NIL) is None
    assert table[1] == NIL


def test_uuids_that_differ_in_the_last_bits_only_are_found_as_quickly() -> None:
    """Who makes a file can't make all its UUIDs fall into one place of the table."""

    def seconds(make: Callable[[int], bytes]) -> float:
        table = UuidTable()
        start = time.process_time()
        for number in range(20_000):
            table.add(make(number))
        return time.process_time() - start

    spread = seconds(lambda n: uuid.UUID(int=n * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128).bytes)
    alike = seconds(lambda n: (n << 64).to_bytes(16, "big"))
    assert alike < 10 * spread + 0.5


def regions(count: int) -> bytes:
    """A file of very many regions, hashes not right: nobody looks at them here."""
    body = wire.memory_region("<", (1,), page_size_log2=10)
    parts = [wire.file_header("<", cap_bitmap=1)]
    for number in range(count):
        address = struct.pack("<Q", (1 << 40) + number * 1024)
        unique = (number << 80 | 4 << 76 | 0b10 << 62).to_bytes(16, "big")
        parts.append(wire.block("<", 1, address + body[8:], block_uuid=unique))
    return b"".join(parts)


def test_about_a_hundred_bytes_a_block_are_kept() -> None:
    count = 5_000
    with msl_construct.open(regions(count)) as dump:
        facts = Facts(dump)
        tracemalloc.start()
        try:
            for block in dump.blocks:
                facts.take(block)
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert len(facts) == len(facts.regions) == count
    assert kept / count < 150, f"{kept / count:.0f} bytes a block"


def test_time_grows_with_the_blocks_and_not_faster() -> None:
    def seconds(count: int) -> float:
        with msl_construct.open(regions(count)) as dump:
            start = time.process_time()
            found = sum(1 for _ in check(dump))
            # A thousand links, how many more there are, Block 0, Block 1, no End-of-Capture.
            assert found == 1000 + 1 + 3
            return time.process_time() - start

    assert seconds(8000) < 4 * 4 * seconds(2000)


@pytest.mark.parametrize(("name", "data"), list(undecided()), ids=[n for n, _ in undecided()])
def test_what_the_drafts_leave_open_is_judged_all_the_same(name: str, data: bytes) -> None:
    try:
        dump = msl_construct.open(data)
    except MslError:
        pytest.skip(f"{name}: refused, so there is nothing to judge")
    with dump:
        for finding in check(dump):
            assert finding.found.text


@pytest.mark.parametrize("checksum", [False, True])
@pytest.mark.parametrize("size", [0, 1, 1000, 300_000])
@pytest.mark.parametrize("random_bytes", [False, True])
def test_the_end_of_a_frame_is_found_without_inflating_it(
    size: int, checksum: bool, random_bytes: bool
) -> None:
    plain = random.Random(1).randbytes(size) if random_bytes else bytes(size)
    frame = zstandard.ZstdCompressor(write_checksum=checksum).compress(plain)
    for behind in (b"", b"\0", b"abc", frame[:50]):
        stream = Extent(BufferSource(b"xy" + frame + behind), 2, len(frame) + len(behind))
        assert bytes_behind("zstd", size, stream) == behind
    for cut in {1, len(frame) // 2, len(frame) - 1}:
        stream = Extent(BufferSource(frame), 0, cut)
        assert bytes_behind("zstd", size, stream) == b""


def test_they_go_when_nobody_wants_them() -> None:
    """And with them what is kept of the file: whoever checks many must not wait for a collector."""
    gc.disable()
    try:
        facts = Facts(msl_construct.open(wire.FileBuilder(wire.file_header("<")).data()))
        kept = weakref.ref(facts)
        del facts
        assert kept() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("plain", [b"", b"a", bytes(1000), bytes(range(256))])
def test_zeros_behind_an_lz4_block_are_told_from_its_own(plain: bytes) -> None:
    stored = wire.compress("<", plain, "lz4")[8:]
    for zeros in range(8):
        stream = Extent(BufferSource(stored + bytes(zeros)), 0, len(stored) + zeros)
        assert bytes_behind("lz4", len(plain), stream) == bytes(zeros)


def test_prefixes_go_with_levels() -> None:
    texts = {"requirement": "a.", "wrong": "b.", "why": "c."}
    for id_, level in (("MSL-1-X", Level.OURS), ("MSLX-1-X", Level.MUST)):
        with pytest.raises(ValueError, match="prefix"):
            rule(id_, level, Scope.WHOLE, **texts)


def test_places_of_compressed_payloads_are_those_of_the_payload() -> None:
    builder = wire.FileBuilder(wire.file_header("<"))
    builder.add(wire.PROCESS_IDENTITY, wire.process_identity("<"), compression="zstd")
    builder.add(wire.PROCESS_IDENTITY, wire.process_identity("<"))
    with msl_construct.open(builder.data()) as dump:
        facts = Facts(dump)
        for block in dump.blocks:
            facts.take(block)
    second = 64 + len(builder.parts[1])
    assert facts.at(0, "session_id") == 64 + 80
    assert facts.at(1, "session_id") == second + 80 + 4
    assert facts.at(1, "prev_hash") == second + 0x30
    assert facts.at(1, "cmd_line") == second + 80  # behind a text: where, only decoding tells
