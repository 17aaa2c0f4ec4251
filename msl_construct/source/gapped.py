"""Part of a file's bytes, put on disk; whoever asks for the others is told."""

from __future__ import annotations

import tempfile
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import IO

from ..errors import StreamError
from .base import CHUNK
from .cursor import Extent
from .files import PathSource

__all__ = ["GappedFile", "GappedSource"]


class GappedFile:
    """An unlinked temporary file that takes some bytes of a longer one, in their order.

    Args:
        allowed: asked with the number of bytes before more are put on disk; may raise.
    """

    def __init__(self, allowed: Callable[[int], object]) -> None:
        self._allowed = allowed
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="msl-spool-")  # noqa: SIM115 - closed later
        self._size = 0
        self._starts, self._ends, self._at = array("Q"), array("Q"), array("Q")

    def put(self, offset: int, piece: bytes | bytearray | memoryview) -> None:
        """Keep the bytes that stand at an offset behind all those that were kept before."""
        length = len(piece)
        if not length:
            return
        self._allowed(self._size + length)
        self._file.write(piece)
        if self._ends and self._ends[-1] == offset:
            self._ends[-1] += length
        else:
            self._starts.append(offset)
            self._ends.append(offset + length)
            self._at.append(self._size)
        self._size += length

    def copy(self, extent: Extent) -> None:
        """The same for bytes that stand somewhere."""
        offset = extent.offset
        for piece in extent.chunks():
            self.put(offset, piece)
            offset += len(piece)

    def source(self, size: int) -> GappedSource:
        """What was kept, as a source of the whole length; the file can take no more."""
        with self._file as file:
            file.flush()
            return GappedSource(PathSource(file.fileno()), size, self._starts, self._ends, self._at)

    def close(self) -> None:
        """Let go of what was kept."""
        self._file.close()


class GappedSource:
    """A file of which some bytes were not kept.

    A read that begins among those that were gives as many as there are before the next gap,
    which must be all that its caller needs.

    Raises:
        StreamError: from all that reads, where the first byte was not kept, and from `view` and
            `pieces`, where any of them was not.
    """

    def __init__(
        self, kept: PathSource, size: int, starts: array[int], ends: array[int], at: array[int]
    ) -> None:
        self._kept = kept
        self._size = size
        self._starts, self._ends, self._at = starts, ends, at

    @property
    def size(self) -> int:
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        if offset >= self._size:
            return b""
        start, there = self._place(offset)
        return self._kept.read(start, min(length, there))

    def view(self, offset: int, length: int) -> memoryview:
        length = max(0, min(length, self._size - offset))
        return self._kept.view(self._all(offset, length), length)

    def pieces(self, offset: int, length: int, size: int = CHUNK) -> Iterator[memoryview]:
        length = max(0, min(length, self._size - offset))
        return self._kept.pieces(self._all(offset, length), length, size)

    def forget(self, before: int) -> None:
        pass

    def close(self) -> None:
        """Let go of the temporary file."""
        self._kept.close()

    def _all(self, offset: int, length: int) -> int:
        """Where some bytes were put, none of which may lack."""
        if not length:
            return 0
        start, there = self._place(offset)
        if length > there:
            raise self._gone(offset + there)
        return start

    def _place(self, offset: int) -> tuple[int, int]:
        """Where the byte at an offset was put, and how many that follow it are there as well."""
        index = bisect_right(self._starts, offset) - 1
        if index < 0 or offset >= self._ends[index]:
            raise self._gone(offset)
        return self._at[index] + offset - self._starts[index], self._ends[index] - offset

    @staticmethod
    def _gone(offset: int) -> StreamError:
        return StreamError(
            f"offset {offset:#x} has gone by: the input is a pipe, of which page data is not kept; "
            "save it to a file to read it in any order",
            offset=offset,
        )
