"""Payload compression (§4.2; framing of draft 2026-10 §4.2.1)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from ..abbreviated import abbreviated
from ..errors import ConformanceError
from ..schema import Schema
from ..schema.packing import RowPacker
from ..source import BufferSource, Extent

__all__ = ["ALGORITHMS", "Compressor", "compressed", "compressor", "working_memory"]

ALGORITHMS = ("zstd", "lz4")


def compressed(
    schema: Schema, pieces: Iterable[bytes | Extent], algorithm: str, level: int | None = None
) -> list[bytes | Extent]:
    """The stored form of a payload: UncompressedSize and the codec's stream, not padded.

    Raises:
        ConformanceError: the algorithm is none that the drafts define.
    """
    if algorithm == "zstd":
        size, stream = _zstd(pieces, level)
    elif algorithm == "lz4":
        size, stream = _lz4(pieces, level)
    else:
        raise ConformanceError(
            f"compression {abbreviated(algorithm)}: expected {' or '.join(ALGORITHMS)} (§4.2)"
        )
    framing = {
        "uncompressed_size": size,
        "stream": Extent(BufferSource(stream), 0, len(stream)),
    }
    return list(schema.compressed_payload.pieces(framing))


class Compressor:
    """Makes the stored form of many payloads, each of which is in one piece.

    For use in several threads.

    Args:
        algorithm: ``zstd`` or ``lz4``.
        level: the codec's; its default unless given.
    """

    def __init__(self, schema: Schema, algorithm: str, level: int | None = None) -> None:
        framing = schema.compressed_payload
        self._front = RowPacker(framing.before("stream"), "uncompressed_size")
        self._stream = _zstd if algorithm == "zstd" else _lz4
        self._level = level

    def __call__(self, payload: memoryview) -> list[bytes]:
        """UncompressedSize and the codec's stream, not padded."""
        size, stream = self._stream([payload], self._level)
        front = bytearray(self._front.size)
        self._front.pack_into(front, 0, size)
        return [bytes(front), stream]


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
        return lambda data: _zstd([data], level)[1]
    return lambda data: _lz4([data], level)[1]


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


def _zstd(pieces: Iterable[bytes | memoryview | Extent], level: int | None) -> tuple[int, bytes]:
    compressor = _compressors.of(level)
    whole = _views(pieces)
    size = sum(len(piece) for piece in whole)
    if len(whole) == 1:  # without the copy that a stream makes
        return size, compressor.compress(whole[0])
    stream = compressor.compressobj(size=size)
    parts = [stream.compress(piece) for piece in whole if len(piece)]
    parts.append(stream.flush())
    return size, b"".join(parts)


def _lz4(pieces: Iterable[bytes | memoryview | Extent], level: int | None) -> tuple[int, bytes]:
    import lz4.block

    options: dict[str, Any] = {}
    if level is not None:
        options = {"mode": "high_compression", "compression": level}
    views = _views(pieces)
    whole = views[0] if len(views) == 1 else b"".join(views)
    return len(whole), lz4.block.compress(whole, store_size=True, **options)
