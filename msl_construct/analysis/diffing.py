"""What is different in two dumps of one process, or of two of one program."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..reader.dump import Dump
from ..reader.regions import Region
from .aligning import RegionPair, align
from .comparing import ComparedPages, MemoryChange, compare
from .diff_gaps import damaged_blocks, only_one_tells
from .diff_modules import module_differences
from .diff_tables import TABLES_COMPARED, table_difference
from .identity import Environment, differing, environment, process_facts

if TYPE_CHECKING:
    from ..records import ThreadContext

__all__ = ["DumpDifference", "diff"]

_ONE_BY_ONE = ("modules", "threads", "process")
"""Tables that are compared in a way of their own."""


@dataclass
class DumpDifference:
    """What is different.

    Attributes:
        alignment: ``address`` or ``module``, see `align`.
        regions: pairs by what happened: ``added``, ``removed``, ``resized``, ``reprotected``,
            ``retyped``; one pair may be in several.
        pages: counted.
        changes: of memory, by address; of very many the first.
        more_changes: how many more there are.
        modules: ``added``, ``removed``, ``moved``, ``replaced`` (another file under the same
            path), each a list of rows.
        threads: ``added``, ``removed``, ``moved`` (another program counter).
        system: for each of `TABLES_COMPARED` rows ``added``, ``removed`` and ``changed``.
        process: facts about which process this is; `environment`: its variables; of both
            ``added``, ``removed`` and ``changed``.
        not_compared: what else than pages could not be, a line each: of what one dump alone says
            anything, what is damaged, what is too long. None of it is in the rest.
    """

    alignment: str
    regions: dict[str, list[RegionPair]]
    pages: ComparedPages
    changes: list[MemoryChange]
    more_changes: int
    modules: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    threads: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    system: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)
    process: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    environment: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    not_compared: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether anything is."""
        pages = self.pages
        return bool(
            any(self.regions.values())
            or pages.changed
            or pages.only_a
            or pages.only_b
            or any(self.modules.values())
            or any(self.threads.values())
            or any(self.process.values())
            or any(self.environment.values())
            or any(rows for table in self.system.values() for rows in table.values())
        )


def diff(
    a: Dump, b: Dump, *, how: str = "auto", most_changes: int = 100_000, processes: int = 1
) -> DumpDifference:
    """Compare two dumps.

    Args:
        a, b: the earlier and the later.
        how: see `align`.
        most_changes: of memory that are kept.
        processes: see `compare`.
    """
    alignment = align(a, b, how)
    pages = ComparedPages()
    changes: list[MemoryChange] = []
    more = 0
    for change in compare(a, b, alignment, pages, processes):
        if len(changes) < most_changes:
            changes.append(change)
        else:
            more += 1
    tables = (*_ONE_BY_ONE, *TABLES_COMPARED)
    told = {name: why for name in tables if (why := only_one_tells(a, b, name)) is not None}
    not_compared = [*told.values(), *damaged_blocks((a, b), tables)]
    process, other = process_facts(a), process_facts(b)
    if "process" in told:
        process, other = (
            {key: one[key] for key in process if key in other} for one in (process, other)
        )
    return DumpDifference(
        alignment.how,
        _regions(alignment.pairs),
        pages,
        changes,
        more,
        module_differences(a, b, listed="modules" not in told),
        _threads(a, b) if "threads" not in told else {"added": [], "removed": [], "moved": []},
        {
            name: table_difference(a, b, name)
            if name not in told
            else {"added": [], "removed": [], "changed": []}
            for name in TABLES_COMPARED
        },
        differing(process, other),
        _environments(environment(a), environment(b), not_compared),
        not_compared,
    )


def _environments(
    one: Environment | None, other: Environment | None, told: list[str]
) -> dict[str, list[dict[str, Any]]]:
    """What differs in them; what could not be compared is told."""
    if (one is None) != (other is None):
        which = "first" if other is None else "second"
        told.append(f"environment: only the {which} dump has one")
    for which, found in (("first", one), ("second", other)):
        if found is not None and found.left:
            told.append(f"environment: {found.left} bytes at the end of that of the {which} dump")
    left, right = (None if found is None else found.variables for found in (one, other))
    return differing(left, right)


def _regions(pairs: list[RegionPair]) -> dict[str, list[RegionPair]]:
    found: dict[str, list[RegionPair]] = {
        key: [] for key in ("added", "removed", "resized", "reprotected", "retyped")
    }
    differ: tuple[tuple[str, Callable[[Region], object]], ...] = (
        ("resized", lambda one: one.region_size),
        ("reprotected", lambda one: int(one.protection)),
        ("retyped", lambda one: int(one.region_type)),
    )
    for pair in pairs:
        if pair.a is None or pair.b is None:
            found["added" if pair.a is None else "removed"].append(pair)
            continue
        for key, value in differ:
            if value(pair.a) != value(pair.b):
                found[key].append(pair)
    return found


def _both(
    a: dict[Any, ThreadContext], b: dict[Any, ThreadContext]
) -> Iterator[tuple[Any, ThreadContext | None, ThreadContext | None]]:
    for key in sorted({*a, *b}):
        yield key, a.get(key), b.get(key)


def _threads(a: Dump, b: Dump) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {key: [] for key in ("added", "removed", "moved")}
    before, after = (
        {one["thread_id"]: one for one in dump.threads if "thread_id" in one} for dump in (a, b)
    )
    for number, one, other in _both(before, after):
        if one is None or other is None:
            found["added" if one is None else "removed"].append({"thread_id": number})
            continue
        was, now = _counter(a, one), _counter(b, other)
        if was is not None and now is not None and was != now:
            found["moved"].append({"thread_id": number, "pc": f"{was:#x}", "other_pc": f"{now:#x}"})
    return found


def _counter(dump: Dump, thread: ThreadContext) -> int | None:
    for register in thread.get("registers", ()):
        if "pc" in register["flags"].names:
            little = dump.schema.byte_order.value == "little"
            return int.from_bytes(register["value"], "little" if little else "big")
    return None
