"""The header of a sealed segment (§10.8): what is added to an encrypted file, behind its tag."""

from __future__ import annotations

from ...schema.fields import Field, Note
from ...schema.layout import Layout
from ...schema.vocabulary import U16, U64, Bytes, Magic, OneOf, Uint
from ..draft_2026_03.payloads import reserved

__all__ = ["SEAL_HEADER"]

SEAL_HEADER = Layout(
    "Seal Header",
    "§10.8",
    (
        Field("Magic", Magic(b"MSLS"), "Marks the beginning of it.", default=b"MSLS"),
        Field("SealHdrSize", Uint(2, valid=OneOf((64,))), "Bytes of this header.", default=64),
        Field(
            "SegIndex",
            U16,
            "Number of the sealed segment, from 1.",
            (Note("MUST", "consumer", "Take the first that fails, and all behind, for trailing."),),
        ),
        Field("SegCipherLen", U64, "Bytes of ciphertext in front of the segment's tag."),
        Field("Nonce", Bytes(24), "Nonce of the cipher; AES-256-GCM uses the first 12 bytes."),
        reserved(24),
    ),
)
