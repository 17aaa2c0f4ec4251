"""Keys of OpenSSH: its encoding of private ones, its shield, the structure of a session's."""

from __future__ import annotations

import base64
import hashlib
import re
import struct

from .pool import Pool

__all__ = ["openssh_words", "session_key_words", "shielded_words"]

_MAGIC = b"openssh-key-v1\0"
_MOST_PRIVATE = 1 << 14
_MOST_SHIELDED = 1 << 13
_PREKEY = 1 << 14
_CIPHER = re.compile(
    rb"(chacha20-poly1305@openssh\.com|aes\d{3}-[a-z]{3}(@openssh\.com)?|3des-cbc)\0"
)
_KINDS = re.compile(rb"ssh-(rsa|ed25519|dss)|ecdsa-sha2-nistp\d{3}|sk-[a-z0-9@.-]+")


def openssh_words(pool: Pool, address: int) -> tuple[int, int, str] | None:
    """Address and length of an openssh-key-v1, and what is in it (PROTOCOL.key)."""
    size = _MOST_PRIVATE
    data = None
    while data is None and size >= 128:
        data = pool.bytes_at(address, size)
        size //= 2
    if data is None or not data.startswith(_MAGIC):
        return None
    at, parts = len(_MAGIC), []
    for _ in range(3):  # cipher, how its key is made, with what
        part = _string(data, at)
        if part is None:
            return None
        parts.append(part)
        at += 4 + len(part)
    at += 4  # number of keys
    for _ in range(2):
        part = _string(data, at)
        if part is None:
            return None
        parts.append(part)
        at += 4 + len(part)
    public = _string(parts[3], 0)
    if public is None or not _KINDS.fullmatch(public):
        return None
    words = f"of {public.decode()}, cipher {parts[0].decode('ascii', 'replace')}"
    if parts[0] == b"none":
        if not _loads(data[:at]):
            return None
        words += ", which belongs to the public key in front of it"
    return address, at, words


def _loads(blob: bytes) -> bool:
    """Whether it is a key whose parts belong together."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    edges = (b"-----BEGIN OPENSSH PRIVATE KEY-----\n", b"-----END OPENSSH PRIVATE KEY-----\n")
    try:
        load_ssh_private_key(edges[0] + base64.encodebytes(blob) + edges[1], None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def _string(data: bytes, at: int) -> bytes | None:
    """A string of SSH: its length in front of it."""
    if at + 4 > len(data):
        return None
    size = int.from_bytes(data[at : at + 4], "big")
    return data[at + 4 : at + 4 + size] if size <= len(data) - at - 4 else None


def shielded_words(pool: Pool, address: int) -> tuple[int, int, str] | None:
    """Address and length of a shielded key, and what it is when its shield is opened.

    The bytes at `address` are a pointer to it, its length, a pointer to what the shield's key is
    made of (SHA-512 of 16 KiB), and its length: the end of OpenSSH's struct sshkey.
    """
    raw = pool.bytes_at(address, 32)
    if raw is None:
        return None
    mark = "<" if pool.dump.schema.byte_order.value == "little" else ">"
    place, size, prekey, length = struct.unpack(f"{mark}4Q", raw)
    if length != _PREKEY or not 16 <= size <= _MOST_SHIELDED or size % 16:
        return None
    shielded, before = pool.bytes_at(place, size), pool.bytes_at(prekey, length)
    if shielded is None or before is None:
        return None
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    both = hashlib.sha512(before).digest()
    opener = Cipher(algorithms.AES256(both[:32]), modes.CTR(both[32:48])).decryptor()
    opened = opener.update(shielded) + opener.finalize()
    kind = _string(opened, 0)
    if kind is None or not _KINDS.fullmatch(kind):
        return None
    return (
        place,
        size,
        f"opened with the {length} bytes at {prekey:#x} it is a key of {kind.decode()}",
    )


def session_key_words(pool: Pool, address: int, length: int, pointer: int) -> str | None:
    """What a pointer to a key says of it, if it stands in OpenSSH's struct sshenc; else None.

    In front of it stand pointers to the cipher's name and to the cipher, whether it is in use,
    and the lengths of key, initialisation vector and block.
    """
    raw = pool.bytes_at(pointer - 32, 48)
    if raw is None:
        return None
    mark = "<" if pool.dump.schema.byte_order.value == "little" else ">"
    name, _, enabled, size, vector, block, key, _ = struct.unpack(f"{mark}QQ4IQQ", raw)
    if key != address or size != length or enabled > 1 or vector > 64 or not 8 <= block <= 16:
        return None
    text = pool.bytes_at(name, 32)
    found = _CIPHER.match(text) if text is not None else None
    if found is None:
        return None
    return f"the structure at {pointer - 32:#x} has it for {found[1].decode()}, {size} bytes"
