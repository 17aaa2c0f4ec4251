"""Where a zstd frame ends: its blocks say how long they are, so that none is inflated."""

from __future__ import annotations

from ..source import Extent

__all__ = ["zstd_frame_length"]

_MAGIC = 0xFD2FB528.to_bytes(4, "little")
_BLOCK_HEADER = 3
_CHECKSUM = 4
_LONGEST_HEADER = 18
_REPEATED_BYTE = 1  # block type: one stored byte, many inflated ones


def zstd_frame_length(stream: Extent) -> int | None:
    """The length of the zstd frame that some bytes begin with; None if it is not all there."""
    import zstandard

    source, position = stream.source, stream.offset
    end = position + stream.length
    head = source.read(position, min(stream.length, _LONGEST_HEADER))
    if head[: len(_MAGIC)] != _MAGIC:
        return None
    try:
        frame = zstandard.get_frame_parameters(head)
        position += zstandard.frame_header_size(head)
    except zstandard.ZstdError:
        return None
    last = False
    while not last:
        if position + _BLOCK_HEADER > end:
            return None
        word = int.from_bytes(source.read(position, _BLOCK_HEADER), "little")
        last, kind, size = bool(word & 1), word >> 1 & 3, word >> 3
        position += _BLOCK_HEADER + (1 if kind == _REPEATED_BYTE else size)
    position += _CHECKSUM if frame.has_checksum else 0
    return position - stream.offset if position <= end else None
