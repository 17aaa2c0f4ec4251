"""What a word of memory may be, by its value alone."""

from __future__ import annotations

from typing import Any

__all__ = ["KINDS", "ZERO", "kinds_of"]

KINDS = ("zero", "heap_pointer", "pointer", "text", "numbers", "float", "other")
ZERO, _HEAP, _POINTER, _TEXT, _NUMBERS, _FLOAT, _OTHER = range(len(KINDS))
_LEAST_LETTERS = 3


def kinds_of(np: Any, values: Any, inside: Any, mapped: Any) -> Any:
    """The number in `KINDS` of each word.

    - heap_pointer: it points to a word of heap regions;
    - pointer: it is no such, and points to what the dump says something of;
    - text: three printable bytes or more, then zeros only;
    - numbers: each half is below 2^24, or less than 2^24 below zero;
    - float: as a double its size is between 2^-64 and 2^64.

    Args:
        np: numpy.
        values: words, as numbers.
        inside: flags of those that point to a word of heap regions.
        mapped: flags of those that point to anything that is mapped.
    """
    found = np.full(len(values), _OTHER, np.int64)
    exponents = (values >> np.uint64(52)) & np.uint64(0x7FF)
    found[(exponents > 1023 - 64) & (exponents < 1023 + 64)] = _FLOAT
    found[mapped] = _POINTER
    raw = np.ascontiguousarray(values.astype("<u8")).view(np.uint8).reshape(-1, 8)
    letters = ((raw - np.uint8(0x20)) < np.uint8(0x5F)).astype(np.int8)
    count = np.cumprod(letters, axis=1).sum(axis=1)
    behind = np.where(np.arange(8) >= count[:, None], raw, 0).any(axis=1)
    found[(count >= _LEAST_LETTERS) & ~behind] = _TEXT
    halves = raw.view("<u4")
    near = (halves < 1 << 24) | (halves > np.uint32((1 << 32) - (1 << 24)))
    found[near.all(axis=1) & (found != _TEXT) & (found != _POINTER)] = _NUMBERS
    found[inside] = _HEAP
    found[values == 0] = ZERO
    return found
