"""Compressing: the streams of both codecs, without the framing around them (§4.2)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from ..source import Extent

__all__ = ["ALGORITHMS", "compress_lz4", "compress_zstd", "compressor", "working_memory"]

ALGORITHMS = ("zstd", "lz4")


class _Compressors(threading.local):
    """Each thread's zstd compressors by level: making one takes megabytes of fresh memory."""

    def __init__(self) -> None:
        self.by_level: dict[int | None, Any] = {}

    def of(self, level: int | None) -> Any:
        """The one of a level; None: the codec's default."""
        import zstandard

        found = self.by_level.get(level)
        if found is None:
            options: dict[str, Any] = {} if level is None else {"level": level}
            found = self.by_level[level] = zstandard.ZstdCompressor(**options)
        return found


_compressors = _Compressors()


def compressor(algorithm: str, level: int | None) -> Callable[[bytes], bytes]:
    """What compresses one piece, as `compressed` does it."""
    if algorithm == "zstd":
        return lambda data: compress_zstd([data], level)[1]
    return lambda data: compress_lz4([data], level)[1]


def working_memory(algorithm: str, level: int | None, size: int) -> int:
    """Bytes that a codec takes in a thread of its own, for pieces of at most `size` bytes."""
    if algorithm == "zstd":
        import zstandard

        chosen = zstandard.ZstdCompressionParameters.from_level(level or 3, source_size=size)
        return int(chosen.estimated_compression_context_size())
    return _LZ4_HIGH if level is not None else _LZ4


_LZ4, _LZ4_HIGH = 1 << 14, 1 << 18
"""Bytes of lz4's tables, for its fast way and for levels."""


def _views(pieces: Iterable[bytes | memoryview | Extent]) -> list[bytes | memoryview]:
    return [piece.view() if isinstance(piece, Extent) else piece for piece in pieces]


def compress_zstd(
    pieces: Iterable[bytes | memoryview | Extent], level: int | None
) -> tuple[int, bytes]:
    """How many bytes go in, and the frame that they become."""
    compressor = _compressors.of(level)
    whole = _views(pieces)
    size = sum(len(piece) for piece in whole)
    if len(whole) == 1:  # without the copy that a stream makes
        return size, compressor.compress(whole[0])
    stream = compressor.compressobj(size=size)
    parts = [stream.compress(piece) for piece in whole if len(piece)]
    parts.append(stream.flush())
    return size, b"".join(parts)


def compress_lz4(
    pieces: Iterable[bytes | memoryview | Extent], level: int | None
) -> tuple[int, bytes]:
    """How many bytes go in, and the block that they become, behind its size."""
    import lz4.block

    options: dict[str, Any] = {}
    if level is not None:
        options = {"mode": "high_compression", "compression": level}
    views = _views(pieces)
    whole = views[0] if len(views) == 1 else b"".join(views)
    return len(whole), lz4.block.compress(whole, store_size=True, **options)
