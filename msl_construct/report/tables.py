"""The tables of a dump that its page shows: rows as `msl inspect --show` has them."""

from __future__ import annotations

from typing import Any

from ..document.table_blocks import TableBlocks
from ..document.tables import TABLES, table_columns, table_rows
from ..reader.dump import Dump
from .model import TableRows
from .redaction import Redaction

__all__ = ["SHOWN", "shown_tables"]

SHOWN = tuple(name for name in TABLES if name not in ("index", "regions", "pages", "mappings"))
"""All but those of memory, which the page shows otherwise, and that of all blocks."""
_MOST_ROWS = 20_000
_LONG = 1 << 14
"""Characters of a cell."""


def shown_tables(dump: Dump, redaction: Redaction) -> list[TableRows]:
    """Every table that has rows."""
    found = []
    for name in SHOWN:
        if next(iter(TableBlocks(dump, TABLES[name].types)), None) is None:
            continue  # what an address is called takes long to find out
        columns = tuple(table_columns(name, dump.schema))
        table = TableRows(name, columns)
        for row in table_rows(dump, name):
            if len(table.rows) >= _MOST_ROWS:
                table.left_out += 1
                continue
            table.rows.append(
                tuple(_bounded(redaction.cell(name, column, row)) for column in columns)
            )
        if table.rows:
            found.append(table)
    return found


def _bounded(value: Any) -> Any:
    if isinstance(value, dict) and "text" in value:
        value = f"{value['text']} (stored: {value.get('raw')})"
    if isinstance(value, str) and len(value) > _LONG:
        return f"{value[:_LONG]}… ({len(value)} characters)"
    return value
