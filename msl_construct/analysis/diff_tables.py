"""Rows of tables in two dumps: which came, went, and became others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..document.tables import TABLES, table_rows
from ..reader.dump import Dump

__all__ = ["TABLES_COMPARED", "rows_of", "table_difference"]

Row = dict[str, Any]

TABLES_COMPARED: dict[str, tuple[str, ...]] = {
    "connections": ("pid", "protocol", "local", "remote"),
    "handles": ("pid", "fd"),
    "processes": ("pid", "start_time"),
    "kernel_modules": ("name",),
    "persistence": ("found_in", "path"),
}
"""Tables of which rows are compared, and the columns that say which row is which."""

_PASSING = ("block", "offset", "rss", "ref_count")
"""Columns that say where a row stands, or that differ from moment to moment."""


def rows_of(dump: Dump, name: str) -> Iterator[tuple[str, Row]]:
    """Rows of a table, each with what it is known by: among equals, by their order."""
    if name not in TABLES:
        return
    keys, seen = TABLES_COMPARED[name], dict[str, int]()
    for row in table_rows(dump, name):
        left = {key: value for key, value in row.items() if key not in _PASSING}
        known = json.dumps([left.get(key) for key in keys])
        seen[known] = seen.get(known, 0) + 1
        yield f"{known} {seen[known]}", left


def table_difference(a: Dump, b: Dump, name: str) -> dict[str, list[Row]]:
    """Rows added, removed, and changed, the last with the columns that differ as ``other_…``."""
    before, after = dict(rows_of(a, name)), dict(rows_of(b, name))
    found: dict[str, list[Row]] = {
        "added": [row for key, row in after.items() if key not in before],
        "removed": [row for key, row in before.items() if key not in after],
        "changed": [],
    }
    for key, row in before.items():
        other = after.get(key)
        if other is not None and other != row:
            differ = {f"other_{name}": other[name] for name in row if other.get(name) != row[name]}
            found["changed"].append({**row, **differ})
    return found
