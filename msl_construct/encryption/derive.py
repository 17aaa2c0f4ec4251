"""From what somebody has (a raw key, a passphrase, a private key) to the content key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import EncryptedError, LimitError
from ..hashing import digest
from .keys import Keys
from .library import part_of_library
from .parameters import CONTENT_KEY, ENCLOSED, KEY_SIZE, SEGMENT_KEY, Envelope, lacking

__all__ = [
    "Candidate",
    "candidates",
    "content_key_of",
    "cost_of",
    "from_parameters",
    "from_passphrase",
    "hkdf",
    "is_derivable",
    "segment_key",
]

_BLOCK = 64
"""Bytes of BLAKE3's block."""

_MEMORY_A_LANE = 8
"""KiB that Argon2 takes at least for each lane (RFC 9106)."""

_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
"""Tables that pad a key of HMAC."""

_PASSES = 16
"""How often the memory that is allowed may be passed over: this bounds the time."""


@dataclass(frozen=True)
class Candidate:
    """A content key that may be the right one.

    Attributes:
        origin: what it comes from, for messages.
        key: 32 bytes.
        varied: fields of the encryption header that it depends on: who changes one of them makes
            another key of it.
    """

    origin: str
    key: bytes
    varied: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Candidate({self.origin!r})"  # no secret in a traceback


def candidates(envelope: Envelope, enclosed: bytes, keys: Keys) -> Iterator[Candidate]:
    """The content keys that follow from what was given, the likeliest first.

    A raw key is taken for the content key, whatever the header says of where it comes from.

    Raises:
        EncryptedError: nothing that was given can be the key of this file.
        LimitError: a key derivation takes more memory or time than is allowed.
    """
    found = False
    if keys.private is not None and envelope.enclosure in ENCLOSED and envelope.enclosure != "none":
        secret = keys.private.open(envelope.enclosure, enclosed)
        key = content_key_of(secret, envelope.dump_uuid)
        found = True
        yield Candidate("the private key", key, ("kem_ct_len",))
    if keys.has_passphrase and envelope.derivation == "argon2id" and envelope.enclosure == "none":
        found = True
        key = from_passphrase(keys.get_passphrase(), envelope, keys.max_kdf_memory)
        varied = ("kdf_time", "kdf_memory", "kdf_lanes", "kdf_salt")
        yield Candidate("the passphrase", key, varied)
    if keys.raw is not None:
        found = True
        yield Candidate("the raw key", keys.raw)
    if not found:
        raise EncryptedError(
            f"{lacking(envelope)}: none of what was given is one", offset=len(envelope.header)
        )


def cost_of(stated: Mapping[str, Any]) -> int:
    """Bytes that a derivation with these parameters passes over, every pass counted."""
    return int(stated["kdf_time"]) * _memory_of(stated)


def is_derivable(stated: Mapping[str, Any], most: int) -> bool:
    """Whether there is such a derivation, and it takes no more memory and time than is allowed."""
    if _memory_of(stated) > most or cost_of(stated) > _PASSES * most:
        return False
    passes, memory, lanes = (stated[name] for name in ("kdf_time", "kdf_memory", "kdf_lanes"))
    return bool(passes and lanes and memory >= _MEMORY_A_LANE * lanes)


def _memory_of(stated: Mapping[str, Any]) -> int:
    return max(int(stated["kdf_memory"]), _MEMORY_A_LANE * int(stated["kdf_lanes"])) << 10


def from_passphrase(passphrase: bytes, envelope: Envelope, most: int) -> bytes:
    """The content key of a passphrase, by Argon2id (§10.5).

    Args:
        most: bytes of memory that it may take.

    Raises:
        LimitError: it takes more memory, or passes over it too often.
        EncryptedError: there is no such derivation.
    """
    stated = envelope.stated
    passes, memory, lanes = stated["kdf_time"], stated["kdf_memory"], stated["kdf_lanes"]
    need = _memory_of(stated)
    if need > most:
        raise LimitError(
            f"KDFMemory asks for {memory} KiB to derive the key: more than the {most >> 10} KiB "
            "that are allowed; raise max_kdf_memory (--max-kdf-memory) if the file is to be "
            "trusted so far",
            offset=envelope.offset_of("kdf_memory"),
        )
    if cost_of(stated) > _PASSES * most:
        raise LimitError(
            f"KDFTime asks for {passes} passes over {memory} KiB to derive the key: more than "
            f"{_PASSES} passes over the {most >> 10} KiB that are allowed; raise max_kdf_memory "
            "(--max-kdf-memory) if the file is to be trusted so far",
            offset=envelope.offset_of("kdf_time"),
        )
    if not passes or not lanes or memory < _MEMORY_A_LANE * lanes:
        raise EncryptedError(
            f"Argon2id with {passes} passes, {memory} KiB and {lanes} lanes: expected at least 1 "
            f"pass, 1 lane and {_MEMORY_A_LANE} KiB a lane; no key follows from that",
            offset=envelope.offset_of("kdf_time"),
        )
    return from_parameters(passphrase, stated["kdf_salt"], passes, memory, lanes)


def from_parameters(passphrase: bytes, salt: bytes, passes: int, memory: int, lanes: int) -> bytes:
    """32 bytes of Argon2id.

    Args:
        memory: in KiB.
    """
    argon2 = part_of_library("kdf.argon2", "a passphrase")
    derivation = argon2.Argon2id(
        salt=bytes(salt), length=KEY_SIZE, iterations=passes, lanes=lanes, memory_cost=memory
    )
    return bytes(derivation.derive(passphrase))


def content_key_of(secret: bytes, dump_uuid: bytes) -> bytes:
    """The content key of the secret that a private key opens (§10.4)."""
    return hkdf(secret, dump_uuid, CONTENT_KEY)


def segment_key(key: bytes, dump_uuid: bytes, index: int) -> bytes:
    """The key of a sealed segment (§10.8)."""
    return hkdf(key, dump_uuid, SEGMENT_KEY + index.to_bytes(2, "little"))


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """32 bytes of HKDF (RFC 5869) with BLAKE3, whatever HashAlgo says."""
    pseudorandom = _hmac(salt or bytes(KEY_SIZE), secret)
    return _hmac(pseudorandom, info + b"\x01")


def _hmac(key: bytes, data: bytes) -> bytes:
    """HMAC (RFC 2104) with BLAKE3, of a key that is no longer than its block."""
    padded = key.ljust(_BLOCK, b"\0")
    inner = digest("blake3", (padded.translate(_INNER), data))
    return digest("blake3", (padded.translate(_OUTER), inner))
