"""The two ciphers of §10.1: a tag over a stream, and plaintext from any offset.

AES-256-GCM is a counter over AES: block `n` of the message is encrypted with counter ``n + 2``.
XChaCha20-Poly1305 is ChaCha20-Poly1305 under a key that HChaCha20 makes of the first 16 bytes of
the nonce; ``cryptography`` has the parts, which are put together here.
"""

from __future__ import annotations

from typing import Any, Protocol

from .library import part_of_library
from .parameters import MOST, NONCES, TAG

__all__ = ["Cipher", "Sealing", "Stream", "Tagger", "cipher_named", "is_known"]

SLACK = 16
"""Bytes that a buffer for plaintext is longer than what is decrypted into it."""


class Tagger(Protocol):
    """Goes over a message once."""

    def take(self, piece: memoryview) -> None:
        """More of the ciphertext."""

    def matches(self, tag: bytes) -> bool:
        """Whether this is the tag of what was taken in."""


class Stream(Protocol):
    """Plaintext from ciphertext, from an offset on."""

    def update_into(self, data: Any, buffer: Any) -> int:
        """Decrypt into a buffer that is `SLACK` bytes longer."""


class Sealing(Protocol):
    """Makes a message, piece by piece."""

    def update_into(self, data: Any, buffer: Any) -> int:
        """Encrypt into a buffer that is `SLACK` bytes longer."""

    def tag(self) -> bytes:
        """The tag of the whole, once."""


class Cipher(Protocol):
    """One cipher under one key and nonce.

    Attributes:
        most: bytes of the longest message.
    """

    most: int

    def tagger(self, covered: bytes) -> Tagger:
        """What verifies a tag over `covered` and the ciphertext."""

    def stream(self, offset: int) -> tuple[Stream, int]:
        """What decrypts from this offset of the message or a little before, and how much before."""

    def sealing(self, covered: bytes) -> Sealing:
        """What encrypts the message, and makes a tag over it and `covered`."""


def is_known(name: str) -> bool:
    """Whether there is a cipher of this name."""
    return name in NONCES


def cipher_named(name: str, key: bytes, nonce: bytes) -> Cipher:
    """The cipher of a name, from `NONCES`.

    Args:
        key: 32 bytes.
        nonce: all of the field; what is too much for the cipher is left out.
    """
    nonce = nonce[: NONCES[name]]
    return AesGcm(key, nonce) if name == "aes_256_gcm" else XChaCha(key, nonce)


class AesGcm:
    """AES-256-GCM with a nonce of 12 bytes."""

    most = MOST["aes_256_gcm"]
    _BLOCK = 16
    _FIRST = 2  # counter of the first block; 1 is that of the tag

    def __init__(self, key: bytes, nonce: bytes) -> None:
        library = part_of_library("ciphers", "AES-256-GCM")
        self._make = library.Cipher
        self._algorithm = library.algorithms.AES(key)
        self._modes = library.modes
        self._nonce = nonce

    def tagger(self, covered: bytes) -> Tagger:
        context = self._make(self._algorithm, self._modes.GCM(self._nonce)).decryptor()
        context.authenticate_additional_data(covered)
        return _GcmTagger(context)

    def stream(self, offset: int) -> tuple[Stream, int]:
        block, before = divmod(offset, self._BLOCK)
        counter = self._nonce + (self._FIRST + block).to_bytes(4, "big")
        found: Stream = self._make(self._algorithm, self._modes.CTR(counter)).decryptor()
        return found, before

    def sealing(self, covered: bytes) -> Sealing:
        context = self._make(self._algorithm, self._modes.GCM(self._nonce)).encryptor()
        context.authenticate_additional_data(covered)
        return _GcmSealing(context)


class _GcmTagger:
    """Decrypts into one buffer and forgets it: there is no call that only verifies."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._buffer = bytearray()

    def take(self, piece: memoryview) -> None:
        if len(self._buffer) < piece.nbytes + SLACK:
            self._buffer = bytearray(piece.nbytes + SLACK)
        self._context.update_into(piece, self._buffer)

    def matches(self, tag: bytes) -> bool:
        from cryptography.exceptions import InvalidTag

        self._buffer = bytearray()
        try:
            self._context.finalize_with_tag(tag)
        except InvalidTag:
            return False
        return True


class _GcmSealing:
    def __init__(self, context: Any) -> None:
        self._context = context

    def update_into(self, data: Any, buffer: Any) -> int:
        return int(self._context.update_into(data, buffer))

    def tag(self) -> bytes:
        self._context.finalize()
        return bytes(self._context.tag)


class XChaCha:
    """XChaCha20-Poly1305 with a nonce of 24 bytes."""

    most = MOST["xchacha20_poly1305"]
    _BLOCK = 64
    _FIRST = 1  # counter of the first block; 0 gives the key of the tag

    def __init__(self, key: bytes, nonce: bytes) -> None:
        self._ciphers = part_of_library("ciphers", "XChaCha20-Poly1305")
        self._poly1305 = part_of_library("poly1305", "XChaCha20-Poly1305").Poly1305
        self._key = _hchacha(self._ciphers, key, nonce[:16])
        self._nonce = bytes(4) + nonce[16:]

    def tagger(self, covered: bytes) -> Tagger:
        return _PolyTagger(self._poly1305(self._tag_key()), covered)

    def stream(self, offset: int) -> tuple[Stream, int]:
        block, before = divmod(offset, self._BLOCK)
        return self._at(self._FIRST + block), before

    def sealing(self, covered: bytes) -> Sealing:
        return _PolySealing(self._at(self._FIRST), self.tagger(covered))

    def _tag_key(self) -> bytes:
        buffer = bytearray(self._BLOCK + SLACK)
        self._at(0).update_into(bytes(self._BLOCK), buffer)
        return bytes(buffer[:32])

    def _at(self, counter: int) -> Stream:
        start = counter.to_bytes(4, "little") + self._nonce
        algorithm = self._ciphers.algorithms.ChaCha20(self._key, start)
        found: Stream = self._ciphers.Cipher(algorithm, None).encryptor()
        return found


class _PolyTagger:
    """Poly1305 over what is covered and the ciphertext, each padded to 16, and their lengths."""

    def __init__(self, mac: Any, covered: bytes) -> None:
        self._mac = mac
        self._covered = len(covered)
        self._length = 0
        self._mac.update(covered + bytes(-len(covered) % TAG))

    def take(self, piece: memoryview) -> None:
        self._length += piece.nbytes
        self._mac.update(piece)

    def matches(self, tag: bytes) -> bool:
        from hmac import compare_digest

        return compare_digest(self.tag(), tag)

    def tag(self) -> bytes:
        lengths = b"".join(n.to_bytes(8, "little") for n in (self._covered, self._length))
        self._mac.update(bytes(-self._length % TAG) + lengths)
        return bytes(self._mac.finalize())


class _PolySealing:
    def __init__(self, stream: Stream, tagger: Tagger) -> None:
        self._stream = stream
        assert isinstance(tagger, _PolyTagger)
        self._tagger = tagger

    def update_into(self, data: Any, buffer: Any) -> int:
        length = self._stream.update_into(data, buffer)
        self._tagger.take(memoryview(buffer)[:length])
        return length

    def tag(self) -> bytes:
        return self._tagger.tag()


def _hchacha(ciphers: Any, key: bytes, start: bytes) -> bytes:
    """HChaCha20: a key from a key and 16 bytes of nonce.

    It is a block of ChaCha20 without the addition of its first state at the end, of which words
    0 to 3 and 12 to 15 are kept.
    """
    encryptor = ciphers.Cipher(ciphers.algorithms.ChaCha20(key, start), None).encryptor()
    block = encryptor.update(bytes(64))
    constants = b"expand 32-byte k"
    kept = (block[:16], constants), (block[48:], start)
    return b"".join(_difference(found, added) for found, added in kept)


def _difference(found: bytes, added: bytes) -> bytes:
    """Words of 32 bits, little-endian, less others."""
    return b"".join(
        (
            (
                int.from_bytes(found[i : i + 4], "little")
                - int.from_bytes(added[i : i + 4], "little")
            )
            & 0xFFFFFFFF
        ).to_bytes(4, "little")
        for i in range(0, len(found), 4)
    )
