"""Going over the notes of a core without believing any of their lengths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ...errors import LimitError
from ..structures import Held
from .structures import NOTE_HEADER

__all__ = ["MOST_NOTES", "ElfNote", "notes_of"]

_LONGEST_OWNER = 256
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
    at, count = offset, 0
    while at + NOTE_HEADER.size <= end:
        head = held.one(NOTE_HEADER, at)
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
        owner = held.source.read(name_at, head.name_size).partition(b"\0")[0]
        yield ElfNote(owner.decode("latin-1"), head.type, content_at, head.content_size)
        at = content_at + _padded(head.content_size)


def _padded(length: int) -> int:
    return (length + 3) & ~3
