"""Private keys that open an enclosed key: X25519, ML-KEM, and both together (§10.4)."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any

from ..errors import EncryptedError
from .keys import read_secret
from .library import part_of_library
from .parameters import ENCLOSED

__all__ = ["HALVES", "PrivateKeys", "frames_of", "kind_of", "raw_private_keys", "read_private_keys"]

_X25519 = 32
_SEED = 64
"""Bytes of a private key as they are, without a frame: of X25519, and the seed of an ML-KEM."""

_PEM = re.compile(rb"-----BEGIN [A-Z0-9 ]+-----.*?-----END [A-Z0-9 ]+-----", re.DOTALL)

HALVES = {
    "x25519": ("x25519",),
    "ml_kem_768": ("ml_kem_768",),
    "ml_kem_1024": ("ml_kem_1024",),
    "x25519_ml_kem_768": ("x25519", "ml_kem_768"),
}
"""The parts of each KeyEncap, in the order in which ciphertexts and secrets are put together."""


@dataclass
class PrivateKeys:
    """Private keys by what they open: one of X25519, one of an ML-KEM, or both.

    Attributes:
        x25519: 32 bytes.
        seed: of an ML-KEM, 64 bytes; which of them it is for, the header says.
        loaded: keys of the library, by name, that were read from PEM or DER.
    """

    x25519: bytes | None = field(default=None, repr=False)
    seed: bytes | None = field(default=None, repr=False)
    loaded: dict[str, Any] = field(default_factory=dict, repr=False)

    def open(self, enclosure: str, enclosed: bytes) -> bytes:
        """The shared secret that an enclosed key gives.

        Raises:
            EncryptedError: there is no private key of that kind, or the bytes enclose none.
        """
        secrets = []
        for half in HALVES[enclosure]:
            length = ENCLOSED[half]
            secrets.append(self._opened(half, enclosed[:length]))
            enclosed = enclosed[length:]
        return b"".join(secrets)

    def _opened(self, half: str, enclosed: bytes) -> bytes:
        key = self._key(half)
        if key is None:
            raise EncryptedError(
                f"the file's key is enclosed for a private key of {half}: the one that was given "
                "is none"
            )
        try:
            if half == "x25519":
                library = part_of_library("asymmetric.x25519", "a private key")
                public = library.X25519PublicKey.from_public_bytes(enclosed)
                return bytes(key.exchange(public))
            return bytes(key.decapsulate(enclosed))
        except ValueError as error:
            raise EncryptedError(
                f"the enclosed key: expected {ENCLOSED[half]} bytes that {half} encloses a key in, "
                f"found {len(enclosed)} that it does not ({error})"
            ) from error

    def _key(self, half: str) -> Any:
        if half in self.loaded:
            return self.loaded[half]
        if half == "x25519" and self.x25519 is not None:
            library = part_of_library("asymmetric.x25519", "a private key")
            return library.X25519PrivateKey.from_private_bytes(self.x25519)
        if half != "x25519" and self.seed is not None:
            library = part_of_library("asymmetric.mlkem", "ML-KEM")
            size = half.rpartition("_")[2]
            return getattr(library, f"MLKEM{size}PrivateKey").from_seed_bytes(self.seed)
        return None


def read_private_keys(path: str) -> PrivateKeys:
    """Private keys from a file: PEM (one, or two behind each other), DER, or their bytes.

    Raises:
        EncryptedError: it is none of that.
        OSError: it can't be read.
    """
    data = read_secret(path)
    name = os.path.basename(path)
    frames = frames_of(data)
    if frames:
        return _loaded(frames, name, "pem")
    return raw_private_keys(data) or _loaded([data], name, "der")


def raw_private_keys(data: bytes) -> PrivateKeys | None:
    """Private keys from their bytes: X25519's, an ML-KEM's seed, or both; None: it is neither."""
    if len(data) == _X25519:
        return PrivateKeys(x25519=data)
    if len(data) == _SEED:
        return PrivateKeys(seed=data)
    if len(data) == _X25519 + _SEED:
        return PrivateKeys(x25519=data[:_X25519], seed=data[_X25519:])
    return None


def frames_of(data: bytes) -> list[bytes]:
    """The PEM structures of a file."""
    return _PEM.findall(data)


def _loaded(frames: list[bytes], name: str, form: str) -> PrivateKeys:
    library = part_of_library("serialization", "a private key")
    found = PrivateKeys()
    for frame in frames:
        try:
            key = getattr(library, f"load_{form}_private_key")(frame, None)
        except (ValueError, TypeError) as error:
            hint = "; it is under a passphrase of its own: take that off" if _locked(frame) else ""
            raise EncryptedError(
                f"{name}: expected a private key in PEM or DER (PKCS 8) without a passphrase, "
                f"{_X25519} bytes of X25519, {_SEED} of an ML-KEM's seed, or both behind each "
                f"other{hint}"
            ) from error
        kind = kind_of(key)
        if kind is None:
            raise EncryptedError(
                f"{name}: expected a private key of X25519, ML-KEM-768 or ML-KEM-1024, found a "
                f"{type(key).__name__}"
            )
        found.loaded[kind] = key
    return found


def _locked(frame: bytes) -> bool:
    return b"ENCRYPTED" in frame


def kind_of(key: object) -> str | None:
    """What a key of the library is one of; None: of nothing that encloses a key."""
    names = {"X25519": "x25519", "MLKEM768": "ml_kem_768", "MLKEM1024": "ml_kem_1024"}
    return next((kind for part, kind in names.items() if part in type(key).__name__), None)
