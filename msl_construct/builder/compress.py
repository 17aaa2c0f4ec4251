"""Payload compression (§4.2; framing of draft 2026-10 §4.2.1)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..errors import ConformanceError
from ..schema import Schema
from ..source import BufferSource, Extent

__all__ = ["ALGORITHMS", "compressed"]

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
            f"compression {algorithm!r}: expected {' or '.join(ALGORITHMS)} (§4.2)"
        )
    framing = {
        "uncompressed_size": size,
        "stream": Extent(BufferSource(stream), 0, len(stream)),
    }
    return list(schema.compressed_payload.pieces(framing))


def _zstd(pieces: Iterable[bytes | Extent], level: int | None) -> tuple[int, bytes]:
    import zstandard

    options: dict[str, Any] = {} if level is None else {"level": level}
    whole = [piece if isinstance(piece, bytes) else piece.view() for piece in pieces]
    size = sum(len(piece) for piece in whole)
    stream = zstandard.ZstdCompressor(**options).compressobj(size=size)
    parts = [stream.compress(piece) for piece in whole if len(piece)]
    parts.append(stream.flush())
    return size, b"".join(parts)


def _lz4(pieces: Iterable[bytes | Extent], level: int | None) -> tuple[int, bytes]:
    import lz4.block

    options: dict[str, Any] = {}
    if level is not None:
        options = {"mode": "high_compression", "compression": level}
    whole = b"".join(bytes(piece) for piece in pieces)
    return len(whole), lz4.block.compress(whole, store_size=True, **options)
