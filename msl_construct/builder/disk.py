"""Writing to a regular file past the page cache or through it, whichever is faster just now.

Past the cache takes hardly any processor time and leaves the examined machine's cache alone, but
goes at the disk's pace. Through the cache goes at the memory's pace as long as there is memory
that the system need not fetch first, and as long as it does not make its writers wait for the
disk. Nobody says beforehand which it will be, and it changes: so both are tried, and looked at
again from time to time.
"""

from __future__ import annotations

import errno
import os
import time
from typing import IO, Any

__all__ = ["UNIT", "Disk", "write_all"]

UNIT = 4096
"""Bytes whose multiples can be written past the cache."""

_TRIED = 3  # buffers, of either way, before one is preferred
_LOOK_EVERY = 32  # buffers between two tries of the way that was slower
_NEWEST = 0.4  # weight of the newest measurement
_CLEARLY = 0.7
"""How much of the other way's time the cache may take to be preferred: it takes processor time,
which whoever reads and hashes needs as well."""


class Disk:
    """One file.

    Args:
        file: stands at its start; a regular one.
        cache_room: bytes of the page cache that may be taken where another way is there.
        preferred: how much of the other way's time the cache may take to be preferred.

    Attributes:
        past_cache: whether it can be written past the cache.
        cached: bytes that went through the cache though they need not have.
    """

    def __init__(
        self, file: IO[bytes], cache_room: int = 0, *, preferred: float = _CLEARLY
    ) -> None:
        self._file = file
        self._descriptor = around_cache(file)
        self.past_cache = self._descriptor is not None
        self.cached = 0
        self._room = cache_room
        self._preferred = preferred
        self._count = 0
        self._tries = [0, 0]
        self._seconds = [0.0, 0.0]
        """Of a byte, past the cache and through it."""

    def store(self, view: memoryview, begin: int) -> None:
        """Write a buffer to its place; of whole units, unless the cache is the only way.

        Raises:
            OSError: it can't be written.
        """
        if self.goes_through(view.nbytes):
            began = time.perf_counter()
            self.store_rest(view, begin)
            self.has_gone_through(view.nbytes, time.perf_counter() - began)
        else:
            self.store_past(view, begin)

    def store_past(self, view: memoryview, begin: int) -> None:
        """Write a buffer of whole units to its place, past the cache.

        Raises:
            OSError: it can't be written.
        """
        if self._descriptor is None:
            self.store_rest(view, begin)
            return
        began = time.perf_counter()
        self._past_cache(self._descriptor, view, begin)
        self._note(False, view.nbytes, time.perf_counter() - began)

    def has_gone_through(self, size: int, seconds: float) -> None:
        """Take note of bytes that were written through the cache, in how long."""
        if self._descriptor is not None:
            self.cached += size
            self._note(True, size, seconds)

    def store_rest(self, view: memoryview, begin: int) -> None:
        """Write bytes of any number to their place, through the cache.

        Raises:
            OSError: they can't be written.
        """
        if view.nbytes:
            self._file.seek(begin)
            write_all(self._file, view)
            self._file.flush()  # whatever ends us, no hole is left in front of what comes next

    def close(self) -> None:
        """Close what was opened besides the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def goes_through(self, size: int) -> bool:
        """Whether the next bytes should go through the cache."""
        if self._descriptor is None:
            return True
        self._count += 1
        if self.cached + size > self._room:
            return False
        past, through = self._tries
        if past < _TRIED or through < _TRIED:
            return through < past
        faster = self._seconds[1] < self._preferred * self._seconds[0]
        return not faster if self._count % _LOOK_EVERY == 0 else faster

    def _note(self, through: bool, size: int, seconds: float) -> None:
        if not size:
            return
        each = seconds / size
        self._tries[through] += 1
        before = self._seconds[through] if self._tries[through] > 1 else each
        self._seconds[through] = before + _NEWEST * (each - before)

    def _past_cache(self, descriptor: int, view: memoryview, begin: int) -> None:
        done, size = 0, view.nbytes
        while done < size and not done % UNIT:
            try:
                count = os.pwrite(descriptor, view[done:], begin + done)
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
                break  # the file system takes the flag and not the write, or a limit is near
            if not count:
                break
            done += count
        if done < size:  # the disk is full, or nearly: the plain way says what is wrong
            self.store_rest(view[done:], begin + done)


def write_all(file: IO[bytes], view: memoryview) -> None:
    """Write all of it: a raw file may take only a part at a time.

    Raises:
        BlockingIOError: it takes nothing just now, and does not wait.
        OSError: it can't be written.
    """
    done = 0
    while done < view.nbytes:
        count = file.write(view[done:] if done else view)
        if count is None:
            raise BlockingIOError("the output is non-blocking and full")
        done += count


def around_cache(file: Any) -> int | None:
    """A second descriptor that bypasses the page cache, if file system and device permit it."""
    flag = getattr(os, "O_DIRECT", None)
    if flag is None:
        return None
    try:
        return os.open(f"/proc/self/fd/{file.fileno()}", os.O_WRONLY | flag)
    except OSError:
        return None
