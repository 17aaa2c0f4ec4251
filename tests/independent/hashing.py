"""The three digests a file can use, all 32 bytes long."""

from __future__ import annotations

import hashlib

import blake3

ALGORITHMS = ("blake3", "sha_256", "sha_512_256")


def digest(algorithm: str, data: bytes | memoryview) -> bytes:
    """Hash ``data``; raises ValueError for an algorithm nobody has named."""
    if algorithm == "blake3":
        return blake3.blake3(data).digest()
    if algorithm == "sha_256":
        return hashlib.sha256(data).digest()
    if algorithm == "sha_512_256":
        return hashlib.new("sha512_256", data).digest()
    raise ValueError(algorithm)
