"""Several dumps as one line of time: what was there when, and which pages had what content."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from ..errors import MslError
from ..reader.dump import Dump
from .comparing import PAGE, MemoryChange
from .diff_tables import TABLES_COMPARED, rows_of

__all__ = ["Timeline", "TimelineRow", "timeline"]

_MOST_PAGES = 10_000
"""Pages that are followed; of more there is a number."""


@dataclass(frozen=True)
class TimelineRow:
    """Something that is not the same in all dumps.

    Attributes:
        what: what it is known by.
        values: for each dump what it was; None: it was not there, or not captured.
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
        more_pages: how many more changed.
    """

    rows: dict[str, list[TimelineRow]]
    pages: list[TimelineRow]
    more_pages: int


def timeline(dumps: Sequence[Dump], changes: Iterable[MemoryChange]) -> Timeline:
    """Follow what is in several dumps of one process, by address.

    Args:
        dumps: in their order.
        changes: of memory from each to the next, see `compare`.
    """
    kinds: dict[str, Callable[[Dump], dict[str, Any]]] = {
        "regions": _regions,
        "modules": _modules,
        "threads": _threads,
    }
    found = Timeline({}, [], 0)
    for kind, read in kinds.items():
        found.rows[kind] = _rows([read(dump) for dump in dumps])
    for table in TABLES_COMPARED:
        found.rows[table] = _rows([_table(dump, table) for dump in dumps])
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


def _rows(each: list[dict[str, Any]]) -> list[TimelineRow]:
    """Of all that is in any of them what is not the same in all."""
    found = []
    for what in dict.fromkeys(key for one in each for key in one):
        values = tuple(one.get(what) for one in each)
        if any(value != values[0] for value in values):
            found.append(TimelineRow(what, values))
    return found


def _regions(dump: Dump) -> dict[str, Any]:
    return {
        f"{one.base_addr:#x}": {
            "region_size": one.region_size,
            "protection": list(one.protection.names),
            "region_type": one.region_type.name,
            "name": dump.memory.name_of(one.base_addr),
        }
        for one in reversed(dump.regions)
    }


def _modules(dump: Dump) -> dict[str, Any]:
    return {
        one["path"]: f"{one['base_addr']:#x}"
        for one in dump.modules
        if one.get("path") and "base_addr" in one
    }


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
