"""A source that can only be read forward."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from ..errors import StreamError
from .base import CHUNK

__all__ = ["StreamSource"]


class StreamSource:
    """A pipe: forward only, holding no more than what was read since the last `forget`."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._start = 0
        self._window = bytearray()
        self._ended = False

    @property
    def size(self) -> int | None:
        return self._start + len(self._window) if self._ended else None

    @property
    def start(self) -> int:
        """The first offset that is still held."""
        return self._start

    @property
    def position(self) -> int:
        """How far the pipe has been read."""
        return self._start + len(self._window)

    def read(self, offset: int, length: int) -> bytes:
        if offset < self._start:
            raise StreamError(
                f"offset {offset:#x} has gone by: the input is a pipe and stands at "
                f"{self._start:#x}; save it to a file to read it in any order",
                offset=offset,
            )
        self._fill(offset + length)
        first = offset - self._start
        return bytes(self._window[first : first + length])

    def view(self, offset: int, length: int) -> memoryview:
        return memoryview(self.read(offset, length))

    def pieces(self, offset: int, length: int, size: int = CHUNK) -> Iterator[memoryview]:
        end = offset + length
        while offset < end and (piece := self.read(offset, min(size, end - offset))):
            yield memoryview(piece)
            offset += len(piece)
            self.forget(offset)

    def forget(self, before: int) -> None:
        held = before - self._start
        if held <= len(self._window):
            if held > 0:
                del self._window[:held]
                self._start = before
            return
        self._start += len(self._window)
        self._window.clear()
        while self._start < before:
            piece = self._read(min(CHUNK, before - self._start))
            if not piece:
                return
            self._start += len(piece)

    def drain(self) -> Iterator[bytes | bytearray]:
        """Everything from `start` to the end; each piece has gone by when it is given."""
        while piece := self._taken():
            yield piece

    def _taken(self) -> bytes | bytearray:
        """What is held, or else the next of the pipe; it has gone by then."""
        piece, self._window = self._window, bytearray()
        taken = piece or self._read(CHUNK)
        self._start += len(taken)
        return taken

    def _fill(self, end: int) -> None:
        while not self._ended and self._start + len(self._window) < end:
            wanted = end - self._start - len(self._window)
            self._window += self._read(min(CHUNK, wanted))

    def _read(self, length: int) -> bytes:
        piece = self._file.read(length)
        if piece is None:
            raise BlockingIOError("the pipe is non-blocking and has nothing yet")
        if not piece:
            self._ended = True
        return piece
