"""What bytes look like: dense in values, printable. With numpy, on whole pieces of memory."""

from __future__ import annotations

import math
from collections import Counter
from functools import cache
from itertools import pairwise
from typing import Any

__all__ = ["BLOCK", "DISTINCT", "LEAST_TEXT", "dense_blocks", "entropy", "numeric", "text_bytes"]

BLOCK = 16
"""Bytes of a block, at multiples of as many."""
DISTINCT = 12
"""Different values that a dense block has at least: of random ones all but one in 10,000."""
LEAST_TEXT = 6
"""Printable bytes side by side that are a text."""

_TAB, _LINE = 9, 10


def numeric() -> Any:
    """The module numpy; None: it is not installed."""
    try:
        import numpy  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return None
    return numpy


def entropy(data: bytes) -> float:
    """Bits for each byte, by how often each value is among them."""
    size = len(data)
    return sum(-n / size * math.log2(n / size) for n in Counter(data).values()) + 0.0


def printable(np: Any, data: Any) -> Any:
    """Flags of bytes 0x20 to 0x7e and of tabs."""
    found = (data - np.uint8(0x20)) < np.uint8(0x5F)
    found |= data == _TAB
    return found


def dense_blocks(np: Any, data: Any) -> Any:
    """Flags of blocks of 16 bytes that look like keys.

    Such a block has 12 different values or more, neither of its halves begins or ends with two
    zeros, as pointers and small numbers do, and it is not made of printable characters alone.

    Args:
        data: bytes from the beginning of a block on; what lacks to a whole one is left out.
    """
    count = len(data) // BLOCK
    blocks = data[: count * BLOCK].reshape(count, BLOCK)
    pairs = blocks.view("<u2").reshape(count, BLOCK // 2)
    found = (pairs[:, 0] != 0) & (pairs[:, 3] != 0) & (pairs[:, 4] != 0) & (pairs[:, 7] != 0)
    left = np.flatnonzero(found)
    if not len(left):
        return found
    columns = (blocks if len(left) == count else blocks[left]).T.copy()  # is put in order
    others = np.zeros(len(left), bool)  # than letters
    for column in columns:
        others |= ~(printable(np, column) | (column == _LINE))
    if others.any():
        others &= _different(np, columns) >= DISTINCT
    found[left] = others
    return found


def _different(np: Any, columns: Any) -> Any:
    """How many different values stand in each place of some columns, which are put in order."""
    least = np.empty_like(columns[0])
    for one, other in _steps(len(columns)):
        np.minimum(columns[one], columns[other], out=least)
        np.maximum(columns[one], columns[other], out=columns[other])
        columns[one] = least
    count = np.ones(columns.shape[1], np.uint8)
    for one, other in pairwise(columns):
        count += one != other
    return count


@cache
def _steps(size: int) -> tuple[tuple[int, int], ...]:
    """Pairs of places that are put in order one after the other: Batcher's odd-even merge sort."""
    found = []
    width = 1
    while width < size:
        step = width
        while step:
            for begin in range(step % width, size - step, 2 * step):
                for at in range(begin, min(begin + step, size - step)):
                    if at // (2 * width) == (at + step) // (2 * width):
                        found.append((at, at + step))
            step //= 2
        width *= 2
    return tuple(found)


def text_bytes(np: Any, data: Any) -> Any:
    """Flags of bytes that belong to a text: to so many printable ones side by side."""
    flags = printable(np, data)
    if len(flags) < LEAST_TEXT:
        return np.zeros(len(flags), bool)
    starts = flags[: len(flags) - LEAST_TEXT + 1].copy()
    for step in range(1, LEAST_TEXT):
        starts &= flags[step : len(flags) - LEAST_TEXT + 1 + step]
    found = np.zeros(len(flags), bool)
    if starts.any():
        for step in range(LEAST_TEXT):
            found[step : len(starts) + step] |= starts
    return found
