"""Compressed payloads: what inflates, what doesn't, and what would be too much."""

from __future__ import annotations

import contextlib
import struct
import tracemalloc

import pytest
import zstandard
from independent import wire
from independent.specimens import KINDS, LE10, LE11, Kind, finish, one, start

from msl_construct.errors import CompressionError, LimitError, MslError
from msl_construct.reader import Block, open_dump
from msl_construct.rules import check

kinds = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
codecs = pytest.mark.parametrize("codec", ["zstd", "lz4"])
FLAGS = {"zstd": wire.COMPRESSED | wire.ZSTD, "lz4": wire.COMPRESSED | wire.LZ4}
BODY = {kind.name: wire.process_identity(kind.order, cmd_line="x" * 500) for kind in KINDS}


def block_of(kind: Kind, stored: bytes, flags: int, **options: int) -> Block:
    return open_dump(one(kind, wire.PROCESS_IDENTITY, stored, flags=flags), **options).blocks[0]


def region_file(codec: str, pages: int, page: bytes = bytes(1024)) -> bytes:
    """One compressed region whose pages are all alike."""
    body = wire.memory_region(
        "<", [0] * pages, base_addr=0x10000, page_size_log2=10, page_data=page * pages
    )
    builder = start(LE10)
    builder.add(wire.MEMORY_REGION, body, compression=codec)
    return finish(builder, LE10)


@kinds
@codecs
@pytest.mark.parametrize("padding", [0, 1, 7, None])
def test_padded_or_not(kind: Kind, codec: str, padding: int | None) -> None:
    body = BODY[kind.name]
    stored = wire.compress(kind.order, body, codec, padding=padding)
    block = block_of(kind, stored, FLAGS[codec])
    assert block.problem is None
    assert block.payload["cmd_line"] == "x" * 500
    assert block.compression is not None
    assert (block.compression.algorithm, block.compression.uncompressed_size) == (codec, len(body))
    assert bytes(block.compression.stream) == stored[8:]
    assert bytes(block.stored) == stored


@kinds
def test_zstd_without_its_own_size(kind: Kind) -> None:
    stored = wire.compress(kind.order, BODY[kind.name], "zstd", content_size=False)
    assert block_of(kind, stored, FLAGS["zstd"]).problem is None


@kinds
@codecs
def test_page_data_and_opaque_payloads_inflate(kind: Kind, codec: str) -> None:
    builder = start(kind)
    pages = bytes(range(256)) * 8
    region = wire.memory_region(
        kind.order, (0, 1, 0), base_addr=0x10000, page_size_log2=10, page_data=pages
    )
    builder.add(wire.MEMORY_REGION, region, compression=codec)
    builder.add(0x0012, wire.opaque(5000), compression=codec)
    dump = open_dump(finish(builder, kind))
    assert bytes(dump.regions[0].page_data) == pages
    assert bytes(dump.memory.read(0x10800 + 3, 4)) == b"\x03\x04\x05\x06"
    assert bytes(dump.blocks[1].payload["raw"]) == wire.opaque(5000)
    assert dump.verify().intact


@kinds
def test_without_the_flag_the_algorithm_is_ignored(kind: Kind) -> None:
    for bits in (wire.ZSTD, wire.LZ4, wire.ZSTD | wire.LZ4):
        block = block_of(kind, BODY[kind.name], bits)
        assert block.compression is None
        assert block.payload["cmd_line"] == "x" * 500


@kinds
@pytest.mark.parametrize("bits", [0, wire.ZSTD | wire.LZ4])
def test_algorithms_that_are_none(kind: Kind, bits: int) -> None:
    stored = wire.compress(kind.order, BODY[kind.name], "zstd")
    block = block_of(kind, stored, wire.COMPRESSED | bits)
    assert block.problem is not None
    assert "CompAlgo" in block.problem
    assert block.compression is None
    assert bytes(block.payload["raw"]) == stored


def broken(codec: str, order: str, body: bytes) -> dict[str, bytes]:
    good = wire.compress(order, body, codec)
    return {
        "no framing": b"",
        "half a size": good[:7],
        "no stream": good[:8],
        "half a stream": good[: len(good) // 2],
        "noise": good[:12] + b"\xff" * 40,
        "size too large": wire.compress(order, body, codec, size=len(body) + 1),
        "size enormous": wire.compress(order, body, codec, size=1 << 62),
        "not compressed": body,
    }


@kinds
@codecs
@pytest.mark.parametrize("case", sorted(broken("zstd", "<", b"")))
def test_streams_that_do_not_inflate(kind: Kind, codec: str, case: str) -> None:
    stored = broken(codec, kind.order, BODY[kind.name])[case]
    builder = start(kind)
    builder.add(wire.PROCESS_IDENTITY, stored, flags=FLAGS[codec])
    builder.add(wire.RELATED_DUMP, wire.related_dump(kind.order))
    dump = open_dump(finish(builder, kind))
    block = dump.blocks[0]
    assert block.problem is not None
    assert block.problem.startswith("block 0 (process_identity) at 0x40: ")
    assert bytes(block.payload["raw"]) == stored
    assert block.compression is None
    assert dump.blocks[1].payload["related_pid"] == 77
    assert dump.verify().intact  # it is what was written


@codecs
def test_an_inflated_length_that_lies_below_the_truth(codec: str) -> None:
    """All of it must inflate to UncompressedSize, not just as much as is asked for."""
    body = wire.memory_region("<", [0], base_addr=0, page_size_log2=10, page_data=b"a" * 1024)
    builder = start(LE10)
    stored = wire.compress("<", body, codec, size=len(body) - 1)
    builder.add(wire.MEMORY_REGION, stored, flags=FLAGS[codec])
    dump = open_dump(finish(builder, LE10))
    if dump.blocks[0].problem is None:
        with pytest.raises(CompressionError, match="expected exactly 1063 bytes"):
            bytes(dump.regions[0].page_data)


def test_an_lz4_size_that_lies() -> None:
    for lie in (0, 1, 23, 1 << 31, 0xFFFF_FFFF):
        stored = bytearray(wire.compress("<", BODY["10-le"], "lz4"))
        struct.pack_into("<I", stored, 8, lie)
        block = block_of(LE10, bytes(stored), FLAGS["lz4"])
        assert block.problem is not None
        assert "LZ4 size" in block.problem


def test_an_lz4_frame_is_no_lz4_block() -> None:
    frame = b"\x04\x22\x4d\x18" + bytes(60)
    block = block_of(LE11, struct.pack("<Q", 100) + frame, FLAGS["lz4"])
    assert block.problem is not None


@codecs
def test_no_more_is_inflated_than_allowed(codec: str) -> None:
    data = region_file(codec, 64)  # 65584 bytes
    assert open_dump(data, max_inflate=65584).blocks[0].problem is None
    dump = open_dump(data, max_inflate=65583)
    if codec == "lz4":  # only as a whole
        problem = dump.blocks[0].problem
        assert problem is not None
        assert "max_inflate" in problem
        assert dump.regions == []
    else:  # the fields in front cost little; the pages are too much
        assert dump.blocks[0].problem is None
        with pytest.raises(LimitError, match=r"65584 bytes .* limit of 65583.*max_inflate"):
            dump.memory.read(0x10000, 16)
    tight = open_dump(data, max_inflate=16).blocks[0]
    assert tight.problem is not None
    assert "max_inflate" in tight.problem
    assert list(tight.payload) == ["raw"]


def peak_of_reading(data: bytes) -> int:
    tracemalloc.start()
    try:
        dump = open_dump(data)
        for block in dump.blocks:
            _ = block.problem
        with contextlib.suppress(MslError):
            dump.memory.read(0x10000, 16)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("declared", [100, 40 << 20, 1 << 62])
def test_a_bomb_of_zstd(declared: int) -> None:
    """A few kilobytes that inflate to 64 MiB, whatever they declare."""
    compressor = zstandard.ZstdCompressor(write_content_size=False)
    stream = compressor.compress(bytes(64 << 20))
    assert len(stream) < 8192
    builder = start(LE10)
    stored = struct.pack("<Q", declared) + stream
    builder.add(wire.PROCESS_IDENTITY, stored, flags=FLAGS["zstd"])
    assert peak_of_reading(finish(builder, LE10)) < 8 << 20


def test_a_listing_of_a_large_compressed_region_inflates_little() -> None:
    data = region_file("zstd", 32 << 10)  # 32 MiB
    assert len(data) < 1 << 16
    tracemalloc.start()
    try:
        dump = open_dump(data)
        assert dump.regions[0].counts["captured"] == 32 << 10
        assert dump.blocks[0].problem is None
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20


def zstd_frame(data: bytes, *, checksum: bool) -> bytes:
    compressor = zstandard.ZstdCompressor(write_checksum=checksum)
    return compressor.compress(data)


@pytest.mark.parametrize(
    "data", [b"", b"a", b"abc" * 7000, bytes(1 << 20), bytes(3 << 20)], ids=len
)
@pytest.mark.parametrize("checksum", [False, True])
@pytest.mark.parametrize("padding", [0, 7])
def test_a_whole_frame_of_any_size_inflates(data: bytes, checksum: bool, padding: int) -> None:
    """Of a size that is read in full pieces as well, with zeros behind it."""
    stored = struct.pack("<Q", len(data)) + zstd_frame(data, checksum=checksum) + bytes(padding)
    block = open_dump(one(LE10, 0x2345, stored, flags=FLAGS["zstd"])).blocks[0]
    assert block.problem is None
    assert block.inflation_error is None
    assert bytes(block.payload["raw"]) == data


@pytest.mark.parametrize("data", [b"", b"a", b"abc" * 7000, bytes(1 << 20)], ids=len)
@pytest.mark.parametrize("checksum", [False, True])
@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_frame_without_its_end_is_not_whole(data: bytes, checksum: bool, cut: int) -> None:
    """Its last bytes may be a checksum or an empty block, and all that inflates may be there."""
    compressor = zstandard.ZstdCompressor(write_checksum=checksum).compressobj()
    stream = compressor.compress(data) + compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    stream += compressor.flush()
    stored = struct.pack("<Q", len(data)) + stream[:-cut]
    dump = open_dump(one(LE11, 0x2345, stored, flags=FLAGS["zstd"]))
    assert "zstd frame" in str(dump.blocks[0].problem)
    assert [gap.block for gap in dump.verify().gaps if gap.kind == "not_inflated"] == [0]
    assert "MSL-4.2.1-PAYLOAD-NOT-INFLATABLE" in {found.rule.id for found in check(dump)}


def test_a_payload_of_nothing_needs_a_frame_all_the_same() -> None:
    for stream in (b"", b"MSLC", zstd_frame(b"", checksum=True)[:5]):
        stored = struct.pack("<Q", 0) + stream
        dump = open_dump(one(LE11, 0x2345, stored, flags=FLAGS["zstd"]))
        assert dump.blocks[0].problem is not None
        assert dump.verify().gaps


def test_a_frame_that_is_to_be_skipped_is_none() -> None:
    skipped = struct.pack("<II", 0x184D2A50, 5) + b"abcde"
    stored = struct.pack("<Q", 3) + skipped + zstd_frame(b"hey", checksum=True)
    assert "zstd frame" in str(block_of(LE11, stored, FLAGS["zstd"]).problem)
