"""The branches of the tree about the machine: few rows of each table, the target's own first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from ..document.table import Row
from ..document.tables import TABLES
from .text import AlignedRows, Style, binary_size, many, printable
from .tree_blocks import TreeBlocks

__all__ = ["Branch", "investigated"]

Branch = tuple[str, Iterable[str]]
"""A line of the tree and the lines below it."""

_ROWS = 8
"""Rows of a table that the tree shows; ``--show`` has all."""

Cells = Callable[[Row], tuple[str, ...]]


def investigated(header: Mapping[str, Any], seen: TreeBlocks, style: Style) -> Iterator[Branch]:
    """What is known of the machine: a branch for each table that is there."""

    def rows(name: str) -> Iterator[Row]:
        table = TABLES[name]
        return table.rows(seen.of(*table.types), header)

    for row in rows("system"):
        yield _system(row)
    for name, label, thing, cells in _BRANCHES:
        if not seen.of(*TABLES[name].told_by):
            continue
        yield _branch(name, label, thing, cells, rows, style)


def _branch(
    name: str,
    label: str,
    thing: str,
    cells: Cells,
    rows: Callable[[str], Iterator[Row]],
    style: Style,
) -> Branch:
    """A table as a branch: the rows about the target where rows are about processes, else the
    first few."""
    total = own = 0
    for row in rows(name):
        total += 1
        own += bool(row.get("is_target"))
    about = "is_target" in TABLES[name].columns and name != "connectivity"

    def few() -> Iterator[tuple[str, ...]]:
        found = (row for row in rows(name) if not about or row["is_target"])
        return map(cells, islice(found, _ROWS))

    said = f", {own} of the target" if about else ""
    shown = min(own if about else total, _ROWS)
    more = f" (--show {name})" if shown < total else ""
    return f"{label:9} {_many(total, thing)}{said}{more}", AlignedRows(few, style)


def _many(count: int, thing: str) -> str:
    if thing.endswith("s"):
        return f"{count} {thing}es" if count != 1 else f"1 {thing}"
    return many(count, thing)


def _system(row: Row) -> Branch:
    lines = [
        f"{label:9} {_text(row[key])}"
        for label, key in (
            ("case", "case_ref"),
            ("examiner", "acq_user"),
            ("domain", "domain"),
            ("os", "os_detail"),
            ("version", "os_version"),
            ("booted", "boot_time_utc"),
        )
        if row[key] is not None
    ]
    return f"system    {_text(row['hostname']) if row['hostname'] else 'unknown'}", lines


def _text(value: Any) -> str:
    """A value of the document; the text alone where the stored bytes stand beside it."""
    return printable(
        str(value["text"] if isinstance(value, Mapping) and "text" in value else value)
    )


def _process(row: Row) -> tuple[str, ...]:
    return (
        f"pid {row['pid']}",
        f"of {row['ppid']}",
        printable(row["user"]) if row["user"] else f"uid {row['uid']}",
        _second(row["start_time_utc"])
        or (f"{row['start_time']} ticks" if row["start_time_unit"] else "-"),
        binary_size(row["rss"]),
        printable(row["cmd"] or row["exe"]),
    )


def _second(time: str | None) -> str:
    """A time without its fraction, which the table has."""
    return "" if time is None else f"{time.partition('.')[0].rstrip('Z')}Z"


def _connection(row: Row) -> tuple[str, ...]:
    return (
        row["protocol"],
        row["local"] or "-",
        row["remote"] or "-",
        row["state_name"] or str(row["state"] or ""),
        f"pid {row['pid']}",
    )


def _handle(row: Row) -> tuple[str, ...]:
    return (f"fd {row['fd']}", row["handle_type"], printable(row["path"]))


def _connectivity(row: Row) -> tuple[str, ...]:
    where = row["iface"] or row["mib"] or row["family"] or ""
    via = f"via {row['via']}" if row["via"] else row["hardware"] or ""
    return (row["row_type"], printable(where), row["address"] or "", via)


def _fact(row: Row) -> tuple[str, ...]:
    return (row["fact"], _text(row["value"] if row["text"] is None else row["text"]))


def _kernel_module(row: Row) -> tuple[str, ...]:
    return (
        printable(row["name"]),
        binary_size(row["module_size"]),
        row["state_name"] or str(row["state"]),
        row["base_addr"],
        "" if row["flags"] == 0 else f"in {row['seen_in'] or row['flags']}",
    )


def _persistence(row: Row) -> tuple[str, ...]:
    return (
        row["found_in"],
        row["mode_text"],
        binary_size(row["file_size"]),
        row["modified_utc"] or "-",
        printable(row["path"]),
    )


def _physical(row: Row) -> tuple[str, ...]:
    return (row["start"], row["end_addr"], printable(row["label"]))


def _build_id(row: Row) -> tuple[str, ...]:
    return (
        row["base_addr"],
        row["build_id"] or "-",
        f"from {row['build_id_source']}" if row["build_id"] else "",
        ", ".join(row["flags"]),
    )


def _omission(row: Row) -> tuple[str, ...]:
    if row["base_addr"] is None:
        return (f"none, scope {printable(row['scope'])}",)
    return (
        row["base_addr"],
        binary_size(row["region_size"]),
        row["region_type"],
        row["reason"],
        printable(row["name"]),
    )


_BRANCHES: tuple[tuple[str, str, str, Cells], ...] = (
    ("processes", "processes", "process", _process),
    ("connections", "network", "connection", _connection),
    ("handles", "handles", "handle", _handle),
    ("connectivity", "routing", "row", _connectivity),
    ("kernel", "kernel", "fact", _fact),
    ("kernel_modules", "drivers", "kernel module", _kernel_module),
    ("persistence", "autostart", "file", _persistence),
    ("introspection", "target", "fact", _fact),
    ("physical", "physical", "range", _physical),
    ("build_ids", "builds", "module", _build_id),
    ("omissions", "omitted", "region", _omission),
)
