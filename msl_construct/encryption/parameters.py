"""What §10 says beside the layouts: lengths, least values, and what is covered by a tag."""

from __future__ import annotations

from dataclasses import dataclass

from ..schema import Record, Schema

__all__ = [
    "CONTENT_KEY",
    "ENCLOSED",
    "KEY_SIZE",
    "MOST",
    "NONCES",
    "SEGMENT_KEY",
    "TAG",
    "WEAKEST",
    "Envelope",
    "lacking",
]

KEY_SIZE = 32
"""Bytes of a content key, whatever the cipher."""

TAG = 16
"""Bytes of a tag, whatever the cipher."""

NONCES = {"aes_256_gcm": 12, "xchacha20_poly1305": 24}
"""Bytes of Nonce that a cipher uses; the rest of the field is zero."""

MOST = {"aes_256_gcm": (1 << 36) - 32, "xchacha20_poly1305": (1 << 38) - 64}
"""The longest message of a cipher: its 32-bit counter of blocks must not come round."""

ENCLOSED = {
    "none": 0,
    "x25519": 32,
    "ml_kem_768": 1088,
    "ml_kem_1024": 1568,
    "x25519_ml_kem_768": 1120,
}
"""KEMCtLen of each KeyEncap."""

WEAKEST = {"kdf_time": 3, "kdf_memory": 65536, "kdf_lanes": 4}
"""What Argon2id must at least be told, by field."""

CONTENT_KEY = b"MSL-CEK-v1"
SEGMENT_KEY = b"MSL-SEG-v1"
"""What HKDF takes as its info, for the content key and for that of a sealed segment."""


@dataclass(frozen=True)
class Envelope:
    """What stands in the open around the blocks of an encrypted file.

    Attributes:
        schema: what the file is read with.
        header: all bytes of the file header.
        stated: its encryption header.
        dump_uuid: the bytes of DumpUUID.
    """

    schema: Schema
    header: bytes
    stated: Record
    dump_uuid: bytes

    @property
    def cipher(self) -> str:
        """Name of EncAlgo; a number in hexadecimal where the draft has none."""
        return str(self.stated["enc_algo"].name)

    @property
    def enclosure(self) -> str:
        """Name of KeyEncap; likewise."""
        return str(self.stated["key_encap"].name)

    @property
    def derivation(self) -> str:
        """Name of KDFType; likewise."""
        return str(self.stated["kdf_type"].name)

    @property
    def start(self) -> int:
        """Offset of the ciphertext."""
        return len(self.header) + int(self.stated["kem_ct_len"])

    @property
    def stated_length(self) -> int:
        """CipherLen; 0: the tag is the end of the file."""
        return int(self.stated["cipher_len"])

    def offset_of(self, field: str) -> int:
        """File offset of a field of the encryption header."""
        layout = self.schema.encryption_header
        assert layout is not None
        return self.schema.file_header_size + layout.offset_of(field)

    @property
    def covered_header(self) -> bytes:
        """The file header as tag and FileHash have it: CipherLen is zero, so that it can be
        written when the length is known."""
        layout = self.schema.encryption_header
        assert layout is not None
        at, width = self.offset_of("cipher_len"), layout.field("cipher_len").type.minimum
        return self.header[:at] + bytes(width) + self.header[at + width :]


def lacking(envelope: Envelope) -> str:
    """Which key a file is encrypted with, and how it is given."""
    what = f"encrypted with {envelope.cipher}"
    if envelope.enclosure != "none":
        if envelope.enclosure not in ENCLOSED:
            return f"{what}, the key enclosed in a way that no draft has ({envelope.enclosure})"
        return f"{what} for the owner of a private key ({envelope.enclosure}: --private-key)"
    if envelope.derivation == "argon2id":
        return (
            f"{what} by a passphrase (--passphrase-file, --passphrase-env, --ask-passphrase) or by "
            "its key (--key-file)"
        )
    return f"{what} by a raw key (--key-file)"
