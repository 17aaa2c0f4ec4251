"""Private keys: encodings that are taken apart, and numbers that belong together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from .pool import KeyBytes, Pool

__all__ = [
    "curve_pairs",
    "der_length",
    "has_cryptography",
    "pkcs1_words",
    "pkcs8_words",
    "rsa_factors",
    "sec1_words",
]

_MOST_TRIED = 4096
_MOST_KNOWN = 1 << 15
"""Public keys that are at hand for bytes that stand in another dump as well."""
_MOST_FACTORS = 4096
_MOST_NUMBERS = 256
_MOST_DER = 1 << 14
_FIELDS = ("version", "n", "e", "d", "p", "q", "dp", "dq", "qinv")


def has_cryptography() -> bool:
    """Whether what knows curves is installed."""
    try:
        import cryptography  # noqa: F401
    except ImportError:
        return False
    return True


def der_length(data: bytes, at: int = 0) -> tuple[int, int] | None:
    """Where the contents of a DER value begin and where it ends; None: it has no such length."""
    if at + 2 > len(data):
        return None
    size = data[at + 1]
    if size < 0x80:
        return at + 2, at + 2 + size
    count = size & 0x7F
    if not 1 <= count <= 3 or at + 2 + count > len(data):
        return None
    begin = at + 2 + count
    return begin, begin + int.from_bytes(data[at + 2 : begin], "big")


def _whole(pool: Pool, address: int) -> bytes | None:
    head = pool.bytes_at(address, 5)
    bounds = der_length(head) if head is not None else None
    if bounds is None or bounds[1] > _MOST_DER:
        return None
    return pool.bytes_at(address, bounds[1])


def pkcs1_words(pool: Pool, address: int) -> tuple[int, str] | None:
    """Length of an RSAPrivateKey, and by what it is known to be one."""
    data = _whole(pool, address)
    bounds = der_length(data) if data is not None else None
    if data is None or bounds is None:
        return None
    at, end = bounds
    numbers: list[int] = []
    while at < end and len(numbers) < len(_FIELDS):
        inner = der_length(data, at)
        if data[at] != 2 or inner is None or inner[1] > end:
            return None
        numbers.append(int.from_bytes(data[inner[0] : inner[1]], "big"))
        at = inner[1]
    if len(numbers) < len(_FIELDS):
        return None
    _, n, e, d, p, q, dp, _dq, _qinv = numbers
    if p < 3 or q < 3 or p * q != n or e * d % math.lcm(p - 1, q - 1) != 1 or dp != d % (p - 1):
        return None
    return len(data), f"n = p q of {n.bit_length()} bits, e d = 1 modulo lcm(p - 1, q - 1)"


def pkcs8_words(pool: Pool, address: int) -> tuple[int, str] | None:
    """Length of a PrivateKeyInfo, and what key it is of."""
    return _loaded(pool, address, "PrivateKeyInfo")


def sec1_words(pool: Pool, address: int) -> tuple[int, str] | None:
    """Length of an ECPrivateKey, and by what it is known to be one."""
    return _loaded(pool, address, "ECPrivateKey")


def _loaded(pool: Pool, address: int, form: str) -> tuple[int, str] | None:
    data = _whole(pool, address)
    if data is None or len(data) < 16:
        return None
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    try:
        key = load_der_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    kind = type(key).__name__.strip("_")
    size = getattr(key, "key_size", None)
    of = f", {size} bits" if size is not None else ""
    return len(data), f"{form} of {kind}{of}, which can be loaded"


def curve_pairs(pool: Pool, curve: str, align: int) -> Iterator[tuple[KeyBytes, str]]:
    """32 bytes whose public key stands in the same memory."""
    publics = {"p256": _p256, "x25519": _x25519, "ed25519": _ed25519}[curve]
    for blob in pool.some(pool.blobs(32, align), _MOST_TRIED, f"private keys of {curve}"):
        for what, public in publics(blob.data):  # which other dumps may have as well
            at = pool.find(public)
            if at is not None:
                yield blob, f"{what} stands at {at:#x}"
                break


@lru_cache(_MOST_KNOWN)
def _x25519(secret: bytes) -> tuple[tuple[str, bytes], ...]:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    public = X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
    return (("its public key of X25519", public),)


@lru_cache(_MOST_KNOWN)
def _ed25519(secret: bytes) -> tuple[tuple[str, bytes], ...]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    public = Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
    return (("its public key of Ed25519", public),)


_P256 = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF


@lru_cache(_MOST_KNOWN)
def _p256(secret: bytes) -> tuple[tuple[str, bytes], ...]:
    """The first coordinate of d G as it is encoded, and as OpenSSL keeps it."""
    from cryptography.hazmat.primitives.asymmetric import ec

    found = []
    for order in ("little", "big"):
        number = int.from_bytes(secret, order)
        try:
            key = ec.derive_private_key(number, ec.SECP256R1())
        except ValueError:
            continue
        x = key.public_key().public_numbers().x
        words = f"the point d G (d in {order} endian)"
        found.append((f"{words}, encoded,", x.to_bytes(32, "big")))
        found.append((f"{words}, as words,", x.to_bytes(32, "little")))
        montgomery = ((x << 256) % _P256).to_bytes(32, "little")
        found.append((f"{words}, as words of Montgomery's form,", montgomery))
    return tuple(found)


def rsa_factors(pool: Pool, lengths: tuple[int, ...], align: int) -> Iterator[tuple[KeyBytes, str]]:
    """Bytes that divide a number of twice their length that is in the same memory."""
    for length in lengths:
        numbers: dict[tuple[int, str], int] = {}
        for blob in pool.own(2 * length, align):
            more = [one for one in _odd(blob.data) if one not in numbers]
            if more and len(numbers) >= _MOST_NUMBERS:
                pool.limits.append(
                    f"multiples of factors of {length} bytes: of more than {_MOST_NUMBERS} numbers "
                    "the best were looked at"
                )
                break
            numbers.update((one, blob.address) for one in more)
        if not numbers:
            continue
        told = set[int]()
        own = pool.own(length, align)
        for blob in pool.some(own, _MOST_FACTORS, f"factors of {length} bytes"):
            for number, order in _odd(blob.data):
                for (other, form), place in numbers.items():
                    if form == order and other % number == 0 and blob.address not in told:
                        told.add(blob.address)
                        yield (
                            blob,
                            f"the number of {2 * length} bytes at {place:#x} is a multiple of it "
                            f"(both {order} endian)",
                        )


def _odd(data: bytes) -> Iterator[tuple[int, Any]]:
    """The numbers that bytes are in either order, if they are odd and use all of them."""
    if data[0] & 1 and data[-1] & 0x80:
        yield int.from_bytes(data, "little"), "little"
    if data[-1] & 1 and data[0] & 0x80:
        yield int.from_bytes(data, "big"), "big"
