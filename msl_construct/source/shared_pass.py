"""One pass over the bytes of a file that two readers make together: each byte is read once."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from .base import CHUNK, Source
from .files import PathSource

__all__ = ["SharedPass", "WindowReader"]

_AHEAD = 4
_DONE = 1 << 63


class SharedPass:
    """The bytes before `stop` in windows, each of which is there until all readers passed it.

    Whoever comes first to a window that is not there reads it, or meanwhile the one behind it:
    so the work of reading is shared as well, and nobody is more than four windows behind.

    Args:
        source: where the bytes are.
        stop: where they end; the source has that many.
        readers: how many there are; each must end with `WindowReader.close`.
        size: bytes of a window.
    """

    def __init__(self, source: Source, stop: int, readers: int, size: int = CHUNK) -> None:
        self.source = source
        self.size = size
        self._stop = stop
        self._count = -(-stop // size)
        self._claimed = 0  # windows that somebody has read, or is reading
        self._there: dict[int, memoryview] = {}
        self._spare: list[memoryview] = []
        self._passed = [0] * readers
        self._first = 0  # what all have passed
        self._failure: BaseException | None = None
        self._changed = threading.Condition()

    def window(self, number: int) -> memoryview:
        """The window of this number, which no reader that asks has passed.

        Raises:
            ChangedError: its bytes, or those of another, can't be read.
        """
        with self._changed:
            while True:
                if self._failure is not None:
                    raise self._failure
                found = self._there.get(number)
                if found is not None:
                    return found
                mine = self._claimed
                if mine == self._count or mine - self._first >= _AHEAD:
                    self._changed.wait()
                    continue
                self._claimed += 1
                buffer = self._spare.pop() if self._spare else None
                self._changed.release()
                read: memoryview | None = None
                failure: BaseException | None = None
                try:
                    read = self._read(mine, buffer)
                except BaseException as error:
                    failure = error
                finally:
                    self._changed.acquire()
                if read is not None:
                    self._there[mine] = read
                self._failure = self._failure or failure
                self._changed.notify_all()

    def _read(self, number: int, buffer: memoryview | None) -> memoryview:
        offset = number * self.size
        length = min(self.size, self._stop - offset)
        if not isinstance(self.source, PathSource):
            return self.source.view(offset, length)
        if buffer is None:
            buffer = memoryview(bytearray(self.size))
        self.source.read_into(offset, buffer[:length])
        return buffer[:length]

    def give_up(self, error: BaseException) -> None:
        """Let nobody wait for windows that are needed no more."""
        with self._changed:
            self._failure = self._failure or error
            self._changed.notify_all()

    def passed(self, reader: int, count: int = _DONE) -> None:
        """Say that a reader needs the first windows no more, or none at all."""
        with self._changed:
            self._passed[reader] = count
            first = min(self._passed)
            for number in range(self._first, min(first, self._claimed)):
                window = self._there.pop(number, None)
                if window is not None and isinstance(self.source, PathSource):
                    self._spare.append(memoryview(window.obj))
            self._first = first
            self._changed.notify_all()


class WindowReader:
    """One of the readers: goes from front to back.

    Args:
        windows: what it reads.
        number: which of the readers it is.
    """

    def __init__(self, windows: SharedPass, number: int) -> None:
        self._windows = windows
        self._reader = number
        self._number = -1
        self._window = memoryview(b"")

    def pieces(self, offset: int, length: int) -> Iterator[memoryview]:
        """Some bytes, which begin no earlier than those that were asked for before."""
        size = self._windows.size
        end = offset + length
        while offset < end:
            number, start = divmod(offset, size)
            window = self._at(number)
            yield window[start : min(start + end - offset, size)]
            offset = min(end, (number + 1) * size)

    def read(self, offset: int, length: int) -> bytes:
        """A few bytes at or behind those that were asked for before."""
        number, start = divmod(offset, self._windows.size)
        if number != self._number or start + length > self._window.nbytes:
            return self._windows.source.read(offset, length)
        return bytes(self._window[start : start + length])

    def close(self) -> None:
        """Need no window any more."""
        self._window = memoryview(b"")
        self._windows.passed(self._reader)

    def _at(self, number: int) -> memoryview:
        if number != self._number:
            self._windows.passed(self._reader, number)
            self._window = self._windows.window(number)
            self._number = number
        return self._window
