"""Payload compression (§4.2; framing of draft 2026-10 §4.2.1)."""

from __future__ import annotations

from collections.abc import Iterable

from ..abbreviated import abbreviated
from ..codecs.compress import ALGORITHMS, compress_lz4, compress_zstd
from ..errors import ConformanceError
from ..schema import Schema
from ..schema.packing import RowPacker
from ..source import BufferSource, Extent

__all__ = ["Compressor", "compressed"]


def compressed(
    schema: Schema, pieces: Iterable[bytes | Extent], algorithm: str, level: int | None = None
) -> list[bytes | Extent]:
    """The stored form of a payload: UncompressedSize and the codec's stream, not padded.

    Raises:
        ConformanceError: the algorithm is none that the drafts define.
    """
    if algorithm == "zstd":
        size, stream = compress_zstd(pieces, level)
    elif algorithm == "lz4":
        size, stream = compress_lz4(pieces, level)
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
        self._stream = compress_zstd if algorithm == "zstd" else compress_lz4
        self._level = level

    def __call__(self, payload: memoryview) -> list[bytes]:
        """UncompressedSize and the codec's stream, not padded."""
        size, stream = self._stream([payload], self._level)
        front = bytearray(self._front.size)
        self._front.pack_into(front, 0, size)
        return [bytes(front), stream]
