"""Secrets of TLS that stand in memory with what is derived from them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from functools import lru_cache

from .pool import KeyBytes, Pool

__all__ = ["tls_1_2_master_secrets", "tls_1_3_secrets"]

_HASHES = {32: "sha256", 48: "sha384"}
_ROOM = 64
_MOST = 1 << 14
_MOST_KNOWN = 1 << 16
"""Secrets of which what follows is at hand, where another dump has them as well."""
_MOST_MASTERS = 512
_MOST_RANDOMS = 32
_SIZES_OF_KEYS = ((0, 16), (0, 32), (20, 16), (32, 16), (20, 32), (32, 32), (48, 32))
"""Bytes of the MAC keys and of the keys of a cipher suite; one that is an AEAD has no MAC."""


def _expand(secret: bytes, label: bytes, context: bytes, size: int, name: str) -> bytes:
    """HKDF-Expand-Label of at most one hash (RFC 8446, 7.1)."""
    full = b"tls13 " + label
    info = size.to_bytes(2, "big") + bytes([len(full)]) + full + bytes([len(context)]) + context
    return hmac.digest(secret, info + b"\x01", name)[:size]


def tls_1_3_secrets(pool: Pool, length: int, align: int) -> Iterator[tuple[KeyBytes, str]]:
    """Bytes from which a key, a finished key or the master secret follows that is there, too."""
    found: list[KeyBytes] = []
    for blob, words in _by_algebra(pool, length, align):
        found.append(blob)
        yield blob, words
    known = {blob.address for blob in found}
    for blob in found:
        yield from _beside(pool, blob, length, known)


def _beside(
    pool: Pool, blob: KeyBytes, length: int, known: set[int]
) -> Iterator[tuple[KeyBytes, str]]:
    """Secrets of the same connection of OpenSSL: each has 64 bytes, one behind the other."""
    for number in (-4, -3, -2, -1, 1, 2, 3, 4):
        address = blob.address + _ROOM * number
        data = pool.bytes_at(address, _ROOM)
        if address in known or data is None or any(data[length:]):
            continue
        if len(set(data[:length])) >= 0.7 * length:
            known.add(address)
            yield KeyBytes(address, data[:length], 0), ""


def _by_algebra(pool: Pool, length: int, align: int) -> Iterator[tuple[KeyBytes, str]]:
    name = _HASHES[length]
    for blob in pool.some(
        pool.blobs(length, align), _MOST, f"secrets of TLS 1.3 of {length} bytes"
    ):
        short, key, finished, after = _following(blob.data, name)
        for one in (short, key):
            if one in pool.keys:
                size = len(one)
                yield blob, f"its traffic key {one.hex()[:16]}… of {size} bytes has a key schedule"
                break
        else:
            if (at := pool.find(finished)) is not None:
                yield blob, f"its finished key stands at {at:#x}"
            elif (at := pool.find(key)) is not None:
                yield blob, f"its traffic key stands at {at:#x}"
            elif (at := pool.find(after)) is not None:
                yield blob, f"the master secret that follows from it stands at {at:#x}"


@lru_cache(_MOST_KNOWN)
def _following(secret: bytes, name: str) -> tuple[bytes, bytes, bytes, bytes]:
    """Traffic keys of 16 and 32 bytes, the finished key, and the next secret (RFC 8446, 7.1)."""
    length = len(secret)
    nothing = hashlib.new(name, b"").digest()
    derived = _expand(secret, b"derived", nothing, length, name)
    return (
        _expand(secret, b"key", b"", 16, name),
        _expand(secret, b"key", b"", 32, name),
        _expand(secret, b"finished", b"", length, name),
        hmac.digest(derived, bytes(length), name),
    )


def _prf(secret: bytes, seed: bytes, name: str) -> bytes:
    """Two hashes of P_hash of RFC 5246, 5: 64 bytes or 96."""
    first = hmac.digest(secret, seed, name)
    second = hmac.digest(secret, first, name)
    return hmac.digest(secret, first + seed, name) + hmac.digest(secret, second + seed, name)


def tls_1_2_master_secrets(pool: Pool, align: int) -> Iterator[tuple[KeyBytes, str]]:
    """48 bytes whose key block holds a key of which there is a schedule.

    The randoms that it also depends on are looked for as OpenSSL keeps them: side by side, that of
    the server first.
    """
    if not pool.keys:
        return
    both = pool.some(pool.own(64, align), 8 * _MOST_RANDOMS, "randoms of TLS 1.2")
    randoms = dict.fromkeys(blob.data for blob in both)
    masters: dict[bytes, list[KeyBytes]] = {}
    own = pool.own(48, align)
    for blob in pool.some(own, _MOST_MASTERS, "master secrets of TLS 1.2"):
        masters.setdefault(blob.data, []).append(blob)
    if len(randoms) > _MOST_RANDOMS:
        pool.limits.append(f"randoms of TLS 1.2: of {len(randoms)} the best {_MOST_RANDOMS}")
    seeds = [b"key expansion" + one for one in list(randoms)[:_MOST_RANDOMS]]
    for secret, blobs in masters.items():
        words = _by_key_block(pool, secret, seeds)
        if words:
            for blob in blobs:
                yield blob, words


def _by_key_block(pool: Pool, secret: bytes, seeds: list[bytes]) -> str:
    for seed in seeds:
        for name in ("sha384", "sha256"):
            block = _prf(secret, seed, name)
            for mac, size in _SIZES_OF_KEYS:
                for at in (2 * mac, 2 * mac + size):
                    if block[at : at + size] in pool.keys:
                        return (
                            f"its key block ({name}) holds the key "
                            f"{block[at : at + size].hex()[:16]}… of a key schedule"
                        )
    return ""
