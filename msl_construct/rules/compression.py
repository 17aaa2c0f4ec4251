"""Compressed payloads: the framing, the stream, and what it inflates to (§4.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..codecs.streams import TOLERATED_PADDING
from ..errors import CompressionError
from ..reader import Block
from .declare import before, rule, since, with_flags
from .model import Found, Level, Scope
from .streams import bytes_behind

STREAM = "stream"
"""Field that findings about what is compressed are at."""

_WHAT_INFLATES: Any = {
    "requirement": "A compressed payload is its inflated size and one stream of the codec, "
    "which inflates to exactly that many bytes.",
    "wrong": "A compressed payload does not inflate to the size that it declares.",
    "why": "What the block holds can't be read, or not all of it.",
}
_WHAT_FOLLOWS: Any = {
    "requirement": "Nothing but up to 7 zeros stands behind the stream of a compressed payload.",
    "wrong": "Bytes that belong to no stream stand behind a compressed payload.",
    "why": "Readers that expect a second stream there fail, and others never see the bytes.",
}


def _codec(block: Block) -> str | None:
    """The codec of a payload that says properly which one it is."""
    if not block.flags or "compressed" not in block.flags or not block.known_version:
        return None
    field = block.schema.flags["BlockFlags"].field("CompAlgo")
    algorithm = field.of(block.flags)
    return algorithm.name if algorithm and field.enumeration.permits(algorithm) else None


def _uninflatable(block: Block) -> Iterator[Found]:
    if _codec(block) is None:
        return
    error = block.inflation_error
    if isinstance(error, CompressionError):  # a limit has found out nothing about the file
        yield Found(f"{block.describe()}: {error}", block.stored.offset, block.index, STREAM)


def _behind(block: Block) -> tuple[bytes, int]:
    """What stands behind the stream, and where."""
    if _codec(block) is None or block.compression is None or block.compression.bare:
        return b"", 0
    found = block.compression
    behind = bytes_behind(found.algorithm, found.uncompressed_size, found.stream)
    return behind, found.stream.offset + found.stream.length - len(behind)


def _surplus(block: Block) -> Iterator[Found]:
    behind, offset = _behind(block)
    if any(behind) or len(behind) > TOLERATED_PADDING:
        yield Found(
            f"{block.describe()}: expected nothing behind the stream, found {len(behind)} bytes "
            f"or more, {behind[:16].hex()}…",
            offset,
            block.index,
            STREAM,
        )


@rule(
    "MSL-4.2.1-PAYLOAD-NOT-INFLATABLE",
    Level.MUST,
    Scope.BLOCK,
    concerns=with_flags,
    drafts=since("draft-2026-10"),
    **_WHAT_INFLATES,
)
def payload_not_inflatable(block: Block) -> Iterator[Found]:
    yield from _uninflatable(block)


@rule(
    "MSLX-4.2-PAYLOAD-NOT-INFLATABLE",
    Level.OURS,
    Scope.BLOCK,
    concerns=with_flags,
    drafts=before("draft-2026-10"),
    **_WHAT_INFLATES,
)
def payload_not_inflatable_unframed(block: Block) -> Iterator[Found]:
    # This draft leaves the framing open; all its producers wrote what the next one fixed.
    yield from _uninflatable(block)


@rule(
    "MSL-4.2.1-STREAM-SURPLUS",
    Level.MUST,
    Scope.BLOCK,
    concerns=with_flags,
    drafts=since("draft-2026-10"),
    **_WHAT_FOLLOWS,
)
def stream_surplus(block: Block) -> Iterator[Found]:
    yield from _surplus(block)


@rule(
    "MSLX-4.2-STREAM-SURPLUS",
    Level.OURS,
    Scope.BLOCK,
    concerns=with_flags,
    drafts=before("draft-2026-10"),
    **_WHAT_FOLLOWS,
)
def stream_surplus_unframed(block: Block) -> Iterator[Found]:
    yield from _surplus(block)


@rule(
    "MSL-4.2.1-STREAM-PADDED",
    Level.MUST,
    Scope.BLOCK,
    concerns=with_flags,
    drafts=since("draft-2026-10"),
    requirement="A compressed payload is not padded: the block ends with the stream.",
    wrong="Zeros stand behind the stream of a compressed payload.",
    why="Strict readers refuse such a block, above all with LZ4, which does not say where it ends.",
)
def stream_padded(block: Block) -> Iterator[Found]:
    behind, offset = _behind(block)
    if behind and not any(behind) and len(behind) <= TOLERATED_PADDING:
        yield Found(
            f"{block.describe()}: expected the block to end with the stream, found "
            f"{len(behind)} zeros behind it",
            offset,
            block.index,
            STREAM,
        )
