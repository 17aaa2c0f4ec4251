"""The writer against bytes built by hand, and against the independent decoder."""

from __future__ import annotations

import io
import random
import uuid
from pathlib import Path
from typing import Any

import pytest
from independent import decode, wire
from independent.hashing import ALGORITHMS
from independent.specimens import FIRST_DRAFT, KINDS, LE10, LE11, Kind
from steps import steps
from writing import (
    CLOCK,
    DRAFTS,
    LIVE,
    MODULE,
    START,
    Forward,
    begin,
    blocks_of,
    header,
    independent_header,
    live,
    memory_of,
    uid,
    writer,
)

import msl_construct
from msl_construct import Writer
from msl_construct.builder.file_state import BlockState

PAGES = bytes([1]) * 1024 + bytes([4]) * 1024


def everything(out: Writer, kind: Kind) -> None:
    """One block of every type that a live capture holds."""
    out.add_process_identity(
        ppid=1,
        session_id=2,
        start_time=3,
        exe_path="/usr/bin/sleep",
        cmd_line="sleep Grüße",
        block_uuid=uid(1),
    )
    entry = {"module_uuid": MODULE, "base_addr": 0x5000, "module_size": 0x2000, "path": "/usr/x"}
    out.add_module_list_index([entry], block_uuid=uid(2))
    if kind.revised:
        registers: list[dict[str, Any]] = [
            {"name": "rip", "width": 8, "value": 0x7F00, "flags": ["pc"]},
            {"name": "rsp", "width": 8, "value": 0x7FFC_0010, "flags": "sp"},
            {"name": "cs", "width": 2, "value": b"\x33\0"},
        ]
        out.add_thread_context(
            thread_id=77,
            start_time=5,
            thread_state="stopped",
            thread_name="main",
            registers=registers,
            block_uuid=uid(3),
        )
    region = out.add_memory_region(
        base_addr=0x10000,
        region_size=4096,
        data=PAGES,
        page_states=[(0, 1, "captured"), (1, 1, "failed"), (2, 1, "unmapped"), (3, 1, "captured")],
        page_size_log2=10,
        protection=["read", "write"],
        region_type="heap",
        timestamp=9,
        block_flags="has_key_hints",
        block_uuid=uid(4),
    )
    out.add_module_entry(
        block_uuid=MODULE,
        base_addr=0x5000,
        module_size=0x2000,
        path="/usr/x",
        version="2.39",
        disk_hash=bytes(range(32)),
        native_blob=b"abc",
    )
    out.add_key_hint(
        region_uuid=region,
        region_offset=0x40,
        key_len=32,
        key_type="session_key",
        protocol="tls_1_3",
        confidence="confirmed",
        key_state="active",
        note="here",
        block_uuid=uid(5),
    )
    out.add_related_dump(
        related_dump_uuid=uid(9), related_pid=8, relationship="child", block_uuid=uid(6)
    )
    if kind.revised:
        rows = [
            {"base_addr": 0x10000, "region_size": 4096, "protection": "read",
             "region_type": "heap", "name_source": "live", "mapped_path": "/x"},
            {"base_addr": 0x20000, "region_size": 4096},
        ]  # fmt: skip
        out.add_vas_map(entries=rows, block_uuid=uid(8))


CATEGORIES = (*LIVE, "memory_regions", "related_dumps", "crypto_hints")
BITS = 0b111_0000_0011


def by_hand(kind: Kind) -> bytes:
    """The same file, from struct formats alone."""
    o = kind.order
    bits = BITS | (0b100 if kind.revised else 0)
    builder = wire.FileBuilder(independent_header(kind, bits), o)
    identity = wire.process_identity(o, ppid=1, session_id=2, start_time=3, cmd_line="sleep Grüße")
    builder.add(wire.PROCESS_IDENTITY, identity, block_uuid=wire.uuid4(1))
    row = wire.index_entry(
        o, module_uuid=MODULE.bytes, base_addr=0x5000, module_size=0x2000, path="/usr/x"
    )
    index = wire.module_list_index(o, [row])
    builder.add(wire.MODULE_LIST_INDEX, index, flags=wire.HAS_CHILDREN, block_uuid=wire.uuid4(2))
    if kind.revised:
        registers = [
            wire.register(o, "rip", 0x7F00, flags=1),
            wire.register(o, "rsp", 0x7FFC_0010, flags=2),
            wire.register(o, "cs", b"\x33\0", width=2),
        ]
        thread = wire.thread_context(o, registers, thread_id=77, start_time=5, flags=0)
        builder.add(wire.THREAD_CONTEXT, thread, block_uuid=wire.uuid4(3))
    region = wire.memory_region(
        o,
        base_addr=0x10000,
        region_size=4096,
        page_size_log2=10,
        timestamp=9,
        page_state_map=b"\x18" + bytes(7),
        page_data=PAGES,
    )
    builder.add(wire.MEMORY_REGION, region, flags=wire.HAS_KEY_HINTS, block_uuid=wire.uuid4(4))
    module = wire.module_entry(
        o,
        base_addr=0x5000,
        path="/usr/x",
        version="2.39",
        disk_hash=bytes(range(32)),
        native_blob=b"abc",
    )
    builder.add(wire.MODULE_ENTRY, module, block_uuid=MODULE.bytes, parent_uuid=wire.uuid4(2))
    hint = wire.key_hint(o, region_uuid=wire.uuid4(4), confidence=2, note="here")
    builder.add(wire.KEY_HINT, hint, block_uuid=wire.uuid4(5))
    related = wire.related_dump(
        o,
        related_dump_uuid=wire.uuid4(9),
        target_hash=None if kind.version == 0x100 else bytes(32),
        related_pid=8,
        relationship=2,
    )
    builder.add(wire.RELATED_DUMP, related, block_uuid=wire.uuid4(6))
    if kind.revised:
        second = wire.vas_entry(
            o, base_addr=0x20000, protection=0, region_type=0, name_source=0, mapped_path=None
        )
        first = wire.vas_entry(
            o, base_addr=0x10000, region_size=4096, region_type=1, mapped_path="/x"
        )
        builder.add(wire.VAS_MAP, wire.vas_map(o, [first, second]), block_uuid=wire.uuid4(8))
    count = builder.count + 1 if kind.revised else None
    builder.end_capture(acq_end=CLOCK, block_count=count, block={"block_uuid": wire.uuid4(10)})
    return builder.data()


def written(kind: Kind, file: Any) -> None:
    categories = (*CATEGORIES, "thread_contexts") if kind.revised else CATEGORIES
    with writer(file, kind, *categories, new_uuid=lambda: uid(10)) as out:
        everything(out, kind)


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.name)
@pytest.mark.parametrize("target", [io.BytesIO, Forward])
def test_every_block_type_byte_for_byte(kind: Kind, target: Any) -> None:
    file = target()
    written(kind, file)
    data = bytes(file.data) if isinstance(file, Forward) else file.getvalue()
    assert data == by_hand(kind)


def test_path_is_created_and_a_longer_file_emptied(tmp_path: Path) -> None:
    path = tmp_path / "out.msl"
    path.write_bytes(bytes(100_000))
    written(LE10, path)
    assert path.read_bytes() == by_hand(LE10)


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.name)
def test_independent_decoder_sees_what_was_given(kind: Kind) -> None:
    file = io.BytesIO()
    written(kind, file)
    document = decode.decode(file.getvalue())
    assert document["format"]["draft"] == DRAFTS[kind.version]
    assert document["header"]["timestamp"] == str(START)
    named = {b["block_type"]: b["payload"] for b in document["blocks"]}
    assert named["process_identity"]["cmd_line"] == "sleep Grüße"
    assert named["key_hint"]["note"] == "here"
    assert named["memory_region"]["protection"] == ["read", "write"]
    if kind.revised:
        assert [r["value"] for r in named["thread_context"]["registers"]] == [
            "0x0000000000007f00", "0x000000007ffc0010", "0x0033",
        ]  # fmt: skip
        assert named["end_of_capture"]["block_count"] == len(document["blocks"])
    assert all("damage" not in b for b in document["blocks"])


@pytest.mark.parametrize("kind", FIRST_DRAFT, ids=lambda k: k.name)
def test_import(kind: Kind) -> None:
    file = io.BytesIO()
    fields = {"flags": ["imported"], "os_type": "unknown", "arch_type": "unknown", "pid": 0}
    with writer(file, kind, "memory_regions", fields=fields, new_uuid=lambda: uid(10)) as out:
        out.add_import_provenance(
            source_format="raw_byte_stream",
            tool_name="importer 1",
            import_time=5,
            orig_file_size=1024,
            block_uuid=uid(1),
        )
        out.add_memory_region(base_addr=0, data=bytes(1024), page_size_log2=10, block_uuid=uid(2))
    o = kind.order
    builder = wire.FileBuilder(
        independent_header(kind, 1, flags=1, os_type=0xFFFF, arch_type=0xFFFF, pid=0), o
    )
    provenance = wire.import_provenance(o, source_format=1, import_time=5, orig_file_size=1024)
    builder.add(wire.IMPORT_PROVENANCE, provenance, block_uuid=wire.uuid4(1))
    region = wire.memory_region(
        o, (0,), base_addr=0, protection=0, region_type=0, page_size_log2=10, timestamp=0
    )
    builder.add(wire.MEMORY_REGION, region, block_uuid=wire.uuid4(2))
    builder.end_capture(acq_end=CLOCK, block={"block_uuid": wire.uuid4(10)})
    assert file.getvalue() == builder.data()


@pytest.mark.parametrize(("code", "algorithm"), list(enumerate(ALGORITHMS)))
def test_hash_algorithm_of_the_header_is_used_throughout(code: int, algorithm: str) -> None:
    file = io.BytesIO()
    with live(file, LE11, fields={"hash_algo": algorithm}, new_uuid=lambda: uid(10)):
        pass
    builder = wire.FileBuilder(
        independent_header(LE11, 0b1_0000_0010, hash_algo=code), "<", algorithm=algorithm
    )
    empty = wire.process_identity(
        "<", ppid=0, session_id=0, start_time=0, exe_path=None, cmd_line=None
    )
    builder.add(wire.PROCESS_IDENTITY, empty, block_uuid=wire.uuid4(1))
    builder.add(wire.MODULE_LIST_INDEX, wire.module_list_index("<"), block_uuid=wire.uuid4(7))
    end = {"block_uuid": wire.uuid4(10)}
    builder.end_capture(acq_end=CLOCK, block_count=3, block=end)
    assert file.getvalue() == builder.data()


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.name)
def test_compression(kind: Kind, codec: str) -> None:
    file = io.BytesIO()
    data = b"page" * 4096
    with live(file, kind, "memory_regions", compression=codec) as out:
        out.add_memory_region(base_addr=0x4000, data=data)
        out.add_memory_region(base_addr=0x40000, data=data, compression="none")
    raw = file.getvalue()
    blocks = blocks_of(raw)
    assert [b.get("compression", {}).get("algorithm") for b in blocks[2:]] == [
        codec, None, None,
    ]  # fmt: skip
    assert blocks[2]["compression"]["uncompressed_size"] == 0x20 + 8 + len(data)
    assert blocks[2]["block_length"] < 1000
    assert blocks[2]["flags"] == ["compressed", f"comp_algo_{codec}"]
    pages = memory_of(raw)
    assert len(pages) == 8
    assert set(pages.values()) == {data[:4096]}
    assert msl_construct.open(raw).verify().intact


def test_payload_that_gets_no_smaller_is_stored_as_it_is() -> None:
    file = io.BytesIO()
    noise = random.Random(1).randbytes(1024)
    with live(file, LE10, "thread_contexts", compression="zstd") as out:
        out.add_opaque("thread_context", noise[:16] * 64)
        out.add_opaque("thread_context", noise)
    assert [b["flags"] for b in blocks_of(file.getvalue())][2:4] == [
        ["compressed", "comp_algo_zstd"], [],
    ]  # fmt: skip


def test_opaque_blocks() -> None:
    file = io.BytesIO()
    with live(file, LE10, "thread_contexts") as out:
        out.add_opaque("thread_context", b"\1\2\3")
        out.add_opaque(0x1003, b"", block_flags="has_children", block_uuid=uid(3))
        out.add_opaque("vas_map", b"x" * 300, parent_uuid=uid(3))
    blocks = blocks_of(file.getvalue())
    assert blocks[2]["payload"] == {"raw": "010203"}
    assert blocks[4]["parent_uuid"] == str(uid(3))
    assert blocks[3]["flags"] == ["has_children"]


def test_exception_leaves_an_incomplete_dump(tmp_path: Path) -> None:
    path = tmp_path / "out.msl"
    with pytest.raises(KeyError), live(path, LE10):
        raise KeyError
    types = [b["block_type"] for b in blocks_of(path.read_bytes())]
    assert types == ["process_identity", "module_list_index"]
    verdict = msl_construct.open(path.read_bytes()).verify()
    assert (verdict.intact, verdict.complete) == (True, False)


def test_close_twice_writes_one_end() -> None:
    file = io.BytesIO()
    out = live(file, LE10)
    out.close(acq_end=99)
    out.close()
    out.abandon()
    ends = [b for b in blocks_of(file.getvalue()) if b["block_type"] == "end_of_capture"]
    assert [b["payload"]["acq_end"] for b in ends] == ["99"]


def test_uuids_and_times_are_made_up_unless_given() -> None:
    files = [io.BytesIO(), io.BytesIO()]
    plain = {k: v for k, v in header(*LIVE).items() if k not in ("dump_uuid", "timestamp")}
    for file in files:
        with Writer(file, plain) as out:
            begin(out)
    first, second = (decode.decode(f.getvalue())["header"] for f in files)
    assert first["dump_uuid"] != second["dump_uuid"]
    assert uuid.UUID(first["dump_uuid"]).version == 4
    assert abs(int(first["timestamp"]) - int(second["timestamp"])) < 60 * 10**9


def test_unknown_block_type_is_an_attribute_error() -> None:
    with live(io.BytesIO(), LE10) as out:
        with pytest.raises(AttributeError, match="add_related_dump"):
            out.add_unheard_of()
        with pytest.raises(AttributeError):
            _ = out.nothing


def test_block_uuids_that_were_made_to_collide_cost_what_others_do() -> None:
    """Numbers that differ by multiples of 2^61 - 1 have one hash, as `uuid.UUID` has it."""

    def cost(step: int) -> int:
        state = BlockState(msl_construct.schema("draft-2026-03", "little"))
        return steps(
            lambda: state.check_unused(uuid.UUID(int=number * step) for number in range(1, 600))
        )

    cost(1)
    assert cost((1 << 61) - 1) < 1.1 * cost(1)
