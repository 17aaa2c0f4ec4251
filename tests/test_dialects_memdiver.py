"""What we read of MemDiver's files is what MemDiver itself reads of them.

It is not a dependency. Name an interpreter that has MemDiver in MSL_MEMDIVER_PYTHON, or install
it into this one.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import struct
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import lz4.frame  # type: ignore[import-untyped]
import pytest
import zstandard
from comparing import assert_same, built, document_of, text_of
from independent.decode import decode
from independent.dialects import in_dialect
from test_dialects_foreign import path_of
from test_export_json_schema import complaint
from test_export_json_schema import plain as plain_json

import msl_construct
from msl_construct.rules import check

READ = """
import dataclasses, hashlib, json, sys, uuid
from pathlib import Path
from memdiver.msl.reader import MslReader

def plain(value):
    if dataclasses.is_dataclass(value):
        fields = dataclasses.fields(value)
        return [plain(getattr(value, f.name)) for f in fields if f.name != "block_header"]
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, uuid.UUID):
        return str(value)
    return value.hex() if isinstance(value, (bytes, bytearray)) else value

with MslReader(Path(sys.argv[1])) as reader:
    print(json.dumps({
        "modules": plain(reader.collect_modules()),
        "related": plain(reader.collect_related_dumps()),
        "provenance": plain(reader.collect_import_provenance()),
        "context": plain(reader.collect_system_context()),
        "handles": plain(reader.collect_handles()),
        "connectivity": plain(reader.collect_connectivity_tables()),
        "graphs": plain(reader.collect_pointer_graphs()),
        "inflated": [
            hashlib.sha256(bytes(payload)).hexdigest()
            for header, payload in reader.iter_blocks()
            if header.block_type == 1
        ],
    }))
"""

NAMES = (
    "samples/memdiver-1.0.2/api-basic-zstd",
    "samples/memdiver-1.0.2/api-import-provenance-note-hash",
    "samples/memdiver-1.0.2/api-investigation-all-tables",
    "samples/memdiver-1.0.2/api-pointer-graph-extension",
    "samples/memdiver-1.0.2/api-related-dump-with-hash",
    "more-samples/memdiver-1.0.2/import-minidump-test",
)


@cache
def interpreter() -> str:
    python = os.environ.get("MSL_MEMDIVER_PYTHON", sys.executable)
    if subprocess.run([python, "-c", "import memdiver.msl"], capture_output=True).returncode:
        pytest.skip("needs MemDiver: name an interpreter that has it in MSL_MEMDIVER_PYTHON")
    return python


def theirs(path: Path) -> Any:
    done = subprocess.run(
        [interpreter(), "-c", READ, str(path)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def values(record: Any, *keys: str) -> list[Any]:
    return [plain(record[key]) for key in keys]


def plain(value: Any) -> Any:
    """As JSON has it; None, which MemDiver has no word for, is an empty text."""
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, int):
        return int(value)
    return "" if value is None else str(value)


def row_values(row: Any) -> list[Any]:
    """The fields of a row that are no lengths."""
    return [plain(value) for key, value in row.items() if not key.endswith("_len")]


TAIL = struct.pack("<QH6x", 86_400_000_000_007, 5) + b"12.4\0\0\0\0"
"""Uptime and OSVersion, which releases before 1.0 wrote behind CaseRef."""


def with_older_tail(data: bytes) -> bytes:
    """The file with that tail behind its System Context, and everything else as it must be."""
    document = json.loads(text_of(data, "json", with_data=True, dialect="none"))
    for block in document["blocks"]:
        for key in ("prev_hash", "block_length", "offset"):
            block.pop(key)
        if block["block_type"] == "system_context":
            block["payload"]["rest"] += TAIL.hex()
        elif block["block_type"] == "end_of_capture":
            block["payload"].pop("file_hash")
    return built(json.dumps(document))


def test_the_tail_of_older_releases(tmp_path: Path) -> None:
    data = with_older_tail(
        path_of("samples/memdiver-1.0.2/api-investigation-all-tables").read_bytes()
    )
    found = document_of(data)
    assert found["format"]["dialect"] == "memdiver-1.0"
    want = in_dialect(data, decode(data), "memdiver-1.0")
    assert_same(found["blocks"], want["blocks"], "blocks")
    assert built(text_of(data, "json", with_data=True)) == data
    assert complaint(plain_json(found)) is None
    path = tmp_path / "older.msl"
    path.write_bytes(data)
    with msl_construct.open(path) as dump:
        assert dump.verify().intact
        (context,) = dump.blocks.of_type("system_context")
        told = [context.payload.uptime_ns, context.payload.os_version]
        assert [one.rule.id for one in check(dump) if one.explained_by is None] == []
    assert told == [86_400_000_000_007, "12.4"]
    assert theirs(path)["context"][0][-2:] == told


CODECS = {
    "zstd": lambda raw: zstandard.ZstdCompressor().compress(raw),
    "lz4": lambda raw: lz4.frame.compress(raw),
}
COMP_ALGO = {"zstd": 3, "lz4": 5}


def with_bare_frames(codec: str) -> bytes:
    """A file of MemDiver whose regions are compressed as releases before 1.0 did it."""
    data = path_of("samples/memdiver-1.0.2/api-basic-none").read_bytes()
    document = json.loads(text_of(data, "json", with_data=True))
    for block in document["blocks"]:
        if block["block_type"] == "memory_region":
            at = int(block["offset"], 16)
            raw = data[at + 80 : at + block["block_length"]]
            block["compression"] = {
                "algorithm": codec,
                "uncompressed_size": len(raw),
                "bare": True,
                "data": base64.b64encode(CODECS[codec](raw)).decode(),
            }
            block["flags"] = ["compressed", f"comp_algo_{codec}"]
        elif block["block_type"] == "end_of_capture":
            block["payload"].pop("file_hash")
        for key in ("prev_hash", "block_length", "offset"):
            block.pop(key)
    return built(json.dumps(document))


@pytest.mark.parametrize("codec", CODECS)
def test_bare_frames_of_older_releases(codec: str, tmp_path: Path) -> None:
    data = with_bare_frames(codec)
    offset = data.index(b"MSLC" + struct.pack("<HH", 1, COMP_ALGO[codec])) + 80
    assert data[offset:].startswith(
        {"zstd": b"\x28\xb5\x2f\xfd", "lz4": b"\x04\x22\x4d\x18"}[codec]
    )
    path = tmp_path / "older.msl"
    path.write_bytes(data)
    with (
        msl_construct.open(path) as dump,
        msl_construct.open(path_of("samples/memdiver-1.0.2/api-basic-none")) as plainly,
    ):
        assert dump.dialect == "memdiver-1.0"
        assert dump.verify().intact
        for one, other in zip(dump.regions, plainly.regions):
            assert bytes(one.page_data) == bytes(other.page_data)
        assert [one.rule.id for one in check(dump) if one.explained_by is None] == []
        inflated = [bytes(block.stored) for block in plainly.blocks.of_type("memory_region")]
    found = document_of(data)
    assert complaint(plain_json(found)) is None
    region = next(b for b in found["blocks"] if b["block_type"] == "memory_region")
    assert region["compression"]["bare"] is True
    for form in ("json", "yaml", "ndjson"):
        assert built(text_of(data, form, with_data=True)) == data
    with msl_construct.open(path, dialect="none") as dump:
        blocks = list(dump.blocks.of_type("memory_region"))
        assert all(block.problem is not None for block in blocks)
    digests = [hashlib.sha256(one).hexdigest() for one in inflated]
    assert theirs(path)["inflated"] == digests


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("cut", [1, 5, 30])
def test_a_bare_frame_that_is_cut_short_is_a_problem(codec: str, cut: int) -> None:
    data = with_bare_frames(codec)
    document = json.loads(text_of(data, "json", with_data=True))
    for block in document["blocks"]:
        for key in ("prev_hash", "block_length", "offset"):
            block.pop(key)
        if block["block_type"] == "memory_region":
            stream = base64.b64decode(block["compression"]["data"])
            block["compression"]["data"] = base64.b64encode(stream[:-cut]).decode()
    broken = built(json.dumps(document))
    with msl_construct.open(broken) as dump:
        assert dump.dialect == "memdiver-1.0"
        for block in dump.blocks.of_type("memory_region"):
            assert block.problem is not None or block.inflation_problem() is not None


@pytest.mark.parametrize("what", ["prev_hash", "file_hash"])
def test_a_hash_that_was_not_recorded_is_no_mismatch_and_no_match(what: str) -> None:
    document = json.loads(
        text_of(
            path_of("samples/memdiver-1.0.2/api-basic-zstd").read_bytes(), "json", with_data=True
        )
    )
    for block in document["blocks"]:
        for key in ("prev_hash", "block_length", "offset"):
            block.pop(key)
        if block["block_type"] == "end_of_capture":
            block["payload"].pop("file_hash")
    holder = document["blocks"][0] if what == "prev_hash" else document["blocks"][-1]["payload"]
    holder[what] = "00" * 32
    data = built(json.dumps(document))
    with msl_construct.open(data) as dump:
        verdict = dump.verify()
        assert (verdict.intact, [gap.kind for gap in verdict.gaps]) == (True, ["unrecorded"])
        assert verdict.file_hash == ("match" if what == "prev_hash" else "unchecked")
    with msl_construct.open(data, dialect="none") as dump:
        assert not dump.verify().intact  # in the draft it is a hash like any other


@pytest.mark.parametrize("name", NAMES)
def test_values_are_those_that_memdiver_reads(name: str) -> None:
    path = path_of(name)
    want = theirs(path)
    with msl_construct.open(path) as dump:
        assert dump.dialect == "memdiver-1.0"

        def payloads(key: str) -> list[Any]:
            return [block.payload for block in dump.blocks.of_type(key)]

        modules = ("base_addr", "module_size", "path", "version", "disk_hash")
        assert [values(one, *modules) for one in payloads("module_entry")] == want["modules"]
        related = ("related_dump_uuid", "related_pid", "relationship", "target_hash")
        assert [values(one, *related) for one in payloads("related_dump")] == want["related"]
        origin = ("source_format", "tool_name", "import_time", "orig_file_size", "note")
        assert [
            values(one, *origin, "source_hash") for one in payloads("import_provenance")
        ] == want["provenance"]
        context = ("boot_time", "target_count", "table_bitmap", "acq_user", "hostname", "domain")
        assert [
            [*values(one, *context, "os_detail", "case_ref"), 0, ""]
            for one in payloads("system_context")
        ] == want["context"]
        handles = ("pid", "fd", "handle_type", "path")
        assert [
            [one.entry_count, [values(row, *handles) for row in one.entries]]
            for one in payloads("handle_table")
        ] == want["handles"]
        rows = [
            [row_values(row.body) for row in one.rows]
            for one in payloads("memdiver_connectivity_table")
        ]
        assert rows == [table[-1] for table in want["connectivity"]]
        graphs = [
            [
                [values(node, "kind", "value", "label") for node in one.nodes],
                [values(edge, "src", "dst", "kind", "metadata") for edge in one.edges],
                plain(one.integrity_hash),
            ]
            for one in payloads("pointer_graph")
        ]
        assert graphs == want["graphs"]
