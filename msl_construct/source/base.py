"""The interface of a source, and the simplest one: a buffer."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Protocol, runtime_checkable

__all__ = ["CHUNK", "BufferSource", "ShiftedSource", "Short", "Source"]

CHUNK = 1 << 20
"""How much is moved at a time when bytes only pass through."""


class Short(Exception):
    """Fewer bytes remain than a field needs."""

    def __init__(self, needed: int, remaining: int) -> None:
        super().__init__(needed, remaining)
        self.needed = needed
        self.remaining = remaining


@runtime_checkable
class Source(Protocol):
    """Random (or forward-only) access to the bytes of a file."""

    @property
    def size(self) -> int | None:
        """Bytes in the source; None while a pipe has not ended."""

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes at `offset`; fewer only at the end."""

    def view(self, offset: int, length: int) -> memoryview:
        """Exactly the bytes that exist of [offset, offset + length), without a copy if possible.

        The view stays as it is, whatever becomes of the source.
        """

    def pieces(self, offset: int, length: int, size: int = CHUNK) -> Iterator[memoryview]:
        """The same bytes from front to back; each piece is gone once the next is asked for."""

    def forget(self, before: int) -> None:
        """Allow everything before this offset to be dropped (only pipes care)."""


class BufferSource:
    """A file that is already in memory, or mapped by the caller."""

    def __init__(self, data: bytes | bytearray | memoryview | mmap.mmap) -> None:
        self._view = memoryview(data).cast("B")

    @property
    def size(self) -> int:
        return self._view.nbytes

    def read(self, offset: int, length: int) -> bytes:
        return bytes(self._view[offset : offset + length])

    def view(self, offset: int, length: int) -> memoryview:
        return self._view[offset : offset + length]

    def pieces(self, offset: int, length: int, size: int = CHUNK) -> Iterator[memoryview]:
        end = min(offset + length, self._view.nbytes)
        for start in range(offset, end, size):
            yield self._view[start : min(start + size, end)]

    def forget(self, before: int) -> None:
        pass


class ShiftedSource:
    """Part of a file as a source whose offsets are the file's."""

    def __init__(self, inner: Source, start: int) -> None:
        self._inner = inner
        self._start = start

    @property
    def size(self) -> int:
        held = self._inner.size
        assert held is not None
        return self._start + held

    def read(self, offset: int, length: int) -> bytes:
        return self._inner.read(offset - self._start, length)

    def view(self, offset: int, length: int) -> memoryview:
        return self._inner.view(offset - self._start, length)

    def pieces(self, offset: int, length: int, size: int = CHUNK) -> Iterator[memoryview]:
        return self._inner.pieces(offset - self._start, length, size)

    def forget(self, before: int) -> None:
        pass
