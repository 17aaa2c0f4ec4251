"""The first block of a file that a decoder does not show, and what is special about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .levels import blocks_of

__all__ = ["Unread", "first_unread"]

_HEADER_SIZE = 64
_END = "end_of_capture"

_HINTS = {
    "first block": "The first block is not found: it stands at HeaderSize (§3).",
    "header size": "HeaderSize is ignored: the first block stands at HeaderSize (§3), which is "
    "more than 64 here.",
    "continuation": "Continuation is ignored: fragments of a region (§5.1) are blocks of their "
    "own, each with its own BaseAddr.",
    "unknown type": "Reading ends at block types that are unknown: they are passed over by "
    "BlockLength (§4.3), and shown with their payload as raw bytes.",
    "payload version": "Reading ends at payload versions that are unknown: such blocks are passed "
    "over by BlockLength (§4.1), and shown with their payload as raw bytes.",
    "compressed": "Compressed blocks are not shown (§4.2).",
    "segment": "Blocks behind the End-of-Capture are not shown: segments may follow it (§4.6).",
    "behind the end": "Blocks behind the End-of-Capture are not shown.",
}


@dataclass(frozen=True)
class Unread:
    """The first block that is expected and not shown.

    Attributes:
        index: its number.
        offset: where it stands in the file, as in the document.
        block_type: its type, as in the document.
        special: what is special about it, in words; the type's name if nothing is.
        only: whether blocks behind it are shown.
    """

    index: int
    offset: str
    block_type: str
    special: str
    only: bool

    def __str__(self) -> str:
        words = "block not shown" if self.only else "first block not read"
        return f"{words}: block {self.index} ({self.block_type}) at {self.offset}"

    @property
    def hint(self) -> str:
        """What is to be done about it."""
        ends = "left out" if self.only else "where reading ends"
        return _HINTS.get(self.special, f"Blocks of type {self.special} are {ends}.")


def first_unread(expected: dict[str, Any], found: dict[str, Any]) -> Unread | None:
    """The first block that a decoder does not show; None if it shows all.

    Args:
        expected: the expected document.
        found: what the decoder printed, which may be anything.
    """
    shown = _offsets(found)
    if shown is None:
        return None
    due = list(blocks_of(expected))
    missing = [index for index, block in enumerate(due) if block.get("offset") not in shown]
    if not missing:
        return None
    first = missing[0]
    block = due[first]
    in_segment = first >= len(expected["blocks"])
    return Unread(
        int(block["index"]),
        str(block["offset"]),
        str(block["block_type"]),
        _special(expected, due, first, in_segment),
        only=len(missing) < len(due) - first,
    )


def _offsets(found: dict[str, Any]) -> set[Any] | None:
    """Offsets of the blocks that are shown; None if there is no list of them."""
    segments = found.get("segments")
    lists = [found.get("blocks")]
    if isinstance(segments, list):
        lists += [one.get("blocks") for one in segments if isinstance(one, dict)]
    if not isinstance(lists[0], list):
        return None
    blocks = (block for one in lists if isinstance(one, list) for block in one)
    offsets = (block.get("offset") for block in blocks if isinstance(block, dict))
    return {offset for offset in offsets if isinstance(offset, str)}


def _special(
    expected: dict[str, Any], due: list[dict[str, Any]], first: int, in_segment: bool
) -> str:
    block = due[first]
    flags = block.get("flags", ())
    found = {
        "header size": first == 0 and expected["header"].get("header_size") != _HEADER_SIZE,
        "first block": first == 0,
        "segment": in_segment,
        "continuation": "continuation" in flags,
        "unknown type": str(block["block_type"]).startswith("0x"),
        "payload version": block.get("payload_version") != 1,
        "compressed": "compressed" in flags,
        "behind the end": any(one["block_type"] == _END for one in due[:first]),
    }
    return next((words for words, holds in found.items() if holds), str(block["block_type"]))
