"""Captured bytes piece after piece, without asking for each anew where it stands."""

from __future__ import annotations

from contextlib import suppress

from ..source import PathSource
from .layers import LayeredSpace
from .space import AddressSpace

__all__ = ["CapturedReader"]

_AHEAD = 64 << 20
"""Bytes of which it is asked at once where they stand."""


class CapturedReader:
    """Reads memory all of which is captured, from front to back.

    Args:
        space: whose memory.
    """

    def __init__(self, space: AddressSpace) -> None:
        self._space = space
        self._start = self._end = self._offset = 0
        self._file: PathSource | None = None

    def read(self, address: int, size: int) -> memoryview:
        """Bytes as `AddressSpace.read` gives them, of a range that is captured as a whole.

        Raises:
            MslError: as `AddressSpace.read`.
        """
        if not self._start <= address <= address + size <= self._end:
            self._look(address)
        if self._file is not None and address + size <= self._end:
            found = self._file.view(self._offset + address - self._start, size)
            if len(found) == size:
                return found
        return self._space.read(address, size).data

    def _look(self, address: int) -> None:
        """Find out which file goes on how far from an address."""
        self._start = self._end = address
        self._file = None
        if not isinstance(self._space, LayeredSpace):
            return
        with suppress(NotImplementedError):  # it does not say where its bytes stand
            first = next(self._space.places(address, _AHEAD), None)
            if first is None:
                return
            source, offset, length = first
            if isinstance(source, PathSource):
                self._file, self._offset, self._end = source, offset, address + length
