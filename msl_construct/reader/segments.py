"""Extension segments: blocks that somebody appended behind the capture (draft 2026-10 §4.6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import FormatError
from ..hashing import new_hasher
from ..schema import Start
from .block import Block

__all__ = ["UNCLOSED", "Segment", "find_segments"]


UNCLOSED = "no End-of-Extension closes it"
"""What is said of a segment whose writer did not finish: a gap, and nothing that is wrong."""


@dataclass(frozen=True)
class Segment:
    """A segment whose chain, SegmentHash and BlockCount were checked and hold.

    Attributes:
        index: 1, 2, … in file order.
        first: index of its first block in the file.
        count: its blocks, End-of-Extension included.
        offset, length: its bytes.
    """

    index: int
    first: int
    count: int
    offset: int
    length: int


def find_segments(
    get: Callable[[int], Block], first: int, stop: int, previous: Block, algorithm: str
) -> tuple[list[Segment], int, str | None]:
    """The segments among blocks [first, stop), which stand behind the capture segment.

    Args:
        get: a block by its index.
        previous: the End-of-Capture block, to which the first segment is chained.

    Returns:
        The intact segments, the index of the first block that belongs to none, and why it
        doesn't (None when every block belongs to one).
    """
    segments: list[Segment] = []
    while first < stop:
        segment, reason = _check(get, first, stop, previous, algorithm, len(segments) + 1)
        if segment is None:
            return segments, first, reason
        segments.append(segment)
        first += segment.count
        previous = get(first - 1)
    return segments, first, None


def _check(
    get: Callable[[int], Block], first: int, stop: int, previous: Block, algorithm: str, number: int
) -> tuple[Segment | None, str | None]:
    """One segment from block `first` on, or why there is none."""
    begin = get(first)
    where = f"segment {number} at {begin.offset:#x}"
    closing = begin.schema.block("end_of_extension")
    field = begin.schema.coverage(closing.key).field
    assert begin.schema.coverage(closing.key).start is Start.SEGMENT
    try:
        chain = new_hasher(algorithm)
        covered = new_hasher(algorithm)
    except FormatError as error:
        return None, f"{where}: {error}"
    for piece in previous.extent.chunks():
        chain.update(piece)
    for index in range(first, stop):
        block = get(index)
        if block.header["prev_hash"] != chain.digest():
            return None, f"{where}: PrevHash of {block.describe()} does not match the block before"
        if block.header["block_type"] == closing.code:
            payload = block.payload
            count = index - first + 1
            if not block.known_version or "block_count" not in payload:
                return None, f"{where}: {block.describe()} can't be decoded"
            if payload[field] != covered.digest():
                return None, f"{where}: SegmentHash does not match the segment's bytes"
            if payload["block_count"] != count:
                return None, (
                    f"{where}: BlockCount says {payload['block_count']}, the segment has {count}"
                )
            length = block.offset + block.length - begin.offset
            return Segment(number, first, count, begin.offset, length), None
        chain = new_hasher(algorithm)
        for piece in block.extent.chunks():
            chain.update(piece)
            covered.update(piece)
    return None, f"{where}: {UNCLOSED}"
