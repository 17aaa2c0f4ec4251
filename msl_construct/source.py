"""Where bytes come from: files, buffers and pipes behind one small interface.

`Source.read` serves structure (headers, names, counts): short pieces, copied. `Source.view`
serves page data: a memoryview that is zero-copy wherever the source allows it. A `Cursor`
walks one payload and never hands out a byte beyond its end; an `Extent` names bytes
without touching them.
"""

from __future__ import annotations

import mmap
import os
import threading
from collections.abc import Iterator
from typing import IO, Any, Protocol, runtime_checkable

from .errors import StreamError

__all__ = [
    "BufferSource",
    "Cursor",
    "Extent",
    "FileSource",
    "PathSource",
    "Short",
    "Source",
    "StreamSource",
]

CHUNK = 1 << 20
"""How much is moved at a time when bytes only pass through."""

_FIRST_LOOK = 512
_LONGEST_LOOK = 1 << 20


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
        """Exactly the bytes that exist of [offset, offset + length), without a copy if possible."""

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

    def forget(self, before: int) -> None:
        pass


class PathSource:
    """A regular file: pread for structure, one lazy read-only mapping for data.

    Structure is not read through the mapping because the kernel maps sixteen pages around
    every fault: a listing of a large file would show up as resident memory.
    """

    def __init__(self, path: str | os.PathLike[str] | int) -> None:
        self._descriptor = os.dup(path) if isinstance(path, int) else os.open(path, _OPEN_FLAGS)
        self._mapping: mmap.mmap | None = None
        self._whole: memoryview | None = None
        self._size = os.fstat(self._descriptor).st_size
        self._advise("POSIX_FADV_RANDOM")  # headers stand far apart: what is between them can wait

    @property
    def size(self) -> int:
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        self._require_open()
        wanted = max(0, min(length, self._size - offset))
        if not hasattr(os, "pread"):  # Windows
            return bytes(self._map()[offset : offset + wanted])
        return os.pread(self._descriptor, wanted, offset)

    def view(self, offset: int, length: int) -> memoryview:
        return self._map()[offset : offset + length]

    def forget(self, before: int) -> None:
        pass

    def advise_sequential(self) -> None:
        """Tell the kernel that the mapping will be read from front to back."""
        self._map()
        self._advise("POSIX_FADV_SEQUENTIAL")
        if self._mapping is not None and hasattr(mmap, "MADV_SEQUENTIAL"):
            self._mapping.madvise(mmap.MADV_SEQUENTIAL)

    def fileno(self) -> int:
        """The descriptor, for readers that bring their own buffers."""
        return self._descriptor

    def _require_open(self) -> None:
        """A closed file must never be mistaken for one that holds zeros."""
        if self._descriptor < 0:
            raise ValueError("the file is closed: read what you need before that")

    def _advise(self, advice: str) -> None:
        if hasattr(os, advice):
            os.posix_fadvise(self._descriptor, 0, 0, getattr(os, advice))

    def _map(self) -> memoryview:
        self._require_open()
        if self._whole is None:
            if self._size == 0:
                return memoryview(b"")
            mapping = mmap.mmap(self._descriptor, self._size, access=mmap.ACCESS_READ)
            if hasattr(mmap, "MADV_RANDOM"):
                mapping.madvise(mmap.MADV_RANDOM)
            self._mapping, self._whole = mapping, memoryview(mapping)
        return self._whole

    def close(self) -> None:
        """Close the file; views handed out before keep the mapping alive."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        if self._whole is not None and self._mapping is not None:
            try:
                self._whole.release()
                self._mapping.close()
            except BufferError:
                pass  # somebody still looks at page data: the mapping goes when they do
            self._whole = self._mapping = None


class FileSource:
    """A seekable file object without a descriptor of its own (io.BytesIO, archive members)."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._size = file.seek(0, os.SEEK_END)

    @property
    def size(self) -> int:
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        with self._lock:  # verify reads from two threads
            self._file.seek(offset)
            left = max(0, min(length, self._size - offset))
            pieces = []
            while left and (piece := self._file.read(left)):  # a raw file may give less
                pieces.append(piece)
                left -= len(piece)
        return b"".join(pieces)

    def view(self, offset: int, length: int) -> memoryview:
        return memoryview(self.read(offset, length))

    def forget(self, before: int) -> None:
        pass


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

    def drain(self, file: IO[bytes]) -> int:
        """Copy everything from the window's start to the end into `file`; its first offset."""
        first = self._start
        file.write(self._window)
        self._start += len(self._window)
        self._window.clear()
        while piece := self._read(CHUNK):
            file.write(piece)
            self._start += len(piece)
        return first

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


class Extent:
    """Some bytes of a source, named but not read."""

    __slots__ = ("length", "offset", "source")

    def __init__(self, source: Source, offset: int, length: int) -> None:
        self.source = source
        self.offset = offset
        self.length = length

    def view(self) -> memoryview:
        """The bytes, zero-copy where the source allows it."""
        return self.source.view(self.offset, self.length)

    def chunks(self, size: int = CHUNK) -> Iterator[memoryview]:
        """The bytes in pieces; on a pipe each piece is gone once the next is asked for."""
        done = 0
        while done < self.length:
            piece = self.source.view(self.offset + done, min(size, self.length - done))
            if not piece:
                return
            yield piece
            done += len(piece)
            self.source.forget(self.offset + done)

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

    @property
    def remaining(self) -> int:
        return self.end - self.position

    def take(self, length: int) -> bytes:
        """The next `length` bytes; `Short` when the payload ends before."""
        if length > self.end - self.position:
            raise Short(length, self.end - self.position)
        first = self.position - self._buffer_start
        if first + length > len(self._buffer):
            wanted = min(max(length, self._look), self.end - self.position)
            self._look = min(self._look * 2, _LONGEST_LOOK)
            self._buffer = self.source.read(self.position, wanted)
            self._buffer_start = self.position
            first = 0
            if len(self._buffer) < length:
                raise Short(length, len(self._buffer))
        self.position += length
        return self._buffer[first : first + length]

    def within(self, length: int) -> Cursor:
        """A cursor over the next `length` bytes (clipped to what remains), sharing no position."""
        return Cursor(self.source, self.position, min(self.end, self.position + length))

    def rest(self) -> Extent:
        """Everything up to the end, named but not read."""
        extent = Extent(self.source, self.position, self.end - self.position)
        self.position = self.end
        return extent


_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
