"""Rows of manifests and investigation tables that contradict themselves (§5.9, §5.10, §6)."""

from __future__ import annotations

from collections.abc import Iterator

from ..reader import Block
from ..schema import Record
from .declare import of_types, rule, since
from .model import Found, Level, Scope


def _rows(block: Block, key: str) -> list[Record]:
    """The rows of a table of this type, as many as could be read."""
    if block.key != key or not block.known_version:
        return []
    rows: list[Record] = block.payload.get("entries", [])
    return rows


def _found(block: Block, row: int, field: str, text: str) -> Found:
    """A place in a table, found again only now that there is something to say of it."""
    entries = block.with_offsets()[1].get("entries", [])
    offset = block.stored.offset
    if block.compression is None and row < len(entries) and entries[row].offsets:
        offset = entries[row].offsets[field][0]
    path = f"entries[{row}].{field}"
    return Found(f"{block.describe()}: {path}: {text}", offset, block.index, path)


@rule(
    "MSLX-5.9-PHYSICAL-RANGE-INVERTED",
    Level.OURS,
    Scope.BLOCK,
    concerns=of_types("physical_memory_map"),
    drafts=since("draft-2026-10"),
    requirement="A physical range does not end before it begins.",
    wrong="A physical range's End is less than its Start.",
    why="Its size comes out as nearly 2^64.",
)
def physical_range_inverted(block: Block) -> Iterator[Found]:
    for row, entry in enumerate(_rows(block, "physical_memory_map")):
        if entry["end_addr"] < entry["start"]:
            text = f"expected {entry['start']:#x} or more, found {entry['end_addr']:#x}"
            yield _found(block, row, "end_addr", text)


@rule(
    "MSLX-5.10-BUILD-ID-WITHOUT-SOURCE",
    Level.OURS,
    Scope.BLOCK,
    concerns=of_types("module_build_id_manifest"),
    drafts=since("draft-2026-10"),
    requirement="BuildIdSource is None just where there is no build ID.",
    wrong="A module has a build ID from nowhere, or none from somewhere.",
    why="Nobody can say how far to trust it.",
)
def build_id_without_source(block: Block) -> Iterator[Found]:
    for row, entry in enumerate(_rows(block, "module_build_id_manifest")):
        length, source = entry["build_id_len"], entry["build_id_source"]
        if bool(length) != bool(source) and source.known:
            text = f"expected {'a source' if length else 'none'} for a build ID of {length} bytes"
            yield _found(block, row, "build_id_source", f"{text}, found {source.name}")


@rule(
    "MSLX-5.10-BUILD-ID-TAIL-NOT-ZERO",
    Level.OURS,
    Scope.BLOCK,
    concerns=of_types("module_build_id_manifest"),
    drafts=since("draft-2026-10"),
    requirement="BuildId is zero behind its first BuildIdLen bytes.",
    wrong="BuildId holds something behind the bytes that count.",
    why="A reader that compares all 20 bytes finds no build that matches.",
)
def build_id_tail_not_zero(block: Block) -> Iterator[Found]:
    for row, entry in enumerate(_rows(block, "module_build_id_manifest")):
        tail = entry["build_id"][entry["build_id_len"] :]
        if any(tail):
            text = f"expected zeros behind {entry['build_id_len']} bytes, found {tail.hex()}"
            yield _found(block, row, "build_id", text)


@rule(
    "MSLX-6-PROCESS-TABLE-WITHOUT-TARGET",
    Level.OURS,
    Scope.BLOCK,
    concerns=of_types("process_table"),
    drafts=since("draft-2026-10"),
    requirement="Exactly one process of the Process Table is the target.",
    wrong="No process is marked as the target, or several are.",
    why="The table can't be tied to the process that was dumped.",
)
def process_table_without_target(block: Block) -> Iterator[Found]:
    rows = _rows(block, "process_table")
    targets = [row for row, entry in enumerate(rows) if entry["is_target"]]
    if rows and len(targets) != 1:
        text = f"expected one target among {len(rows)} processes, found {len(targets)}"
        yield _found(block, targets[1] if targets else 0, "is_target", text)
