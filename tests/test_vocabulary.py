"""Every word of the vocabulary as a Construct: alone, inside stock Structs, on odd bytes."""

from __future__ import annotations

import io
import struct
import uuid
from typing import Any

import construct
import pytest

from msl_construct.drafts import schema
from msl_construct.errors import ConformanceError, MslError, PayloadError
from msl_construct.page_map import PageMap
from msl_construct.schema import Code, FlagValue, Layout, PaddedBytes, Record, StoredText
from msl_construct.schema.pages import PageData, PageStateMap
from msl_construct.schema.table import Table
from msl_construct.schema.variable import Blob, RegisterValue, Rest, Utf8Z
from msl_construct.schema.vocabulary import (
    HASH,
    TIMESTAMP,
    U8,
    U16,
    U32,
    U64,
    UUID,
    Binding,
    Coded,
    Fixed,
    Flags,
    Magic,
    Reserved,
    Vocabulary,
)
from msl_construct.source import Cursor, Extent

BYTES_16 = bytes(range(0x10, 0x20))


@pytest.fixture(params=["little", "big"])
def binding(request: pytest.FixtureRequest) -> Binding:
    bound = schema("draft-2026-10", request.param)
    order = "<" if request.param == "little" else ">"
    return Binding(order, bound.enumerations, bound.flags, bound.page_states)


def identity(bound: Vocabulary, raw: bytes) -> Any:
    """What `raw` parses to, after checking that it builds back."""
    value = bound.parse(raw)
    assert bound.build(value) == raw
    assert type(bound.parse(raw)) is type(value)
    return value


# -- constant width --------------------------------------------------------------------------


@pytest.mark.parametrize("word", [U8, U16, U32, U64, TIMESTAMP], ids=lambda w: f"{w.width}")
def test_unsigned_integers(binding: Binding, word: Fixed) -> None:
    order = "little" if binding.order == "<" else "big"
    bound = word.bound(binding)
    for raw in (bytes(word.width), BYTES_16[: word.width], b"\xff" * word.width):
        assert identity(bound, raw) == int.from_bytes(raw, order)  # type: ignore[arg-type]
    assert bound.sizeof() == word.width


def test_uuids_are_in_network_order_whatever_the_file_is_in(binding: Binding) -> None:
    value = identity(UUID.bound(binding), BYTES_16)
    assert value == uuid.UUID("10111213-1415-1617-1819-1a1b1c1d1e1f")
    assert UUID.bound(binding).build(BYTES_16) == BYTES_16


def test_bytes_are_kept(binding: Binding) -> None:
    assert identity(HASH.bound(binding), BYTES_16 * 2) == BYTES_16 * 2
    assert identity(Magic(b"MSLC").bound(binding), b"nope") == b"nope"
    assert identity(Reserved(5).bound(binding), b"\0\1\2\3\4") == b"\0\1\2\3\4"


def test_codes(binding: Binding) -> None:
    bound = Coded("OSType").bound(binding)
    for code, name, known in (
        (1, "linux", True), (0xFFFF, "unknown", True), (0x000A, "0x000a", False),
        (0x1234, "0x1234", False),
    ):  # fmt: skip
        value = identity(bound, struct.pack(binding.order + "H", code))
        assert isinstance(value, Code)
        assert (int(value), str(value), value.known) == (code, name, known)
        assert bound.build(name) == bound.build(code)
    assert Coded("RegionType").bound(binding).parse(b"\x07").name == "0x07"


def test_flags(binding: Binding) -> None:
    bound = Flags("Protection").bound(binding)
    value = identity(bound, b"\xa5")
    assert isinstance(value, FlagValue)
    assert value.names == ["read", "execute", "bit_5", "bit_7"]
    assert "read" in value
    assert "write" not in value
    assert list(value) == value.names
    assert bound.build(["read", "execute", "bit_5", "bit_7"]) == b"\xa5"
    assert identity(bound, b"\0").names == []


def test_every_word_of_flags_is_kept() -> None:
    word = schema().flags["BlockFlags"]
    for value in [*range(1 << 7), 0xFFFF, 0x8000, 0x1234]:
        assert word.encode(word.names(value)) == value
    assert word.names(0b111) == ["compressed", "comp_algo_reserved"]
    assert word.names(0b010) == ["comp_algo_zstd"]
    assert word.names(0b101) == ["compressed", "comp_algo_lz4"]


def test_wide_codes_and_flags_use_the_byte_order(binding: Binding) -> None:
    raw = struct.pack(binding.order + "Q", 0x8000_0000_0000_0101)
    value = identity(Flags("CapBitmap").bound(binding), raw)
    assert value.names == ["memory_regions", "process_identity", "bit_63"]


# -- variable length -------------------------------------------------------------------------

TEXTS: list[tuple[int, bytes, str | None]] = [
    (0, b"", None),
    (1, bytes(8), ""),
    (4, b"abc\0" + bytes(4), "abc"),
    (8, b"abcdefg\0", "abcdefg"),
    (3, "é".encode() + bytes(6), "é"),
]
ODD_TEXTS: list[tuple[int, bytes, str]] = [
    (3, b"abc" + bytes(5), "abc"),  # no NUL within the length
    (8, b"abcdefgh", "abcdefgh"),  # no NUL at all
    (5, b"ab\0c\0" + bytes(3), "ab"),  # a NUL in the middle
    (6, b"abc\0\0\0" + bytes(2), "abc"),  # the length counts padding
    (4, b"abc\0\0\0\0\x01", "abc"),  # padding that is not zero
    (3, b"\xc3\x28\0" + bytes(5), "\ufffd("),  # not UTF-8
    (1, b"a" + bytes(7), "a"),
]


def text_struct(binding: Binding) -> construct.Struct:
    return construct.Struct(
        "text_len" / U16.bound(binding), "text" / Utf8Z("TextLen").bound(binding)
    )


@pytest.mark.parametrize(("length", "stored", "text"), TEXTS)
def test_text(binding: Binding, length: int, stored: bytes, text: str | None) -> None:
    raw = struct.pack(binding.order + "H", length) + stored
    found = text_struct(binding).parse(raw)
    assert (found.text_len, found.text) == (length, text)
    assert not isinstance(found.text, StoredText)
    assert text_struct(binding).build(found) == raw
    assert list(Utf8Z("TextLen").problems(found.text, found)) == []
    assert Utf8Z("TextLen").measure(text) == length


@pytest.mark.parametrize(("length", "stored", "text"), ODD_TEXTS)
def test_odd_text_is_kept_byte_for_byte(
    binding: Binding, length: int, stored: bytes, text: str
) -> None:
    raw = struct.pack(binding.order + "H", length) + stored
    found = text_struct(binding).parse(raw)
    assert isinstance(found.text, StoredText)
    assert (str(found.text), found.text.raw) == (text, stored)
    assert text_struct(binding).build(found) == raw
    assert list(Utf8Z("TextLen").problems(found.text, found)) != []


@pytest.mark.parametrize("padding", [bytes(5), b"\0\0\0\0\x01"])
def test_blobs(binding: Binding, padding: bytes) -> None:
    both = construct.Struct("n" / U32.bound(binding), "blob" / Blob("N").bound(binding))
    raw = struct.pack(binding.order + "I", 3) + b"abc" + padding
    found = both.parse(raw)
    assert found.blob == b"abc"
    assert isinstance(found.blob, PaddedBytes) == any(padding)
    assert both.build(found) == raw


def test_register_values_are_in_file_order(binding: Binding) -> None:
    both = construct.Struct(
        "width" / U8.bound(binding), "v" / RegisterValue("Width").bound(binding)
    )
    raw = b"\x04" + struct.pack(binding.order + "I", 0xDEADBEEF) + bytes(4)
    found = both.parse(raw)
    assert both.build(found) == raw
    order = "little" if binding.order == "<" else "big"
    thread = schema("draft-2026-10", order).layouts["thread_context"]
    entry = thread.field("registers").type.entry
    full = entry.complete({"width": 4, "name": None, "value": 0xDEADBEEF})
    assert entry.encode(full)[8:] == struct.pack(binding.order + "I", 0xDEADBEEF) + bytes(4)


def test_page_maps_and_page_data(binding: Binding) -> None:
    region = construct.Struct(
        "region_size" / U64.bound(binding),
        "page_size_log2" / U8.bound(binding),
        "states" / PageStateMap("RegionSize", "PageSizeLog2", 10, 40).bound(binding),
        "data" / PageData("States", "PageSizeLog2").bound(binding),
    )
    raw = struct.pack(binding.order + "QB", 4096, 10) + b"\x18" + bytes(7) + bytes(2048)
    found = region.parse(raw)
    assert list(found.states.runs()) == [(0, 1, 0), (1, 1, 1), (2, 1, 2), (3, 1, 0)]
    assert len(found.data) == 2048
    assert region.build(found) == raw
    with pytest.raises(PayloadError, match="PageSizeLog2 of 10 to 40"):
        region.parse(struct.pack(binding.order + "QB", 4096, 9) + bytes(64))
    with pytest.raises(PayloadError):
        region.parse(struct.pack(binding.order + "QB", 1 << 62, 10) + bytes(64))


def test_rest_names_bytes_without_reading(binding: Binding) -> None:
    both = construct.Struct("a" / U8.bound(binding), "rest_of_it" / Rest().bound(binding))
    found = both.parse(b"abcdef")
    assert isinstance(found.rest_of_it, Extent)
    assert bytes(found.rest_of_it) == b"bcdef"
    assert both.build(found) == b"abcdef"


def sized_table(binding: Binding) -> construct.Struct:
    fields = schema("draft-2026-10").layouts["related_dump"].fields[1:2]
    entry = Layout("Entry", "§5", fields)
    return construct.Struct(
        "count" / U8.bound(binding),
        "size" / U8.bound(binding),
        "rows" / Table("Count", entry, entry_size="Size").bound(binding),
    )


@pytest.mark.parametrize("size", [0, 4, 7])
def test_tables(binding: Binding, size: int) -> None:
    row = struct.pack(binding.order + "I", 77) + b"xyz"[: max(0, size - 4)]
    raw = bytes([2, size]) + row + row
    found = sized_table(binding).parse(raw)
    assert [entry["related_pid"] for entry in found.rows] == [77, 77]
    assert [bytes(entry.get("rest", b"")) for entry in found.rows] == [row[4:], row[4:]]
    assert sized_table(binding).build(found) == raw


@pytest.mark.parametrize("size", [0, 3, 200])
def test_tables_that_do_not_fit(binding: Binding, size: int) -> None:
    with pytest.raises(PayloadError) as caught:
        sized_table(binding).parse(bytes([2, size]) + bytes(6))
    assert "rows" in caught.value.field
    assert ("[1]" if size == 0 else "[0]") in str(caught.value)


# -- layouts as Constructs -------------------------------------------------------------------


@pytest.mark.parametrize("order", ["little", "big"])
def test_layouts_alone_and_inside_stock_constructs(order: str) -> None:
    layout = schema(byte_order=order).block_header
    raw = b"MSLC" + bytes(range(76))
    assert layout.build(layout.parse(raw)) == raw
    both = construct.Struct("before" / construct.Byte, "header" / layout, "after" / construct.Byte)
    found = both.parse(b"\x01" + raw + b"\x02")
    assert (found.before, found.header["magic"], found.after) == (1, b"MSLC", 2)
    assert both.build(found) == b"\x01" + raw + b"\x02"
    array = construct.Array(3, layout)
    assert array.build(array.parse(raw * 3)) == raw * 3
    assert layout.parse_stream(io.BytesIO(raw + b"more")) == layout.parse(raw)


def test_layouts_with_an_optional_tail_as_constructs() -> None:
    """Both lengths are legal payloads, so a bare Construct has to read both."""
    layout = schema("draft-2026-10").layouts["related_dump"]
    assert layout.parse(bytes(56))["target_hash"] == bytes(32)
    assert "target_hash" not in layout.parse(bytes(24))


def test_a_layout_that_is_cut_says_where() -> None:
    layout = schema().block_header
    with pytest.raises(PayloadError) as caught:
        layout.parse(b"MSLC" + bytes(15))
    assert caught.value.field == "block_uuid"
    assert caught.value.offset == 16
    assert str(caught.value) == (
        "Block Header: block_uuid at 0x10: expected 16 bytes, found 3 before the end"
    )


def test_a_construct_that_is_cut_says_where(binding: Binding) -> None:
    pair = construct.Struct("first" / U32.bound(binding), "second" / U64.bound(binding))
    with pytest.raises(PayloadError) as caught:
        pair.parse(bytes(9))
    assert caught.value.offset == 4
    assert caught.value.field == "second"
    assert "0x4" in str(caught.value)


CUT: list[tuple[Vocabulary, dict[str, int]]] = [
    (U64, {}), (UUID, {}), (HASH, {}), (Coded("OSType"), {}), (Flags("CapBitmap"), {}),
    (Magic(b"MSLC"), {}), (Reserved(3), {}), (Utf8Z("N"), {"n": 9}), (Blob("N"), {"n": 9}),
    (RegisterValue("N"), {"n": 9}),
    (PageStateMap("Size", "Log2", 10, 40), {"size": 1 << 20, "log2": 12}),
    (PageStateMap("Size", "Log2", 10, 40), {"size": 1 << 20, "log2": 41}),
]  # fmt: skip


@pytest.mark.parametrize(("word", "context"), CUT, ids=lambda part: type(part).__name__)
def test_only_our_own_exceptions_when_parsing(
    binding: Binding, word: Vocabulary, context: dict[str, int]
) -> None:
    with pytest.raises(PayloadError) as caught:
        word.bound(binding).parse(b"a", **context)
    assert caught.value.offset == 0
    assert isinstance(caught.value, construct.ConstructError)


WRONG: list[tuple[Vocabulary, Any]] = [
    (U8, 256), (U8, -1), (U16, "12"), (U64, None), (UUID, b"short"), (HASH, bytes(31)),
    (Coded("OSType"), "no such system"), (Coded("OSType"), 1 << 16),
    (Flags("Protection"), ["no such right"]), (Flags("Protection"), 256), (Utf8Z("N"), 12),
    (Blob("N"), 5), (RegisterValue("N"), "5"),
    (PageStateMap("Size", "Log2", 10, 40), b"\0"), (Reserved(3), b"12"),
]  # fmt: skip


@pytest.mark.parametrize(("word", "value"), WRONG)
def test_only_our_own_exceptions_when_building(
    binding: Binding, word: Vocabulary, value: Any
) -> None:
    with pytest.raises(MslError):
        word.bound(binding).build(value, n=1, size=4096, log2=12)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("base_addr", -1), ("base_addr", "text"), ("protection", ["no such right"]),
        ("region_type", "no such type"), ("reserved", bytes(4)), ("timestamp", 1 << 64),
        ("page_state_map", b"bytes"), ("page_size_log2", 300),
    ],
)  # fmt: skip
def test_layouts_refuse_with_the_field_and_the_section(key: str, value: Any) -> None:
    layout = schema().layouts["memory_region"]
    values = {
        "base_addr": 0, "region_size": 0, "protection": 0, "region_type": 0,
        "page_size_log2": 12, "reserved": bytes(5), "timestamp": 0,
        "page_state_map": PageMap(b"", 0), "page_data": b"",
    }  # fmt: skip
    assert len(layout.encode(values)) == 32
    with pytest.raises(ConformanceError, match=rf"Memory Region\.{key}: .*§"):
        layout.encode({**values, key: value})
    with pytest.raises(ConformanceError, match=key):
        layout.encode({k: v for k, v in values.items() if k != key})


def test_complete_fills_in_what_follows() -> None:
    layout = schema().layouts["process_identity"]
    full = layout.complete({"exe_path": "/bin/é", "cmd_line": None})
    assert dict(full) == {
        "ppid": 0, "session_id": 0, "start_time": 0, "exe_path_len": 8, "cmd_line_len": 0,
        "reserved": bytes(4), "exe_path": "/bin/é", "cmd_line": None,
    }  # fmt: skip
    assert layout.complete({"exe_path_len": 99, "exe_path": "x"})["exe_path_len"] == 99
    with pytest.raises(ConformanceError, match="no field 'speed'"):
        layout.complete({"speed": 1})


def test_problems_name_the_path_inside_a_table() -> None:
    layout = schema().layouts["module_list_index"]
    entry = bytes(16) + bytes(16) + b"\x03\x00" + b"\x01\x00" + bytes(4) + b"ab\0" + bytes(5)
    found = layout.decode(Cursor.over(b"\x01\0\0\0" + bytes(4) + entry))
    kinds = {path: problem.kind for path, problem in layout.problems_of(found)}
    assert kinds == {
        "entries[0].module_uuid": "nil-uuid", "entries[0].reserved": "reserved-not-zero"
    }  # fmt: skip


def test_records_read_as_attributes() -> None:
    record = Record({"base_addr": 4096})
    assert record.base_addr == record["base_addr"] == 4096
    with pytest.raises(AttributeError, match="no field 'speed' here; there are base_addr"):
        _ = record.speed
