"""The canonical document of every file, against a decoder that shares nothing with ours."""

from __future__ import annotations

import io
from typing import Any

import pytest
from comparing import (
    assert_same,
    differences,
    document_of,
    gallery_files,
    gallery_part,
    sample,
    sample_names,
)
from independent import decode, gallery, wire
from independent.specimens import KINDS, LE10, LE11, Kind, capture, finish, one, start

from msl_construct.document.render import Renderer
from msl_construct.errors import MslError
from msl_construct.reader.stream import PassingDump

SHARDS = 8


class Pipe(io.RawIOBase):
    """Bytes that can only be read forward, a little at a time."""

    def __init__(self, data: bytes) -> None:
        self._inner = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._inner.read(min(size, 777) if size >= 0 else 777)


def from_pipe(data: bytes) -> dict[str, Any]:
    with PassingDump(Pipe(data), dialect="none") as dump:
        return Renderer().document(dump)


def assert_pipe_agrees(name: str, data: bytes, want: dict[str, Any]) -> None:
    got = from_pipe(data)
    assert got["file"] == {"name": "-", "size": None}
    assert_same({**got, "file": None}, {**want, "file": None}, f"{name} from a pipe")


@pytest.mark.parametrize("shard", range(SHARDS))
def test_gallery_agrees_with_the_independent_decoder(shard: int) -> None:
    for name, data in gallery_part()[shard::SHARDS]:
        want = decode.decode(data, name)  # it reads each file as its draft has it
        assert_same(document_of(data, name, dialect="none"), want, name)
        assert_pipe_agrees(name, data, want)


@pytest.mark.parametrize("name", sample_names())
def test_sample_agrees_with_the_independent_decoder(name: str) -> None:
    data = sample(name)
    want = decode.decode(data, name)
    assert_same(document_of(data, want["file"]["name"], dialect="none"), want, name)
    assert_pipe_agrees(name, data, want)


def test_gallery_is_large_enough_to_mean_something() -> None:
    assert len(gallery_files()) > 1600
    seen: set[str] = set()
    damaged = compressed = segments = trailing = 0
    for _, data in gallery_files():
        document = decode.decode(data)
        trailing += document["trailing"] is not None
        segments += len(document["segments"])
        for block in decode.all_blocks(document):
            seen.add(block["block_type"])
            damaged += "damage" in block
            compressed += "compression" in block
    assert len(seen) > 30
    assert min(damaged, compressed, segments, trailing) > 20


@pytest.mark.parametrize(("name", "data"), list(gallery.rejected()))
def test_what_must_be_rejected_is(name: str, data: bytes) -> None:
    with pytest.raises(decode.NotMsl):
        decode.decode(data)
    with pytest.raises(MslError):
        document_of(data)
    with pytest.raises(MslError):
        from_pipe(data)


def test_big_endian_writer_that_wrote_little_endian_is_in_a_dialect_alone() -> None:
    data = sample("memslicer-0.5.2/api-header-big-endian-flag.msl")
    with pytest.raises(MslError, match="the dialect memslicer"):
        document_of(data, dialect="none")


def test_the_comparison_can_fail() -> None:
    want = decode.decode(capture(LE10).data())
    assert not list(differences(want, want))
    changed = {**want, "header": {**want["header"], "pid": 1}}
    assert list(differences(changed, want)) == [f".header.pid: 1, expected {want['header']['pid']}"]
    reordered = dict(reversed(list(want.items())))
    assert list(differences(reordered, want))
    assert list(differences({**want, "document": "1"}, want))


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.name)
def test_top_and_block_keys_in_order(kind: Kind) -> None:
    builder = start(kind)
    builder.add(wire.PROCESS_IDENTITY, wire.process_identity(kind.order)[:-3], compression="zstd")
    document = document_of(finish(builder, kind))
    assert " ".join(document) == "document file format header blocks segments trailing"
    assert " ".join(document["blocks"][0]) == (
        "index offset block_type flags block_length payload_version reserved block_uuid "
        "parent_uuid prev_hash compression damage payload"
    )
    assert list(document["format"]) == ["draft", "dialect", "byte_order"]


def test_header_of_a_known_file_in_full() -> None:
    """One header by hand, so that not everything hangs on the decoder."""
    raw = bytes.fromhex(
        "4d454d534c494345 01 40 0001 00000000 0101000000000000"
        "00112233445544778899aabbccddeeff 0f0e0d0c0b0a0908 0100 0100 92100000 01 00000000000000"
    )
    assert document_of(raw)["header"] == {
        "magic": "MEMSLICE",
        "endianness": "little",
        "header_size": 64,
        "version": "0x0100",
        "flags": [],
        "cap_bitmap": ["memory_regions", "process_identity"],
        "dump_uuid": "00112233-4455-4477-8899-aabbccddeeff",
        "timestamp": str(0x08090A0B0C0D0E0F),
        "os_type": "linux",
        "arch_type": "x86_64",
        "pid": 4242,
        "clock_source": "clock_realtime",
        "reserved": "00000000000000",
    }


def test_with_data_adds_data_and_changes_nothing_else() -> None:
    body = wire.memory_region("<", (0, 1, 0), page_size_log2=10)
    data = one(LE10, wire.MEMORY_REGION, body)
    plain, full = document_of(data), document_of(data, with_data=True)
    encoded = full["blocks"][0]["payload"]["page_data"].pop("data")
    assert full == plain
    import base64

    assert base64.b64decode(encoded) == b"\0" * 1024 + b"\2" * 1024


def test_segments_number_their_blocks_on() -> None:
    builder = capture(LE11)
    builder.add(wire.KEY_HINT, wire.key_hint("<"))
    builder.end_segment()
    document = document_of(builder.data())
    assert [b["index"] for b in document["segments"][0]["blocks"]] == [6, 7]
    assert document["segments"][0]["index"] == 1
    assert document["segments"][0]["verdict"] == {"intact": True}
