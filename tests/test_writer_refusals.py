"""What the drafts forbid is refused, with the section that forbids it, before it is written."""

from __future__ import annotations

import io
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from independent import wire
from independent.specimens import KINDS, LE10, LE11, Kind
from writing import LIVE, MODULE, begin, blocks_of, header, live, uid, writer

import msl_construct
from msl_construct import Writer
from msl_construct.errors import ConformanceError

V1 = uuid.UUID("11111111-2222-1333-8444-555555555555")
WRONG_VARIANT = uuid.UUID("11111111-2222-4333-c444-555555555555")
Step = Callable[[Writer], Any]

IMPORT = {"source_format": 1, "import_time": 1, "orig_file_size": 1, "tool_name": "x"}
REGION = {"base_addr": 0x10000, "data": bytes(1024), "page_size_log2": 10}


def entry(**fields: Any) -> dict[str, Any]:
    return {"module_uuid": MODULE, "base_addr": 1, "module_size": 2, "path": "/x", **fields}


def hint(**fields: Any) -> dict[str, Any]:
    return {"region_uuid": uid(4), "region_offset": 0, "key_len": 1, **fields}


REFUSED: dict[str, tuple[Kind, Step, str]] = {
    # §8, in the direction of blocks without their bit
    "region-without-bit": (LE10, lambda w: w.add_memory_region(**REGION), "§8"),
    "related-without-bit": (LE10, lambda w: w.add_related_dump(related_dump_uuid=uid(3)), "§8"),
    "opaque-without-bit": (LE10, lambda w: w.add_opaque("thread_context", b""), "§8"),
    # §2, §5.3: positions
    "identity-twice": (LE10, lambda w: w.add_process_identity(), "§2"),
    "index-twice": (LE10, lambda w: w.add_module_list_index([]), "§5.3"),
    "import-provenance-live": (LE10, lambda w: w.add_import_provenance(**IMPORT), "§2|§9"),
    # §4.3: types
    "invalid-type": (LE10, lambda w: w.add_opaque(0, b""), "§4.3"),
    "unregistered-type": (LE10, lambda w: w.add_opaque(0x2345, b""), "§4.3"),
    "later-type-in-1.0": (LE10, lambda w: w.add_opaque(0x0050, b""), "§4.3"),
    "file-descriptor-in-1.1": (LE11, lambda w: w.add_opaque(0x0012, b""), "§4.3"),
    "network-connection-in-1.1": (LE11, lambda w: w.add_opaque(0x0013, b""), "§4.3"),
    "environment-in-1.1": (LE11, lambda w: w.add_opaque(0x0014, b""), "§4.3"),
    "security-token-in-1.1": (LE11, lambda w: w.add_opaque(0x0015, b""), "§4.3"),
    "opaque-of-a-type-with-layout": (LE10, lambda w: w.add_opaque("key_hint", b""), "§5.6"),
    "type-without-layout": (LE10, lambda w: w.add_thread_context(thread_id=1), "§4.3"),
    "end-of-extension-in-capture": (LE11, lambda w: w.add("end_of_extension",
        segment_hash=bytes(32), written_at=1, block_count=1), "§4.6"),
    # §4.1, §4.2, §1.3: the block header
    "uuid-v1": (LE10, lambda w: w.add_opaque(0x1003, b"", block_uuid=V1), "§1.3|§1.4|§4.1"),
    "uuid-variant": (
        LE10, lambda w: w.add_opaque(0x1003, b"", block_uuid=WRONG_VARIANT), "§1.3|§1.4|§4.1"),
    "uuid-twice": (LE10, lambda w: w.add_opaque(0x1003, b"", block_uuid=uid(7)), "§4.1"),
    "parent-unknown": (LE10, lambda w: w.add_opaque(0x1003, b"", parent_uuid=uid(99)), "§4"),
    "parent-without-has-children": (
        LE10, lambda w: w.add_opaque(0x1003, b"", parent_uuid=uid(7)), "§4.2"),
    "flag-undefined": (LE10, lambda w: w.add_opaque(0x1003, b"", block_flags=1 << 9), "§4.2"),
    "flag-unheard-of": (LE10, lambda w: w.add_opaque(0x1003, b"", block_flags="sideways"), "§4.2"),
    "algorithm-unheard-of": (
        LE10, lambda w: w.add_opaque(0x1003, bytes(99), compression="gzip"), "§4.2"),
    # §5.2, §5.3: modules
    "module-not-in-index": (LE10, lambda w: w.add_module_entry(
        block_uuid=MODULE, base_addr=1, module_size=2), "§5.2"),
    "module-without-uuid": (LE10, lambda w: w.add_module_entry(base_addr=1, module_size=2), "§5.2"),
    # §5.6: hints
    "hint-at-nothing": (LE10, lambda w: w.add_key_hint(**hint()), "§5.6|§4.2"),
    "hint-at-unflagged": (LE10, lambda w: w.add_key_hint(**hint(region_uuid=uid(7))), "§5.6|§4.2"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_behind_block_1(name: str) -> None:
    kind, step, section = REFUSED[name]
    file = io.BytesIO()
    categories = () if "without-bit" in name else ("crypto_hints", "thread_contexts",
        "file_descriptors", "network_state", "environment_vars", "security_context")  # fmt: skip
    out = live(file, kind, *categories)
    before = file.getvalue()
    with pytest.raises(ConformanceError) as caught:
        step(out)
    assert re.search(section, str(caught.value)), str(caught.value)
    assert file.getvalue() == before, "something of the refused block was written"
    assert len(blocks_of(before)) == 2


VALUES: dict[str, tuple[Kind, str, dict[str, Any], str]] = {
    "nul-inside": (LE10, "process_identity", {"exe_path": "a\0b"}, "§5.4"),
    "lone-surrogate": (LE10, "process_identity", {"exe_path": "a\ud800"}, "§5.4"),
    "string-of-bytes": (LE10, "process_identity", {"exe_path": b"/bin/sh"}, "§5.4"),
    "string-too-long": (LE10, "process_identity", {"cmd_line": "x" * 65535}, "§5.4"),
    "number-too-large": (LE10, "process_identity", {"ppid": 1 << 32}, "§5.4"),
    "number-negative": (LE10, "process_identity", {"ppid": -1}, "§5.4"),
    "length-that-lies": (LE10, "process_identity", {"exe_path": "/x", "exe_path_len": 9}, "§5.4"),
    "reserved-not-zero": (LE10, "process_identity", {"reserved": b"\0\0\0\1"}, "§5.4"),
    "field-unheard-of": (LE10, "process_identity", {"pid": 1}, "§5.4"),
}


@pytest.mark.parametrize("name", VALUES)
def test_refused_value_in_block_0(name: str) -> None:
    kind, key, fields, section = VALUES[name]
    file = io.BytesIO()
    out = writer(file, kind, *LIVE)
    with pytest.raises(ConformanceError, match=section):
        out.add(key, **fields)
    assert len(file.getvalue()) == 64


def test_longest_string_that_fits_is_written() -> None:
    file = io.BytesIO()
    out = writer(file, LE10, *LIVE)
    out.add_process_identity(cmd_line="x" * 65534)
    out.abandon()
    assert blocks_of(file.getvalue())[0]["payload"]["cmd_line_len"] == 65535


REGIONS: dict[str, tuple[dict[str, Any], str]] = {
    "log2-9": ({"page_size_log2": 9}, "§5.1"),
    "log2-41": ({"page_size_log2": 41, "region_size": 1 << 41, "data": b""}, "§5.1"),
    "size-no-multiple": ({"data": bytes(1025)}, "§5.1"),
    "size-negative": ({"region_size": -1024, "page_states": [], "data": b""}, "§5.1"),
    "too-little-data": ({"region_size": 2048}, "§5.1"),
    "too-much-data": ({"region_size": 0, "page_states": []}, "§5.1"),
    "states-without-size": ({"page_states": [(0, 1, "captured")]}, "§5.1"),
    "states-too-few": ({"region_size": 2048, "page_states": [(0, 1, "captured")]}, "§6|§5.1"),
    "states-overlap": (
        {"region_size": 2048, "page_states": [(0, 2, "failed"), (1, 1, "captured")]}, "§6"),
    "states-gap": (
        {"region_size": 3072, "page_states": [(0, 1, "captured"), (2, 1, "failed")]}, "§6"),
    "state-unheard-of": ({"region_size": 1024, "page_states": [(0, 1, "lost")]}, "§6"),
    "state-reserved": (
        {"region_size": 1024, "page_states": [(0, 1, "reserved")], "data": b""}, "§6|§5.1"),
    "state-3": ({"region_size": 1024, "page_states": [(0, 1, 3)], "data": b""}, "§6|§5.1"),
    "protection-undefined": ({"protection": 0x20}, "§5.1"),
    "type-unregistered": ({"region_type": 7}, "§5.1"),
    "address-too-large": ({"base_addr": 1 << 64}, "§5.1"),
    "reserved-not-zero": ({"reserved": b"\0\0\1\0\0"}, "§5.1"),
}  # fmt: skip


@pytest.mark.parametrize("target", ["seekable", "held"])
@pytest.mark.parametrize("name", REGIONS)
def test_refused_region(name: str, target: str) -> None:
    fields, section = REGIONS[name]
    file = io.BytesIO()
    out = live(file, LE10, "memory_regions", compression="zstd" if target == "held" else None)
    before = file.getvalue()
    with pytest.raises(ConformanceError) as caught:
        out.add_memory_region(**{**REGION, **fields})
    assert re.search(section, str(caught.value)), str(caught.value)
    assert file.getvalue() == before
    out.add_memory_region(**REGION)  # a refusal leaves the writer usable
    out.close()
    assert msl_construct.open(file.getvalue()).verify().intact


def test_not_resident_is_a_state_of_the_revised_draft_only() -> None:
    states = {"region_size": 1024, "page_states": [(0, 1, "not_resident")], "data": b""}
    with pytest.raises(ConformanceError, match="§6"):
        live(io.BytesIO(), LE10, "memory_regions").add_memory_region(**{**REGION, **states})
    file = io.BytesIO()
    with live(file, LE11, "memory_regions") as out:
        out.add_memory_region(**{**REGION, **states})
    shown = blocks_of(file.getvalue())[2]["payload"]["page_state_map"]
    assert shown == [[0, 1, "not_resident"]]


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.name)
def test_block_0_and_1_of_a_live_acquisition(kind: Kind) -> None:
    out = writer(io.BytesIO(), kind, *LIVE, "related_dumps", "memory_regions")
    for step in (
        lambda: out.add_module_list_index([]),
        lambda: out.add_related_dump(related_dump_uuid=uid(3)),
        lambda: out.add_memory_region(**REGION),
        lambda: out.add_import_provenance(**IMPORT),
    ):
        with pytest.raises(ConformanceError, match="§2"):
            step()
    out.add_process_identity()
    with pytest.raises(ConformanceError, match=r"§5.3"):
        out.add_related_dump(related_dump_uuid=uid(3))


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.name)
def test_block_0_of_an_import(kind: Kind) -> None:
    fields = {"flags": ["imported"]}
    out = writer(io.BytesIO(), kind, "process_identity", "related_dumps", fields=fields)
    with pytest.raises(ConformanceError, match="§2"):
        out.add_process_identity()
    out.add_import_provenance(**IMPORT)
    with pytest.raises(ConformanceError, match=r"§2|§9"):
        out.add_import_provenance(**IMPORT)
    out.add_related_dump(related_dump_uuid=uid(3))
    with pytest.raises(ConformanceError, match="§2"):
        out.add_process_identity()


def unfinished(*categories: str, prepare: Step | None = None, match: str) -> None:
    """Closing is refused, and the file then stands without End-of-Capture."""
    file = io.BytesIO()
    out = live(file, LE10, *categories)
    if prepare is not None:
        prepare(out)
    with pytest.raises(ConformanceError, match=match):
        out.close()
    assert all(b["block_type"] != "end_of_capture" for b in blocks_of(file.getvalue()))


def test_bit_without_its_blocks() -> None:
    unfinished("related_dumps", match=r"related_dumps.*§8")


def test_has_children_nobody_refers_to() -> None:
    unfinished(
        prepare=lambda w: w.add_opaque(0x1003, b"", block_flags="has_children"), match=r"§4.2"
    )


def test_has_key_hints_nobody_refers_to() -> None:
    unfinished(
        "memory_regions",
        prepare=lambda w: w.add_memory_region(**REGION, block_flags="has_key_hints"),
        match=r"§4.2",
    )


def test_index_names_a_module_without_entry() -> None:
    file = io.BytesIO()
    out = writer(file, LE10, *LIVE)
    out.add_process_identity()
    assert out.add_module_list_index([entry()]) == [MODULE]
    with pytest.raises(ConformanceError, match=r"§5.2"):
        out.close()
    assert len(blocks_of(file.getvalue())) == 2


def test_without_block_0_and_1_there_is_no_end() -> None:
    file = io.BytesIO()
    with pytest.raises(ConformanceError, match="§"):
        writer(file, LE10).close()
    assert len(file.getvalue()) == 64


def test_same_module_uuid_twice_in_the_index() -> None:
    out = writer(io.BytesIO(), LE10, *LIVE)
    out.add_process_identity()
    with pytest.raises(ConformanceError, match="§"):
        out.add_module_list_index([entry(), entry()])


@pytest.mark.parametrize(
    "flag", ["compressed", "continuation", "comp_algo_zstd", 1, 2, 6, 0x20, ["compressed"]]
)
def test_flags_that_follow_from_what_is_written_are_not_the_callers(flag: Any) -> None:
    """A block that says Compressed and isn't, or continues nothing, could not be read."""
    file = io.BytesIO()
    out = live(file, LE10, "memory_regions")
    before = file.getvalue()
    for step in (
        lambda: out.add_opaque(0x1003, b"plain", block_flags=flag),
        lambda: out.add_memory_region(**REGION, block_flags=flag),
    ):
        with pytest.raises(ConformanceError, match=r"§4.2"):
            step()
    assert file.getvalue() == before


HEADERS: dict[str, tuple[Kind, dict[str, Any], str]] = {
    "cap-bit-undefined": (LE10, {"cap_bitmap": 1 << 11}, "§3|§8"),
    "cap-bit-undefined-1.1": (LE11, {"cap_bitmap": 1 << 15}, "§3|§8"),
    "flag-of-1.1-in-1.0": (LE10, {"flags": 2}, "§3"),
    "flag-undefined": (LE11, {"flags": 1 << 9}, "§3"),
    "encrypted": (LE11, {"flags": ["encrypted"]}, "§10"),
    "header-size": (LE11, {"header_size": 128}, "§"),
    "os-unregistered": (LE10, {"os_type": 10}, "§3"),
    "arch-unregistered": (LE10, {"arch_type": 12}, "§3"),
    "clock-unregistered": (LE10, {"clock_source": 5}, "§3"),
    "reserved": (LE10, {"reserved": b"\1" + bytes(6)}, "§3"),
    "uuid-v1": (LE10, {"dump_uuid": V1}, "§"),
    "hash-other": (LE11, {"hash_algo": "other"}, "§|HashAlgo"),
    "pid-too-large": (LE10, {"pid": 1 << 32}, "§3"),
    "pid-missing": (LE10, {"pid": None}, "§3"),
    "version": (LE10, {"version": 0x0101}, "§3"),
    "endianness": (LE10, {"endianness": "big"}, "§3|§1.3"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_refused_header_leaves_no_file(name: str, tmp_path: Any) -> None:
    kind, fields, section = HEADERS[name]
    path = tmp_path / "out.msl"
    path.write_bytes(b"before")
    draft = "draft-2026-10" if kind.revised else "draft-2026-03"
    with pytest.raises(ConformanceError, match=section):
        Writer(path, header(**{"cap_bitmap": [], **fields}), draft=draft)
    assert path.read_bytes() == b"before"


def test_big_endian_is_not_for_the_revised_draft() -> None:
    with pytest.raises(ConformanceError, match="§3"):
        Writer(io.BytesIO(), header(), draft="draft-2026-10", byte_order="big")


def test_vendor_codes_are_permitted() -> None:
    file = io.BytesIO()
    fields = {"os_type": 0x0100, "arch_type": 0xFFFE}
    with writer(file, LE10, *LIVE, fields=fields) as out:
        begin(out)
    raw = file.getvalue()
    assert raw[0x30:0x34] == wire.file_header("<", os_type=0x0100, arch_type=0xFFFE)[0x30:0x34]


def test_threads_stand_before_regions() -> None:
    out = live(io.BytesIO(), LE11, "memory_regions", "thread_contexts")
    registers = [{"name": "rip", "width": 8, "value": 1, "flags": "pc"}]
    out.add_memory_region(**REGION)
    with pytest.raises(ConformanceError, match=r"§5.7"):
        out.add_thread_context(thread_id=1, registers=registers)


def test_nothing_behind_the_end() -> None:
    file = io.BytesIO()
    out = live(file, LE10)
    out.close()
    whole = file.getvalue()
    with pytest.raises(ConformanceError):
        out.add_opaque(0x1003, b"")
    assert file.getvalue() == whole


def test_end_of_capture_is_not_the_callers() -> None:
    """Written by hand in the middle it would end the dump for every reader of 1.1."""
    out = live(io.BytesIO(), LE11)
    with pytest.raises(ConformanceError):
        out.add_end_of_capture(file_hash=bytes(32), acq_end=1)
