"""Giving a dump whose disk is full what stands behind the regions: Module Entries, VAS Map.

No room is asked for: they take the place of the block that was cut, and of a Memory Region or two
in front of it if need be. So they are written where there is a disk, a quota or a limit with
nothing left.
"""

from __future__ import annotations

import contextlib
import io
import os
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO

import msl_construct
from msl_construct import Writer
from msl_construct.hashing import digest
from msl_construct.reader.walk import BlockIndex, Walk
from msl_construct.source import Extent, PathSource

__all__ = ["Saved", "save_tail"]

_MOST = 128 << 20
"""Bytes of whole Memory Regions that are given up at most."""


@dataclass(frozen=True)
class Saved:
    """What was done.

    Attributes:
        writer: knows how many blocks there are now.
        given_up: bytes that were cut off behind the last block that was kept.
        pages: in the file, by state, of the target's size; empty where nobody counted them,
            because they are compressed.
    """

    writer: Writer
    given_up: int
    pages: dict[str, int]


def save_tail(
    file: IO[bytes],
    writer: Writer,
    add: Callable[[Writer], None],
    again: Sequence[uuid.UUID],
    page_size: int,
) -> Saved | None:
    """Put what `add` adds behind the last block that leaves room for it.

    Args:
        file: a regular file, open for reading and writing, that nobody writes to any more.
        writer: whose output it was.
        again: BlockUUIDs of what `add` adds, some of which may have been written before.
        page_size: of the target.

    Returns:
        None where there is no such place, or it can't be written; nothing was changed then, or
        the file ends with a whole block.
    """
    size = os.fstat(file.fileno()).st_size
    source = PathSource(file.fileno())
    try:
        index = BlockIndex()
        index.extend(Walk(source, writer.schema, writer.schema.file_header.size))
        if not len(index):
            return None
        place = _place(writer, index, size, _tail(writer, add, again, bytes(32), len(index))[1])
        if place is None:
            return None
        kept = place
        last = Extent(source, index.offsets[kept - 1], index.lengths[kept - 1])
        previous = digest(writer.sink.algorithm, last.chunks())
    finally:
        source.close()
    resumed, tail = _tail(writer, add, again, previous, kept)
    begin = index.offsets[kept - 1] + index.lengths[kept - 1]
    try:
        file.seek(begin)
        view = memoryview(tail)
        while view:
            view = view[file.write(view) :]
        file.truncate(begin + len(tail))
    except OSError:
        with contextlib.suppress(OSError):
            file.truncate(begin)
        return None
    return Saved(resumed, size - begin, _count(file, writer, page_size))


def _tail(
    writer: Writer,
    add: Callable[[Writer], None],
    again: Sequence[uuid.UUID],
    previous: bytes,
    index: int,
) -> tuple[Writer, bytes]:
    held = io.BytesIO()
    found = writer.continued(held, previous, index, again)
    add(found)
    return found, held.getvalue()


def _place(writer: Writer, index: BlockIndex, size: int, tail: bytes) -> int | None:
    """How many blocks to keep, so that `tail` takes no more room than there is."""
    region = writer.schema.block("memory_region").code
    kept = len(index)
    # What was written behind the regions is written again, all of it.
    while kept and index.types[kept - 1] != region and region in index.types[:kept]:
        kept -= 1
    whole = index.offsets[kept - 1] + index.lengths[kept - 1] if kept else 0
    while kept:
        begin = index.offsets[kept - 1] + index.lengths[kept - 1]
        if size - begin >= len(tail):
            return kept
        if index.types[kept - 1] != region or whole - begin > _MOST:
            return None
        kept -= 1
    return None


def _count(file: IO[bytes], writer: Writer, page_size: int) -> dict[str, int]:
    if writer.compression not in (None, "none"):
        return {}
    states: Counter[str] = Counter()
    with msl_construct.open(file) as dump:
        for region in dump.regions:
            for state, count in region.counts.items():
                states[state] += count * (region.page_size // page_size)
    return dict(+states)
