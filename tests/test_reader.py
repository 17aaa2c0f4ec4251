"""Opening files made by hand: the header, dialects, and where the blocks end."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from independent import gallery, wire
from independent.specimens import KINDS, LE10, LE11, Kind, capture, finish, start

from msl_construct.errors import DialectError, HeaderError, MslError
from msl_construct.reader import Block, open_dump
from msl_construct.source import Extent

kinds = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def patched(data: bytes, offset: int, new: bytes) -> bytes:
    return data[:offset] + new + data[offset + len(new) :]


def small(kind: Kind) -> bytes:
    """A whole capture in which every payload is short."""
    builder = start(kind)
    builder.add(wire.PROCESS_IDENTITY, wire.process_identity(kind.order, cmd_line=None))
    builder.add(wire.RELATED_DUMP, wire.related_dump(kind.order))
    builder.add(0x2345, wire.opaque(9))
    return finish(builder, kind)


def shown(block: Block) -> tuple[Any, ...]:
    payload = {k: bytes(v) if isinstance(v, Extent) else v for k, v in block.payload.items()}
    return block.key, dict(block.header), payload, block.problem


# -- the header ------------------------------------------------------------------------------


@kinds
def test_what_the_header_decides(kind: Kind) -> None:
    dump = open_dump(small(kind))
    assert dump.draft == ("draft-2026-10" if kind.revised else "draft-2026-03")
    assert dump.schema.byte_order.value == ("little" if kind.order == "<" else "big")
    assert (dump.header.size, dump.header.raw) == (64, small(kind)[:64])
    assert dump.header.record["pid"] == 4242
    assert dump.dialect is None
    assert dump.header.hash_algorithm == "blake3"


@kinds
@pytest.mark.parametrize("size", [64, 72, 128, 255])
def test_block_0_stands_where_header_size_says(kind: Kind, size: int) -> None:
    extra = bytes(range(1, size - 63))
    builder = start(kind, header_size=size, extension=extra)
    builder.add(wire.RELATED_DUMP, wire.related_dump(kind.order))
    dump = open_dump(finish(builder, kind))
    assert [b.key for b in dump.blocks] == ["related_dump", "end_of_capture"]
    assert dump.blocks[0].offset == dump.header.size == size
    assert dump.header.record.get("extension", b"") == extra
    assert dump.verify().intact


@kinds
@pytest.mark.parametrize(
    ("offset", "new", "message"),
    [
        (0, b"MEMSLICF", r"not a Memory Slice file: expected 'MEMSLICE' .* found b'MEMSLICF'"),
        (8, b"\x00", r"Endianness at 0x8: expected 1 \(little\) or 2 \(big\), found 0"),
        (8, b"\x03", r"Endianness at 0x8: .* found 3"),
        (9, b"\x3f", r"HeaderSize at 0x9: expected at least 64, found 63"),
        (9, b"\x00", r"HeaderSize at 0x9: expected at least 64, found 0"),
        (10, b"\x02\x02", r"Version at 0xa: expected major 1, found 0x0202"),
    ],
)
def test_headers_that_are_refused(kind: Kind, offset: int, new: bytes, message: str) -> None:
    with pytest.raises(HeaderError, match=message) as caught:
        open_dump(patched(small(kind), offset, new))
    assert caught.value.offset == offset


@kinds
@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 63])
def test_files_that_end_inside_the_header(kind: Kind, size: int) -> None:
    with pytest.raises(HeaderError):
        open_dump(small(kind)[:size])


def test_a_header_that_is_longer_than_the_file() -> None:
    with pytest.raises(HeaderError, match="the file ends after 70 bytes, inside its header of 255"):
        open_dump(wire.file_header("<", header_size=255)[:70])


def test_the_gallery_of_files_to_reject() -> None:
    names = [name for name, data in gallery.rejected() if not refused(data)]
    assert names == []


def refused(data: bytes) -> bool:
    try:
        open_dump(data)
    except MslError:
        return True
    return False


@pytest.mark.parametrize("version", [0x0102, 0x01FF])
def test_an_unknown_minor_is_read_as_the_newest(version: int) -> None:
    builder = start(LE11, version=version)
    builder.add(wire.THREAD_CONTEXT, wire.thread_context("<", [wire.register("<")]))
    dump = open_dump(finish(builder, LE11))
    assert dump.draft == "draft-2026-10"
    assert dump.threads[0]["thread_id"] == 4242


def test_draft_and_byte_order_can_be_stated() -> None:
    builder = start(LE10, version=0x0700)
    builder.add(wire.PROCESS_IDENTITY, wire.process_identity("<"))
    data = finish(builder, LE10)
    with pytest.raises(HeaderError, match="--draft"):
        open_dump(data)
    dump = open_dump(data, draft="draft-2026-03")
    assert (dump.draft, dump.blocks[0].payload["ppid"]) == ("draft-2026-03", 1)
    lying = patched(small(LE10), 8, b"\x09")
    with pytest.raises(HeaderError, match="--byte-order"):
        open_dump(lying)
    assert open_dump(lying, byte_order="little").blocks[0].payload["ppid"] == 1
    with pytest.raises(ValueError, match="draft-1"):
        open_dump(data, draft="draft-1")
    assert open_dump(small(LE10), draft="draft-2026-10").draft == "draft-2026-10"


# -- dialects --------------------------------------------------------------------------------


def early(version: bytes) -> bytes:
    header = patched(wire.file_header("<"), 10, version)
    return header + wire.block("<", wire.MODULE_LIST_INDEX, bytes(8), payload_version=0)


@pytest.mark.parametrize("version", [b"\x01\x00", b"\x01\x01"])
def test_the_early_dialect_is_recognised(version: bytes) -> None:
    assert open_dump(early(version)).dialect == "early"
    with pytest.raises(DialectError, match="dialect early"):
        open_dump(early(version), dialect="none")
    dump = open_dump(early(version), draft="draft-2026-03")
    assert [(b.key, list(b.payload)) for b in dump.blocks] == [("module_list_index", ["raw"])]


def test_little_endian_integers_under_a_big_endian_header() -> None:
    builder = start(LE10, endianness=2)
    builder.add(wire.PROCESS_IDENTITY, wire.process_identity("<"))
    data = patched(finish(builder, LE10), 10, b"\x00\x01")
    with pytest.raises(DialectError, match="--byte-order little"):
        open_dump(patched(data, 10, b"\x01\x00"))
    dump = open_dump(patched(data, 10, b"\x01\x01"))
    assert (dump.dialect, dump.schema.byte_order) == ("memslicer-0.5", "little")
    assert dump.blocks[0].payload["exe_path"] == "/usr/bin/sleep"
    dump = open_dump(data, byte_order="little")
    assert dump.blocks[0].payload["exe_path"] == "/usr/bin/sleep"


def test_a_big_endian_file_with_unknown_types_is_no_dialect() -> None:
    big = KINDS[1]
    builder = start(big)
    builder.add(0x2345, wire.opaque(5))
    assert [b.key for b in open_dump(finish(builder, big)).blocks] == ["0x2345", "end_of_capture"]


# -- where blocks end ------------------------------------------------------------------------


@kinds
@pytest.mark.parametrize(
    ("behind", "ending"),
    [
        (b"", "end"),
        (b"\0", "short"),
        (b"MSLC" + bytes(75), "short"),
        (bytes(80), "magic"),
        (b"MSLD" + bytes(76), "magic"),
        (b"MSLC" + bytes(76), "length"),
    ],
)
def test_end_of_blocks(kind: Kind, behind: bytes, ending: str) -> None:
    builder = capture(kind, end=False)
    data = builder.data()
    dump = open_dump(data + behind)
    assert len(dump.blocks) == builder.count
    assert (dump.ending.kind, dump.ending.offset) == (ending, len(data))
    assert dump.ending.clean == (ending == "end")
    if behind:
        assert f"{len(data):#x}" in dump.ending.text
        assert dump.trailing == behind
    else:
        assert dump.trailing is None
    assert not dump.complete  # there is no End-of-Capture


@kinds
@pytest.mark.parametrize("length", [0, 1, 79, 1 << 20, 0xFFFF_FFFF])
def test_a_block_length_that_cannot_be(kind: Kind, length: int) -> None:
    builder = capture(kind, end=False)
    end = len(builder.data())
    builder.add(wire.RELATED_DUMP, wire.related_dump(kind.order), block_length=length)
    dump = open_dump(builder.data())
    assert len(dump.blocks) == builder.count - 1
    assert (dump.ending.kind, dump.ending.offset) == (
        "length" if length < 80 else "truncated", end,
    )  # fmt: skip
    assert str(length) in dump.ending.text


@kinds
def test_a_file_cut_at_every_byte(kind: Kind) -> None:
    """Opening raises nothing but ours, and what stands before the cut is all there."""
    whole = small(kind)
    full = open_dump(whole)
    blocks = [(b.offset + b.length, shown(b)) for b in full.blocks]
    for cut in range(len(whole)):
        try:
            dump = open_dump(whole[:cut])
        except MslError:
            assert cut < 64, cut
            continue
        assert cut >= 64
        assert [shown(b) for b in dump.blocks] == [b for end, b in blocks if end <= cut], cut
        assert dump.ending.clean == (cut == 64 or cut in {end for end, _ in blocks}), cut
        assert not dump.complete
        verdict = dump.verify()
        assert verdict.intact, cut
        assert not verdict.complete, cut


@kinds
@given(data=st.data())
def test_changed_bytes_raise_nothing_but_ours(kind: Kind, data: st.DataObject) -> None:
    whole = bytearray(capture(kind).data())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        dump = open_dump(bytes(whole))
        for block in dump.blocks:
            _ = block.payload, block.problem, block.describe()
        dump.memory.read(0x7F00_0000_0000, 4096)
        if not dump.header.encrypted:
            dump.verify()
    except MslError:
        pass  # which is the point: nothing else


def test_struct_and_wire_agree_on_the_header() -> None:
    """The builder is no part of the package, so check the few bytes that all rests on."""
    data = small(KINDS[1])
    assert struct.unpack_from(">8sBBHIQ", data) == (b"MEMSLICE", 2, 64, 0x0100, 0, 0)
