"""How much of the process's memory is not in a file, where, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..words import binary_size, many
from .model import DumpReport, MemoryColumns

__all__ = ["CAPTURED", "NotCaptured", "not_captured"]

CAPTURED = "captured"
_STATES_IN_WORDS = {
    "not_resident": "never touched by the process: nothing was there",
    "unmapped": "nothing was mapped there",
    "absent": "the file says nothing of it",
    "reserved": "a state that the specification does not define",
    "truncated": "should be in the file, and its bytes are missing",
    "failed": "could not be read",
    "damaged": "what became of it is not known: the file is damaged there",
}
_NOTHING_THERE = ("not_resident", "unmapped")
"""Where the process had no bytes that could have been captured."""
_PLACES = 4


@dataclass(frozen=True)
class NotCaptured:
    """Memory that is not in the file, for one reason.

    Attributes:
        size: bytes.
        why: the reason in words.
        lacking: whether the process had something there, or may have had.
        places: where most of it is.
    """

    size: int
    why: str
    lacking: bool
    places: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{binary_size(self.size)} ({self.why})"


def not_captured(found: DumpReport) -> list[NotCaptured]:
    """All of it, what is lacking first; empty: the file has all of the process's memory."""
    return sorted(_not_captured(found.memory), key=lambda one: (not one.lacking, -one.size))


def _not_captured(memory: MemoryColumns) -> Iterator[NotCaptured]:
    for state in memory.states:
        size = memory.totals.get(state, 0)
        if size and state != CAPTURED:
            why = _STATES_IN_WORDS.get(state, state.replace("_", " "))
            lacking = state not in _NOTHING_THERE
            yield NotCaptured(size, why, lacking, _places(memory, state) if lacking else ())
    if memory.omitted:
        why = f"left out on purpose, {many(memory.omissions, 'region')}"
        yield NotCaptured(memory.omitted, why, True)
    if memory.unlisted:
        why = "in the list of mappings, and in no region of the file"
        yield NotCaptured(memory.unlisted, why, True)


def _places(memory: MemoryColumns, state: str) -> tuple[str, ...]:
    """What has most pages of a state, by name, or by address where it has none."""
    sizes: dict[str, int] = {}
    for place, count in enumerate(memory.counts[state]):
        if count:
            name = memory.texts[memory.names[place]] or f"{memory.bases[place]:#x}"
            sizes[name] = sizes.get(name, 0) + count * memory.page_sizes[place]
    largest = sorted(sizes, key=lambda name: -sizes[name])
    shown = [f"{binary_size(sizes[name])} in {name}" for name in largest[:_PLACES]]
    more = len(largest) - _PLACES
    return (*shown, f"the rest in {more} more") if more > 0 else tuple(shown)
