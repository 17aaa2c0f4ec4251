"""Columns of numbers as short texts: LEB128, in base64."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence

__all__ = ["packed", "packed_bytes", "zigzag"]

_LARGE = 1 << 53
"""From which on a script does not have every number."""


def packed(values: Sequence[int]) -> str | dict[str, int]:
    """Numbers from zero up, seven bits a byte, the lowest first; one that all are stands alone."""
    if values and values[0] < _LARGE and all(value == values[0] for value in values):
        return {"all": values[0]}
    out = bytearray()
    for value in values:
        while value > 0x7F:
            out.append(value & 0x7F | 0x80)
            value >>= 7
        out.append(value)
    return packed_bytes(out)


def packed_bytes(raw: bytes | bytearray) -> str:
    """Bytes in base64."""
    return base64.b64encode(raw).decode()


def zigzag(values: Iterable[int]) -> list[int]:
    """Numbers of either sign as numbers from zero up: 0, -1, 1, -2, 2, and so on."""
    return [value << 1 if value >= 0 else (-value << 1) - 1 for value in values]
