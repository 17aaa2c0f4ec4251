"""The schema inside stock Constructs, on bytes that `struct` made."""

from __future__ import annotations

import copy
import io
import pickle
import struct
from pathlib import Path
from typing import Any

import construct
import pytest
from construct import (
    Aligned,
    Array,
    Byte,
    Bytes,
    Computed,
    FixedSized,
    GreedyBytes,
    GreedyRange,
    If,
    Int16ul,
    Int32ul,
    Lazy,
    LazyStruct,
    Optional,
    Padded,
    Peek,
    Pointer,
    Prefixed,
    PrefixedArray,
    Rebuild,
    RepeatUntil,
    Select,
    Struct,
    Switch,
    Terminated,
    len_,
    this,
)
from independent import wire
from independent import wire_payloads as payloads

import msl_construct
from msl_construct.drafts import DRAFTS
from msl_construct.errors import (
    ConformanceError,
    MslError,
    PayloadError,
    UnboundError,
)
from msl_construct.schema import Schema
from msl_construct.source import Extent

ORDERS = {"little": "<", "big": ">"}
DRAFT = "draft-2026-10"


@pytest.fixture(params=ORDERS)
def schema(request: pytest.FixtureRequest) -> Schema:
    return msl_construct.schema(DRAFT, request.param)


@pytest.fixture
def order(schema: Schema) -> str:
    return ORDERS[schema.byte_order.value]


# -- where they are ----------------------------------------------------------------------------


def test_payloads_are_attributes(schema: Schema) -> None:
    for key, layout in schema.layouts.items():
        assert getattr(schema, key) is layout
        assert key in dir(schema)
    assert isinstance(schema.block, construct.Construct)
    with pytest.raises(AttributeError, match="memory_region"):
        _ = schema.no_such_structure
    with pytest.raises(AttributeError, match="no layout of 'invalid'"):
        _ = schema.invalid


def test_what_they_are_is_seen(schema: Schema) -> None:
    shown = repr(schema.memory_region)
    assert "Memory Region" in shown
    assert DRAFT in shown
    assert schema.byte_order.value in shown
    assert "not bound" in repr(DRAFTS[DRAFT].file_header)
    assert DRAFT in repr(schema.block)


def test_they_are_pickled_and_copied(schema: Schema, order: str) -> None:
    raw = payloads.process_identity(order)
    for one in (schema.process_identity, schema.memory_region, schema.connectivity_table):
        assert copy.copy(one) is one
        assert copy.deepcopy(one) is one
        assert repr(pickle.loads(pickle.dumps(one))) == repr(one)
    found = pickle.loads(pickle.dumps(schema.process_identity))
    assert found.parse(raw) == schema.process_identity.parse(raw)
    assert pickle.loads(pickle.dumps(schema)) is schema
    assert copy.deepcopy(schema) is schema
    assert pickle.loads(pickle.dumps(schema.draft)) is schema.draft
    block = wire.block(order, wire.PROCESS_IDENTITY, raw)
    assert pickle.loads(pickle.dumps(schema.block)).build(schema.block.parse(block)) == block


def test_a_draft_of_ones_own_is_pickled_as_it_is() -> None:
    mine = DRAFTS[DRAFT].overlay("mine", 0x0102, "ours")
    found = pickle.loads(pickle.dumps(mine.bound(msl_construct.schema().byte_order)))
    raw = payloads.process_identity("<")
    assert found.draft.since(DRAFT)
    assert found.process_identity.build(found.process_identity.parse(raw)) == raw


def test_values_are_pickled_and_copied(schema: Schema, order: str) -> None:
    structures = {
        "process_identity": payloads.process_identity(order, exe_path=b"no NUL\xff"),
        "memory_region": payloads.memory_region(order, [0, 1, 2, 0]),
        "module_entry": payloads.module_entry(order, native_blob=b"12", blob_padding=b"123456"),
        "thread_context": payloads.thread_context(order),
    }
    for key, raw in structures.items():
        structure = schema.layouts[key]
        value = structure.parse(raw)
        for twin in (pickle.loads(pickle.dumps(value)), copy.copy(value), copy.deepcopy(value)):
            assert twin == value
            assert structure.build(twin) == raw


# -- what is not bound, or does not fit ----------------------------------------------------------


@pytest.mark.parametrize("structure", ["file_header", "block_header"])
def test_nothing_is_read_or_written_without_a_byte_order(structure: str) -> None:
    declared = getattr(DRAFTS[DRAFT], structure)
    for attempt in (
        lambda: declared.parse(bytes(200)),
        lambda: declared.build({}),
        lambda: declared.sizeof(),
        lambda: declared.fields[0].type.parse(bytes(8)),
    ):
        with pytest.raises(UnboundError, match="no byte order") as caught:
            attempt()
        assert isinstance(caught.value, construct.ConstructError)


def test_what_does_not_fit_says_where(schema: Schema, order: str) -> None:
    raw = payloads.process_identity(order)
    inside = Struct("first" / Byte, "identity" / schema.process_identity)
    with pytest.raises(construct.ConstructError, match=r"identity\.cmd_line at 0x29") as caught:
        inside.parse(b"\0" + raw[:-1])
    assert isinstance(caught.value, PayloadError)
    assert (caught.value.field, caught.value.offset) == ("identity.cmd_line", 0x29)
    with pytest.raises(construct.ConstructError, match="needs 'path_len'"):
        schema.module_entry.field("path").type.parse(bytes(8))


def test_what_cannot_be_stored_says_which_field(schema: Schema) -> None:
    with pytest.raises(construct.ConstructError, match=r"Process Identity\.ppid") as caught:
        schema.process_identity.build({"ppid": 1 << 32})
    assert isinstance(caught.value, ConformanceError)
    assert caught.value.field == "ppid"
    for value in (None, 5, b"", [], {"no_such_field": 1}):
        with pytest.raises(construct.ConstructError):
            schema.process_identity.build(value)


def test_streams_that_cannot_seek_are_construct_errors(schema: Schema) -> None:
    class Pipe(io.RawIOBase):
        def readable(self) -> bool:
            return True

    with pytest.raises(construct.StreamError):
        schema.process_identity.parse_stream(Pipe())


def test_sizes(schema: Schema) -> None:
    assert (schema.file_header.sizeof(), schema.block_header.sizeof()) == (64, 80)
    first = msl_construct.schema("draft-2026-03")
    assert first.end_of_capture.sizeof() == len(payloads.end_of_capture("<"))
    for one in (schema.process_identity, schema.memory_region, schema.block):
        with pytest.raises(construct.SizeofError) as caught:
            one.sizeof()
        assert isinstance(caught.value, MslError)
    with pytest.raises(construct.SizeofError):
        Struct("inside" / schema.module_entry).sizeof()


def test_what_may_end_early_has_no_size() -> None:
    schema = msl_construct.schema("draft-2026-10")
    with pytest.raises(construct.SizeofError, match="may end before its last field"):
        schema.related_dump.sizeof()
    field = schema.related_dump.field("target_hash")
    short = schema.related_dump.build(schema.related_dump.example())
    for stored in (short, short + bytes(field.type.minimum)):
        both = Struct("first" / Prefixed(Byte, Lazy(schema.related_dump)), "next" / Byte)
        parsed = both.parse(bytes([len(stored)]) + stored + b"\x07")
        assert (len(parsed.first()), parsed.next) == (4 + (stored is not short), 7)


# -- building ------------------------------------------------------------------------------------


def test_what_follows_need_not_be_given(schema: Schema, order: str) -> None:
    given: dict[str, Any] = {"ppid": 1, "session_id": 1, "start_time": 1_773_528_000_000_000_000}
    given |= {"exe_path": "/usr/bin/sleep", "cmd_line": "sleep 1000"}
    assert schema.process_identity.build(given) == payloads.process_identity(order)
    assert schema.process_identity.build(construct.Container(**given, _io=None)) == (
        payloads.process_identity(order)
    )
    region = {
        "base_addr": 0x7F00_0000_0000, "region_size": 3 << 12, "protection": ["read", "write"],
        "region_type": "heap", "page_size_log2": 12, "timestamp": 1_773_528_836_200_000_000,
        "page_state_map": [(0, 1, "captured"), (1, 2, "failed")], "page_data": bytes(4096),
    }  # fmt: skip
    assert schema.memory_region.build(region) == payloads.memory_region(order, [0, 1, 1])


def test_a_count_follows_from_the_entries(schema: Schema, order: str) -> None:
    row = {"module_uuid": wire.uuid4(2), "base_addr": 0x5555_5555_4000, "module_size": 0x2000}
    rows = [{**row, "path": "/usr/bin/sleep"}, {**row, "path": None}]
    expected = [payloads.index_entry(order), payloads.index_entry(order, path=None)]
    made = schema.module_list_index.build({"entries": rows})
    assert made == payloads.module_list_index(order, expected)


def test_parsed_and_built_it_is_the_same(schema: Schema, order: str) -> None:
    odd = {
        "process_identity": payloads.process_identity(order, exe_path=b"\xff\xfe", reserved=7),
        "related_dump": payloads.related_dump(order),
        "memory_region": payloads.memory_region(order, [0, 3], page_data=b"too short"),
        "module_list_index": payloads.module_list_index(order, [payloads.index_entry(order)]),
    }
    for key, raw in odd.items():
        structure = schema.layouts[key]
        assert structure.build(structure.parse(raw)) == raw


# -- inside stock Constructs ---------------------------------------------------------------------


def test_struct_array_and_switch(schema: Schema, order: str) -> None:
    kinds = Switch(
        this.kind,
        {1: schema.process_identity, 2: schema.module_entry},
        default=GreedyBytes,
    )
    record = Struct("kind" / Byte, "value" / Prefixed(Int16ul, kinds))
    parts = [(1, payloads.process_identity(order)), (2, payloads.module_entry(order)), (3, b"?")]
    raw = b"".join(struct.pack("<BH", kind, len(part)) + part for kind, part in parts)
    found = Array(3, record).parse(raw)
    assert [found[0].value.cmd_line, found[1].value.path, found[2].value] == [
        "sleep 1000", "/usr/bin/sleep", b"?",
    ]  # fmt: skip
    assert Array(3, record).build(found) == raw


def test_greedy_range_ends_where_nothing_fits(schema: Schema, order: str) -> None:
    raw = payloads.process_identity(order)
    form = Struct("all" / GreedyRange(schema.process_identity), "behind" / GreedyBytes)
    found = form.parse(raw * 3 + raw[:9])
    assert (len(found.all), found.behind) == (3, raw[:9])
    assert form.build(found) == raw * 3 + raw[:9]


def test_peek_optional_and_select(schema: Schema, order: str) -> None:
    raw = payloads.process_identity(order)
    form = Struct("ahead" / Peek(schema.process_identity), "all" / GreedyBytes)
    assert form.parse(raw).ahead.ppid == 1
    assert form.parse(raw[:5]) == {"ahead": None, "all": raw[:5]}
    maybe = Struct("identity" / Optional(schema.process_identity), "all" / GreedyBytes)
    assert maybe.parse(raw[:5]) == {"identity": None, "all": raw[:5]}
    assert maybe.build(maybe.parse(raw[:5])) == raw[:5]
    assert maybe.build(maybe.parse(raw)) == raw
    either = Select(schema.process_identity, Bytes(5))
    assert either.parse(raw).session_id == 1
    assert either.parse(raw[:5]) == raw[:5]
    assert either.build(raw[:5]) == raw[:5]
    with pytest.raises(construct.SelectError):
        Select(schema.process_identity, schema.module_entry).parse(raw[:5])


def test_lazy_ones_are_parsed_when_they_are_looked_at(schema: Schema, order: str) -> None:
    raw = payloads.process_identity(order)
    found = Struct("later" / Lazy(schema.process_identity), "next" / Byte).parse(raw + b"\7")
    assert (found.next, found.later().exe_path) == (7, "/usr/bin/sleep")
    lazy = LazyStruct("header" / schema.block_header, "next" / Byte)
    found = lazy.parse(wire.block(order, 0x2345) + b"\7")
    assert (found.next, found.header.block_length) == (7, 80)


def test_sized_padded_and_pointed_at(schema: Schema, order: str) -> None:
    raw = payloads.process_identity(order)
    for form in (FixedSized(100, schema.process_identity), Padded(100, schema.process_identity)):
        assert form.build(form.parse(raw.ljust(100, b"\0"))) == raw.ljust(100, b"\0")
    aligned = Aligned(64, schema.process_identity)
    assert aligned.build(aligned.parse(raw.ljust(64, b"\0"))) == raw.ljust(64, b"\0")
    pointed = Struct("at" / Int32ul, "value" / Pointer(this.at, schema.process_identity))
    assert pointed.parse(struct.pack("<I", 9) + b"12345" + raw).value.ppid == 1
    counted = PrefixedArray(Byte, schema.process_identity)
    assert counted.build(counted.parse(b"\2" + raw * 2)) == b"\2" + raw * 2
    until = RepeatUntil(lambda one, _, __: one.ppid == 2, schema.process_identity)
    assert len(until.parse(raw + payloads.process_identity(order, ppid=2) + raw)) == 2
    present = Struct("there" / Byte, "value" / If(this.there, schema.process_identity), Terminated)
    assert present.build(present.parse(b"\0")) == b"\0"
    sized = Struct("size" / Rebuild(Int32ul, len_(this.text)), "text" / GreedyBytes)
    assert sized.build({"text": b"ab"}) == b"\2\0\0\0ab"


def test_the_value_written_is_the_complete_one(schema: Schema) -> None:
    form = Struct(
        "identity" / schema.process_identity,
        "length" / Rebuild(Byte, this.identity.exe_path_len),
    )
    assert form.build({"identity": {"exe_path": "/bin/a"}})[-1] == 7


def test_compiled_it_is_the_same(schema: Schema, order: str) -> None:
    raw = payloads.process_identity(order)
    form = Struct("identity" / schema.process_identity, "next" / Byte)
    assert form.compile().parse(raw + b"\7") == form.parse(raw + b"\7")


def test_bytes_are_named_and_do_not_move_the_stream(schema: Schema, order: str) -> None:
    raw = payloads.memory_region(order, [0])
    form = Struct(
        "size" / Int32ul,
        "region" / FixedSized(this.size, schema.memory_region),
        "early" / Computed(lambda here: bytes(here.region.page_data)[:1]),
        "next" / Byte,
    )
    found = form.parse(struct.pack("<I", len(raw)) + raw + b"\7")
    assert isinstance(found.region.page_data, Extent)
    assert (found.early, found.next, len(found.region.page_data)) == (b"\0", 7, 4096)
    stream = io.BytesIO(raw)
    region = schema.memory_region.parse_stream(stream)
    stream.seek(3)
    assert bytes(region.page_data) == bytes(4096)
    assert stream.tell() == 3


def test_a_file_stays_readable_behind_its_parsing(
    schema: Schema, order: str, tmp_path: Path
) -> None:
    path = tmp_path / "region"
    path.write_bytes(payloads.memory_region(order, [0]))
    region = schema.memory_region.parse_file(path)
    assert bytes(region.page_data) == bytes(4096)
    schema.memory_region.build_file(region, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


# -- whole blocks --------------------------------------------------------------------------------


def blocks_of(order: str) -> list[bytes]:
    region = payloads.memory_region(order, [0, 1])
    flags = {"zstd": wire.COMPRESSED | wire.ZSTD, "lz4": wire.COMPRESSED | wire.LZ4}
    return [
        wire.block(order, wire.PROCESS_IDENTITY, payloads.process_identity(order)),
        wire.block(order, wire.MEMORY_REGION, region),
        *(
            wire.block(order, wire.MEMORY_REGION, wire.compress(order, region, codec), flags=word)
            for codec, word in flags.items()
        ),
        wire.block(order, 0x2345, b"what nobody knows"),
        wire.block(order, wire.PROCESS_IDENTITY, b"cut"),
        wire.block(order, wire.MEMORY_REGION, region, payload_version=9),
        wire.block(order, wire.MEMORY_REGION, b"no stream", flags=flags["zstd"]),
        wire.block(order, 0x2345, wire.compress(order, b"unknown", "zstd"), flags=flags["zstd"]),
        wire.block(order, wire.PROCESS_IDENTITY, payloads.process_identity(order) + b"surplus"),
        wire.block(order, wire.END_OF_CAPTURE, payloads.end_of_capture(order)),
    ]


def test_whole_blocks_by_type(schema: Schema, order: str) -> None:
    raw = b"".join(blocks_of(order))
    found = GreedyRange(schema.block).parse(raw)
    assert GreedyRange(schema.block).build(found) == raw
    identity, region, zstd, lz4, unknown, cut, version, broken, opaque, surplus, end = found
    assert identity.header.block_type == wire.PROCESS_IDENTITY
    assert identity.payload.cmd_line == "sleep 1000"
    for each, codec in ((zstd, "zstd"), (lz4, "lz4")):
        assert each.payload == region.payload
        assert each.compression == {
            "algorithm": codec, "uncompressed_size": len(payloads.memory_region(order, [0, 1])),
        }  # fmt: skip
    assert bytes(unknown.payload.raw) == b"what nobody knows"
    assert "ppid" in cut.problem
    assert version.payload.raw == payloads.memory_region(order, [0, 1])
    assert (broken.payload.raw, "zstd" in broken.problem) == (b"no stream", True)
    assert opaque.payload.raw == b"unknown"
    assert bytes(surplus.payload.rest) == b"surplus"
    assert end.header.block_length == 80 + len(payloads.end_of_capture(order))


def test_a_block_is_built_from_what_does_not_follow(schema: Schema, order: str) -> None:
    header = {"block_uuid": wire.uuid4(1), "prev_hash": bytes(32)}
    given: dict[str, Any] = {"exe_path": "/usr/bin/sleep", "cmd_line": "sleep 1000", "ppid": 1}
    given |= {"session_id": 1, "start_time": 1_773_528_000_000_000_000}
    made = schema.block.build(
        {"header": {**header, "block_type": "process_identity"}, "payload": given}
    )
    assert made == blocks_of(order)[0]
    raw = {"header": {**header, "block_type": 0x2345}, "payload": b"what nobody knows"}
    assert schema.block.build(raw) == blocks_of(order)[4]
    with pytest.raises(construct.ConstructError, match="block_length"):
        schema.block.build({**raw, "header": {**raw["header"], "block_length": 80}})  # type: ignore[dict-item]


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_a_changed_payload_is_compressed_again(schema: Schema, order: str, codec: str) -> None:
    flags = wire.COMPRESSED | {"zstd": wire.ZSTD, "lz4": wire.LZ4}[codec]
    stored = wire.compress(order, payloads.process_identity(order), codec)
    block = schema.block.parse(wire.block(order, wire.PROCESS_IDENTITY, stored, flags=flags))
    block.payload["ppid"] = 99
    with pytest.raises(construct.ConstructError, match="leave it out"):
        schema.block.build({**block, "header": {**block.header, "block_length": 1 << 20}})
    del block.header["block_length"]
    again = schema.block.parse(schema.block.build(block))
    assert (again.payload.ppid, again.compression.algorithm) == (99, codec)
    afresh = {
        "header": {"block_type": "process_identity", "block_uuid": wire.uuid4(1),
                   "prev_hash": bytes(32)},
        "compression": {"algorithm": codec},
        "payload": {"ppid": 99},
    }  # fmt: skip
    assert schema.block.parse(schema.block.build(afresh)).compression.algorithm == codec


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda raw: b"MSLX" + raw[4:], "magic"),
        (lambda raw: raw[:-1], "before the end"),
        (lambda raw: raw[:40], "before the end"),
        (lambda raw: raw[:8] + bytes(4) + raw[12:], "block_length.*at least 80 bytes, found 0"),
    ],
)
def test_what_is_no_block_is_an_error(schema: Schema, order: str, change: Any, said: str) -> None:
    raw = blocks_of(order)[0]
    with pytest.raises(construct.ConstructError, match=said) as caught:
        schema.block.parse(change(raw))
    assert isinstance(caught.value, PayloadError)
    assert GreedyRange(schema.block).parse(raw + change(raw)) == [schema.block.parse(raw)]


@pytest.mark.parametrize(
    "value",
    [
        None, b"", {}, {"header": 5}, {"header": {}}, {"header": {"block_type": "nonsense"}},
        {"header": {"block_type": 0x2345}, "payload": {"a": 1}},
        {"header": {"block_type": "process_identity"}, "payload": 5},
        {"header": {"block_type": "process_identity", "flags": ["sideways"]}},
        {"header": {"block_type": "process_identity"}, "compression": {"algorithm": "rar"}},
        {"header": {"block_type": "process_identity"}},
    ],
)  # fmt: skip
def test_what_is_no_block_is_not_built(schema: Schema, value: Any) -> None:
    with pytest.raises(construct.ConstructError) as caught:
        schema.block.build(value)
    assert isinstance(caught.value, ConformanceError)


def test_a_whole_file(schema: Schema, order: str) -> None:
    form = Struct("header" / schema.file_header, "blocks" / GreedyRange(schema.block), Terminated)
    raw = wire.file_header(order, version=wire.V11) + b"".join(blocks_of(order))
    found = form.parse(raw)
    assert (found.header.pid, len(found.blocks)) == (4242, 11)
    assert form.build(found) == raw
    lazy = Struct("header" / schema.file_header, "blocks" / Array(11, Lazy(schema.block)))
    assert lazy.parse(raw).blocks[3]().payload.base_addr == 0x7F00_0000_0000
    maybe = Struct("ahead" / Peek(schema.block), "block" / Optional(schema.block))
    assert maybe.parse(b"nothing of the kind") == {"ahead": None, "block": None}


def test_a_block_type_by_key_and_code(schema: Schema) -> None:
    assert schema.block("memory_region") is schema.block(wire.MEMORY_REGION)
    with pytest.raises(KeyError):
        schema.block("no_such_block")
