"""`Writer.add_table`: the same blocks as `add`, and no less strict, for very many rows."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import pytest
from independent import wire
from independent.specimens import BE10, LE10, LE11, Kind
from writing import LIVE, begin, live, uid, writer

import msl_construct
from msl_construct.drafts import schema
from msl_construct.errors import ConformanceError

Row = Sequence[Any]
VAS_COLUMNS = (
    *("base_addr", "region_size", "protection", "region_type", "name_source"),
    "mapped_path",
)
REGISTER_COLUMNS = ("name", "width", "flags", "value")
INDEX_COLUMNS = ("module_uuid", "base_addr", "module_size", "path")
PATHS = ("/usr/bin/sleep", None, "[heap]", "/usr/bin/sleep", "é")
VAS_ROWS: list[Row] = [(n << 12, 4096, n % 8, n % 3, 1, path) for n, path in enumerate(PATHS)]
REGISTERS: list[Row] = [
    ("rip", 8, ("pc",), bytes(range(8))),
    ("rsp", 8, ("sp",), bytes(range(8, 16))),
    ("cs", 2, (), b"\x33\0"),
]
THREAD = {"thread_id": 77, "thread_state": 1, "flags": ["current"], "thread_name": "worker"}


def entries(columns: Sequence[str], rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row)) for row in rows]


@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
@pytest.mark.parametrize("rows", [VAS_ROWS, [], VAS_ROWS * 400], ids=["some", "none", "many"])
def test_a_table_is_the_same_block(rows: list[Row], compression: str | None) -> None:
    one, other = io.BytesIO(), io.BytesIO()
    options = {"compression": compression}
    with live(one, LE11, "thread_contexts", **options) as out:
        out.add_table("vas_map", VAS_COLUMNS, rows)
        out.add_table("thread_context", REGISTER_COLUMNS, REGISTERS, **THREAD)
    with live(other, LE11, "thread_contexts", **options) as out:
        out.add_vas_map(entries=entries(VAS_COLUMNS, rows))
        out.add_thread_context(registers=entries(REGISTER_COLUMNS, REGISTERS), **THREAD)
    assert one.getvalue() == other.getvalue()
    verdict = msl_construct.open(one.getvalue()).verify()
    assert (verdict.intact, verdict.complete) == (True, True)


@pytest.mark.parametrize("kind", [LE10, BE10], ids=lambda kind: kind.name)
def test_a_draft_that_only_names_it_gets_the_newest_layout(kind: Kind) -> None:
    file = io.BytesIO()
    with live(file, kind, "thread_contexts") as out:
        out.add_table("vas_map", VAS_COLUMNS, VAS_ROWS)
        at = out.sink.position
        out.add_table("thread_context", REGISTER_COLUMNS, REGISTERS, **THREAD)
        end = out.sink.position
    raw = file.getvalue()
    rows = [
        wire.vas_entry(
            kind.order, base_addr=base, region_size=size, protection=bits, region_type=what,
            name_source=source, mapped_path=path,
        )
        for base, size, bits, what, source, path in VAS_ROWS
    ]  # fmt: skip
    payload = wire.vas_map(kind.order, rows)
    assert raw[at - len(payload) : at] == payload
    registers = [
        wire.register(kind.order, name, value, width=width, flags=flags)
        for (name, width, _, value), flags in zip(REGISTERS, (1, 2, 0))
    ]
    context = wire.thread_context(
        kind.order, registers, thread_id=77, thread_state=1, thread_name="worker"
    )
    assert raw[at + 80 : end] == context
    verdict = msl_construct.open(raw).verify()
    assert (verdict.intact, verdict.complete) == (True, True)


@pytest.mark.parametrize(
    ("key", "columns", "rows", "fields"),
    [
        pytest.param("process_identity", (), [], {}, id="no-table"),
        pytest.param("end_of_capture", (), [], {}, id="end"),
        pytest.param("vas_map", VAS_COLUMNS, [(1, 2, 3, 0, 0, "a\0")], {}, id="bad-text"),
        pytest.param("vas_map", VAS_COLUMNS, [(-1, 2, 3, 0, 0, "a")], {}, id="bad-number"),
        pytest.param("vas_map", VAS_COLUMNS[:-1], [(1, 2, 3, 0, 0)], {}, id="missing-column"),
        pytest.param("vas_map", (*VAS_COLUMNS, "x"), [(1, 2, 3, 0, 0, "", 1)], {}, id="unknown"),
        pytest.param("vas_map", VAS_COLUMNS, VAS_ROWS, {"entry_size": 24}, id="entry-size"),
        pytest.param("vas_map", VAS_COLUMNS, VAS_ROWS, {"nonsense": 1}, id="unknown-field"),
        pytest.param("thread_context", REGISTER_COLUMNS, REGISTERS[:1], THREAD, id="no-sp"),
        pytest.param(
            *("thread_context", ("name", "width", "value")),
            *([(n, w, v) for n, w, _, v in REGISTERS], THREAD),
            id="no-roles",
        ),
        pytest.param(
            *("thread_context", REGISTER_COLUMNS),
            *([("rip", 4, ("pc",), bytes(8)), *REGISTERS], THREAD),
            id="width-lies",
        ),
        pytest.param(
            *("module_list_index", INDEX_COLUMNS),
            *([(uid(40), 1, 1, "/a"), (uid(40), 2, 1, "/b")], {}),
            id="same-module-twice",
        ),
    ],
)
def test_refused_tables(
    key: str, columns: Sequence[str], rows: list[Row], fields: dict[str, Any]
) -> None:
    """Before a byte of them is written; what is no mistake in the call, as the draft's refusal."""
    file = io.BytesIO()
    out = writer(file, LE11, *LIVE, "thread_contexts")
    if key != "module_list_index":
        begin(out)
    else:
        out.add_process_identity(block_uuid=uid(1))
    position, index = out.sink.position, out.blocks.index
    wrong_call = len(columns) < len(VAS_COLUMNS) if key == "vas_map" else False
    with pytest.raises((ConformanceError, TypeError) if wrong_call else ConformanceError):
        out.add_table(key, columns, rows, **fields)
    assert (out.sink.position, out.blocks.index) == (position, index)


def test_roles_given_as_numbers() -> None:
    """Flags may be a number wherever names may stand."""
    one, other = io.BytesIO(), io.BytesIO()
    rows = [(name, width, bits, value) for (name, width, _, value), bits in
            zip(REGISTERS, (1, 2, 0))]  # fmt: skip
    with live(one, LE11, "thread_contexts") as out:
        out.add_table("thread_context", REGISTER_COLUMNS, rows, **THREAD)
    with live(other, LE11, "thread_contexts") as out:
        out.add_table("thread_context", REGISTER_COLUMNS, REGISTERS, **THREAD)
    assert one.getvalue() == other.getvalue()


# -- payloads that are laid out already ------------------------------------------------------


def laid_out(count: int) -> list[bytes]:
    kind = schema("draft-2026-10").block("thread_context")
    assert kind.layout is not None
    registers = entries(REGISTER_COLUMNS, REGISTERS)
    return [
        kind.layout.encode(
            kind.layout.complete({**THREAD, "thread_id": number, "registers": registers})
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
def test_stored_payloads_are_the_same_blocks(compression: str | None) -> None:
    one, other = io.BytesIO(), io.BytesIO()
    with live(one, LE11, "thread_contexts", compression=compression) as out:
        assert out.add_stored("thread_context", iter(laid_out(30))) == 30
    with live(other, LE11, "thread_contexts", compression=compression) as out:
        for number in range(30):
            given = {**THREAD, "thread_id": number}
            out.add_thread_context(registers=entries(REGISTER_COLUMNS, REGISTERS), **given)
    assert one.getvalue() == other.getvalue()
    verdict = msl_construct.open(one.getvalue()).verify()
    assert (verdict.findings, verdict.gaps) == ([], [])


def test_a_draft_without_the_layout_gets_that_of_the_newest() -> None:
    file = io.BytesIO()
    with live(file, LE10, "thread_contexts") as out:
        assert out.add_stored("thread_context", laid_out(2)) == 2


@pytest.mark.parametrize(
    ("key", "payload", "what"),
    [
        ("thread_context", b"", "not laid out"),
        ("thread_context", laid_out(1)[0][:-1], "not laid out"),
        ("thread_context", laid_out(1)[0] + bytes(8), "not laid out"),
        (
            "thread_context",
            laid_out(1)[0].replace(b"worker\0\0", b"worker\0\1"),
            "must not be written",
        ),
        ("end_of_capture", b"", "use add"),
        ("module_entry", b"", "use add"),
        ("key_hint", b"", "use add"),
    ],
)
def test_stored_payloads_that_are_refused(key: str, payload: bytes, what: str) -> None:
    file = io.BytesIO()
    out = live(file, LE11, "thread_contexts")
    before = file.getvalue()
    with pytest.raises(ConformanceError, match=what):
        out.add_stored(key, [payload])
    assert file.getvalue() == before
    out.abandon()


def test_a_stored_thread_needs_its_pointers() -> None:
    kind = schema("draft-2026-10").block("thread_context")
    assert kind.layout is not None
    payload = kind.layout.encode(kind.layout.complete({**THREAD, "registers": []}))
    out = live(io.BytesIO(), LE11, "thread_contexts")
    with pytest.raises(ConformanceError, match="Registers"):
        out.add_stored("thread_context", [payload])
    out.abandon()
