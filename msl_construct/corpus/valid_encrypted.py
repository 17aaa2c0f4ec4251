"""Valid samples of encrypted files (§10), each with the key that opens it."""

from __future__ import annotations

import uuid

from ..encryption.derive import content_key_of, from_parameters
from ..encryption.library import part_of_library
from ..encryption.parameters import WEAKEST
from .base_plans import encrypted
from .enclosed_key_table import ENCLOSED_KEYS
from .enclosing import SEED
from .payloads import related
from .plan import Form, Plan, PlannedBlock, Tail, since, uuid_of
from .valid import valid


@valid("encrypted", "hdr128", forms=since("draft-2026-10"), exit=5)
def encrypted_xchacha20(form: Form) -> Plan:
    """XChaCha20-Poly1305, whose nonce takes all of its field; the key is 00 to 1f."""
    plan = encrypted(form)
    assert plan.encryption is not None
    nonce = bytes(range(0xA0, 0xB8))
    plan.encryption |= {"enc_algo": "xchacha20_poly1305", "nonce": nonce.hex()}
    return plan


@valid("encrypted", "hdr128", forms=since("draft-2026-10"), exit=5)
def encrypted_by_passphrase(form: Form) -> Plan:
    """The key is one of a passphrase, by Argon2id with the least that is permitted."""
    plan = encrypted(form)
    assert plan.encryption is not None
    salt = bytes(range(0xC0, 0xD0))
    plan.encryption |= {"kdf_type": "argon2id", "kdf_salt": salt.hex(), **WEAKEST}
    passphrase = "correct horse"
    plan.key = from_parameters(passphrase.encode(), salt, *WEAKEST.values())
    plan.opens = "passphrase", passphrase
    return plan


@valid("encrypted", "hdr128", forms=since("draft-2026-10"), exit=5)
def encrypted_for_x25519(form: Form) -> Plan:
    """The key is enclosed for the owner of a private key of X25519."""
    secret, enclosed, private = _by_x25519()
    return _enclosed(form, "x25519", secret, enclosed, private)


@valid("encrypted", "hdr128", forms=since("draft-2026-10"), exit=5)
def encrypted_for_ml_kem_768(form: Form) -> Plan:
    """The key is enclosed for the owner of a private key of ML-KEM-768, given as its seed."""
    secret, enclosed = map(bytes.fromhex, ENCLOSED_KEYS["ml_kem_768"])
    return _enclosed(form, "ml_kem_768", secret, enclosed, SEED)


@valid("encrypted", "hdr128", forms=since("draft-2026-10"), exit=5)
def encrypted_for_ml_kem_1024(form: Form) -> Plan:
    """The key is enclosed for the owner of a private key of ML-KEM-1024, given as its seed."""
    secret, enclosed = map(bytes.fromhex, ENCLOSED_KEYS["ml_kem_1024"])
    return _enclosed(form, "ml_kem_1024", secret, enclosed, SEED)


@valid("encrypted", "hdr128", forms=since("draft-2026-10"), exit=5)
def encrypted_for_both(form: Form) -> Plan:
    """The key is enclosed for the owner of two private keys, of X25519 and of ML-KEM-768."""
    first, front, private = _by_x25519()
    second, behind = map(bytes.fromhex, ENCLOSED_KEYS["ml_kem_768"])
    both = first + second, front + behind, private + SEED
    return _enclosed(form, "x25519_ml_kem_768", *both)


def _by_x25519() -> tuple[bytes, bytes, bytes]:
    """The secret, how it is enclosed, and the private key that opens it."""
    x25519 = part_of_library("asymmetric.x25519", "the sample of an enclosed key")
    private, other = (
        x25519.X25519PrivateKey.from_private_bytes(bytes(range(first, first + 32)))
        for first in (0x20, 0x40)
    )
    secret = other.exchange(private.public_key())
    return secret, other.public_key().public_bytes_raw(), private.private_bytes_raw()


def _enclosed(form: Form, kind: str, secret: bytes, enclosed: bytes, private: bytes) -> Plan:
    plan = encrypted(form)
    assert plan.encryption is not None
    plan.enclosed = enclosed
    plan.encryption |= {"key_encap": kind, "kem_ct_len": len(enclosed)}
    plan.key = content_key_of(secret, uuid.UUID(uuid_of("dump")).bytes)
    plan.opens = "private", private.hex()
    return plan


@valid("encrypted", "hdr128", forms=since("draft-2026-10"), exit=5)
def encrypted_with_sealed_segment(form: Form) -> Plan:
    """A segment that was sealed on its own behind the tag; the key is 00 to 1f."""
    plan = encrypted(form)
    plan.sized = True
    plan.sealed_segments = [Tail({"related": PlannedBlock("related_dump", related())})]
    return plan
