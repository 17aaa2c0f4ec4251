"""What was changed, if a key that seems wrong opens a file whose header or enclosed key differs.

A key is made with fields of the header and with the enclosed key. Whoever changes one bit of these
makes every key look wrong; so each bit is tried the other way round. For a private key that takes
a second. For a passphrase each try is a derivation, which is why somebody has to want it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..errors import EncryptedError
from ..source import Source
from .ciphers import SLACK, cipher_named
from .derive import content_key_of, cost_of, from_parameters, is_derivable
from .keys import Keys
from .parameters import ENCLOSED, NONCES, Envelope

__all__ = ["what_was_changed"]

_MOST = 48 << 30
"""Bytes that all derivations of a search may pass over: less than a minute."""

_LITTLE = 1 << 30
"""Bytes that one derivation may pass over to be tried before those of other salts."""

_NUMBERS = ("kdf_lanes", "kdf_time", "kdf_memory")


class _Way(NamedTuple):
    what: str
    key: bytes
    start: int


def what_was_changed(source: Source, envelope: Envelope, enclosed: bytes, keys: Keys) -> str:
    """What must have been changed for a key that was given to open the file; empty: nothing found.

    Args:
        enclosed: the enclosed key, as it stands there.
    """
    if envelope.cipher not in NONCES:
        return ""
    magic, nonce = envelope.schema.block_magic, envelope.stated["nonce"]
    buffer = bytearray(len(magic) + SLACK)
    first: dict[int, bytes] = {}
    for way in _ways(source, envelope, enclosed, keys):
        if way.start not in first:
            first[way.start] = source.read(way.start, len(magic))
        stream, _ = cipher_named(envelope.cipher, way.key, nonce).stream(0)
        if buffer[: stream.update_into(first[way.start], buffer)] == magic:
            return way.what
    return ""


def _ways(source: Source, envelope: Envelope, enclosed: bytes, keys: Keys) -> Iterator[_Way]:
    if keys.private is not None:
        yield from _other_enclosures(source, envelope, keys)
        yield from _other_enclosed(envelope, enclosed, keys)
    if keys.has_passphrase:
        yield from _other_parameters(envelope, keys)


def _bits(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The same bytes with each bit the other way round, and which it is."""
    for position in range(len(data)):
        for bit in range(8):
            other = bytearray(data)
            other[position] ^= 1 << bit
            yield f"bit {bit} of byte {position}", bytes(other)


def _opened(keys: Keys, enclosure: str, enclosed: bytes) -> bytes | None:
    assert keys.private is not None
    try:
        return keys.private.open(enclosure, enclosed)
    except EncryptedError:
        return None


def _other_enclosures(source: Source, envelope: Envelope, keys: Keys) -> Iterator[_Way]:
    """KeyEncap, or KEMCtLen, says something else."""
    begin = len(envelope.header)
    for enclosure, length in ENCLOSED.items():
        if length == 0 or (enclosure, begin + length) == (envelope.enclosure, envelope.start):
            continue
        secret = _opened(keys, enclosure, source.read(begin, length))
        if secret is not None:
            what = f"KeyEncap is {enclosure} and KEMCtLen {length}"
            yield _Way(what, content_key_of(secret, envelope.dump_uuid), begin + length)


def _other_enclosed(envelope: Envelope, enclosed: bytes, keys: Keys) -> Iterator[_Way]:
    """A bit of DumpUUID, which the key is made with, or of the enclosed key."""
    length = ENCLOSED.get(envelope.enclosure, 0)
    if not length or len(enclosed) != length:
        return
    secret = _opened(keys, envelope.enclosure, enclosed)
    if secret is not None:
        for what, other in _bits(envelope.dump_uuid):
            yield _Way(
                f"{what} of DumpUUID is another", content_key_of(secret, other), envelope.start
            )
    for what, other in _bits(enclosed):
        secret = _opened(keys, envelope.enclosure, other)
        if secret is not None:
            key = content_key_of(secret, envelope.dump_uuid)
            yield _Way(f"{what} of the enclosed key is another", key, envelope.start)


def _other_parameters(envelope: Envelope, keys: Keys) -> Iterator[_Way]:
    """KDFType or KeyEncap asks for another key; or a bit of the other parameters is another."""
    start = len(envelope.header)
    stated = dict(envelope.stated)
    if envelope.derivation != "argon2id" or envelope.enclosure != "none":
        if is_derivable(stated, keys.max_kdf_memory):
            key = _derived(stated, keys)
            yield _Way("KDFType is argon2id and KeyEncap none", key, start)
        return
    if keys.search is None:
        return
    tries = list(_searched(stated, keys.max_kdf_memory))
    keys.searched = not tries or keys.search(_announced(tries))
    if not keys.searched:
        return
    for what, other in tries:
        yield _Way(what, _derived(other, keys), start)


def _announced(tries: list[tuple[str, dict[str, Any]]]) -> str:
    return (
        f"looking whether a bit of what the passphrase is used with was changed: {len(tries)} "
        "derivations"
    )


def _searched(stated: dict[str, Any], most: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Parameters with one bit the other way round, the cheap ones first, as many as are allowed."""
    numbers = []
    for field in _NUMBERS:
        for bit in range(8 if field == "kdf_lanes" else 32):
            other = {**stated, field: stated[field] ^ 1 << bit}
            if is_derivable(other, most):
                numbers.append((f"{field} is {other[field]}", other))
    numbers.sort(key=lambda one: cost_of(one[1]))
    salts = []
    if is_derivable(stated, most):
        for what, salt in _bits(bytes(stated["kdf_salt"])):
            salts.append((f"{what} of KDFSalt is another", {**stated, "kdf_salt": salt}))
    cheap = [one for one in numbers if cost_of(one[1]) <= _LITTLE]
    left = _MOST
    for one in (*cheap, *salts, *numbers[len(cheap) :]):
        left -= cost_of(one[1])
        if left >= 0:
            yield one


def _derived(stated: dict[str, Any], keys: Keys) -> bytes:
    passes, memory, lanes = (stated[name] for name in ("kdf_time", "kdf_memory", "kdf_lanes"))
    return from_parameters(keys.get_passphrase(), stated["kdf_salt"], passes, memory, lanes)
