"""What of a dump's memory could not be looked at."""

from __future__ import annotations

from collections.abc import Iterator

from ..reader.dump import Dump
from ..reader.regions import fragment_of

__all__ = ["unread"]


def unread(dump: Dump) -> Iterator[str]:
    """Why memory may be missing from what was read, one line each; nothing: none is.

    Pages that were not captured are none of it: the dump says so of each.
    """
    for block in dump.capture_blocks.of_type("memory_region"):
        if fragment_of(block) is None or block.problem:
            reason = block.problem or "its place is not known"
            yield f"{block.describe()}: its pages are not known: {reason}"
    if not dump.complete:
        if dump.ending.clean:
            yield "no End-of-Capture: the acquirer did not finish (§4.5)"
        else:
            yield dump.ending.text
