"""Tables of draft 2026-10 at their edges: what is written strictly, and what is hostile."""

from __future__ import annotations

import io
import random
import re
import struct
from typing import Any

import pytest
import zstandard
from comparing import built, document_of, text_of
from independent import wire
from independent import wire_tables as tables
from independent.specimens import LE10, LE11, one, start
from writing import header

import msl_construct
from msl_construct import Writer
from msl_construct.drafts import schema
from msl_construct.errors import ConformanceError
from msl_construct.schema.packing import RowPacker


def refused(block_type: str, **values: Any) -> str:
    """Why a strict writer does not write such a block."""
    fields = header("process_identity", "system_network_table", "system_process_table")
    dump = Writer(io.BytesIO(), fields, draft="draft-2026-10")
    dump.add_process_identity(exe_path="/a", cmd_line="a")
    with pytest.raises(ConformanceError) as caught:
        dump.add(block_type, **values)
    return str(caught.value)


ROUTE = {"row_type": "ipv4_route", "body": {"iface": "eth0", "rest": b""}}


@pytest.mark.parametrize(
    ("block_type", "values", "expected"),
    [
        ("connectivity_table", {"rows": [ROUTE]}, "rows[0].body.rest"),
        ("connectivity_table", {"rows": [{"row_type": 4, "body": b""}]}, "rows[0].body"),
        ("connectivity_table", {"rows": [{"body": b""}]}, "RowType must be given"),
        ("connectivity_table", {"rows": 5}, "rows: expected entries"),
        ("connectivity_table", {"rows": [5]}, "rows[0]: expected the fields"),
        ("process_table", {"entries": [{"exe": "a", "rest": b"zz"}]}, "entries[0].rest"),
        ("process_table", {"entries": [{"exe": "a", "rest": b""}]}, "entries[0].rest"),
    ],
)
def test_a_strict_writer_leaves_nothing_out_of_a_row(
    block_type: str, values: dict[str, Any], expected: str
) -> None:
    assert expected in refused(block_type, **values)


def test_a_mistake_in_a_row_says_which_row() -> None:
    good = {"row_type": 6, "body": {"family": 2}}
    bad = {"row_type": 3, "body": {"family": 2, "ip": b"123", "hw_addr": bytes(6), "iface": "x"}}
    assert "rows[1].body: ip: " in refused("connectivity_table", rows=[good, bad])


def test_any_number_is_a_socket_family() -> None:
    for family in (0, 1, 16, 255):
        rows = [{"row_type": "socket_family", "body": {"family": family}}]
        layout = schema("draft-2026-10").layouts["connectivity_table"]
        record = layout.complete({"rows": rows})
        assert [str(problem) for _, problem in layout.problems_of(record)] == []


def test_rows_with_a_choice_are_not_packed_in_columns() -> None:
    table = schema("draft-2026-10").layouts["connectivity_table"].field("rows").type
    with pytest.raises(TypeError, match="columns"):
        RowPacker(table.entry, "row_type", "body")  # type: ignore[attr-defined]


def test_what_a_table_names_and_its_stream_does_not_hold_is_a_problem_of_the_block() -> None:
    """The body of an unknown row is not read, so it must not be promised."""
    size = 60_000
    held = struct.pack("<I4sBH", 1, bytes(4), 200, size) + random.Random(3).randbytes(2000)
    payload = struct.pack("<Q", 11 + size) + zstandard.compress(held)
    flags = wire.COMPRESSED | wire.ZSTD
    data = one(LE11, tables.CONNECTIVITY_TABLE, payload, flags=flags)
    for options in ({}, {"with_data": True}):
        block = document_of(data, **options)["blocks"][0]
        assert "damage" in block
        assert set(block["payload"]) == {"raw"}
    assert built(text_of(data, "yaml", with_data=True)) == data


def test_a_length_left_out_is_that_of_the_stored_bytes() -> None:
    rows = b"".join(struct.pack("<QQHH", 1, 2, 2, 0) + label for label in (b"\xff\xfe", b"ok"))
    data = one(LE11, tables.PHYSICAL_MEMORY_MAP, struct.pack("<I4s", 2, bytes(4)) + rows)
    text = text_of(data, "yaml", with_data=True)
    assert "raw: " in text
    without = re.sub(r" *(label_len|block_length): \d+\n", "", text)
    assert without != text
    assert built(without) == data


def test_a_length_left_out_beside_padded_bytes_is_asked_for() -> None:
    layout = schema("draft-2026-10").layouts["process_identity"]
    stored = msl_construct.schema.StoredText("x", b"\xff\0\0\0\0\0\0\1")
    with pytest.raises(ConformanceError, match="exe_path"):
        layout.complete({"exe_path": stored, "cmd_line": "x"})


def test_a_reserved_bit_of_an_older_version_encrypts_nothing() -> None:
    """Bit 2 of the flags means something since 1.1 only, whatever draft a file is read with."""
    builder = start(LE10, flags=4)
    builder.add(wire.PROCESS_IDENTITY, wire.process_identity("<"))
    with msl_construct.open(builder.data(), draft="draft-2026-10") as dump:
        assert not dump.header.encrypted
        assert [block.key for block in dump.blocks] == ["process_identity"]
