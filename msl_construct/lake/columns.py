"""The tables of a lake and the types of their columns: the same for every dump and draft."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ..document.tables import TABLES
from ..reader.regions import TRUNCATED

__all__ = ["LAKE_TABLES", "OPTIONAL_TABLES", "Column", "ColumnKind", "LakeTable"]


class ColumnKind(str, Enum):
    """What a column holds."""

    NUMBER = "uint64"
    REAL = "float64"
    TEXT = "string"
    TRUTH = "bool"
    TEXTS = "list<string>"


@dataclass(frozen=True)
class Column:
    """One column; a cell is empty where nobody knows."""

    name: str
    kind: ColumnKind


@dataclass(frozen=True)
class LakeTable:
    """One table.

    Attributes:
        source: the table of the document that its rows are made of; empty: it has its own.
    """

    name: str
    columns: tuple[Column, ...]
    source: str = ""


_NUMBERS = frozenset(
    {
        "index",
        "offset",
        "block",
        "block_length",
        "payload_version",
        "base_addr",
        "end_addr",
        "address",
        "region_size",
        "page_size",
        "pages",
        "missing_bytes",
        "fragments",
        "first_page",
        "count",
        "size",
        "module_size",
        "thread_id",
        "pc",
        "sp",
        "registers",
        "pid",
        "ppid",
        "uid",
        "rss",
        "start_time",
        "state_code",
        "local_port",
        "remote_port",
        "fd",
        "handle_code",
        "timestamp",
        "bytes",
        "blocks",
    }
)
"""Columns of numbers and addresses, whatever table they are in."""

_TEXTS = frozenset({"flags", "protection"})
_TRUTHS = frozenset({"is_target", "complete"})
_STATES = ("captured", "failed", "unmapped", "reserved", "not_resident", TRUNCATED)


def _kind(table: str, name: str) -> ColumnKind:
    if table == "connections" and name == "state":
        return ColumnKind.NUMBER
    if name in _NUMBERS or name.endswith("_pages"):
        return ColumnKind.NUMBER
    if name in _TEXTS:
        return ColumnKind.TEXTS
    if name in _TRUTHS:
        return ColumnKind.TRUTH
    return ColumnKind.REAL if name.endswith("_percent") else ColumnKind.TEXT


def _columns(table: str, names: tuple[str, ...]) -> tuple[Column, ...]:
    found = [Column("dump_uuid", ColumnKind.TEXT)]
    for name in names:
        every = [f"{state}_pages" for state in _STATES] if name == "*_pages" else [name]
        found += [Column(one, _kind(table, one)) for one in every]
    return tuple(found)


def _own(name: str, *columns: str) -> LakeTable:
    return LakeTable(name, _columns(name, columns))


def _of_document(name: str, source: str) -> LakeTable:
    return LakeTable(name, _columns(name, TABLES[source].columns), source)


LAKE_TABLES: dict[str, LakeTable] = {
    table.name: table
    for table in (
        _own(
            "dumps",
            "source",
            "bytes",
            "draft",
            "dialect",
            "os_type",
            "arch_type",
            "pid",
            "timestamp",
            "exe_path",
            "cmd_line",
            "blocks",
            "complete",
        ),
        _of_document("blocks", "index"),
        _of_document("regions", "regions"),
        _of_document("page_runs", "pages"),
        _of_document("modules", "modules"),
        _of_document("threads", "threads"),
        _of_document("mappings", "mappings"),
        _of_document("processes", "processes"),
        _of_document("connections", "connections"),
        _of_document("handles", "handles"),
        _own("findings", "rule", "level", "text", "offset", "block", "field", "explained_by"),
        _own("page_hashes", "address", "page_size", "blake3"),
        _own("errors", "source", "bytes", "error", "text"),
    )
}
"""Every table, by its name; `dumps` is written last, and says that a dump is done."""

OPTIONAL_TABLES = frozenset({"page_hashes", "findings"})
"""Those that take more than a look at headers and tables, and are made when they are asked for."""
