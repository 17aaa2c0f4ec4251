"""What stands behind a block's header: a payload, as it is or in its framing (§4.2.1)."""

from __future__ import annotations

from ..budget import Budget, default_budget
from ..codecs.compress import ALGORITHMS
from ..codecs.inflate import InflatedSource
from ..codecs.streams import LZ4_FRAME, frame_size
from ..errors import CompressionError
from ..source import Cursor, Extent
from .codes import FlagDefinition
from .layout import Layout
from .values import Record

__all__ = ["RAW", "PerhapsBareFrame", "algorithm_of", "inflated", "laid_out"]

RAW = "raw"
"""Key of a payload that the schema has no layout for."""

_MAGICS = {"zstd": b"\x28\xb5\x2f\xfd", "lz4": b"\x04\x22\x4d\x18"}
_LONGEST_HEADER = 19
_BEHIND_SIZE = 8


class PerhapsBareFrame(Layout):
    """The framing of producers who once left it out: a bare zstd frame, or a bare LZ4 frame.

    An LZ4 frame is one if byte 4 is not zero, which it can't be; in the framing that byte is
    of a size that is never so large. A zstd frame is one if no frame begins behind it, where
    the framing has it.
    """

    def bare(self, stored: Extent, algorithm: str) -> int | None:
        """What a bare frame inflates to; None where there is a framing, or the frame is silent."""
        head = stored.source.read(stored.offset, min(stored.length, _LONGEST_HEADER))
        magic = _MAGICS[algorithm]
        if not head.startswith(magic):
            return None
        framed = head[len(magic) : len(magic) + 1] in (b"", b"\0")
        if algorithm == "zstd":
            framed = head[_BEHIND_SIZE:].startswith(magic)
        return None if framed else frame_size(algorithm, head)


def algorithm_of(flags: FlagDefinition, word: int) -> str:
    """The codec that a block's flags name; ``none`` too."""
    return flags.field("CompAlgo").of(word).name


def laid_out(
    layout: Layout | None, content: Extent, cursor: Cursor | None = None, *, offsets: bool = False
) -> Record:
    """A payload as its layout has it; ``{raw: Extent}`` where there is none.

    Args:
        content: the payload, inflated.
        cursor: at its beginning, where somebody has read that already.
        offsets: whether it is to know where its fields stand.
    """
    start, length = content.offset, content.length
    if layout is not None:
        return layout.decode(
            cursor or Cursor(content.source, start, start + length), offsets=offsets
        )
    record = Record({RAW: content})
    if offsets:
        record.offsets = {RAW: (start, length)}
    return record


def inflated(
    layout: Layout, stored: Extent, algorithm: str, limit: int, budget: Budget | None = None
) -> tuple[Record, InflatedSource]:
    """The framing of a compressed payload, and what it inflates to.

    Args:
        layout: of the framing: `Schema.compressed_payload`.
        limit: bytes that it may inflate to.
        budget: for what is kept of them; one of its own by default.

    Raises:
        CompressionError: the framing is cut short, or the codec is none that is defined.
    """
    if algorithm not in ALGORITHMS:
        raise CompressionError(
            f"compressed payload at {stored.offset:#x}: expected CompAlgo "
            f"{' or '.join(ALGORITHMS)}, found {algorithm} (§4.2)",
            offset=stored.offset,
        )
    budget = budget or Budget(default_budget(stored.length))
    bare = layout.bare(stored, algorithm) if isinstance(layout, PerhapsBareFrame) else None
    if bare is not None:
        codec = LZ4_FRAME if algorithm == "lz4" else algorithm
        return Record({"stream": stored}), InflatedSource(stored, codec, bare, limit, budget)
    cursor = Cursor(stored.source, stored.offset, stored.offset + stored.length)
    framing = layout.decode(cursor)
    if framing.damage is not None:
        raise CompressionError(
            f"compressed payload: {framing.damage} (§4.2.1)", offset=stored.offset
        )
    return framing, InflatedSource(
        framing["stream"], algorithm, framing["uncompressed_size"], limit, budget
    )
