"""Sources over files: those of the system, and objects that behave like one."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import IO

from ..errors import ChangedError
from .base import CHUNK

__all__ = ["FileSource", "PathSource"]

_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_MOST_AT_ONCE = 1 << 30
"""What one system call is asked for: Linux gives no more than 2 GiB, others less."""


class PathSource:
    """A regular file, as it was when it was opened.

    Nothing is mapped: a file that is cut shorter while somebody looks at a mapping ends the
    process. Whatever is read is copied, so that it stays as it is.

    Raises:
        ChangedError: from `read`, `view` and `pieces`, for bytes that were there when the file
            was opened and no longer are.
    """

    def __init__(self, path: str | os.PathLike[str] | int) -> None:
        self._descriptor = os.dup(path) if isinstance(path, int) else os.open(path, _OPEN_FLAGS)
        found = os.fstat(self._descriptor)
        self._size = found.st_size
        self._written = found.st_mtime_ns
        self._spare: list[memoryview] = []
        self._moving = threading.Lock()
        self._advise("POSIX_FADV_RANDOM")  # headers stand far apart: what is between them can wait

    @property
    def size(self) -> int:
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        left = self._size - offset  # plain comparisons: this is called for every block
        wanted = length if length <= left else left
        if wanted > CHUNK or wanted <= 0 or not hasattr(os, "pread"):
            return bytes(self.view(offset, wanted))
        if self._descriptor < 0:
            self._require_open()
        found = os.pread(self._descriptor, wanted, offset)
        if len(found) < wanted:  # interrupted, or the file is not what it was
            return found + bytes(self.view(offset + len(found), wanted - len(found)))
        return found

    def view(self, offset: int, length: int) -> memoryview:
        wanted = max(0, min(length, self._size - offset))
        if 0 < wanted <= _MOST_AT_ONCE and hasattr(os, "pread"):
            self._require_open()
            data = os.pread(self._descriptor, wanted, offset)  # nothing is zeroed before
            if len(data) == wanted:
                return memoryview(data)
        buffer = memoryview(bytearray(wanted))
        self.read_into(offset, buffer)
        return buffer.toreadonly()

    def pieces(self, offset: int, length: int, size: int = CHUNK) -> Iterator[memoryview]:
        end = min(offset + length, self._size)
        try:
            buffer = self._spare.pop()  # of a caller that is done with it
        except IndexError:
            buffer = memoryview(bytearray(CHUNK))
        try:
            while offset < end:
                piece = buffer[: min(size, CHUNK, end - offset)]
                self.read_into(offset, piece)
                yield piece.toreadonly()
                offset += piece.nbytes
        finally:
            self._spare.append(buffer)

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill a buffer of the caller's with the bytes at `offset`."""
        self._require_open()
        while buffer:
            count = self._read_some(offset, buffer[:_MOST_AT_ONCE])
            if not count:
                raise self._changed(offset, os.fstat(self._descriptor).st_size)
            offset += count
            buffer = buffer[count:]

    def forget(self, before: int) -> None:
        pass

    def require_unchanged(self) -> None:
        """Make sure that what was read is one state of the file.

        Raises:
            ChangedError: it was written to, cut or extended since it was opened.
        """
        self._require_open()
        found = os.fstat(self._descriptor)
        if found.st_size != self._size:
            raise self._changed(min(self._size, found.st_size), found.st_size)
        if found.st_mtime_ns != self._written:
            raise ChangedError(
                "the file was written to while it was read: what was found need not belong "
                "together; read it again when nobody writes to it, or read a copy"
            )

    def advise_sequential(self) -> None:
        """Tell the kernel that the file will be read from front to back."""
        self._advise("POSIX_FADV_SEQUENTIAL")

    def fileno(self) -> int:
        """The descriptor, for readers that bring their own buffers."""
        return self._descriptor

    def close(self) -> None:
        """Close the file; what was handed out stays."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        self._spare.clear()

    def _read_some(self, offset: int, buffer: memoryview) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(self._descriptor, [buffer], offset)
        if hasattr(os, "pread"):
            found = os.pread(self._descriptor, len(buffer), offset)
        else:  # Windows: the position may be shared with the caller's file
            with self._moving:
                before = os.lseek(self._descriptor, 0, os.SEEK_CUR)
                os.lseek(self._descriptor, offset, os.SEEK_SET)
                found = os.read(self._descriptor, len(buffer))
                os.lseek(self._descriptor, before, os.SEEK_SET)
        buffer[: len(found)] = found
        return len(found)

    def _changed(self, offset: int, size: int) -> ChangedError:
        how = "grew" if size > self._size else "was cut shorter"
        return ChangedError(
            f"the file {how} while it was read: expected {self._size} bytes, as when it was "
            f"opened, found {size}; read it again when nobody writes to it, or read a copy",
            offset=offset,
        )

    def _require_open(self) -> None:
        """A closed file must never be mistaken for one that holds zeros."""
        if self._descriptor < 0:
            raise ValueError("the file is closed: read what you need before that")

    def _advise(self, advice: str) -> None:
        if hasattr(os, advice):
            os.posix_fadvise(self._descriptor, 0, 0, getattr(os, advice))


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
        left = max(0, min(length, self._size - offset))
        if not left:
            return b""  # a place that no file has can't be gone to
        with self._lock:  # verify reads from two threads
            self._file.seek(offset)
            pieces = []
            while left and (piece := self._file.read(left)):  # a raw file may give less
                pieces.append(piece)
                left -= len(piece)
        if left:
            raise ChangedError(
                f"the file object was cut shorter while it was read: expected {self._size} bytes, "
                f"as when it was opened, found an end {left} bytes before that",
                offset=offset,
            )
        return b"".join(pieces)

    def view(self, offset: int, length: int) -> memoryview:
        return memoryview(self.read(offset, length))

    def pieces(self, offset: int, length: int, size: int = CHUNK) -> Iterator[memoryview]:
        end = min(offset + length, self._size)
        while offset < end:
            piece = self.view(offset, min(size, end - offset))
            yield piece
            offset += piece.nbytes

    def forget(self, before: int) -> None:
        pass
