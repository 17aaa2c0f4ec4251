"""What an encrypted file says of its key, in the open (draft 2026-10 §3, §10)."""

from __future__ import annotations

from collections.abc import Iterator

from ..encryption.parameters import ENCLOSED, NONCES, WEAKEST
from ..reader import FileHeader
from ..reader.header import ENCRYPTION
from ..schema import Record
from .declare import rule, since
from .model import Found, Level, Scope

_GCM_NONCE = NONCES["aes_256_gcm"]


def _found(header: FileHeader, field: str, text: str, *, skip: int = 0) -> Found:
    layout = header.schema.encryption_header
    assert layout is not None
    offset = header.schema.file_header_size + layout.offset_of(field) + skip
    return Found(f"{field}: {text}", offset, field=f"{ENCRYPTION}.{field}")


def _stated(header: FileHeader) -> Record | None:
    found: Record | None = header.record.get(ENCRYPTION)
    return found


@rule(
    "MSL-10-KEY-DERIVATION-TOO-WEAK",
    Level.MUST,
    Scope.HEADER,
    drafts=since("draft-2026-10"),
    requirement="Argon2id takes at least 3 passes, 65536 KiB of memory and 4 lanes.",
    wrong="The key derivation is made cheaper than is allowed.",
    why="The passphrase can be guessed in less time than it was meant to take.",
)
def key_derivation_too_weak(header: FileHeader) -> Iterator[Found]:
    stated = _stated(header)
    if stated is None or stated["kdf_type"].name != "argon2id":
        return
    for field, least in WEAKEST.items():
        if stated[field] < least:
            yield _found(header, field, f"expected at least {least}, found {stated[field]}")


@rule(
    "MSL-3-ENCLOSED-KEY-LENGTH",
    Level.MUST,
    Scope.HEADER,
    drafts=since("draft-2026-10"),
    requirement="KEMCtLen is the length that the KeyEncap scheme has: 0, 32, 1088, 1568 or 1120.",
    wrong="KEMCtLen and KeyEncap contradict each other.",
    why="A reader looks for the ciphertext where it is not.",
)
def enclosed_key_length(header: FileHeader) -> Iterator[Found]:
    stated = _stated(header)
    if stated is None:
        return
    expected = ENCLOSED.get(stated["key_encap"].name)
    found = stated["kem_ct_len"]
    if expected is not None and found != expected:
        text = f"expected {expected} for {stated['key_encap'].name}, found {found}"
        yield _found(header, "kem_ct_len", text)


@rule(
    "MSL-3-NONCE-TAIL-NOT-ZERO",
    Level.MUST,
    Scope.HEADER,
    drafts=since("draft-2026-10"),
    requirement="With AES-256-GCM the last 12 bytes of Nonce are zero.",
    wrong="Nonce holds something behind the 12 bytes that AES-256-GCM uses.",
    why="Either the cipher is another one, or bytes that no reader uses travel with the file.",
)
def nonce_tail_not_zero(header: FileHeader) -> Iterator[Found]:
    stated = _stated(header)
    if stated is None or stated["enc_algo"].name != "aes_256_gcm":
        return
    tail = stated["nonce"][_GCM_NONCE:]
    if any(tail):
        text = f"expected zeros behind {_GCM_NONCE} bytes, found {tail.hex()}"
        yield _found(header, "nonce", text, skip=_GCM_NONCE)


@rule(
    "MSLX-3-NONCE-ZERO",
    Level.OURS,
    Scope.HEADER,
    drafts=since("draft-2026-10"),
    requirement="Nonce is not all zeros.",
    wrong="Nonce is all zeros.",
    why="Most likely nobody drew one. Two files with the same key and nonce give away both.",
)
def nonce_zero(header: FileHeader) -> Iterator[Found]:
    stated = _stated(header)
    if stated is not None and not any(stated["nonce"]):
        yield _found(header, "nonce", "expected random bytes, found zeros")


@rule(
    "MSLX-10-KEY-DERIVATION-WITHOUT-SALT",
    Level.OURS,
    Scope.HEADER,
    drafts=since("draft-2026-10"),
    requirement="Argon2id takes a salt that is not all zeros.",
    wrong="The key is derived with a salt of zeros.",
    why="One table of guessed passphrases opens every such file.",
)
def key_derivation_without_salt(header: FileHeader) -> Iterator[Found]:
    stated = _stated(header)
    if stated is None or stated["kdf_type"].name != "argon2id":
        return
    if not any(stated["kdf_salt"]):
        yield _found(header, "kdf_salt", "expected random bytes, found zeros")
