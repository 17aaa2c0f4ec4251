"""What holds for every record and for any bytes, for each structure of each draft."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sampling import sampled
from strategies import all_layouts, bound_layout, damaged, records

from msl_construct.drafts import schema
from msl_construct.schema import Layout, Record, StoredText
from msl_construct.schema.vocabulary import DocumentOptions, Magic
from msl_construct.source import Cursor, Extent

WITH_DATA = DocumentOptions(with_data=True)

each_layout = pytest.mark.parametrize(
    ("draft", "order", "key"), all_layouts(), ids=lambda part: str(part).removeprefix("draft-")
)


def decode(layout: Layout, raw: bytes, **options: Any) -> Record:
    return layout.decode(Cursor.over(raw), **options)


def stored(layout: Layout, record: Record) -> bytes:
    return b"".join(bytes(piece) for piece in layout.pieces(record))


def through_json(layout: Layout, record: Record) -> Record:
    """The record after it was printed as a document and read back."""
    text = json.dumps(layout.to_document(record, WITH_DATA), default=str)
    return layout.from_document(json.loads(text))


@sampled("key")
@each_layout
@given(data=st.data())
def test_what_is_built_is_what_is_read(
    draft: str, order: str, key: str, data: st.DataObject
) -> None:
    _, layout = bound_layout(draft, order, key)
    record = data.draw(records(layout, permitted=False))
    raw = layout.encode(record)
    found = decode(layout, raw)
    assert found.damage is None
    assert dict(found) == dict(record)
    assert list(found) == list(record)
    assert layout.encode(found) == raw


@sampled("key")
@each_layout
@given(data=st.data())
def test_permitted_records_have_no_problems(
    draft: str, order: str, key: str, data: st.DataObject
) -> None:
    _, layout = bound_layout(draft, order, key)
    record = data.draw(records(layout))
    found = decode(layout, layout.encode(record))
    assert [(path, str(problem)) for path, problem in layout.problems_of(found)] == []


@sampled("key")
@each_layout
@given(data=st.data())
def test_any_bytes_are_decoded_and_given_back(
    draft: str, order: str, key: str, data: st.DataObject
) -> None:
    _, layout = bound_layout(draft, order, key)
    raw = data.draw(st.binary(max_size=400) | damaged(layout))
    found = decode(layout, raw)
    assert stored(layout, found) == raw
    if found.damage is not None:
        assert "rest" in found
        assert 0 <= found.damage.offset <= len(raw)
        assert f"{found.damage.field} at {found.damage.offset:#x}: expected" in str(found.damage)
    # What a damaged record holds in front of the damage is complete: it decodes to itself.
    assert dict(decode(layout, stored(layout, found))) == dict(found)


@sampled("key")
@each_layout
@given(data=st.data())
def test_the_document_holds_everything(
    draft: str, order: str, key: str, data: st.DataObject
) -> None:
    _, layout = bound_layout(draft, order, key)
    raw = data.draw(st.binary(max_size=400) | damaged(layout))
    if isinstance(layout.fields[0].type, Magic):  # whatever has another one is no such structure
        raw = layout.fields[0].type.magic + raw
    found = decode(layout, raw)
    again = through_json(layout, found)
    assert list(again) == list(found)
    assert stored(layout, again) == raw
    assert dict(again) == dict(found)


def assert_offsets_cover(record: Record, size: int) -> None:
    """Every field has a place, and the places cover the bytes once, in order."""
    assert record.offsets is not None
    assert list(record.offsets) == list(record)
    position = 0
    for start, length in record.offsets.values():
        assert (start, length >= 0) == (position, True)
        position += length
    assert position == size


@sampled("key")
@each_layout
@given(data=st.data())
def test_offsets_cover_every_byte_once(
    draft: str, order: str, key: str, data: st.DataObject
) -> None:
    _, layout = bound_layout(draft, order, key)
    raw = layout.encode(data.draw(records(layout, permitted=False)))
    raw += data.draw(st.binary(max_size=20))
    found = decode(layout, raw, offsets=True)
    assert dict(found) == dict(decode(layout, raw))
    if found.damage is None:  # a partial optional tail
        assert_offsets_cover(found, len(raw))


@pytest.mark.parametrize("size", [0, 3, 23, 24, 30])
def test_offsets_cover_a_structure_that_is_cut(size: int) -> None:
    raw = (bytes(16) + b"\x09\x00\x00\x00" + bytes(4) + b"12345678\0" + bytes(7))[:size]
    layout = schema().layouts["process_identity"]
    found = decode(layout, raw, offsets=True)
    assert found.damage is not None
    assert_offsets_cover(found, size)


def test_offsets_cover_a_table_that_is_cut() -> None:
    layout = schema().layouts["module_list_index"]
    raw = b"\x02\x00\x00\x00" + bytes(4) + bytes(40) + bytes(10)
    found = decode(layout, raw, offsets=True)
    assert found.damage is not None
    assert found.damage.field == "entries[1].module_uuid"
    assert_offsets_cover(found, len(raw))


@pytest.mark.parametrize("key", schema("draft-2026-10").layouts)
def test_a_structure_cut_anywhere_keeps_what_stands_before(key: str) -> None:
    """Fields in front of the cut decode to the same values; the rest is under ``rest``."""
    layout = schema("draft-2026-10").layouts[key]
    raw = bytes((7 * i + 1) % 5 for i in range(max(layout.minimum, 80)))
    whole = decode(layout, raw)
    fixed = [f for f in layout.fields if f.key in whole and not f.optional]
    for cut in range(layout.minimum):
        found = decode(layout, raw[:cut])
        assert found.damage is not None, cut
        assert bytes(found["rest"]) == raw[cut - len(found["rest"]) : cut]
        for field, (name, value) in zip(fixed, found.items()):
            assert name in (field.key, "rest")
            if name != "rest":
                assert value == whole[name]


def test_text_that_bytes_do_not_follow_from_survives_the_document() -> None:
    layout = schema().layouts["process_identity"]
    head = bytes(16) + b"\x05\x00\x02\x00" + bytes(4)
    raw = head + b"ab\x00c\xff\x01\x02\x03" + b"\xc3\x28" + bytes(6)
    found = decode(layout, raw)
    assert isinstance(found["exe_path"], StoredText)
    assert isinstance(found["cmd_line"], StoredText)
    again = through_json(layout, found)
    assert again["exe_path"].raw == b"ab\x00c\xff\x01\x02\x03"
    assert stored(layout, again) == raw


def test_a_wrong_magic_survives_the_document() -> None:
    layout = schema().block_header
    raw = b"\\x\xff\n" + bytes(76)
    assert stored(layout, through_json(layout, decode(layout, raw))) == raw


def test_pieces_pass_large_data_through() -> None:
    layout = schema().layouts["memory_region"]
    head = bytes(8) + (1 << 20).to_bytes(8, "little") + bytes([3, 1, 12]) + bytes(13)
    raw = head + bytes(64) + bytes(1 << 20)
    pieces = list(layout.pieces(decode(layout, raw)))
    assert isinstance(pieces[-1], Extent)
    assert len(pieces[-1]) == 1 << 20
