"""Page data that waits until its block can be written."""

from __future__ import annotations

__all__ = ["PageBuffer"]


class PageBuffer:
    """Bytes gathered for a block, in memory that is used again for the next one.

    Memory that a process has touched before is several times faster than fresh memory.
    """

    def __init__(self) -> None:
        self._memory = bytearray()
        self._filled = 0

    def __len__(self) -> int:
        return self._filled

    def add(self, piece: memoryview) -> None:
        """Copy more bytes behind those that are there."""
        end = self._filled + piece.nbytes
        if end > len(self._memory):
            grown = bytearray(max(end, 2 * len(self._memory)))
            with memoryview(self._memory) as old, memoryview(grown) as new:
                new[: self._filled] = old[: self._filled]
            self._memory = grown
        with memoryview(self._memory) as memory:
            memory[self._filled : end] = piece
        self._filled = end

    def view(self) -> memoryview:
        """What is there; valid until the next `add` after a `clear`."""
        return memoryview(self._memory)[: self._filled]

    def clear(self) -> None:
        """Forget the bytes and keep the memory."""
        self._filled = 0
