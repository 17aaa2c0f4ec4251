"""What a caller can give to open an encrypted file, and where it is read from."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import EncryptedError
from .parameters import KEY_SIZE

if TYPE_CHECKING:
    from .private_keys import PrivateKeys

__all__ = ["MAX_KDF_MEMORY", "Keys", "read_passphrase", "read_raw_key", "read_secret"]

MAX_KDF_MEMORY = 1 << 30
"""Bytes that the derivation of a key may take, unless told."""

_LONGEST = 1 << 16  # of a file that holds a secret: whoever names a dump by mistake is told


@dataclass
class Keys:
    """What may open a file; which of them does depends on its header.

    Attributes:
        raw: the content key itself, 32 bytes.
        passphrase: its bytes, or what asks for them, once and only if a file needs them.
        private: a private key.
        max_kdf_memory: bytes that the derivation of a key may take; it may be passed over 16 times.
        search: asked, with what it is about in words, whether to look for a changed bit of what a
            passphrase that seems wrong is used with, which takes up to a minute; None: no.
        searched: whether that was done.

    Raises:
        EncryptedError: a raw key of another length.
    """

    raw: bytes | None = field(default=None, repr=False)
    passphrase: bytes | Callable[[], bytes] | None = field(default=None, repr=False)
    private: PrivateKeys | None = field(default=None, repr=False)
    max_kdf_memory: int = MAX_KDF_MEMORY
    search: Callable[[str], bool] | None = field(default=None, repr=False)
    searched: bool = field(default=False, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.raw is not None and len(self.raw) != KEY_SIZE:
            raise EncryptedError(
                f"a raw key: expected {KEY_SIZE} bytes, found {len(self.raw)} (§10)"
            )

    @classmethod
    def of(cls, key: bytes | str | Keys) -> Keys:
        """Of bytes, which are a raw key, of a passphrase, or of keys."""
        if isinstance(key, Keys):
            return key
        if isinstance(key, str):
            return cls(passphrase=key.encode())
        return cls(raw=bytes(key))

    @property
    def has_passphrase(self) -> bool:
        """Whether a passphrase was given, or will be asked for."""
        return self.passphrase is not None

    def get_passphrase(self) -> bytes:
        """The passphrase, asked for now if it was not yet."""
        assert self.passphrase is not None
        if callable(self.passphrase):
            self.passphrase = self.passphrase()
        return self.passphrase


def read_secret(path: str) -> bytes:
    """All of a small file, or of a pipe such as ``/dev/fd/3``.

    Raises:
        EncryptedError: it is empty, or too large to hold a secret.
        OSError: it can't be read.
    """
    with open(path, "rb") as file:
        found = file.read(_LONGEST + 1)
    if not found:
        raise EncryptedError(f"{os.path.basename(path)}: expected a key, found an empty file")
    if len(found) > _LONGEST:
        raise EncryptedError(
            f"{os.path.basename(path)}: expected a key, found more than {_LONGEST} bytes"
        )
    return found


def read_raw_key(path: str) -> bytes:
    """A raw key: 32 bytes, or 64 hexadecimal digits with any space around them.

    Raises:
        EncryptedError: it is neither.
        OSError: it can't be read.
    """
    found = read_secret(path)
    if len(found) == KEY_SIZE:
        return found
    try:
        key = bytes.fromhex(found.decode("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != KEY_SIZE:
        raise EncryptedError(
            f"{os.path.basename(path)}: expected a raw key of {KEY_SIZE} bytes, or as many in "
            f"hexadecimal, found {len(found)} bytes that are neither"
        )
    return key


def read_passphrase(path: str) -> bytes:
    """A passphrase: all of a file but one line end behind it.

    Raises:
        EncryptedError: it is empty.
        OSError: it can't be read.
    """
    found = read_secret(path).removesuffix(b"\n").removesuffix(b"\r")
    if not found:
        raise EncryptedError(f"{os.path.basename(path)}: expected a passphrase, found a line end")
    return found
