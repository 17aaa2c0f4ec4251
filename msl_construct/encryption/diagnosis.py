"""Telling a wrong key from a changed file.

A tag that does not match says neither. But every file's first block begins with bytes that are
known: its magic, reserved zeros, and a PrevHash of zeros, which every block of an encrypted file
has (§10). Under the right key these come out, whatever became of the rest.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..schema import Schema
from ..source import Source
from .ciphers import SLACK, Cipher, cipher_named
from .parameters import ENCLOSED, NONCES, Envelope

__all__ = ["begins_a_block", "fits_in_spite"]

_KNOWN = ("reserved", "prev_hash")
_ENOUGH = 20
"""Bytes that come out as they must, by chance once in 2^160: damage may have hit the others."""


def begins_a_block(source: Source, schema: Schema, cipher: Cipher, start: int) -> bool:
    """Whether what stands at `start` decrypts to the beginning of a block."""
    layout = schema.block_header
    stream, _ = cipher.stream(0)
    data = source.read(start, schema.block_header_size)
    buffer = bytearray(len(data) + SLACK)
    found = bytes(buffer[: stream.update_into(data, buffer)])
    if found.startswith(schema.block_magic):
        return True
    same = sum(a == b for a, b in zip(found, schema.block_magic))
    for field in _KNOWN:
        at = layout.offset_of(field)
        same += found[at : at + layout.field(field).type.minimum].count(0)
    return same >= _ENOUGH


def fits_in_spite(source: Source, envelope: Envelope, key: bytes) -> str:
    """What must have been changed in the header for the key to be right; empty: nothing found.

    One bit of Nonce, EncAlgo, and where the ciphertext begins are tried.
    """
    nonce = envelope.stated["nonce"]
    for name in NONCES:
        if name != envelope.cipher and _fits(source, envelope, name, key, nonce, envelope.start):
            return f"EncAlgo is {name}"
    if envelope.cipher not in NONCES:
        return ""
    for start in _starts(envelope):
        if _fits(source, envelope, envelope.cipher, key, nonce, start):
            return f"the ciphertext begins at {start:#x}, not at {envelope.start:#x}"
    for bit in range(8 * NONCES[envelope.cipher]):
        other = bytearray(nonce)
        other[bit // 8] ^= 1 << (bit % 8)
        if _fits(source, envelope, envelope.cipher, key, bytes(other), envelope.start):
            return f"bit {bit % 8} of byte {bit // 8} of Nonce is another"
    return ""


def _fits(
    source: Source, envelope: Envelope, name: str, key: bytes, nonce: bytes, start: int
) -> bool:
    cipher = cipher_named(name, key, nonce)
    return begins_a_block(source, envelope.schema, cipher, start)


def _starts(envelope: Envelope) -> Iterator[int]:
    """Where the ciphertext may begin if HeaderSize, KEMCtLen or KeyEncap is wrong."""
    layout = envelope.schema.encryption_header
    assert layout is not None
    size = envelope.schema.file_header_size + layout.size
    lengths = sorted({*ENCLOSED.values(), envelope.stated["kem_ct_len"]})
    for first in sorted({size, len(envelope.header)}):
        for length in lengths:
            if first + length != envelope.start:
                yield first + length
