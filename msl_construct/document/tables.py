"""Tables of a dump: regions, pages, modules, threads and so on, one row a thing.

Rows come out as the blocks are read, so that a table takes no memory for its rows. Values are
those of the canonical document: addresses as hex strings, times as decimal strings.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from uuid import UUID

from ..reader.block import Block
from ..reader.dump import Dump
from ..reader.regions import TRUNCATED
from ..schema import Schema
from ..schema.codes import Name
from . import readable
from .hinted_addresses import HintedAddresses
from .investigation_tables import INVESTIGATION
from .machine_tables import MACHINE
from .manifest_tables import MANIFESTS
from .place_names import NAMING, PlaceNames
from .table import DocumentTable, Row, of_blocks, shown
from .table_blocks import TableBlocks, regions_of

__all__ = ["INVESTIGATED", "TABLES", "table_columns", "table_rows"]

_PLACE = ("module", "name")
_HINTED = "address"
"""Column of the table of Key Hints that no block has: where the key is."""
_STATES = "*_pages"
"""Stands for one column for each page state of the draft."""


_UTC = "_utc"
"""Behind the name of a time: the same as a date."""


def block_rows(blocks: Iterable[Block]) -> Iterator[Row]:
    """Header fields of every block."""
    for block in blocks:
        header = block.header
        yield {
            "index": block.index,
            "offset": f"{block.offset:#x}",
            "block_type": header["block_type"].name,
            "flags": header["flags"].names,
            "block_length": block.length,
            "payload_version": header["payload_version"],
            "block_uuid": str(header["block_uuid"]),
            "parent_uuid": str(header["parent_uuid"]),
            "prev_hash": header["prev_hash"].hex(),
            "problem": block.problem,
        }


def region_rows(blocks: Iterable[Block]) -> Iterator[Row]:
    """Memory regions, fragments put together, with the number of pages of each state."""
    for region in regions_of(blocks):
        counts = region.counts
        counts[TRUNCATED] = counts.pop(TRUNCATED, 0)  # always there, and last
        captured = counts.get("captured", 0)
        pages = sum(counts.values())
        yield {
            "block": region.head.block.index,
            "base_addr": f"{region.base_addr:#x}",
            "end_addr": f"{region.end:#x}",
            "region_size": region.region_size,
            "protection": region.protection.names,
            "region_type": region.region_type.name,
            "page_size": region.page_size,
            "pages": pages,
            **{
                f"{state}_pages": count
                for state, count in {**counts, TRUNCATED: counts.get(TRUNCATED, 0)}.items()
            },
            "captured_percent": round(100 * captured / pages, 2) if pages else None,
            "missing_bytes": sum(f.missing for f in region.fragments),
            "fragments": len(region.fragments),
            "block_uuid": str(region.uuid),
        }


def page_rows(blocks: Iterable[Block]) -> Iterator[Row]:
    """Runs of pages of one state."""
    for region in regions_of(blocks):
        block = region.head.block.index
        for first, count, state in region.runs():
            yield {
                "block": block,
                "base_addr": f"{region.base_addr + first * region.page_size:#x}",
                "first_page": first,
                "count": count,
                "size": count * region.page_size,
                "state": Name(state),
            }


def _payload_rows(*keys: str) -> Callable[[Iterable[Block]], Iterator[Row]]:
    """Chosen fields of a payload, as the document shows them."""

    def rows(blocks: Iterable[Block]) -> Iterator[Row]:
        for block in blocks:
            row = shown(block, [key for key in keys if not key.endswith(_UTC)])
            for key in keys:
                if key.endswith(_UTC):
                    time = block.payload.get(key.removesuffix(_UTC), 0)
                    row[key] = readable.as_date(time)
            row = {key: row[key] for key in keys}
            yield {"block": block.index, **row, "block_uuid": str(block.uuid)}

    return rows


def thread_rows(blocks: Iterable[Block]) -> Iterator[Row]:
    """Threads with the two registers that every thread has."""
    for block in blocks:
        payload = block.payload
        row: Row = {"block": block.index}
        row.update(dict.fromkeys(("thread_id", "thread_name", "thread_state", "flags", "pc", "sp")))
        row["registers"] = 0
        if "thread_id" in payload:
            row["thread_id"] = payload["thread_id"]
            row["thread_name"] = payload.get("thread_name")
            row["thread_state"] = getattr(payload.get("thread_state"), "name", None)
            row["flags"] = list(payload.get("flags", ()))
            registers = payload.get("registers", [])
            row["registers"] = len(registers)
            order = block.schema.byte_order.value
            for role in ("pc", "sp"):
                for register in registers:
                    if role in register["flags"]:
                        value = int.from_bytes(register["value"], order)  # type: ignore[arg-type]
                        row[role] = f"{value:#x}"
        row["block_uuid"] = str(block.uuid)
        yield row


def mapping_rows(blocks: Iterable[Block]) -> Iterator[Row]:
    """Entries of the VAS Map that counts: the last one in the file."""
    for block in deque(blocks, maxlen=1):
        for entry in block.payload.get("entries", []):
            yield {
                "base_addr": f"{entry['base_addr']:#x}",
                "region_size": entry["region_size"],
                "protection": entry["protection"].names,
                "region_type": entry["region_type"].name,
                "name_source": entry["name_source"].name,
                "mapped_path": entry["mapped_path"],
            }


def _of_payload(kind: str, text: str, *keys: str) -> DocumentTable:
    """A table of chosen payload fields of one block type."""
    return DocumentTable(
        (kind,), text, ("block", *keys, "block_uuid"), of_blocks(_payload_rows(*keys))
    )


TABLES: dict[str, DocumentTable] = {
    "index": DocumentTable(
        (),
        "every block's header, extension segments included",
        (
            "index",
            "offset",
            "block_type",
            "flags",
            "block_length",
            "payload_version",
            "block_uuid",
            "parent_uuid",
            "prev_hash",
            "problem",
        ),
        of_blocks(block_rows),
    ),
    "regions": DocumentTable(
        ("memory_region",),
        "memory regions with pages by state",
        (
            "block",
            "base_addr",
            "end_addr",
            "region_size",
            "protection",
            "region_type",
            "page_size",
            "pages",
            _STATES,
            "captured_percent",
            "missing_bytes",
            "fragments",
            "block_uuid",
        ),
        of_blocks(region_rows),
        address="base_addr",
    ),
    "pages": DocumentTable(
        ("memory_region",),
        "runs of pages of one state",
        ("block", "base_addr", "first_page", "count", "size", "state"),
        of_blocks(page_rows),
        address="base_addr",
    ),
    "modules": _of_payload(
        "module_entry",
        "modules with path, version and hash",
        "base_addr",
        "module_size",
        "path",
        "version",
        "disk_hash",
    ),
    "threads": DocumentTable(
        ("thread_context",),
        "threads with state, PC and SP",
        (
            "block",
            "thread_id",
            "thread_name",
            "thread_state",
            "flags",
            "pc",
            "sp",
            "registers",
            "block_uuid",
        ),
        of_blocks(thread_rows),
        address="pc",
    ),
    "mappings": DocumentTable(
        ("vas_map",),
        "entries of the VAS Map",
        ("base_addr", "region_size", "protection", "region_type", "name_source", "mapped_path"),
        of_blocks(mapping_rows),
        address="base_addr",
    ),
    "process": _of_payload(
        "process_identity",
        "which process it was",
        "ppid",
        "session_id",
        "start_time",
        "start_time_utc",
        "exe_path",
        "cmd_line",
    ),
    "hints": replace(
        _of_payload(
            "key_hint",
            "where keys may lie",
            "region_uuid",
            "region_offset",
            "key_len",
            "key_type",
            "protocol",
            "confidence",
            "key_state",
            "note",
        ),
        address=_HINTED,
    ),
    "related": _of_payload(
        "related_dump",
        "dumps that belong with this one",
        "related_dump_uuid",
        "related_pid",
        "relationship",
    ),
    "origin": _of_payload(
        "import_provenance",
        "what an import was converted from",
        "source_format",
        "import_time",
        "import_time_utc",
        "orig_file_size",
        "tool_name",
        "note",
    ),
    **INVESTIGATION,
    **MACHINE,
    **MANIFESTS,
}
"""The tables by the name that ``--show`` knows them by."""

INVESTIGATED = frozenset(
    key for table in (INVESTIGATION | MACHINE | MANIFESTS).values() for key in table.types
)
"""Block types that the investigation's tables and the manifests are made from."""


def table_columns(name: str, schema: Schema) -> list[str]:
    """Keys of a table's rows, whether there are any or not."""
    found: list[str] = []
    for key in TABLES[name].columns:
        if key == _STATES:
            found += [f"{state.name}_pages" for state in schema.page_states.values]
            found.append(f"{TRUNCATED}_pages")
        else:
            found.append(key)
    return [*found, *_added(TABLES[name])]


def table_rows(dump: Dump, name: str) -> Iterator[Row]:
    """Rows of one table of a dump that can be read in any order."""
    table = TABLES[name]
    rows = table.rows(TableBlocks(dump, table.types), dump.header.record)
    if table.address == _HINTED:
        rows = _addressed(dump, rows)
    return rows if table.address is None else _with_places(dump, rows, table)


def _added(table: DocumentTable) -> list[str]:
    """Columns that say what stands at an address."""
    if table.address is None:
        return []
    return [key for key in (table.address, *_PLACE) if key not in table.columns]


def _addressed(dump: Dump, rows: Iterable[Row]) -> Iterator[Row]:
    """Key Hints with the addresses that they mean; None: the dump does not have the bytes."""
    hinted = HintedAddresses(TableBlocks(dump, TABLES["hints"].types))
    for region in regions_of(TableBlocks(dump, ("memory_region",))) if hinted else ():
        hinted.take(region)
    for row in rows:
        region, offset = row["region_uuid"], row["region_offset"]
        # A payload may be too short for them.
        told = region is not None and offset is not None
        address = hinted.at(UUID(region), int(offset, 16)) if told else None
        row[_HINTED] = None if address is None else f"{address:#x}"
        yield row


def _with_places(dump: Dump, rows: Iterable[Row], table: DocumentTable) -> Iterator[Row]:
    names = PlaceNames(*(TableBlocks(dump, (kind,)) for kind in NAMING))
    added = [key for key in _added(table) if key != table.address]
    for row in rows:
        address = row[table.address or ""]
        where = None if address is None else int(address, 16)
        for key in added:
            find = names.module_of if key == "module" else names.mapping_of
            row[key] = None if where is None else find(where)
        yield row
