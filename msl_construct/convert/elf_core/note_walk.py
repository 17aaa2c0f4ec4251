"""Going over the notes of a core without believing any of their lengths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ...errors import LimitError
from ..structures import Held
from .structures import NOTE_HEADER

__all__ = ["MOST_NOTES", "ElfNote", "notes_of"]

_LONGEST_OWNER = 256
_LONGEST_HEAD = NOTE_HEADER.size + _LONGEST_OWNER
_WINDOW = 1 << 16
_MOST_OWNERS = 256
MOST_NOTES = 1 << 20
"""Of a whole file: its segments may share their bytes."""


class ElfNote(NamedTuple):
    """A note, whose content was not read.

    Attributes:
        owner: who says what the type means, without the NUL.
        offset, size: of its content.
    """

    owner: str
    type: int
    offset: int
    size: int


def notes_of(
    held: Held, offset: int, size: int, faults: list[str], most: int = MOST_NOTES
) -> Iterator[ElfNote]:
    """The notes of a segment, as far as they can be followed.

    Args:
        faults: takes what is wrong with them.
        most: how many there may be.

    Raises:
        LimitError: there are more.
    """
    end = min(offset + size, held.size)
    if end < offset + size:
        faults.append(
            f"notes at {offset:#x}: expected {size} bytes, the file ends after {held.size}"
        )
    owners: dict[bytes, str] = {}
    window, start = b"", offset  # notes are small, and most follow one another at once
    at, count = offset, 0
    while at + NOTE_HEADER.size <= end:
        if at + _LONGEST_HEAD > start + len(window) < end:
            window, start = held.source.read(at, min(_WINDOW, end - at)), at
        head = NOTE_HEADER.read(held.order, window, at - start)
        name_at = at + NOTE_HEADER.size
        content_at = name_at + _padded(head.name_size)
        if head.name_size > _LONGEST_OWNER or content_at + head.content_size > end:
            faults.append(
                f"note at {at:#x}: expected {head.name_size} and {head.content_size} bytes, "
                f"the notes end {end - name_at} bytes behind its header"
            )
            return
        count += 1
        if count > most:
            raise LimitError(f"notes at {offset:#x}: expected at most {MOST_NOTES} in all")
        name = window[name_at - start : name_at - start + head.name_size]
        owner = owners.get(name)
        if owner is None:
            owner = name.partition(b"\0")[0].decode("latin-1")
            if len(owners) < _MOST_OWNERS:
                owners[name] = owner
        yield ElfNote(owner, head.type, content_at, head.content_size)
        at = content_at + _padded(head.content_size)
    if at < end and any(held.source.read(at, end - at)):
        faults.append(f"notes at {offset:#x}: the last {end - at} bytes are no note: left out")


def _padded(length: int) -> int:
    return (length + 3) & ~3
