"""What we read of MemDiver's files is what MemDiver itself reads of them.

It is not a dependency. Name an interpreter that has MemDiver in MSL_MEMDIVER_PYTHON, or install
it into this one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from test_dialects_foreign import path_of

import msl_construct

READ = """
import dataclasses, json, sys, uuid
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
