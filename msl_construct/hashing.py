"""The hash algorithms that a file can name (§1.3, draft 2026-10 §3)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from .errors import FormatError

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

__all__ = [
    "UNHASHED",
    "Digests",
    "Hasher",
    "digest",
    "hasher_factory",
    "new_hasher",
    "threaded_hasher",
]

_WORTH_A_THREAD = 1 << 16


class Hasher(Protocol):
    """The part of the hashlib interface that is used here."""

    def update(self, data: Any, /) -> Any:
        """Take in more bytes."""

    def digest(self) -> bytes:
        """The hash of everything taken in so far."""

    def copy(self) -> Hasher:
        """An independent hasher in the same state."""


_BY_NAME = {"sha_256": "sha256", "sha_512_256": "sha512_256"}


UNHASHED = "unhashed"
"""Instead of an algorithm: nothing is hashed, for an output below one that hashes."""


class _Unhashed:
    """A hasher that takes no time."""

    def __init__(self, data: Any = b"", /) -> None:
        pass

    def update(self, data: Any, /) -> None:
        """Forget it."""

    def digest(self) -> bytes:
        """Zeros."""
        return bytes(32)

    def copy(self) -> _Unhashed:
        """This one: it has no state."""
        return self


def new_hasher(algorithm: str = "blake3") -> Hasher:
    """A hasher of 32-byte digests for a HashAlgo name.

    Raises:
        FormatError: the algorithm is not one that the drafts define.
    """
    if algorithm == "blake3":
        from blake3 import blake3

        return blake3()
    if algorithm == UNHASHED:
        return _Unhashed()
    if algorithm not in _BY_NAME:
        raise FormatError(
            f"hash algorithm {algorithm}: expected blake3, sha_256 or sha_512_256; hashes can't "
            "be checked"
        )
    try:
        return hashlib.new(_BY_NAME[algorithm])
    except ValueError:
        raise FormatError(
            f"hash algorithm {algorithm}: this Python's OpenSSL does not have it; hashes can't be "
            "checked"
        ) from None


def threaded_hasher() -> Hasher:
    """A hasher of BLAKE3 that uses all processors, for pieces of a mebibyte or so."""
    from blake3 import blake3

    return blake3(max_threads=blake3.AUTO)


def hasher_factory(algorithm: str = "blake3") -> Callable[..., Hasher]:
    """What makes such hashers, with the first bytes as its argument: for loops.

    Raises:
        FormatError: the algorithm is not one that the drafts define.
    """
    new_hasher(algorithm)
    if algorithm == "blake3":
        from blake3 import blake3

        return blake3
    if algorithm == UNHASHED:
        return _Unhashed
    return partial(hashlib.new, _BY_NAME[algorithm])


def digest(algorithm: str, pieces: Iterable[bytes | memoryview]) -> bytes:
    """The hash of some pieces put together, each of which may be gone when the next comes."""
    hasher = new_hasher(algorithm)
    for piece in pieces:
        hasher.update(piece)
    return hasher.digest()


class Digests:
    """BLAKE3 and SHA-256 of the same bytes, each in a thread of its own.

    Attributes:
        size: bytes taken in.
    """

    def __init__(self) -> None:
        self.size = 0
        self._hashers = new_hasher("blake3"), new_hasher("sha_256")
        self._threads: ThreadPoolExecutor | None = None
        self._tried = False
        self._pending: list[Future[Any]] = []

    def begin(self, piece: memoryview) -> None:
        """Begin to take in a piece, which must stay as it is until `wait`."""
        self.size += piece.nbytes
        self._pending = []
        if piece.nbytes >= _WORTH_A_THREAD:
            if not self._tried:
                self._tried = True
                from .pool import started_pool

                self._threads = started_pool(len(self._hashers), "msl-digests")
            if self._threads is not None:
                for hasher in self._hashers:
                    self._pending.append(self._threads.submit(hasher.update, piece))
        for hasher in self._hashers[len(self._pending) :]:
            hasher.update(piece)

    def wait(self) -> None:
        """Wait until everything is taken in."""
        for pending in self._pending:
            pending.result()

    def update(self, piece: bytes | memoryview) -> None:
        """Take in a piece; the caller may reuse its buffer at once."""
        self.begin(memoryview(piece))
        self.wait()

    def close(self) -> None:
        """End the threads."""
        if self._threads is not None:
            self._threads.shutdown()
            self._threads = None

    @property
    def blake3(self) -> str:
        """BLAKE3 of everything so far, in hexadecimal."""
        return self._hashers[0].digest().hex()

    @property
    def sha256(self) -> str:
        """SHA-256 of everything so far, in hexadecimal."""
        return self._hashers[1].digest().hex()
