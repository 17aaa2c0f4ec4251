"""The rows of a lake's tables, made of an open dump as they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..document.tables import table_rows
from ..hashing import new_hasher
from ..reader.dump import Dump
from ..rules.engine import check
from .columns import Column, ColumnKind, LakeTable

__all__ = ["rows_of"]

Row = dict[str, Any]


def rows_of(dump: Dump, table: LakeTable, source: str) -> Iterator[Row]:
    """Rows of a table, with a typed value, or None, in every column.

    Args:
        source: what the file is called.
    """
    uuid = str(dump.header.record["dump_uuid"])
    made: Iterable[Mapping[str, Any]]
    made = table_rows(dump, table.source) if table.source else _OWN[table.name](dump, source)
    for row in made:
        yield {
            column.name: uuid if column.name == "dump_uuid" else _typed(column, row)
            for column in table.columns
        }


def _typed(column: Column, row: Mapping[str, Any]) -> Any:
    """A value of the document as one of the column's type."""
    value = row.get(column.name)
    if value is None:
        return None
    if column.kind is ColumnKind.NUMBER:
        number = int(value, 0) if isinstance(value, str) else int(value)
        return number if 0 <= number < 1 << 64 else None
    if column.kind is ColumnKind.REAL:
        return float(value)
    if column.kind is ColumnKind.TRUTH:
        return bool(value)
    if column.kind is ColumnKind.TEXTS:
        return [_text(one) for one in value]
    return _text(value)


def _text(value: Any) -> str:
    """A plain text: names of the schema are texts of a class of their own."""
    if isinstance(value, Mapping):
        value = value.get("text", "")
    return "".join(str(value)).encode("utf-8", "backslashreplace").decode()


def _dumps(dump: Dump, source: str) -> Iterator[Row]:
    header = dump.header.record
    identity = next(dump.capture_blocks.of_type("process_identity"), None)
    who = {} if identity is None else identity.payload
    yield {
        "source": source,
        "bytes": dump.size,
        "draft": dump.draft,
        "dialect": dump.recognition.name,
        "os_type": header["os_type"].name,
        "arch_type": header["arch_type"].name,
        "pid": header["pid"],
        "timestamp": header["timestamp"],
        "exe_path": who.get("exe_path"),
        "cmd_line": who.get("cmd_line"),
        "blocks": len(dump.blocks),
        "complete": dump.complete,
    }


def _findings(dump: Dump, source: str) -> Iterator[Row]:
    for one in check(dump):
        yield {
            "rule": one.rule.id,
            "level": one.rule.level.value,
            "text": one.found.text,
            "offset": one.found.offset,
            "block": one.found.block,
            "field": one.found.field,
            "explained_by": None if one.explained_by is None else one.explained_by.name,
        }


def _page_hashes(dump: Dump, source: str) -> Iterator[Row]:
    """The hash of every captured page: equal pages of all dumps can be counted."""
    for region in dump.regions:
        size = region.page_size
        for first, count, state in region.runs():
            if state != "captured":
                continue
            for page in range(first, first + count):
                address = region.base_addr + page * size
                hasher = new_hasher("blake3")
                hasher.update(dump.memory.read(address, size).data)
                yield {"address": address, "page_size": size, "blake3": hasher.digest().hex()}


_OWN: Mapping[str, Callable[[Dump, str], Iterator[Row]]] = {
    "dumps": _dumps,
    "findings": _findings,
    "page_hashes": _page_hashes,
}
