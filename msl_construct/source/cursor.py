"""Bytes that are named and not read, and a position among them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .base import CHUNK, BufferSource, Short, Source

__all__ = ["Cursor", "Extent"]

_FIRST_LOOK = 512
_LONGEST_LOOK = 1 << 20


class Extent:
    """Some bytes of a source, named but not read."""

    __slots__ = ("length", "offset", "source")

    def __init__(self, source: Source, offset: int, length: int) -> None:
        self.source = source
        self.offset = offset
        self.length = length

    def view(self) -> memoryview:
        """The bytes as one buffer: no copy if they are in memory already, else read now."""
        return self.source.view(self.offset, self.length)

    def part(self, start: int, length: int) -> Extent:
        """Some of the bytes, counted from the first of these; no more than there are."""
        start = min(start, self.length)
        return Extent(self.source, self.offset + start, min(length, self.length - start))

    def chunks(self, size: int = CHUNK) -> Iterator[memoryview]:
        """The bytes in pieces; each piece is gone once the next is asked for."""
        return self.source.pieces(self.offset, self.length, size)

    def __bytes__(self) -> bytes:
        return bytes(self.view())

    def __len__(self) -> int:
        return self.length

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Extent):
            return self.length == other.length and self.view() == other.view()
        if isinstance(other, (bytes, bytearray, memoryview)):
            return self.view() == other
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Extent(offset={self.offset:#x}, length={self.length})"

    def __copy__(self) -> Extent:
        return self

    def __deepcopy__(self, memo: object) -> Extent:
        return self

    def __reduce__(self) -> tuple[object, ...]:
        """Whoever pickles an extent takes its bytes along: the source may be gone by then."""
        return _held, (bytes(self),)


def _held(data: bytes) -> Extent:
    return Extent(BufferSource(data), 0, len(data))


class Cursor:
    """A position inside [start, end) of a source, with a small look-ahead buffer."""

    __slots__ = ("_buffer", "_buffer_start", "_look", "end", "position", "source", "start")

    def __init__(self, source: Source, start: int, end: int) -> None:
        self.source = source
        self.start = start
        self.position = start
        self.end = end
        self._buffer = b""
        self._buffer_start = start
        self._look = _FIRST_LOOK

    @classmethod
    def over(cls, data: Any) -> Cursor:
        """A cursor over a whole buffer."""
        source = BufferSource(data)
        return cls(source, 0, source.size)

    @classmethod
    def ahead(cls, source: Source, start: int, end: int, read: bytes) -> Cursor:
        """A cursor over [start, end), of which the first bytes have been read already."""
        cursor = cls(source, start, end)
        cursor._buffer = read
        return cursor

    @property
    def remaining(self) -> int:
        return self.end - self.position

    def take(self, length: int) -> bytes:
        """The next `length` bytes; `Short` when the payload ends before."""
        position, buffer = self.position, self._buffer
        if length > self.end - position:
            raise Short(length, self.end - position)
        first = position - self._buffer_start
        if first + length <= len(buffer):
            self.position = position + length
            return buffer[first : first + length]
        return self._fetched(length)

    def _fetched(self, length: int) -> bytes:
        """The next `length` bytes, which are not all in the buffer."""
        wanted = min(max(length, self._look), self.end - self.position)
        self._look = min(self._look * 2, _LONGEST_LOOK)
        self._buffer = self.source.read(self.position, wanted)
        self._buffer_start = self.position
        if len(self._buffer) < length:
            raise Short(length, len(self._buffer))
        self.position += length
        return self._buffer[:length]

    def within(self, length: int) -> Cursor:
        """A cursor over the next `length` bytes (clipped to what remains), sharing no position."""
        return Cursor(self.source, self.position, min(self.end, self.position + length))

    def rest(self) -> Extent:
        """Everything up to the end, named but not read."""
        extent = Extent(self.source, self.position, self.end - self.position)
        self.position = self.end
        return extent
