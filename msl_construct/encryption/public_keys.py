"""Public keys that a content key is enclosed for, and pairs of keys (§10.4)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from ..errors import EncryptedError
from .keys import read_secret
from .library import part_of_library
from .parameters import ENCLOSED
from .private_keys import HALVES, frames_of, kind_of

__all__ = ["PublicKeys", "generated_pair", "read_public_keys"]

_SIZES = {"x25519": 32, "ml_kem_768": 1184, "ml_kem_1024": 1568}
"""Bytes of a public key as they are, without a frame."""


@dataclass
class PublicKeys:
    """Public keys of whom a file is encrypted for.

    Attributes:
        enclosure: name of KeyEncap.
        keys: keys of the library, in the order of its parts.
    """

    enclosure: str
    keys: list[Any]

    def enclose(self) -> tuple[bytes, bytes]:
        """A fresh secret: what encloses it, and the secret."""
        parts = [_enclosed(key) for key in self.keys]
        return b"".join(text for text, _ in parts), b"".join(secret for _, secret in parts)


def _enclosed(key: Any) -> tuple[bytes, bytes]:
    if kind_of(key) == "x25519":
        library = part_of_library("asymmetric.x25519", "X25519")
        own = library.X25519PrivateKey.generate()
        return own.public_key().public_bytes_raw(), own.exchange(key)
    secret, text = key.encapsulate()
    return text, secret


def read_public_keys(path: str) -> PublicKeys:
    """Public keys from a file: PEM (one, or two behind each other), DER, or their bytes.

    Raises:
        EncryptedError: it is none of that.
        OSError: it can't be read.
    """
    data = read_secret(path)
    name = os.path.basename(path)
    frames = frames_of(data)
    if frames:
        return _of([_loaded(frame, "pem", name) for frame in frames], name)
    for enclosure, halves in HALVES.items():
        if len(data) == sum(_SIZES[half] for half in halves):
            keys = []
            for half in halves:
                keys.append(_raw(half, data[: _SIZES[half]]))
                data = data[_SIZES[half] :]
            return PublicKeys(enclosure, keys)
    return _of([_loaded(data, "der", name)], name)


def _raw(half: str, data: bytes) -> Any:
    if half == "x25519":
        library = part_of_library("asymmetric.x25519", "X25519")
        return library.X25519PublicKey.from_public_bytes(data)
    library = part_of_library("asymmetric.mlkem", "ML-KEM")
    made = getattr(library, f"MLKEM{half.rpartition('_')[2]}PublicKey")
    return made.from_public_bytes(data)


def _loaded(frame: bytes, form: str, name: str) -> Any:
    library = part_of_library("serialization", "a public key")
    try:
        return getattr(library, f"load_{form}_public_key")(frame)
    except (ValueError, TypeError) as error:
        raise EncryptedError(
            f"{name}: expected a public key in PEM or DER, or the bytes of one of X25519 or of "
            "ML-KEM, or of both"
        ) from error


def _of(keys: list[Any], name: str) -> PublicKeys:
    kinds = tuple(kind_of(key) for key in keys)
    for enclosure, halves in HALVES.items():
        if sorted(map(str, kinds)) == sorted(halves):
            return PublicKeys(enclosure, sorted(keys, key=lambda key: halves.index(kind_of(key))))
    found = " and ".join(type(key).__name__ for key in keys)
    raise EncryptedError(
        f"{name}: expected a public key of X25519, ML-KEM-768, ML-KEM-1024, or one of X25519 and "
        f"one of ML-KEM-768, found {found}"
    )


def generated_pair(enclosure: str) -> tuple[bytes, bytes]:
    """A new private key and its public key, as PEM.

    Args:
        enclosure: a KeyEncap other than ``none``.
    """
    assert ENCLOSED[enclosure]
    library = part_of_library("serialization", "a private key")
    private, public = b"", b""
    for half in HALVES[enclosure]:
        if half == "x25519":
            key = part_of_library("asymmetric.x25519", "X25519").X25519PrivateKey.generate()
        else:
            kems = part_of_library("asymmetric.mlkem", "ML-KEM")
            key = getattr(kems, f"MLKEM{half.rpartition('_')[2]}PrivateKey").generate()
        private += key.private_bytes(
            library.Encoding.PEM, library.PrivateFormat.PKCS8, library.NoEncryption()
        )
        public += key.public_key().public_bytes(
            library.Encoding.PEM, library.PublicFormat.SubjectPublicKeyInfo
        )
    return private, public
