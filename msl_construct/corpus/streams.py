"""Compressed streams, as they are stored: no two versions of a compressor need agree.

A stream stands here by the hash of what it inflates to. A test inflates every one;
`python -m msl_construct.corpus.compressing` prints the table with what is missing in it.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..drafts import PUBLIC
from ..hashing import new_hasher
from ..schema import Schema
from ..source import BufferSource, Extent
from .stream_table import STREAMS

__all__ = ["MissingStream", "compressed", "joined", "key_of", "stream_of"]


class MissingStream(LookupError):
    """A recipe compresses a payload of which no stream is known.

    Attributes:
        key: under which the table would have it.
        payload: what it must inflate to.
        codec: its codec.
    """

    def __init__(self, key: str, payload: bytes, codec: str) -> None:
        super().__init__(
            f"no {codec} stream of {len(payload)} bytes is known as {key}: run "
            "python -m msl_construct.corpus.compressing > msl_construct/corpus/stream_table.py"
        )
        self.key = key
        self.payload = payload
        self.codec = codec


def key_of(payload: bytes, codec: str) -> str:
    """Under what the table has a payload's stream."""
    hasher = new_hasher()
    hasher.update(payload)
    return f"{codec}-{hasher.digest().hex()[:16]}"


def stream_of(schema: Schema, payload: bytes, codec: str) -> bytes:
    """A payload as a compressed block stores it: its size, then the stream.

    Payloads of a draft of one's own are compressed on the spot: their bytes need not be the
    same everywhere.

    Raises:
        MissingStream: the table does not have it.
    """
    key = key_of(payload, codec)
    if key in STREAMS:
        stream = bytes.fromhex(STREAMS[key])
    elif schema.name in PUBLIC:
        raise MissingStream(key, payload, codec)
    else:
        stream = compressed(payload, codec)
    framing = {
        "uncompressed_size": len(payload),
        "stream": Extent(BufferSource(stream), 0, len(stream)),
    }
    pieces = schema.compressed_payload.pieces(framing)
    return joined(pieces)


def compressed(payload: bytes, codec: str) -> bytes:
    """What today's compressors make of a payload."""
    if codec == "zstd":
        import zstandard

        return zstandard.ZstdCompressor().compress(payload)
    import lz4.block

    return bytes(lz4.block.compress(payload, store_size=True))


def joined(pieces: Iterable[bytes | Extent]) -> bytes:
    """Pieces of a payload in one piece."""
    return b"".join(bytes(p.view()) if isinstance(p, Extent) else p for p in pieces)
