"""Version 4 UUIDs, fast: a generator per thread, seeded once from the operating system (§1.4)."""

from __future__ import annotations

import os
import random
import threading
import uuid

__all__ = ["new_uuid", "new_uuids"]

_SEED_BYTES = 32
_VARIANT = 0b10 << 62
_VERSION = 4 << 76
_VERSION_BYTE, _VARIANT_BYTE = 6, 8  # of the sixteen, in network order
_WITH_VERSION = bytes(value & 0x0F | 0x40 for value in range(256))
_WITH_VARIANT = bytes(value & 0x3F | 0x80 for value in range(256))
_KEEP = ~(0b11 << 62) & ~(0xF << 76) & ((1 << 128) - 1)


class _Generators(threading.local):
    """One generator a thread; a forked child finds another process ID and seeds anew."""

    def __init__(self) -> None:
        self.process = -1
        self.random = random.Random()

    def bits(self, count: int = 128) -> int:
        process = os.getpid()
        if process != self.process:
            self.random.seed(os.urandom(_SEED_BYTES))
            self.process = process
        return self.random.getrandbits(count)


_generators = _Generators()


def new_uuid() -> uuid.UUID:
    """A random UUID; unique, and not a secret."""
    return uuid.UUID(int=_generators.bits() & _KEEP | _VERSION | _VARIANT)


def new_uuids(count: int) -> bytes:
    """The bytes of many of them, one behind the other."""
    found = bytearray(_generators.bits(128 * count).to_bytes(16 * count, "big"))
    for place, table in ((_VERSION_BYTE, _WITH_VERSION), (_VARIANT_BYTE, _WITH_VARIANT)):
        found[place::16] = found[place::16].translate(table)
    return bytes(found)
