"""Where the stacks of threads stand in the memory of a minidump.

Breakpad's processor and what derives from it read a stack through the row of its thread alone,
and know no memory64 list: so the row leads to the same bytes.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from ..memory_runs import CapturedRuns
from ..process import MappedRange

__all__ = ["Stacks"]

_PAGE = 4096
_MOST = 1 << 32
_LONGEST = 16 << 20
_BELOW = 128
"""Bytes below a stack pointer that a leaf function may use (the red zone)."""


class Stacks:
    """Finds them.

    Args:
        runs: the captured memory, one run behind the other.
        mappings: of the process, by address.
        data_at: where the first run stands in the file.
    """

    def __init__(self, runs: CapturedRuns, mappings: Sequence[MappedRange], data_at: int) -> None:
        self._runs, self._mappings = runs, mappings
        self._places = array("Q", accumulate(runs.lengths, initial=data_at))

    def of(self, pointer: int) -> tuple[int, int, int]:
        """First address, bytes, and offset of what is captured of the stack of a stack pointer.

        Without bytes where none are captured, or an offset of 32 bits does not lead there.
        """
        runs = self._runs
        index = bisect_right(runs.starts, pointer) - 1
        if index >= 0 and pointer < runs.starts[index] + runs.lengths[index]:
            start = runs.starts[index]
            low = max(start, (pointer - _BELOW) // _PAGE * _PAGE)
            size = min(start + runs.lengths[index] - low, _LONGEST)
            offset = self._places[index] + low - start
            if offset + size <= _MOST:
                return low, size, offset
        return self._begin(pointer), 0, 0

    def _begin(self, pointer: int) -> int:
        """Where the mapping begins that a stack pointer points into."""
        index = bisect_right(self._mappings, pointer, key=lambda one: one.start) - 1
        if index >= 0 and pointer < self._mappings[index].end:
            return self._mappings[index].start
        return pointer
