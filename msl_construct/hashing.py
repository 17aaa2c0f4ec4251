"""The hash algorithms that a file can name (§1.3, draft 2026-10 §3)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from .errors import FormatError

__all__ = ["Hasher", "digest", "hasher_factory", "new_hasher"]


class Hasher(Protocol):
    """The part of the hashlib interface that is used here."""

    def update(self, data: Any, /) -> Any:
        """Take in more bytes."""

    def digest(self) -> bytes:
        """The hash of everything taken in so far."""

    def copy(self) -> Hasher:
        """An independent hasher in the same state."""


_BY_NAME = {"sha_256": "sha256", "sha_512_256": "sha512_256"}


def new_hasher(algorithm: str = "blake3") -> Hasher:
    """A hasher of 32-byte digests for a HashAlgo name.

    Raises:
        FormatError: the algorithm is not one that the drafts define.
    """
    if algorithm == "blake3":
        from blake3 import blake3

        return blake3()
    if algorithm not in _BY_NAME:
        raise FormatError(
            f"hash algorithm {algorithm}: expected blake3, sha_256 or sha_512_256; hashes can't "
            "be checked"
        )
    return hashlib.new(_BY_NAME[algorithm])


def hasher_factory(algorithm: str = "blake3") -> Callable[..., Hasher]:
    """What makes such hashers, with the first bytes as its argument: for loops.

    Raises:
        FormatError: the algorithm is not one that the drafts define.
    """
    new_hasher(algorithm)
    if algorithm == "blake3":
        from blake3 import blake3

        return blake3
    return partial(hashlib.new, _BY_NAME[algorithm])


def digest(algorithm: str, *pieces: Any) -> bytes:
    """The hash of some pieces put together."""
    hasher = new_hasher(algorithm)
    for piece in pieces:
        hasher.update(piece)
    return hasher.digest()
