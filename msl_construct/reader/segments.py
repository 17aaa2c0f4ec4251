"""Extension segments: blocks that somebody appended behind the capture (draft 2026-10 §4.6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from ..drafts import DIALECTS
from ..errors import FormatError
from ..hashing import new_hasher
from ..schema import Start
from .block import Block

__all__ = ["Broken", "Reason", "Segment", "check_segment", "find_segments"]


class Reason(str, Enum):
    """Why blocks behind the capture are no segment."""

    ALGORITHM = "algorithm"
    """HashAlgo names no algorithm that can be computed, so nothing can be checked."""
    CHAIN = "chain"
    """A PrevHash does not match the block before."""
    END = "end"
    """The End-of-Extension can't be decoded."""
    HASH = "hash"
    """SegmentHash does not match the bytes."""
    COUNT = "count"
    """BlockCount is not the number of the blocks."""
    TAG = "tag"
    """The tag of a sealed segment does not match, or its header is damaged."""
    UNCLOSED = "unclosed"
    """No End-of-Extension: its writer did not finish. A gap, and nothing that is wrong."""


@dataclass(frozen=True)
class Broken:
    """Why blocks behind the capture are no segment, for programs and for people."""

    reason: Reason
    text: str


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
    get: Callable[[int], Block],
    first: int,
    stop: int,
    previous: Block,
    algorithm: str,
    *,
    chained: bool = True,
) -> tuple[list[Segment], int, Broken | None]:
    """The segments among blocks [first, stop), which stand behind the capture segment.

    Args:
        get: a block by its index.
        previous: the End-of-Capture block, to which the first segment is chained.
        chained: whether PrevHash is the hash of the block before; else it is zero, as in files
            that are encrypted (§10).

    Returns:
        The intact segments, the index of the first block that belongs to none, and why it
        doesn't (None when every block belongs to one).
    """
    segments: list[Segment] = []
    while first < stop:
        chain_start = previous if chained else None
        segment = check_segment(get, first, stop, chain_start, algorithm, len(segments) + 1)
        if isinstance(segment, Broken):
            return segments, first, segment
        segments.append(segment)
        first += segment.count
        previous = get(first - 1)
    return segments, first, None


def check_segment(
    get: Callable[[int], Block],
    first: int,
    stop: int,
    previous: Block | None,
    algorithm: str,
    number: int,
) -> Segment | Broken:
    """One segment from block `first` on, or why there is none.

    Args:
        previous: the block to which it is chained; None: every PrevHash is zero.
    """
    begin = get(first)
    where = f"segment {number} at {begin.offset:#x}"
    closing = begin.schema.block("end_of_extension")
    field = begin.schema.coverage(closing.key).field
    assert begin.schema.coverage(closing.key).start is Start.SEGMENT
    try:
        chain = new_hasher(algorithm)
        covered = new_hasher(algorithm)
    except FormatError as error:
        return Broken(Reason.ALGORITHM, f"{where}: {error}")
    unchained = bytes(len(chain.digest()))
    for piece in () if previous is None else previous.extent.chunks():
        chain.update(piece)
    for index in range(first, stop):
        block = get(index)
        expected = unchained if previous is None else chain.digest()
        if block.header["prev_hash"] != expected:
            if index == first and _never_closed(get, first, stop):
                text = f"{where}: PrevHash of {block.describe()} was not recorded"
                return Broken(Reason.UNCLOSED, f"{text}, and no End-of-Extension closes it")
            what = "is not zero" if previous is None else "does not match the block before"
            text = f"{where}: PrevHash of {block.describe()} {what}"
            return Broken(Reason.CHAIN, text)
        if block.header["block_type"] == closing.code:
            payload = block.payload
            count = index - first + 1
            if not block.known_version or "block_count" not in payload:
                return Broken(Reason.END, f"{where}: {block.describe()} can't be decoded")
            if payload[field] != covered.digest():
                text = f"{where}: SegmentHash does not match the segment's bytes"
                return Broken(Reason.HASH, text)
            if payload["block_count"] != count:
                text = f"{where}: BlockCount says {payload['block_count']}, the segment has {count}"
                return Broken(Reason.COUNT, text)
            length = block.offset + block.length - begin.offset
            return Segment(number, first, count, begin.offset, length)
        chain = new_hasher(algorithm)
        for piece in block.extent.chunks():
            chain.update(piece)
            covered.update(piece)
    return Broken(Reason.UNCLOSED, f"{where}: no End-of-Extension closes it")


def _never_closed(get: Callable[[int], Block], first: int, stop: int) -> bool:
    """Whether blocks were put there by a producer that knew no segments: chained to nothing."""
    begin = get(first)
    dialect = DIALECTS.get(begin.schema.draft.dialect or "")
    if dialect is None or not dialect.unrecorded_hashes or any(begin.header["prev_hash"]):
        return False
    closing = begin.schema.block("end_of_extension").code
    return all(get(index).header["block_type"] != closing for index in range(first, stop))
