"""Encrypted files by hand (draft 2026-10 §10): ``struct`` and the primitives of ``cryptography``.

Ciphers are used as a whole message at a time, XChaCha20 by its own definition.
"""

from __future__ import annotations

import hmac
import struct
from typing import Any, NamedTuple

import blake3

from . import wire
from .wire import FileBuilder

GCM, XCHACHA = 1, 2
X25519, ML_KEM_768, ML_KEM_1024, HYBRID = 1, 2, 3, 4
KEY = bytes(range(32))
TAG = 16
_NONCES = {GCM: 12, XCHACHA: 24}


class Opened(NamedTuple):
    """The plaintext of a file in the place of its ciphertext, its tag and what stands behind it."""

    view: bytes
    start: int
    end: int
    sealed: list[tuple[int, bytes]]  # offset of the plaintext in the file, and that
    behind: int  # first byte that belongs to nothing


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """RFC 5869 with BLAKE3."""
    pseudorandom = hmac.new(salt or bytes(32), secret, blake3.blake3).digest()
    return hmac.new(pseudorandom, info + b"\1", blake3.blake3).digest()


def argon2id(passphrase: bytes, extension: bytes) -> bytes:
    """The key of a passphrase, with the parameters of an encryption header."""
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    time, memory, lanes = struct.unpack_from("<IIB", extension, 4)
    return Argon2id(
        salt=extension[0x28:0x38], length=32, iterations=time, lanes=lanes, memory_cost=memory
    ).derive(passphrase)


def opened(data: bytes, key: bytes) -> Opened:
    """Decrypt a file; raises InvalidTag."""
    size = data[9]
    extension = data[64:128]
    (enclosed,) = struct.unpack_from("<H", extension, 0x0E)
    (length,) = struct.unpack_from("<Q", extension, 0x38)
    start = size + enclosed
    end = start + length if length else len(data) - TAG
    covered = data[:0x78] + bytes(8) + data[0x80:start]
    nonce = extension[0x10:0x28]
    plain = decrypt(extension[0], key, nonce, data[start : end + TAG], covered)
    sealed = []
    at, tag = end + TAG, data[end : end + TAG]
    while length:
        head = data[at : at + 64]
        if len(head) < 64 or head[:4] != b"MSLS":
            break
        own, index, count = struct.unpack_from("<HHQ", head, 4)
        if own != 64 or index != len(sealed) + 1 or not 0 < count <= len(data) - at - 64 - TAG:
            break
        segment = hkdf(key, data[0x18:0x28], b"MSL-SEG-v1" + struct.pack("<H", index))
        body = data[at + 64 : at + 64 + count + TAG]
        try:
            sealed.append(
                (
                    at + 64,
                    decrypt(extension[0], segment, head[0x10:0x28], body, covered + head + tag),
                )
            )
        except Exception:
            break
        at, tag = at + 64 + len(body), body[-TAG:]
    return Opened(covered + plain, start, end, sealed, at)


def decrypt(algorithm: int, key: bytes, nonce: bytes, data: bytes, covered: bytes) -> bytes:
    """The plaintext of one message and its tag."""
    return _cipher(algorithm, key, nonce, "decrypt")(data, covered)


def encrypt(algorithm: int, key: bytes, nonce: bytes, data: bytes, covered: bytes) -> bytes:
    """The ciphertext of one message and its tag."""
    return _cipher(algorithm, key, nonce, "encrypt")(data, covered)


def _cipher(algorithm: int, key: bytes, nonce: bytes, what: str) -> Any:
    from cryptography.hazmat.primitives.ciphers import aead

    if algorithm == GCM:
        made: Any = aead.AESGCM(key)
        nonce = nonce[:12]
    else:
        made = aead.ChaCha20Poly1305(hchacha20(key, nonce[:16]))
        nonce = bytes(4) + nonce[16:24]
    return lambda data, covered: getattr(made, what)(nonce, data, covered)


def hchacha20(key: bytes, nonce: bytes) -> bytes:
    """As draft-irtf-cfrg-xchacha has it."""
    state = list(struct.unpack("<16I", b"expand 32-byte k" + key + nonce))

    def quarter(a: int, b: int, c: int, d: int) -> None:
        for one, two, three, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            state[one] = (state[one] + state[two]) & 0xFFFFFFFF
            mixed = state[three] ^ state[one]
            state[three] = (mixed << turn | mixed >> (32 - turn)) & 0xFFFFFFFF

    for _ in range(10):
        for column in range(4):
            quarter(column, 4 + column, 8 + column, 12 + column)
        for column in range(4):
            quarter(column, 4 + (column + 1) % 4, 8 + (column + 2) % 4, 12 + (column + 3) % 4)
    return struct.pack("<8I", *state[:4], *state[12:])


class EncryptedBuilder(FileBuilder):
    """Strings blocks with PrevHash zero behind the header of an encrypted file."""

    def __init__(
        self,
        *,
        key: bytes = KEY,
        enclosed: bytes = b"",
        sized: bool = True,
        algorithm: str = "blake3",
        header: dict[str, Any] | None = None,
        **extension: Any,
    ) -> None:
        if extension.setdefault("enc_algo", GCM) == XCHACHA:
            extension.setdefault("nonce", bytes(range(0x40, 0x58)))
        extension.setdefault("kdf_type", 0)
        if not extension["kdf_type"]:
            extension |= {"kdf_time": 0, "kdf_memory": 0, "kdf_lanes": 0, "kdf_salt": bytes(16)}
        extension["kem_ct_len"] = len(enclosed)
        self.extension = wire.encryption_extension(**extension)
        self.header = wire.file_header(
            **{
                "version": wire.V11,
                "flags": 4,
                "header_size": 128,
                "cap_bitmap": 0b1_0000_0011,
                "extension": self.extension,
                **(header or {}),
            }
        )
        super().__init__(self.header + enclosed, algorithm=algorithm)
        self.key = key
        self.enclosed = enclosed
        self.sized = sized

    def add(self, *arguments: Any, **fields: Any) -> bytes:
        fields.setdefault("prev_hash", wire.ZERO_HASH)
        return super().add(*arguments, **fields)

    def small(self) -> EncryptedBuilder:
        """Fill it with a small capture."""
        self.add(wire.PROCESS_IDENTITY, wire.process_identity("<"))
        self.add(wire.MODULE_LIST_INDEX, wire.module_list_index("<", []))
        self.add(wire.MEMORY_REGION, wire.memory_region("<", (0, 1, 0), page_size_log2=10))
        self.end_capture(block_count=self.count + 1)
        return self

    def sealed(self) -> bytes:
        """The file, encrypted."""
        plain = self.data()
        covered = plain[: len(self.parts[0])]
        message = encrypt(
            self.extension[0],
            self.key,
            self.extension[0x10:0x28],
            plain[len(covered) :],
            covered,
        )
        size = len(message) - TAG if self.sized else 0
        return covered[:0x78] + struct.pack("<Q", size) + covered[0x80:] + message


def seal_segment(
    data: bytes,
    key: bytes,
    index: int,
    plain: bytes,
    nonce: bytes,
    *,
    tag: bytes | None = None,
    reserved: bytes = bytes(24),
) -> bytes:
    """A sealed segment to stand behind `data`, whose last bytes are the tag before it."""
    (enclosed,) = struct.unpack_from("<H", data, 0x4E)
    covered = data[:0x78] + bytes(8) + data[0x80 : data[9] + enclosed]
    head = b"MSLS" + struct.pack("<HHQ", 64, index, len(plain)) + nonce + reserved
    own = hkdf(key, data[0x18:0x28], b"MSL-SEG-v1" + struct.pack("<H", index))
    before = data[-TAG:] if tag is None else tag
    return head + encrypt(data[0x40], own, nonce, plain, covered + head + before)
