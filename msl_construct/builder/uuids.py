"""Version 4 UUIDs, fast: a generator per thread, seeded once from the operating system (§1.4)."""

from __future__ import annotations

import os
import random
import threading
import uuid

__all__ = ["new_uuid"]

_SEED_BYTES = 32
_VARIANT = 0b10 << 62
_VERSION = 4 << 76
_KEEP = ~(0b11 << 62) & ~(0xF << 76) & ((1 << 128) - 1)


class _Generators(threading.local):
    """One generator a thread; a forked child finds another process ID and seeds anew."""

    def __init__(self) -> None:
        self.process = -1
        self.random = random.Random()

    def bits(self) -> int:
        process = os.getpid()
        if process != self.process:
            self.random.seed(os.urandom(_SEED_BYTES))
            self.process = process
        return self.random.getrandbits(128)


_generators = _Generators()


def new_uuid() -> uuid.UUID:
    """A random UUID; unique, and not a secret."""
    return uuid.UUID(int=_generators.bits() & _KEEP | _VERSION | _VARIANT)
