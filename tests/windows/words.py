"""What target.c puts into its memory."""

from __future__ import annotations

import struct

__all__ = ["filled"]


def filled(size: int, seed: int) -> bytes:
    """As its `fill` does it."""
    begin = seed * 0x9E3779B97F4A7C15
    return struct.pack(f"<{size // 8}Q", *((begin + i) & (1 << 64) - 1 for i in range(size // 8)))
