"""What stands behind the stream of a compressed payload; no more is inflated than needed."""

from __future__ import annotations

from ..codecs.streams import inflate_lz4
from ..codecs.zstd_frame import zstd_frame_length
from ..source import Extent

__all__ = ["bytes_behind"]


def bytes_behind(algorithm: str, declared: int, stream: Extent) -> bytes:
    """What stands behind the codec's own end; at most its first hundred bytes.

    Nothing is reported of a stream that is broken: that is for who inflates it.
    """
    if algorithm == "zstd":
        end = zstd_frame_length(stream)
        if end is None:
            return b""
        return stream.source.read(stream.offset + end, min(stream.length - end, 100))
    _, zeros, _ = inflate_lz4(stream.view(), declared)
    return bytes(zeros)
