"""How a file is encrypted: with which cipher, and for whom (§10)."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import ConformanceError
from .ciphers import Cipher, cipher_named
from .derive import content_key_of, from_parameters
from .parameters import KEY_SIZE, NONCES, WEAKEST

if TYPE_CHECKING:
    from .public_keys import PublicKeys

__all__ = ["Encryption", "Prepared"]

_SALT = 16
_NONCE = 24


@dataclass(frozen=True)
class Prepared:
    """What a file is encrypted with.

    Attributes:
        fields: of its encryption header.
        enclosed: the enclosed key.
        cipher: ready for the message.
    """

    fields: dict[str, Any]
    enclosed: bytes
    cipher: Cipher = field(repr=False)


@dataclass
class Encryption:
    """With which cipher, and for whom a file is encrypted: exactly one of the keys is given.

    Attributes:
        raw: the content key itself, 32 bytes. Two files must never have the same key and nonce:
            nonces are random, so that some millions of files may have one key.
        passphrase: what the key is derived from, by Argon2id.
        public: whose owner alone can open it.
        cipher: ``aes_256_gcm`` or ``xchacha20_poly1305``.
        kdf_time, kdf_memory, kdf_lanes: passes, KiB and lanes of Argon2id.
        random: where nonces and salts come from, for reproducible files.

    Raises:
        ConformanceError: it is less than the draft demands, or no key or several are given.
    """

    raw: bytes | None = field(default=None, repr=False)
    passphrase: bytes | None = field(default=None, repr=False)
    public: PublicKeys | None = None
    cipher: str = "aes_256_gcm"
    kdf_time: int = WEAKEST["kdf_time"]
    kdf_memory: int = WEAKEST["kdf_memory"]
    kdf_lanes: int = WEAKEST["kdf_lanes"]
    random: Callable[[int], bytes] = os.urandom
    _made: tuple[bytes, bytes] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        given = [key for key in (self.raw, self.passphrase, self.public) if key is not None]
        if len(given) != 1:
            raise ConformanceError(
                "encryption: expected one of a raw key, a passphrase and a public key, found "
                f"{len(given)} of them (§10)"
            )
        if self.cipher not in NONCES:
            raise ConformanceError(
                f"EncAlgo {self.cipher}: expected {' or '.join(NONCES)} (§10.1)", field="enc_algo"
            )
        if self.raw is not None and len(self.raw) != KEY_SIZE:
            raise ConformanceError(
                f"a raw key: expected {KEY_SIZE} bytes, found {len(self.raw)} (§10)"
            )
        if self.passphrase is not None:
            if not self.passphrase:
                raise ConformanceError("the passphrase is empty: anybody can guess that (§10.5)")
            for name, least in WEAKEST.items():
                found = getattr(self, name)
                if found < least:
                    raise ConformanceError(
                        f"{name}: expected at least {least}, found {found} (§10.5)", field=name
                    )

    def get_ready(self) -> None:
        """Do now what takes time: derive the key of the passphrase, import what is needed.

        Raises:
            EncryptedError: what it takes is not installed.
        """
        if self.passphrase is not None:
            self._derived()
        cipher_named(self.cipher, bytes(KEY_SIZE), bytes(_NONCE))

    def _derived(self) -> tuple[bytes, bytes]:
        """Key and salt, which all files have that are encrypted with this: their nonces differ."""
        if self._made is None:
            assert self.passphrase is not None
            salt = self.random(_SALT)
            parameters = self.kdf_time, self.kdf_memory, self.kdf_lanes
            self._made = from_parameters(self.passphrase, salt, *parameters), salt
        return self._made

    @property
    def recipient(self) -> str:
        """Who can open the files, in a word or two."""
        if self.public is not None:
            return f"public key ({self.public.enclosure})"
        return "raw key" if self.raw is not None else "passphrase"

    def prepare(self, dump_uuid: bytes) -> Prepared:
        """Draw a nonce, make the key, and say so in the fields of an encryption header.

        Raises:
            EncryptedError: what it takes is not installed.
        """
        nonce = self.random(NONCES[self.cipher]).ljust(_NONCE, b"\0")
        fields: dict[str, Any] = {"enc_algo": self.cipher, "nonce": nonce, "cipher_len": 0}
        enclosed = b""
        if self.raw is not None:
            key = self.raw
        elif self.passphrase is not None:
            key, salt = self._derived()
            fields |= {name: getattr(self, name) for name in WEAKEST}
            fields |= {"kdf_type": "argon2id", "kdf_salt": salt}
        else:
            assert self.public is not None
            enclosed, secret = self.public.enclose()
            fields |= {"key_encap": self.public.enclosure, "kem_ct_len": len(enclosed)}
            key = content_key_of(secret, dump_uuid)
        return Prepared(fields, enclosed, cipher_named(self.cipher, key, nonce))
