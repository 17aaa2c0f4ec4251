"""The precompiled reading of whole runs equals reading field by field."""

from __future__ import annotations

import struct
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sampling import sampled
from strategies import SCHEMAS, all_layouts, bound_layout, damaged

from msl_construct.drafts import schema
from msl_construct.schema import Layout, Record, Table
from msl_construct.schema.misfit import Misfit
from msl_construct.schema.vocabulary import Fixed
from msl_construct.source import Cursor, Short

_FORMATS = {1: "B", 2: "H", 4: "I", 8: "Q"}

each_layout = pytest.mark.parametrize(
    ("draft", "order", "key"), all_layouts(), ids=lambda part: str(part).removeprefix("draft-")
)


def field_by_field(layout: Layout, cursor: Cursor, *, whole: bool = True) -> Record:
    """A structure read one field after the other; `whole`: up to the cursor's end."""
    record = Record()
    in_tail = False  # the optional fields are there together or not at all
    for field in layout.fields:
        if field.optional and not in_tail and not cursor.remaining:
            return record
        in_tail = field.optional
        start = cursor.position
        try:
            if isinstance(field.type, Table):
                table(field.type, field.key, cursor, record)
            else:
                record[field.key] = field.type.decode(cursor, record)
        except (Short, Misfit):
            if not whole:
                raise
            cursor.position = max(start, cursor.position)
            record["rest"] = cursor.rest()
            return record
    if whole and cursor.remaining:
        record["rest"] = cursor.rest()
    return record


def table(kind: Table, key: str, cursor: Cursor, record: Record) -> None:
    """Entries that fit go into the record; the cursor stays in front of one that doesn't."""
    size = record[kind.entry_size_key] if kind.entry_size_key else 0
    entries: list[Record] = []
    record[key] = entries
    for _ in range(record[kind.count_key]):
        start = cursor.position
        try:
            if size:
                if size > cursor.remaining:
                    raise Short(size, cursor.remaining)
                inside = Cursor(cursor.source, start, start + size)
                entry = field_by_field(kind.entry, inside, whole=False)
                if inside.remaining:
                    entry["rest"] = inside.rest()
                cursor.position = start + size
            else:
                entry = field_by_field(kind.entry, cursor, whole=False)
        except (Short, Misfit):
            cursor.position = start
            raise
        entries.append(entry)


@sampled("key")
@each_layout
@given(data=st.data())
def test_decode_equals_field_by_field(
    draft: str, order: str, key: str, data: st.DataObject
) -> None:
    _, layout = bound_layout(draft, order, key)
    raw = data.draw(st.binary(max_size=300) | damaged(layout))
    fast = layout.decode(Cursor.over(raw))
    slow = field_by_field(layout, Cursor.over(raw))
    assert dict(fast) == dict(slow)
    assert [type(v) for v in fast.values()] == [type(v) for v in slow.values()]


@pytest.mark.parametrize(("draft", "order"), SCHEMAS)
@given(data=st.data())
def test_headers_equal_struct_by_hand(draft: str, order: str, data: st.DataObject) -> None:
    """No code of the package in the expectation."""
    sign = "<" if order == "little" else ">"
    for layout, size in (
        (schema(draft, order).file_header, 64),
        (schema(draft, order).block_header, 80),
    ):
        raw = data.draw(st.binary(min_size=size, max_size=size))
        record = layout.decode(Cursor.over(raw))
        position = 0
        for field in layout.fields:
            width = field.type.minimum
            piece = raw[position : position + width]
            value = record[field.key]
            if isinstance(value, int):
                (expected,) = struct.unpack(sign + _FORMATS[width], piece)
            elif isinstance(value, uuid.UUID):
                expected = uuid.UUID(bytes=piece)
            else:
                expected = piece
            assert value == expected, field.key
            position += width
        assert position == size


@sampled("key")
@each_layout
@given(data=st.data())
def test_unpacker_equals_decode(draft: str, order: str, key: str, data: st.DataObject) -> None:
    _, layout = bound_layout(draft, order, key)
    fixed = []
    for field in layout.fields:
        if not isinstance(field.type, Fixed):
            break
        fixed.append(field)
    size = sum(f.type.minimum for f in fixed)
    raw = data.draw(st.binary(min_size=size, max_size=size)) + bytes(600)
    keys = data.draw(st.lists(st.sampled_from([f.key for f in fixed]), min_size=1, unique=True))
    record = Record()
    cursor = Cursor.over(raw)
    for field in fixed:
        record[field.key] = field.type.decode(cursor, record)
    unpacked = layout.unpacker(*keys).unpack_from(raw)
    in_order = [f.key for f in fixed if f.key in keys]
    assert len(unpacked) == len(in_order)
    for name, value in zip(in_order, unpacked):
        expected: Any = record[name]
        assert value == (expected.bytes if isinstance(expected, uuid.UUID) else expected)


def test_unpacker_of_a_far_field_is_as_long_as_it_must_be() -> None:
    layout = schema().block_header
    assert layout.unpacker("magic").size == 4
    assert layout.unpacker("block_length", "block_type").size == 12
    assert layout.unpacker("prev_hash").size == 80
