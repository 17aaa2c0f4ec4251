"""Where the stream of a compressed payload ends, found without inflating more than needed."""

from __future__ import annotations

from ..codecs.inflate import inflate_lz4
from ..source import Extent

__all__ = ["bytes_behind"]

_BLOCK_HEADER = 3
_CHECKSUM = 4
_LONGEST_HEADER = 18
_REPEATED_BYTE = 1  # block type: one stored byte, many inflated ones


def bytes_behind(algorithm: str, declared: int, stream: Extent) -> bytes:
    """What stands behind the codec's own end; at most its first hundred bytes.

    Nothing is reported of a stream that is broken: that is for who inflates it.
    """
    if algorithm == "zstd":
        end = _zstd_length(stream)
        if end is None or end >= stream.length:
            return b""
        return stream.source.read(stream.offset + end, min(stream.length - end, 100))
    _, zeros, _ = inflate_lz4(stream.view(), declared)
    return bytes(zeros)


def _zstd_length(stream: Extent) -> int | None:
    """The length of the first zstd frame: its blocks say how long they are."""
    import zstandard

    source, position = stream.source, stream.offset
    head = source.read(position, min(stream.length, _LONGEST_HEADER))
    try:
        frame = zstandard.get_frame_parameters(head)
        position += zstandard.frame_header_size(head)
    except zstandard.ZstdError:
        return None
    last = False
    while not last:
        if position + _BLOCK_HEADER > stream.offset + stream.length:
            return None
        word = int.from_bytes(source.read(position, _BLOCK_HEADER), "little")
        last, kind, size = bool(word & 1), word >> 1 & 3, word >> 3
        position += _BLOCK_HEADER + (1 if kind == _REPEATED_BYTE else size)
    return position - stream.offset + (_CHECKSUM if frame.has_checksum else 0)
