"""Handle Table (§6)."""

from __future__ import annotations

from .. import wire_tables
from ..cursor import Cursor, Document, entries
from .facts import BlockFacts


def _handle(c: Cursor, d: Document) -> None:
    d["pid"] = c.u32("pid")
    d["fd"] = c.u32("fd")
    # The producers name different codes, so this is a number.
    d["handle_type"] = c.u16("handle_type")
    d["path_len"] = path_len = c.u16("path_len")
    d["reserved"] = c.take(4, "reserved").hex()
    d["path"] = c.text(path_len, "path")


def _read(c: Cursor, d: Document) -> None:
    d["entry_count"] = count = c.u32("entry_count")
    d["reserved"] = c.take(4, "reserved").hex()
    entries(c, d, "entries", count, _handle)


def _typical(order: str) -> bytes:
    rows = (wire_tables.handle_row(order), wire_tables.handle_row(order, fd=4, path=None))
    return wire_tables.table(order, list(rows))


FACTS = BlockFacts(
    0x0053,
    "Handle Table",
    [
        ("EntryCount", 4), ("Reserved", 4),
        ("Entries", [
            ("PID", 4), ("FD", 4), ("HandleType", 2), ("PathLen", 2), ("Reserved", 4),
            ("Path", None),
        ]),
    ],
    _read,
    _typical,
)  # fmt: skip
