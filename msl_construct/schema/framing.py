"""The framing of compressed payloads (§4.2.1)."""

from __future__ import annotations

from ..codecs.compress import ALGORITHMS
from ..codecs.inflate import InflatedSource
from ..errors import CompressionError
from ..source import Cursor, Extent
from .layout import Layout
from .values import Record

__all__ = ["inflated"]


def inflated(
    layout: Layout, stored: Extent, algorithm: str, limit: int
) -> tuple[Record, InflatedSource]:
    """The framing of a compressed payload, and what it inflates to.

    Args:
        layout: of the framing: `Schema.compressed_payload`.
        limit: bytes that it may inflate to.

    Raises:
        CompressionError: the framing is cut short, or the codec is none that is defined.
    """
    if algorithm not in ALGORITHMS:
        raise CompressionError(
            f"compressed payload at {stored.offset:#x}: expected CompAlgo "
            f"{' or '.join(ALGORITHMS)}, found {algorithm} (§4.2)",
            offset=stored.offset,
        )
    cursor = Cursor(stored.source, stored.offset, stored.offset + stored.length)
    framing = layout.decode(cursor)
    if framing.damage is not None:
        raise CompressionError(
            f"compressed payload: {framing.damage} (§4.2.1)", offset=stored.offset
        )
    return framing, InflatedSource(
        framing["stream"], algorithm, framing["uncompressed_size"], limit
    )
