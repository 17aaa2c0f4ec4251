"""What of a dump's memory could not be looked at."""

from __future__ import annotations

from collections.abc import Iterator

from .dump import Dump

__all__ = ["unread"]


def unread(dump: Dump) -> Iterator[str]:
    """Why memory may be missing from what was read, one line each; nothing: none is.

    Pages that were not captured are none of it: the dump says so of each.
    """
    known = {one.block.index: one for region in dump.regions for one in region.fragments}
    for index in dump.capture_blocks.indexes_of_type("memory_region"):
        found = known.get(index)
        # Decoding it once more might be too much at a time.
        block = dump.block(index) if found is None else found.block
        if found is None or block.problem:
            place = f"{block.describe()}: "
            reason = (block.problem or "its place is not known").removeprefix(place)
            yield f"{place}its pages are not known: {reason}"
    for start, end, hidden in dump.memory.hidden():
        yield (
            f"regions overlap in {start:#x}..{end:#x}: of {hidden} captured bytes others are read, "
            "those of the region that stands first in the file"
        )
    if not dump.complete:
        if dump.ending.clean:
            yield "no End-of-Capture: the acquirer did not finish (§4.5)"
        else:
            yield dump.ending.text
