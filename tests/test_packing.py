"""Rows packed in columns: byte for byte what `struct` gives, and no less strict."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from independent import wire
from strategies import records
from writing import uid

from msl_construct import schema
from msl_construct.builder.blocks import checked
from msl_construct.errors import ConformanceError
from msl_construct.schema import Layout
from msl_construct.schema.packing import RowPacker
from msl_construct.schema.table import Table
from msl_construct.schema.values import StoredText
from msl_construct.schema.variable import Measured
from msl_construct.schema.vocabulary import Reserved

Row = Sequence[Any]
ORDERS = {"little": "<", "big": ">"}
VAS_COLUMNS = (
    *("base_addr", "region_size", "protection", "region_type", "name_source"),
    "mapped_path",
)
REGISTER_COLUMNS = ("name", "width", "flags", "value")
INDEX_COLUMNS = ("module_uuid", "base_addr", "module_size", "path")


def entry_of(draft: str, order: str, key: str) -> Layout:
    layout = schema(draft, order).block(key).layout
    assert layout is not None
    table = layout.fields[-1].type
    assert isinstance(table, Table)
    return table.entry


def layout_of(name: str, order: str) -> Layout:
    if name in ("vas_map", "thread_context"):
        return entry_of("draft-2026-10", order, name)
    if name == "module_list_index":
        return entry_of("draft-2026-03", order, name)
    found = schema("draft-2026-03", order)
    if name == "block_header":
        return found.block_header
    region = found.block("memory_region").layout
    assert region is not None
    return region.before("page_state_map")


NAMES = ("vas_map", "thread_context", "module_list_index", "block_header", "memory_region")
LAYOUTS = [
    pytest.param(layout_of(name, order), id=f"{name}-{order}") for name in NAMES for order in ORDERS
]


def given_keys(layout: Layout) -> tuple[str, ...]:
    """What a caller gives: neither lengths nor reserved bytes."""
    lengths = {f.type.length_key for f in layout.fields if isinstance(f.type, Measured)}
    return tuple(
        f.key for f in layout.fields if f.key not in lengths and not isinstance(f.type, Reserved)
    )


# -- against struct ------------------------------------------------------------------------


@pytest.mark.parametrize("order", ORDERS)
def test_vas_map_entries(order: str) -> None:
    packer = RowPacker(layout_of("vas_map", order), *VAS_COLUMNS)
    rows = [
        (0x7F00_0000_0000, 0x1000, 5, 3, 1, "/usr/lib/libc.so.6"),
        (0xFFFF_FFFF_FF60_0000, 1 << 62, 0, "stack", "live", None),
        (0, 0, ("read", "write"), 0, 0, ""),
        (1, 2, 7, "heap", "live", "/tmp/Ünicode \U0001f600"),
    ]
    stack, heap = 3, 1
    expected = [
        {"protection": 5, "region_type": 3, "mapped_path": "/usr/lib/libc.so.6"},
        {"protection": 0, "region_type": stack, "mapped_path": None},
        {"protection": 3, "region_type": 0, "name_source": 0, "mapped_path": ""},
        {"protection": 7, "region_type": heap, "mapped_path": "/tmp/Ünicode \U0001f600"},
    ]
    registry = schema("draft-2026-10", order).enumerations["RegionType"]
    expected[1]["region_type"] = int(registry.encode("stack"))
    expected[3]["region_type"] = int(registry.encode("heap"))
    wanted = b"".join(
        wire.vas_entry(ORDERS[order], base_addr=row[0], region_size=row[1], **fields)
        for row, fields in zip(rows, expected)
    )
    assert packer.rows(rows) == wanted


@pytest.mark.parametrize("order", ORDERS)
def test_registers(order: str) -> None:
    packer = RowPacker(layout_of("thread_context", order), *REGISTER_COLUMNS)
    rows: list[Row] = [
        ("rip", 8, ["pc"], bytes(range(8))),
        ("rsp", 8, ("sp",), bytes(8)),
        ("cs", 2, 0, b"\x33\x00"),
        ("ymm0", 32, (), bytes(range(32))),
        (None, 0, 0, b""),
        ("st0", 10, 0, bytearray(range(10))),
    ]
    flags = (1, 2, 0, 0, 0, 0)
    wanted = b"".join(
        wire.register(ORDERS[order], row[0], bytes(row[3]), width=row[1], flags=flag)
        for row, flag in zip(rows, flags)
    )
    assert packer.rows(rows) == wanted


@pytest.mark.parametrize("order", ORDERS)
def test_module_list_entries(order: str) -> None:
    packer = RowPacker(layout_of("module_list_index", order), *INDEX_COLUMNS)
    rows = [(uid(n), n << 40, n, path) for n, path in enumerate(("/a", None, "/lib/b.so"), 5)]
    wanted = b"".join(
        wire.index_entry(
            ORDERS[order], module_uuid=found.bytes, base_addr=base, module_size=size, path=path
        )
        for found, base, size, path in rows
    )
    assert packer.rows(rows) == wanted


@pytest.mark.parametrize("order", ORDERS)
def test_block_header_in_place(order: str) -> None:
    packer = RowPacker(
        layout_of("block_header", order),
        *("block_type", "flags", "block_length", "block_uuid", "parent_uuid", "prev_hash"),
    )
    assert packer.size == 80
    buffer = bytearray(b"\xee" * 100)
    packer.pack_into(buffer, 10, 0x1001, 5, 4711, wire.uuid4(1), wire.uuid4(2), bytes(range(32)))
    wanted = wire.block(
        ORDERS[order],
        0x1001,
        flags=5,
        block_length=4711,
        block_uuid=wire.uuid4(1),
        parent_uuid=wire.uuid4(2),
        prev_hash=bytes(range(32)),
    )
    assert buffer == b"\xee" * 10 + wanted + b"\xee" * 10


def test_no_rows() -> None:
    assert RowPacker(layout_of("vas_map", "little"), *VAS_COLUMNS).rows([]) == b""
    assert RowPacker(layout_of("vas_map", "little"), *VAS_COLUMNS).rows(iter(())) == b""


def test_columns_in_any_order_and_defaults_for_the_rest() -> None:
    packer = RowPacker(layout_of("vas_map", "little"), "mapped_path", "region_size", "base_addr")
    wanted = wire.vas_entry(
        "<", base_addr=1, region_size=2, protection=0, region_type=0, name_source=0,
        mapped_path="/x",
    )  # fmt: skip
    assert packer.rows([("/x", 2, 1)]) == wanted


def test_more_distinct_texts_than_are_remembered() -> None:
    packer = RowPacker(layout_of("vas_map", "little"), *VAS_COLUMNS)
    paths = [f"/proc/{number}" for number in range(5000)]
    rows = [(n, 4096, 1, 0, 0, path) for n, path in enumerate([*paths, *paths])]
    one = struct.Struct("<QQBBHB3x")
    wanted = b"".join(
        one.pack(n, 4096, 1, 0, len(path) + 1, 0)
        + (path.encode() + b"\0").ljust((len(path) + 8) // 8 * 8, b"\0")
        for n, path in enumerate([*paths, *paths])
    )
    assert packer.rows(rows) == wanted
    assert packer.rows(rows) == wanted  # and again, from what is remembered


# -- against what writes one structure at a time -------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
@settings(max_examples=15)
@given(data=st.data())
def test_rows_are_what_each_gives_alone(layout: Layout, data: st.DataObject) -> None:
    keys = given_keys(layout)
    packer = RowPacker(layout, *keys)
    wanted = data.draw(st.lists(records(layout), max_size=5))
    rows = [tuple(record[key] for key in keys) for record in wanted]
    assert packer.rows(rows) == b"".join(layout.encode(record) for record in wanted)


def junk() -> st.SearchStrategy[Any]:
    """Values of which no field takes them all."""
    return st.one_of(
        st.sampled_from(
            [
                None,
                True,
                1.0,
                1.5,
                -1,
                1 << 70,
                "",
                "x",
                "a\0b",
                "\ud800",
                "no_such_name",
                b"",
                b"ab",
            ]
        ),
        st.sampled_from([[], ["read"], ("no_such_flag",), object(), {}, uuid.UUID(int=0)]),
        st.sampled_from([StoredText("x", b"x"), "y" * 70_000, uid(1), str(uid(1)), 255, 256]),
        st.integers(),
        st.binary(max_size=20),
    )


@pytest.mark.parametrize("layout", LAYOUTS)
@settings(max_examples=15)
@given(data=st.data())
def test_it_refuses_what_is_refused_alone(layout: Layout, data: st.DataObject) -> None:
    """One value of one row is replaced by an odd one: the same bytes, or the same refusal."""
    keys = given_keys(layout)
    record = data.draw(records(layout, permitted=data.draw(st.booleans())))
    values = {key: record[key] for key in keys}
    odd = data.draw(st.sampled_from(keys))
    if data.draw(st.booleans()):
        values[odd] = data.draw(junk())
    try:
        wanted = layout.encode(checked(layout, values))
    except (ConformanceError, TypeError, ValueError):
        wanted = None
    packer = RowPacker(layout, *keys)
    row = tuple(values[key] for key in keys)
    if wanted is None:
        with pytest.raises(ConformanceError, match="§"):
            packer.rows([row])
        with pytest.raises(ConformanceError, match="§"):  # a refusal is not forgotten
            packer.rows([row])
    else:
        assert packer.rows([row, row]) == wanted * 2


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("region_type", "no_such_type"),
        ("region_type", 0x7E),
        ("region_type", 256),
        ("protection", ("read", "fly")),
        ("protection", 0x80),
        ("name_source", None),
        ("mapped_path", "a\0b"),
        ("mapped_path", b"bytes"),
        ("mapped_path", 5),
        ("mapped_path", "\ud800"),
        ("mapped_path", "p" * 65_535),
        ("base_addr", -1),
        ("base_addr", 1 << 64),
        ("base_addr", "0"),
        ("region_size", 1.5),
        ("region_size", None),
    ],
)
def test_the_refusal_names_field_and_section(column: str, value: Any) -> None:
    good = dict(zip(VAS_COLUMNS, (1, 2, 3, 0, 0, None)))
    bad = {**good, column: value}
    packer = RowPacker(layout_of("vas_map", "little"), *VAS_COLUMNS)
    with pytest.raises(ConformanceError) as caught:
        packer.rows([tuple(good.values()), tuple(bad.values())])
    assert "§5.8" in str(caught.value)
    assert column in str(caught.value)


@pytest.mark.parametrize("rows", [[(1,)], [(1, 2, 3, 0, 0)], [(1, 2, 3, 0, 0, None, 9)]])
def test_rows_of_another_length_are_refused(rows: list[Row]) -> None:
    packer = RowPacker(layout_of("vas_map", "little"), *VAS_COLUMNS)
    with pytest.raises((ConformanceError, TypeError, ValueError)):
        packer.rows([(1, 2, 3, 0, 0, None), *rows])


def test_unknown_columns_are_refused() -> None:
    with pytest.raises((ConformanceError, TypeError, ValueError), match="name_sorce"):
        RowPacker(layout_of("vas_map", "little"), "base_addr", "region_size", "mapped_path",
                  "name_sorce")  # fmt: skip


def test_what_does_not_follow_must_be_given() -> None:
    with pytest.raises(TypeError, match="region_size"):
        RowPacker(layout_of("vas_map", "little"), "base_addr", "mapped_path")
    with pytest.raises(TypeError, match="mapped_path"):
        RowPacker(layout_of("vas_map", "little"), "base_addr", "region_size")


def test_layouts_of_another_shape_are_refused() -> None:
    layout = schema("draft-2026-10").block("memory_region").layout
    assert layout is not None
    with pytest.raises(TypeError, match="columns"):
        RowPacker(layout, "base_addr")


def test_a_refusal_is_not_forgotten() -> None:
    """A refused value is refused again behind a row that was good, and the good one stays."""
    packer = RowPacker(layout_of("vas_map", "little"), *VAS_COLUMNS)
    good = (1, 2, 3, 0, 0, "/a")
    wanted = packer.rows([good])
    for _ in range(2):
        with pytest.raises(ConformanceError):
            packer.rows([good, (1, 2, 3, 0, 0, "\0")])
        assert packer.rows([good]) == wanted
