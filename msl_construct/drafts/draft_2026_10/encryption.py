"""The header of encrypted files, in draft 2026-10 (§3)."""

from __future__ import annotations

from ...schema.codes import Enumeration, Value
from ...schema.fields import Field
from ...schema.layout import Layout
from ...schema.vocabulary import (
    U8,
    U16,
    U32,
    U64,
    Bytes,
    Coded,
)
from ..draft_2026_03.payloads import reserved

__all__ = ["ENCRYPTION_HEADER", "ENUMERATIONS"]

ENUMERATIONS = (
    Enumeration(
        "EncAlgo",
        1,
        "§3",
        "Cipher of the blocks.",
        (Value(1, "AES-256-GCM"), Value(2, "XChaCha20-Poly1305", "xchacha20_poly1305")),
    ),
    Enumeration(
        "KDFType",
        1,
        "§3",
        "How a passphrase becomes a key.",
        (Value(0, "None"), Value(1, "Argon2id", "argon2id")),
    ),
    Enumeration(
        "KeyEncap",
        1,
        "§3",
        "How the key is enclosed for its reader.",
        (
            Value(0, "None"),
            Value(1, "X25519", "x25519"),
            Value(2, "ML-KEM-768"),
            Value(3, "ML-KEM-1024"),
            Value(4, "X25519+ML-KEM-768", "x25519_ml_kem_768"),
            Value(0xFF, "Other"),
        ),
    ),
)

ENCRYPTION_HEADER = Layout(
    "Encryption Header",
    "§3",
    (
        Field("EncAlgo", Coded("EncAlgo"), "Cipher of the blocks."),
        Field("KDFType", Coded("KDFType"), "How a passphrase becomes the key.", default=0),
        Field("KeyEncap", Coded("KeyEncap"), "How the key is enclosed.", default=0),
        reserved(1),
        Field("KDFTime", U32, "Passes of the key derivation.", default=0),
        Field("KDFMemory", U32, "Memory of the key derivation in KiB.", default=0),
        Field("KDFLanes", U8, "Lanes of the key derivation.", default=0),
        reserved(1, "Reserved2"),
        Field(
            "KEMCtLen",
            U16,
            "Bytes of the enclosed key, which stands behind this header.",
            default=0,
        ),
        Field("Nonce", Bytes(24), "Nonce of the cipher; AES-256-GCM uses the first 12 bytes."),
        Field("KDFSalt", Bytes(16), "Salt of the key derivation.", default=bytes(16)),
        Field("CipherLen", U64, "Bytes of ciphertext in front of the tag; 0: not recorded."),
    ),
)
