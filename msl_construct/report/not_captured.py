"""How much of the process's memory is not in a file, where, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..document.state_words import state_in_words
from ..words import binary_size, many
from .model import DumpReport, MemoryColumns

__all__ = ["CAPTURED", "NotCaptured", "not_captured", "not_counted"]

CAPTURED = "captured"
_NOTHING_THERE = ("not_resident",)
"""Where the process had no bytes that could have been captured. What was unmapped had some when it
was listed: of a process that ended meanwhile all the rest is."""
_PLACES = 4
_UNREAD = "failed"
_KERNELS_PAGES = {
    _UNREAD: "could not be read: pages of the kernel's own, which every process of Linux has",
    # memslicer writes Unmapped of whatever it can't read.
    "unmapped": "said to be gone before it was read: pages of the kernel's own, which every "
    "process of Linux has, and nobody reads from outside",
}
_WHY_OPEN = "why they could not be read is not recorded in the dump"
_REPORT_SAYS = "; the report of its acquisition says it, and was not given"
_KERNELS = ("[vvar]", "[vvar_vclock]", "[vsyscall]")
"""What Linux maps into processes, and lets nobody read from outside."""


@dataclass(frozen=True)
class NotCaptured:
    """Memory that is not in the file, for one reason.

    Attributes:
        size: bytes.
        why: the reason in words.
        lacking: whether the process had something there, or may have had.
        places: where most of it is.
        open: what of it nobody knows.
    """

    size: int
    why: str
    lacking: bool
    places: tuple[str, ...] = ()
    open: str = ""

    def __str__(self) -> str:
        return f"{binary_size(self.size)} ({self.why})"


def not_captured(found: DumpReport) -> list[NotCaptured]:
    """All of it, what is lacking first; empty: the file has all of the process's memory."""
    why_open = _WHY_OPEN + ("" if found.acquisition else _REPORT_SAYS)
    parts = _not_captured(found.memory, _causes(found), why_open)
    return sorted(parts, key=lambda one: (not one.lacking, -one.size))


def not_counted(missing: list[NotCaptured]) -> str:
    """What no share counts, since nothing was there to be captured; empty: it counts all."""
    nothing = [one for one in missing if not one.lacking]
    return f"Not counted: {', '.join(map(str, nothing))}." if nothing else ""


def _causes(found: DumpReport) -> dict[str, str]:
    """Why pages could not be read, by the name of the place, as the acquisition's report has it."""
    memory, causes = found.memory, {}
    if found.acquisition is not None and found.acquisition.why:
        for place, base in enumerate(memory.bases):
            if base in found.acquisition.why:
                causes[_name(memory, place)] = found.acquisition.why[base]
    return causes


def _not_captured(
    memory: MemoryColumns, causes: dict[str, str], why_open: str
) -> Iterator[NotCaptured]:
    for state in memory.states:
        size = memory.totals.get(state, 0)
        if size and state != CAPTURED:
            lacking = state not in _NOTHING_THERE
            sizes = _sizes(memory, state) if lacking else {}
            kernels_words = _KERNELS_PAGES.get(state, "")
            kernels = sum(sizes.pop(name, 0) for name in _KERNELS) if kernels_words else 0
            if size > kernels:
                open_ = why_open if state == _UNREAD and not causes else ""
                why, places = state_in_words(state).meaning, _places(sizes, causes)
                yield NotCaptured(size - kernels, why, lacking, places, open_)
            if kernels:
                yield NotCaptured(kernels, kernels_words, lacking)
    if memory.omitted:
        why = f"left out on purpose, {many(memory.omissions, 'region')}"
        yield NotCaptured(memory.omitted, why, True)
    if memory.unlisted:
        why = "in the list of mappings, and in no region of the file"
        yield NotCaptured(memory.unlisted, why, True)


def _name(memory: MemoryColumns, place: int) -> str:
    """What a region is called; its address where it has no name."""
    return memory.texts[memory.names[place]] or f"{memory.bases[place]:#x}"


def _sizes(memory: MemoryColumns, state: str) -> dict[str, int]:
    """Bytes of a state by the name of the place."""
    sizes: dict[str, int] = {}
    for place, count in enumerate(memory.counts[state]):
        if count:
            name = _name(memory, place)
            sizes[name] = sizes.get(name, 0) + count * memory.page_sizes[place]
    return sizes


def _places(sizes: dict[str, int], causes: dict[str, str]) -> tuple[str, ...]:
    """What has most of it, by name, and why that is not there."""
    largest = sorted(sizes, key=lambda name: -sizes[name])
    shown = [
        f"{binary_size(sizes[name])} in {name}{f': {causes[name]}' if name in causes else ''}"
        for name in largest[:_PLACES]
    ]
    more = len(largest) - _PLACES
    return (*shown, f"the rest in {more} more") if more > 0 else tuple(shown)
