"""What of two dumps could not be compared: of what only one of them tells, and what is damaged."""

from __future__ import annotations

from collections.abc import Iterator

from ..document.table_blocks import TableBlocks
from ..document.tables import TABLES
from ..reader.block import RAW
from ..reader.dump import Dump

__all__ = ["damaged_blocks", "only_one_tells", "tells_of"]

_WHICH = ("first", "second")


def tells_of(dump: Dump, table: str) -> bool:
    """Whether a dump says anything of what a table lists, if only that there is none."""
    return any(True for _ in TableBlocks(dump, TABLES[table].told_by))


def only_one_tells(a: Dump, b: Dump, table: str) -> str | None:
    """Why a table can't be compared; None: it can, or there is nothing to compare."""
    told = tells_of(a, table), tells_of(b, table)
    if told[0] == told[1]:
        return None
    which, other = _WHICH if told[0] else _WHICH[::-1]
    return f"{table}: only the {which} dump says anything of them, the {other} does not"


def damaged_blocks(dumps: tuple[Dump, Dump], tables: tuple[str, ...]) -> Iterator[str]:
    """What can't be decoded of the blocks that tables are made of, a line for each block."""
    kinds = tuple(dict.fromkeys(kind for name in tables for kind in TABLES[name].told_by))
    for dump, which in zip(dumps, _WHICH):
        for block in TableBlocks(dump, (*kinds, "environment_block")):
            if block.problem or (RAW in block.payload and block.key != "environment_block"):
                why = block.problem or f"{block.describe()}: its payload has no layout here"
                yield f"of the {which} dump: {why}"
