"""Handle Table (§6)."""

from __future__ import annotations

from .. import wire_tables
from .facts import BlockFacts


def _typical(order: str) -> bytes:
    rows = (wire_tables.handle_row(order), wire_tables.handle_row(order, fd=4, path=None))
    return wire_tables.table(order, list(rows))


FACTS = BlockFacts(
    0x0053,
    "Handle Table",
    [
        ("EntryCount", 4), ("Reserved", 4),
        ("Entries", [  # the producers name different codes, so HandleType is a number
            ("PID", 4), ("FD", 4), ("HandleType", 2), ("PathLen", 2), ("Reserved", 4),
            ("Path", None),
        ]),
    ],
    _typical,
)  # fmt: skip
