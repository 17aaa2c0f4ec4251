"""What stands in front of the tree: how whole the dump is, what it has, what it lacks and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..document.state_words import STATE_WORDS
from ..document.tables import TABLES
from .text import Style, binary_size, many
from .tree_blocks import TreeBlocks
from .tree_memory import MemoryFacts

if TYPE_CHECKING:
    from ..reader.dump import Dump

__all__ = ["summary", "verdict"]

_COUNTED = (
    ("module_entry", "module"),
    ("thread_context", "thread"),
    ("key_hint", "key hint"),
    ("related_dump", "related dump"),
)


def verdict(dump: Dump, seen: TreeBlocks, style: Style) -> str:
    """One line that says how much of a dump this is."""
    if dump.locked:
        return style.paint("encrypted: only the header can be read", fg="yellow")
    parts = [many(seen.count, "block")]
    if seen.damaged:
        parts.append(f"{many(len(seen.damaged), 'payload')} not fitting the layout")
    if seen.unread:
        parts.append(f"{many(len(seen.unread), 'payload')} that could not be looked at")
    if seen.undecoded:
        parts.append(f"{many(seen.undecoded, 'payload')} not decoded")
    if seen.lacking:
        parts.append(f"{many(seen.lacking, 'region')} without all the bytes promised")
    fits = not seen.damaged and not seen.lacking
    if dump.complete and fits and not seen.unread:
        mark, color = ("✔" if style.unicode else "ok"), "green"
        head = "complete"
    elif dump.complete and fits:
        mark, color = ("✘" if style.unicode else "!!"), "yellow"
        head = "complete, but not all of it could be looked at"
    else:
        mark, color = ("✘" if style.unicode else "!!"), "red"
        head = "complete, but damaged" if dump.complete else "incomplete"
    if not dump.complete:
        if not seen.of("end_of_capture"):
            parts.append("no End-of-Capture: the acquirer did not finish")
        if dump.trailing is not None:
            parts.append(f"{many(dump.trailing.length, 'byte')} at the end are not blocks")
    return (
        style.paint(f"{mark} {head}", fg=color, bold=True)
        + f": {'; '.join(parts)} (hashes and page data not checked: msl verify)"
    )


def summary(dump: Dump, seen: TreeBlocks, facts: MemoryFacts, style: Style) -> Iterator[str]:
    """What it has, what it lacks, what to look at: a line each, as far as there is any."""
    if dump.locked:
        return
    held = []
    if facts.regions:
        captured = binary_size(facts.sizes.get("captured", 0))
        held.append(f"{captured} of {binary_size(facts.total)} in {many(facts.regions, 'region')}")
    for key, thing in _COUNTED:
        count = len(seen.of(key))
        if count:
            held.append(many(count, thing))
    held += [name for name in ("processes", "connections", "handles") if seen.of(*_types(name))]
    if held:
        yield f"has       {', '.join(held)}"
    lacking = [
        f"{binary_size(size)} {state}"
        + (f" ({STATE_WORDS[state].meaning})" if state in STATE_WORDS else "")
        for state, size in facts.sizes.items()
        if size and state != "captured"
    ]
    lacking += _left_out(dump, seen)
    if lacking:
        yield f"lacks     {', '.join(lacking)}"
    look = []
    if facts.written_code:
        look.append(f"{many(facts.written_code, 'region')} written and executed (W+X)")
    if facts.no_file:
        look.append(f"{many(facts.no_file, 'region')} with code without a file")
    if look:
        yield style.paint(f"look at   {', '.join(look)}", fg="red", bold=True)


def _types(name: str) -> tuple[str, ...]:
    return (TABLES[name].types[0],)


def _left_out(dump: Dump, seen: TreeBlocks) -> list[str]:
    """What the acquirer was told to leave out, by its reason."""
    sizes: dict[str, int] = {}
    table = TABLES["omissions"]
    for row in table.rows(seen.of(*table.types), dump.header.record):
        if row["region_size"]:
            reason = str(row["reason"])
            sizes[reason] = sizes.get(reason, 0) + row["region_size"]
    return [f"{binary_size(size)} left out ({reason})" for reason, size in sizes.items()]
