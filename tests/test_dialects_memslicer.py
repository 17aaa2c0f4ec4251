"""What we read of other producers' files is what memslicer's own reader reads of them.

It is not a dependency. Name an interpreter that has it in MSL_MEMSLICER_PYTHON, or install it
into this one.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from conftest import SHARED, shared
from independent.decode import inflate

import msl_construct
from msl_construct.reader.dump import Dump

READ = """
import dataclasses, hashlib, json, sys
from memslicer.msl import writer
from memslicer.msl.iterator import iterate_blocks

PARSERS = {
    0x0011: writer.parse_thread_context,
    0x005A: writer.parse_module_build_id_manifest,
    0x005B: writer.parse_region_omission_manifest,
    0x0FFE: writer.parse_end_of_extension,
    0x0FFF: writer.parse_end_of_capture,
    0x1001: writer.parse_vas_map,
}

def plain(value):
    if dataclasses.is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, int):
        return int(value)
    return value.hex() if isinstance(value, (bytes, bytearray)) else value

blocks = []
with open(sys.argv[1], "rb") as file:
    for one in iterate_blocks(file):
        parse = PARSERS.get(one.block_type)
        blocks.append({
            "type": one.block_type, "flags": one.flags, "offset": one.start_offset,
            "length": one.length, "version": one.payload_version,
            "uuid": one.block_uuid.hex(), "parent": one.parent_uuid.hex(),
            "prev_hash": one.prev_hash.hex(), "segment": one.segment,
            "payload": hashlib.sha256(one.payload).hexdigest(),
            "parsed": plain(parse(one.payload)) if parse else None,
        })
print(json.dumps(blocks))
"""


def names() -> list[str]:
    """Files of drafts in which memslicer's reader is at home: it knows no early ones."""
    return sorted(
        f"{path.parent.parent.name}/{path.parent.name}/{path.stem}"
        for pattern in ("samples/mem*/*.msl", "more-samples/mem*/*.msl", "more-samples/r*/*.msl")
        for path in SHARED.glob(pattern)
        if "memslicer-rs" not in path.parts
        and not any(word in path.stem for word in ("encrypted", "sealed"))
    )


@cache
def interpreter() -> str:
    python = os.environ.get("MSL_MEMSLICER_PYTHON", sys.executable)
    if subprocess.run([python, "-c", "import memslicer.msl"], capture_output=True).returncode:
        pytest.skip("needs memslicer: name an interpreter that has it in MSL_MEMSLICER_PYTHON")
    return python


def theirs(path: Path) -> list[dict[str, Any]]:
    done = subprocess.run(
        [interpreter(), "-c", READ, str(path)], capture_output=True, text=True, check=True
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def every_block(dump: Dump) -> list[tuple[int, Any]]:
    inside = [
        (number, block)
        for number, segment in enumerate(dump.segments, 1)
        for block in dump.segment_blocks(segment)
    ]
    return [(0, dump.block(index)) for index in range(dump.capture_count)] + inside


def text(value: str | None) -> str:
    return value or ""


def parsed(block: Any) -> Any:
    """The fields that memslicer's parser of this block has, by its names."""
    payload = block.payload
    if block.key == "thread_context":
        return {
            "thread_id": payload["thread_id"],
            "start_time_ns": payload["start_time"],
            "flags": int(payload["flags"]),
            "state": int(payload["thread_state"]),
            "arch": payload["arch"],
            "name": text(payload["thread_name"]),
            "registers": [
                [register["name"], bytes(register["value"]).hex(), int(register["flags"])]
                for register in payload["registers"]
            ],
        }
    if block.key == "vas_map":
        keys = ("base_addr", "region_size", "protection", "region_type", "name_source")
        return [
            {key: int(entry[key]) for key in keys} | {"mapped_path": text(entry["mapped_path"])}
            for entry in payload["entries"]
        ]
    if block.key == "module_build_id_manifest":
        keys = ("base_addr", "build_id_len", "build_id_source", "flags")
        return [
            {key: int(entry[key]) for key in keys}
            | {
                "build_id": entry["build_id"][: entry["build_id_len"]].hex(),
                "disk_hash": entry["disk_hash"].hex(),
            }
            for entry in payload["entries"]
        ]
    if block.key == "region_omission_manifest":
        return {
            "scope": text(payload["scope"]),
            "patterns": text(payload["patterns"]).splitlines(),
            "rows": [
                {
                    "base_addr": entry["base_addr"],
                    "size": entry["region_size"],
                    "protection": int(entry["protection"]),
                    "region_type": int(entry["region_type"]),
                    "reason": int(entry["reason"]),
                    "name": text(entry["name"]),
                }
                for entry in payload["entries"]
            ],
        }
    if block.key == "end_of_capture":
        return [payload["file_hash"].hex(), payload["acq_end"], payload.get("block_count", 0)]
    if block.key == "end_of_extension":
        return [payload["segment_hash"].hex(), payload["written_at"], payload["block_count"]]
    return None


def as_ours(block: Any, told: Any) -> Any:
    """What memslicer's parser gave, in the form of `parsed`."""
    if block.key == "thread_context":
        rows = [[r["name"], r["value"], r["flags"]] for r in told["registers"]]
        return {**told, "registers": rows}
    if block.key == "module_build_id_manifest":
        rows = told["rows"]
        return [{**r, "build_id": r["build_id"][: 2 * r["build_id_len"]]} for r in rows]
    if block.key == "region_omission_manifest":
        return {
            "scope": told["scope"],
            "patterns": told["exclude_patterns"],
            "rows": told["rows"],
        }
    if block.key in ("end_of_capture", "end_of_extension"):
        return list(told.values())[:3]
    return told


@pytest.mark.parametrize("name", names())
def test_blocks_and_values_are_those_that_memslicer_reads(name: str) -> None:
    path = shared(*f"{name}.msl".split("/"))
    found = theirs(path)
    with msl_construct.open(path) as dump:
        blocks = every_block(dump)
        assert len(found) == len(blocks)
        for told, (segment, block) in zip(found, blocks):
            payload = bytes(block.stored)
            if block.compressed:
                payload, _ = inflate(payload, int(block.flags) >> 1 & 3, "<")
            assert told == {
                "type": block.identity[0],
                "flags": int(block.flags),
                "offset": block.offset,
                "length": block.length,
                "version": block.identity[2],
                "uuid": block.identity[3].hex(),
                "parent": block.identity[4].hex(),
                "prev_hash": block.header["prev_hash"].hex(),
                "segment": segment,
                "payload": hashlib.sha256(payload).hexdigest(),
                "parsed": told["parsed"],
            }
            if told["parsed"] is not None:
                assert as_ours(block, told["parsed"]) == parsed(block), block.describe()


def test_there_are_files_to_compare() -> None:
    shared("samples")
    assert len(names()) > 35
