"""What a file demands of its blocks: the table of the builder, and cases that files can't show."""

from __future__ import annotations

import io
import uuid
from pathlib import Path
from typing import Any

import pytest
from independent import decode
from independent.specimens import LE10, LE11, capture
from writing import LIVE, Forward, blocks_of, live, uid, writer

import msl_construct
from msl_construct import Writer, append_segment
from msl_construct.builder.block_demands import DEMANDS
from msl_construct.drafts import DRAFTS, schema
from msl_construct.errors import ConformanceError

PAGE = 1024
HINTED = {"page_size_log2": 10, "block_flags": "has_key_hints"}


def hint(**fields: Any) -> dict[str, Any]:
    return {"region_uuid": uid(4), "region_offset": 0, "key_len": 16, **fields}


# -- the table ---------------------------------------------------------------------------


def test_the_table_speaks_of_types_and_fields_that_there_are() -> None:
    newest = schema(list(DRAFTS)[-1])
    for key, demands in DEMANDS.items():
        kind = newest.block(key)
        assert not demands.flag or newest.flags["HeaderFlags"].mask(demands.flag)
        assert not demands.before or newest.block(demands.before)
        for demand in demands.fields:
            named = vars(demand)
            assert kind.layout is not None
            assert kind.layout.field(named.get("table") or named.get("region") or named["field"])


@pytest.mark.parametrize("name", list(DRAFTS))
def test_parents_are_types_of_which_a_file_has_one(name: str) -> None:
    form = schema(name)
    parents = {kind.parent for kind in form.blocks.values() if kind.parent}
    assert parents <= DEMANDS.keys()
    for key in parents:
        assert DEMANDS[key].live is not None
        assert form.block(key).in_capture


# -- Key Hints ---------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["file", "pipe", "zstd", "whole"])
def test_a_hint_stays_within_the_data_of_all_fragments(way: str) -> None:
    """Pages without data do not count, further fragments do."""
    file: Any = Forward() if way == "pipe" else io.BytesIO()
    options: dict[str, Any] = {"compression": "zstd"} if way == "zstd" else {}
    out = live(file, LE10, "memory_regions", "crypto_hints", buffer_limit=2 * PAGE, **options)
    if way == "whole":
        out.add_memory_region(
            base_addr=0,
            region_size=9 * PAGE,
            page_states=[(0, 5, "captured"), (5, 4, "failed")],
            data=bytes(5 * PAGE),
            block_uuid=uid(4),
            **HINTED,
        )
    else:
        geometry = {"base_addr": 0, "region_size": 9 * PAGE, "block_uuid": uid(4)}
        with out.region(**geometry, **HINTED) as region:
            region.captured(bytes(5 * PAGE))
            region.mark("failed", 4)
        assert region.fragments == (1 if way == "file" else 3)
    for offset, length in ((5 * PAGE - 15, 16), (0, 5 * PAGE + 1), (8 * PAGE, 16), (1 << 63, 1)):
        with pytest.raises(ConformanceError, match=r"5120 bytes.*§5.6"):
            out.add_key_hint(**hint(region_offset=offset, key_len=length))
    out.add_key_hint(**hint(region_offset=5 * PAGE - 16))
    out.close()
    raw = bytes(file.data) if isinstance(file, Forward) else file.getvalue()
    assert [b["block_type"] for b in blocks_of(raw)].count("key_hint") == 1


def test_a_hint_in_a_segment_stays_within_its_region(tmp_path: Path) -> None:
    path = tmp_path / "x.msl"
    path.write_bytes(capture(LE11).data())
    before = path.read_bytes()
    region = decode.decode(before)["blocks"][3]
    assert region["payload"]["page_data"]["length"] == PAGE
    found = uuid.UUID(region["block_uuid"])

    def add(**fields: Any) -> None:
        with append_segment(path) as segment:
            segment.add("key_hint", **hint(**{"region_uuid": found, **fields}))

    for fields in ({"region_offset": PAGE - 15}, {"region_uuid": uid(999)}):
        with pytest.raises(ConformanceError, match=r"§5.6"):
            add(**fields)
        assert path.read_bytes() == before
    add(region_offset=PAGE - 16)
    assert msl_construct.open(path).verify().segments == 1


# -- captures and segments ---------------------------------------------------------------


def test_a_pointer_graph_stands_in_segments_only(tmp_path: Path) -> None:
    path = tmp_path / "x.msl"
    with live(path, LE11) as out, pytest.raises(ConformanceError, match=r"segments.*§4.3"):
        out.add_opaque("pointer_graph", b"graph")
    with append_segment(path) as segment:
        segment.add_opaque("pointer_graph", b"graph")
    with live(io.BytesIO(), LE10) as old:  # where there are no segments
        old.add_opaque("pointer_graph", b"graph")


def test_a_segment_is_as_strict_about_flags_and_compresses(tmp_path: Path) -> None:
    path = tmp_path / "x.msl"
    path.write_bytes(capture(LE11).data())
    before = path.read_bytes()
    with (
        pytest.raises(ConformanceError, match=r"nothing refers.*§4.2"),
        append_segment(path) as segment,
    ):
        segment.add_opaque("pointer_graph", b"graph", block_flags="has_children")
    assert path.read_bytes() == before
    with append_segment(path, compression="zstd") as segment:
        parent = segment.add_opaque("pointer_graph", bytes(9000), block_flags="has_children")
        segment.add_opaque("pointer_graph", b"graph", parent_uuid=parent)
    (blocks,) = (one["blocks"] for one in decode.decode(path.read_bytes())["segments"])
    assert blocks[0]["flags"] == ["compressed", "comp_algo_zstd", "has_children"]
    assert blocks[1]["flags"] == []
    assert msl_construct.open(path).verify().intact


# -- investigations ----------------------------------------------------------------------


def investigating(*flags: str) -> Writer:
    more = () if "imported" in flags else LIVE
    names = (*more, "system_context", "system_process_table")
    out = writer(io.BytesIO(), LE11, *names, fields={"flags": list(flags)})
    if "imported" in flags:
        out.add_import_provenance(source_format=2, import_time=1, orig_file_size=1, tool_name="x")
    else:
        out.add_process_identity()
        out.add_module_list_index([])
    return out


CONTEXT: dict[str, Any] = dict.fromkeys(("acq_user", "hostname", "domain", "os_detail", "case_ref"))
TABLE: dict[str, Any] = {
    "entries": [{"pid": 1, "is_target": 1, "exe": None, "cmd": None, "user": None}]
}


@pytest.mark.parametrize("flags", [("investigation",), ("imported", "investigation")])
def test_an_investigation_has_a_system_context_and_its_tables_are_children(
    flags: tuple[str, ...],
) -> None:
    out = investigating(*flags)
    with pytest.raises(ConformanceError, match=r"System Context.*§6"):
        out.add_process_table(**TABLE)
    with pytest.raises(ConformanceError, match="§"):
        out.close()
    out = investigating(*flags)
    found = out.add_system_context(**CONTEXT, block_flags="has_children")
    with pytest.raises(ConformanceError, match=r"already.*§6"):
        out.add_system_context(**CONTEXT)
    with pytest.raises(ConformanceError, match=r"ParentUUID must be the System Context.*§6"):
        out.add_process_table(**TABLE, parent_uuid=uid(1))
    out.add_process_table(**TABLE)
    file = out.sink.file  # type: ignore[attr-defined]
    out.close()
    (table,) = (b for b in blocks_of(file.getvalue()) if b["block_type"] == "process_table")
    assert table["parent_uuid"] == str(found)


def test_without_the_flag_there_is_no_system_context() -> None:
    with pytest.raises(ConformanceError, match=r"investigation.*§6"):
        investigating().add_system_context(**CONTEXT)


def test_the_uuid_of_a_module_to_come_is_nobody_elses() -> None:
    out = writer(io.BytesIO(), LE10, *LIVE, "related_dumps")
    out.add_process_identity()
    (module,) = out.add_module_list_index([{"base_addr": 1, "module_size": 2, "path": "/x"}])
    with pytest.raises(ConformanceError, match=r"§5.3"):
        out.add_related_dump(related_dump_uuid=uid(3), block_uuid=module)
    out.add_module_entry(block_uuid=module, base_addr=1, module_size=2, path="/x")
    with pytest.raises(ConformanceError, match=r"§4.1"):
        out.add_module_entry(block_uuid=module, base_addr=1, module_size=2, path="/x")


def test_a_hint_that_was_refused_leaves_no_trace() -> None:
    """The region still promises a hint that nobody wrote."""
    out = live(io.BytesIO(), LE10, "memory_regions")
    out.add_memory_region(base_addr=0, data=bytes(PAGE), block_uuid=uid(4), **HINTED)
    with pytest.raises(ConformanceError, match="§8"):
        out.add_key_hint(**hint())
    with pytest.raises(ConformanceError, match=r"nothing refers.*§4.2"):
        out.close()


def test_a_raw_stream_is_one_region_without_holes() -> None:
    def begun() -> Writer:
        names = ("memory_regions",)
        out = writer(io.BytesIO(), LE10, *names, fields={"flags": ["imported"]})
        raw = {"source_format": "raw_byte_stream", "orig_file_size": 2 * PAGE, "tool_name": "x"}
        out.add_import_provenance(import_time=1, **raw)
        return out

    out = begun()
    for step in (
        lambda: out.feed(),
        lambda: out.add_memory_region(base_addr=PAGE, data=bytes(PAGE), page_size_log2=10),
        lambda: out.add_memory_region(
            base_addr=0,
            region_size=2 * PAGE,
            data=bytes(PAGE),
            page_states=[(0, 1, "captured"), (1, 1, "failed")],
            page_size_log2=10,
        ),
    ):
        with pytest.raises(ConformanceError, match=r"raw byte stream.*§9"):
            step()
    out.add_memory_region(base_addr=0, data=bytes(2 * PAGE), page_size_log2=10)
    with pytest.raises(ConformanceError, match=r"raw byte stream.*§9"):
        out.add_memory_region(base_addr=0, data=bytes(PAGE), page_size_log2=10)
    out.close()
    region = begun().region(base_addr=0, region_size=2 * PAGE, page_size_log2=10)
    with pytest.raises(ConformanceError, match=r"raw byte stream.*§9"):
        region.mark("failed", 2)
    assert region.done == 0
