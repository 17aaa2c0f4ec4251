"""Where an address of any of several dumps is in any other: by way of the first."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from ..aligning import Alignment

__all__ = ["Correspondence"]


class Correspondence:
    """Addresses that mean the same in several dumps.

    Args:
        alignments: of each dump but the first, seen from the first.
    """

    def __init__(self, alignments: Sequence[Alignment]) -> None:
        self._alignments = alignments
        self._back = [
            sorted((part.b, part.a, part.size) for part in one.stretches) for one in alignments
        ]

    def moved(self, dump: int, other: int, address: int) -> int | None:
        """Where an address of a dump is in another; None where that is not known."""
        if dump == other:
            return address
        if dump:
            parts = self._back[dump - 1]
            index = bisect_right(parts, (address, 1 << 65, 0)) - 1
            if index < 0 or address >= parts[index][0] + parts[index][2]:
                return None
            address += parts[index][1] - parts[index][0]
        return address if not other else self._alignments[other - 1].moved(address)
