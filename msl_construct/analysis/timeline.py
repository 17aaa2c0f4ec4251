"""Several dumps as one line of time: what was there when, and which pages had what content."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from ..errors import MslError
from ..reader.dump import Dump
from .aligning import numbered
from .comparing import PAGE, MemoryChange
from .diff_gaps import tells_of
from .diff_tables import TABLES_COMPARED, rows_of

__all__ = ["UNKNOWN", "Timeline", "TimelineRow", "timeline"]

UNKNOWN = "unknown"
"""What a row has for a dump that says nothing of such things."""

_MOST_PAGES = 10_000
"""Pages that are followed; of more there is a number."""


@dataclass(frozen=True)
class TimelineRow:
    """Something that is not the same in all dumps.

    Attributes:
        what: what it is known by.
        values: for each dump what it was; None: it was not there, or of a page, not captured;
            `UNKNOWN`: the dump does not say.
    """

    what: str
    values: tuple[Any, ...]


@dataclass
class Timeline:
    """What changed over all dumps.

    Attributes:
        rows: by kind: ``regions`` (size, rights and type), ``modules`` (base address),
            ``threads`` (state), and the tables of `TABLES_COMPARED` (whether it is there).
        pages: for each page that changed, its contents numbered from 0 as they came up; one
            that has an old number again was changed back.
        more_pages: how many more changed at least.
    """

    rows: dict[str, list[TimelineRow]]
    pages: list[TimelineRow]
    more_pages: int


def timeline(
    dumps: Sequence[Dump],
    changes: Iterable[MemoryChange],
    more_changes: int = 0,
    *,
    by_address: bool = True,
) -> Timeline:
    """Follow what is in several dumps of one process.

    Args:
        dumps: in their order.
        changes: of memory from each to the next, see `compare`.
        more_changes: how many there were beside these.
        by_address: whether an address means the same in all of them; else there are no rows of
            regions.
    """
    kinds: dict[str, Callable[[Dump], dict[str, Any]]] = {
        "regions": _regions,
        "modules": _modules,
        "threads": _threads,
    }
    if not by_address:
        del kinds["regions"]
    found = Timeline({"regions": []}, [], more_changes)
    for kind, read in kinds.items():
        found.rows[kind] = _rows([read(dump) for dump in dumps], _told(dumps, kind))
    for table in TABLES_COMPARED:
        each = [_table(dump, table) for dump in dumps]
        found.rows[table] = _rows(each, _told(dumps, table))
    pages: dict[int, None] = {}
    for change in changes:
        first = change.address // PAGE * PAGE
        for page in range(first, change.address + change.size, PAGE):
            if page in pages:
                continue
            if len(pages) < _MOST_PAGES:
                pages[page] = None
            else:
                found.more_pages += 1
    for page in sorted(pages):
        found.pages.append(TimelineRow(f"{page:#x}", _contents(dumps, page)))
    return found


def _told(dumps: Sequence[Dump], kind: str) -> list[bool]:
    """Of which dumps it is known what there was; regions that are not there are just that."""
    return [kind == "regions" or tells_of(dump, kind) for dump in dumps]


def _rows(each: list[dict[str, Any]], told: list[bool]) -> list[TimelineRow]:
    """Of all that is in any of them what is not the same in all of which that is known."""
    found = []
    for what in dict.fromkeys(key for one in each for key in one):
        known = [one.get(what) for one, tells in zip(each, told) if tells]
        if any(value != known[0] for value in known):
            values = (one.get(what) if tells else UNKNOWN for one, tells in zip(each, told))
            found.append(TimelineRow(what, tuple(values)))
    return found


def _regions(dump: Dump) -> dict[str, Any]:
    regions = sorted(dump.regions, key=lambda one: one.base_addr)
    rows = numbered((f"{one.base_addr:#x}", one) for one in regions)
    return {
        _with_number(key): {
            "region_size": one.region_size,
            "protection": list(one.protection.names),
            "region_type": one.region_type.name,
            "name": dump.memory.name_of(one.base_addr),
        }
        for key, one in rows.items()
    }


def _modules(dump: Dump) -> dict[str, Any]:
    rows = numbered(
        (one["path"], f"{one['base_addr']:#x}")
        for one in dump.modules
        if one.get("path") and "base_addr" in one
    )
    return {_with_number(key): base for key, base in rows.items()}


def _with_number(key: tuple[str, int]) -> str:
    """What a row is known by; of those behind the first of its kind, with its number."""
    return key[0] if not key[1] else f"{key[0]}  (number {key[1] + 1})"


def _threads(dump: Dump) -> dict[str, Any]:
    return {str(one["thread_id"]): True for one in dump.threads if "thread_id" in one}


def _table(dump: Dump, name: str) -> dict[str, Any]:
    """Rows in words; what they are known by is in the words."""
    return {
        "  ".join(f"{key} {value}" for key, value in row.items() if value not in (None, "", []))
        + (f"  (number {key.rsplit(' ', 1)[1]})" if not key.endswith(" 1") else ""): True
        for key, row in rows_of(dump, name)
    }


def _contents(dumps: Sequence[Dump], page: int) -> tuple[int | None, ...]:
    seen: dict[bytes, int] = {}
    found: list[int | None] = []
    for dump in dumps:
        try:
            memory = dump.memory.read(page, PAGE)
        except MslError:
            found.append(None)
            continue
        # A page of which a part is not known is another one than any that is.
        if not memory.data:
            found.append(None)
            continue
        states = repr([run[1:] for run in memory.runs]).encode()
        digest = blake2b(states + bytes(memory.data), digest_size=16).digest()
        found.append(seen.setdefault(digest, len(seen)))
    return tuple(found)
