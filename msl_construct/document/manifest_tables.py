"""Tables of the manifests (§5.9 to §5.11): physical memory, builds, what was left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..reader.block import Block
from .table import DocumentTable, Row, entries_of, of_blocks

__all__ = ["MANIFESTS", "build_id_rows", "omission_rows"]


def physical_rows(blocks: Iterable[Block]) -> Iterator[Row]:
    """Ranges of physical addresses."""
    for block in blocks:
        for entry in entries_of(block):
            start, end = entry["start"], entry["end_addr"]
            yield {
                "block": block.index,
                "start": f"{start:#x}",
                "end_addr": f"{end:#x}",
                "size": end - start + 1 if end >= start else None,
                "label": entry["label"],
            }


def build_id_rows(blocks: Iterable[Block]) -> Iterator[Row]:
    """Builds of modules: of the stored build ID the bytes that count."""
    for block in blocks:
        for entry in entries_of(block):
            build_id, length = entry["build_id"], entry["build_id_len"]
            yield {
                "block": block.index,
                "base_addr": f"{entry['base_addr']:#x}",
                "build_id": build_id[:length].hex() or None,
                "build_id_source": entry["build_id_source"].name,
                "flags": entry["flags"].names,
                "build_id_len": length,
                "stored_build_id": build_id.hex(),
                "disk_hash": entry["disk_hash"].hex(),
            }


def omission_rows(blocks: Iterable[Block]) -> Iterator[Row]:
    """Regions that were left out, each with what was asked for; one row where none was."""
    for block in blocks:
        asked: Row = {
            "scope": block.payload.get("scope"),
            "patterns": (block.payload.get("patterns") or "").splitlines(),
        }
        row: Row = dict.fromkeys(_OMITTED)
        row["block"] = block.index
        empty = True
        for entry in entries_of(block):
            empty = False
            base, size = entry["base_addr"], entry["region_size"]
            yield {
                **row,
                "base_addr": f"{base:#x}",
                "end_addr": f"{base + size:#x}",
                "region_size": size,
                "protection": entry["protection"].names,
                "region_type": entry["region_type"].name,
                "reason": entry["reason"].name,
                "name": entry["name"],
                **asked,
            }
        if empty:
            yield {**row, **asked}


_OMITTED = (
    "block",
    "base_addr",
    "end_addr",
    "region_size",
    "protection",
    "region_type",
    "reason",
    "name",
    "scope",
    "patterns",
)


MANIFESTS: dict[str, DocumentTable] = {
    "physical": DocumentTable(
        ("physical_memory_map",),
        "what the machine's physical addresses belong to",
        ("block", "start", "end_addr", "size", "label"),
        of_blocks(physical_rows),
    ),
    "build_ids": DocumentTable(
        ("module_build_id_manifest",),
        "which builds the modules are of",
        (
            "block",
            "base_addr",
            "build_id",
            "build_id_source",
            "flags",
            "build_id_len",
            "stored_build_id",
            "disk_hash",
        ),
        of_blocks(build_id_rows),
        address="base_addr",
    ),
    "omissions": DocumentTable(
        ("region_omission_manifest",),
        "regions that were left out on purpose",
        _OMITTED,
        of_blocks(omission_rows),
    ),
}
"""Tables of the manifests, by the name that ``--show`` knows them by."""
