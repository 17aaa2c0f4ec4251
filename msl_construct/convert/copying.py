"""Writing captured runs: from file to file, read and written at a time, where that can be."""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from queue import SimpleQueue
from types import TracebackType
from typing import IO

from ..builder.disk import UNIT, Disk
from ..builder.worker_thread import WorkerThread
from ..errors import MemoryAccessError, MslError
from ..source import BufferSource, PathSource, Source
from ..space import AddressSpace, LayeredSpace
from .kernel_copy import KernelCopy
from .memory_runs import pieces_of, put_sparsely

__all__ = ["RunWriter"]

_BUFFER = 2 << 20
_BUFFERS = 3
_LEAST_COPY = 256 << 10
"""Bytes for which asking the kernel is worth its while."""
_HOLE = 1 << 16
_ZEROS = bytes(_HOLE)
_ANY = 1 << 62
"""Bytes of the page cache that may be taken: whoever exports looks at it next."""

_Stretch = tuple[Source, int, int]
"""File, or bytes in memory; offset and length."""


class RunWriter:
    """Puts captured runs into a file, one behind the other; a context manager.

    Bytes that a dump stores as they are go from file to file, by a thread: copied by the kernel
    through the page cache, or read into a few buffers and written past it, whichever is faster.
    Long stretches of zeros become holes of the file, where it can have some.

    Args:
        space: whose memory it is.
        file: is written from where it stands; it stands behind what was put at the end.
        seekable: whether holes can be left in it.
    """

    def __init__(self, space: AddressSpace, file: IO[bytes], seekable: bool) -> None:
        self._space, self._file, self._seekable = space, file, seekable
        self._by_file = seekable and hasattr(os, "preadv") and _has_descriptor(file)
        self._ferry: _Ferry | None = None

    def __enter__(self) -> RunWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._ferry is not None:
            self._ferry.close(failed=error is not None)
            self._ferry = None

    def put(self, address: int, length: int) -> None:
        """Write the bytes of a captured run.

        Raises:
            MemoryAccessError: they are not all captured any more.
            OSError: it can't be written.
        """
        stretches = self._stored(address, length) if self._by_file else None
        if stretches is not None:
            if self._ferry is None:
                self._ferry = _Ferry(self._file)
            for source, offset, size in stretches:
                if isinstance(source, PathSource):
                    self._ferry.take(source, offset, size)
                else:
                    self._ferry.carry(source.view(offset, size))
            return
        if self._ferry is not None:
            self._ferry.arrive()
        for piece in pieces_of(self._space, address, length):
            put_sparsely(self._file, piece, self._seekable)
        if self._ferry is not None:
            self._ferry.depart()

    def _stored(self, address: int, length: int) -> Sequence[_Stretch] | None:
        """Where the bytes stand in files; None where they don't stand there as they are."""
        if not isinstance(self._space, LayeredSpace):
            return None
        found = []
        for source, offset, size in self._space.places(address, length):
            if not isinstance(source, (PathSource, BufferSource)):
                return None
            found.append((source, offset, size))
        return found if sum(size for _, _, size in found) == length else None


class _Ferry:
    """Takes bytes of files to another one, in the order of that.

    Long stretches are copied by the kernel, from cache to cache, while that is the faster way.
    What goes past the cache, and short stretches, are read into buffers.

    Args:
        file: nobody else writes to it between `depart` and `arrive`.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._free: SimpleQueue[mmap.mmap] = SimpleQueue()
        for _ in range(_BUFFERS - 1):
            self._free.put(mmap.mmap(-1, _BUFFER))
        self._buffer = mmap.mmap(-1, _BUFFER)
        self._kernel = KernelCopy(file.fileno())
        self.depart()
        self._disk = Disk(file, _ANY, preferred=1.0)  # nobody hashes, who would need the processor
        self._thread = WorkerThread("msl-export", memoryview.release)  # nothing fails behind it

    def depart(self) -> None:
        """Begin where the file stands."""
        self._file.flush()
        self._stand(self._file.tell())

    def _stand(self, at: int) -> None:
        """Begin a buffer at an offset, so that whole units stand at multiples of them."""
        self._first = self._filled = at % UNIT
        self._base = at - self._first
        self._past = False

    def take(self, source: PathSource, offset: int, size: int) -> None:
        """Take bytes of a file, which follow those before.

        Raises:
            MemoryAccessError: they are not there any more.
            OSError: something before could not be written.
        """
        number = source.fileno()
        while size:
            if self._kernel.works and size >= _LEAST_COPY and self._filled == self._first:
                count = min(size, _BUFFER)
                self._past = not self._disk.goes_through(count)
                if not self._past:
                    self._copy(number, offset, count)
                    offset += count
                    size -= count
                    continue
            with memoryview(self._buffer)[self._filled : self._filled + size] as room:
                count = _read(number, room, offset)
            self._filled += count
            offset += count
            size -= count
            if self._filled == _BUFFER:
                self._hand_over()

    def carry(self, data: memoryview) -> None:
        """Take bytes that are in memory, which follow those before.

        Raises:
            OSError: something before could not be written.
        """
        while data.nbytes:
            part = data[: _BUFFER - self._filled]
            self._buffer[self._filled : self._filled + part.nbytes] = part
            self._filled += part.nbytes
            data = data[part.nbytes :]
            if self._filled == _BUFFER:
                self._hand_over()

    def arrive(self) -> None:
        """Wait until all is written; the file stands behind it.

        Raises:
            OSError: it could not be written.
        """
        end = self._base + self._filled
        self._hand_over()
        self._thread.reached().wait()
        self._check()
        self._file.seek(end)

    def close(self, *, failed: bool) -> None:
        """End, and wait until all is written unless something failed.

        Raises:
            OSError: it could not be written.
        """
        try:
            if not failed:
                self.arrive()
        finally:
            self._thread.close(wait=True)
            self._kernel.close()
            self._disk.close()

    def _check(self) -> None:
        error = self._thread.error
        if isinstance(error, MslError):
            raise error
        if isinstance(error, OSError):
            raise type(error)(*error.args)
        if error is not None:
            raise OSError(f"the output failed: {error}") from error

    # -- by the kernel -----------------------------------------------------------------

    def _copy(self, number: int, offset: int, size: int) -> None:
        """Have the kernel copy bytes, but for their zeros."""
        self._check()
        at = self._base + self._filled
        buffer = self._free.get()  # no more is begun than has room if the kernel does not copy
        parts = list(_without_zeros(partial(_has_zeros, number, offset), 0, size))
        self._thread.put(partial(self._store_copied, buffer, number, offset, at, parts))
        self._stand(at + size)

    def _store_copied(
        self, buffer: mmap.mmap, number: int, offset: int, at: int, parts: Sequence[tuple[int, int]]
    ) -> None:
        """Copy parts of what begins at one offset to the same places behind another."""
        try:
            if self._thread.error is None:
                began = time.perf_counter()
                for start, stop in parts:
                    self._copy_part(buffer, number, offset + start, stop - start, at + start)
                copied = sum(stop - start for start, stop in parts)
                self._disk.has_gone_through(copied, time.perf_counter() - began)
        finally:
            self._free.put(buffer)

    def _copy_part(self, buffer: mmap.mmap, number: int, offset: int, size: int, at: int) -> None:
        while size:
            count = self._kernel.copied(number, offset, size, at)
            if not count:
                with memoryview(buffer)[:size] as room:
                    count = _read(number, room, offset)
                    self._disk.store_rest(room[:count], at)
            offset += count
            at += count
            size -= count

    # -- by buffers --------------------------------------------------------------------

    def _hand_over(self) -> None:
        self._check()
        job = partial(self._store, self._buffer, self._base, self._first, self._filled, self._past)
        self._thread.put(job)
        self._stand(self._base + self._filled)
        self._buffer = self._free.get()

    def _store(self, buffer: mmap.mmap, base: int, first: int, end: int, past: bool) -> None:
        """Write a buffer, but for its zeros, and give it back."""
        try:
            if self._thread.error is None:
                store = self._disk.store_past if past else self._disk.store
                with memoryview(buffer) as view:
                    for start, stop in _without_zeros(partial(_are_zeros, view), first, end):
                        self._write(store, view, base, start, stop)
        finally:
            self._free.put(buffer)

    def _write(
        self,
        store: Callable[[memoryview, int], None],
        view: memoryview,
        base: int,
        start: int,
        stop: int,
    ) -> None:
        low = min(stop, -(-start // UNIT) * UNIT)
        high = max(low, stop // UNIT * UNIT)
        self._disk.store_rest(view[start:low], base + start)
        if high > low:
            store(view[low:high], base + low)
        self._disk.store_rest(view[high:stop], base + high)


def _read(number: int, room: memoryview, offset: int) -> int:
    """Fill a part of a buffer; how many bytes.

    Raises:
        MemoryAccessError: there are none.
    """
    count = os.preadv(number, [room], offset)
    if not count:
        raise MemoryAccessError(
            f"{room.nbytes} bytes at offset {offset:#x}: the file has become shorter"
        )
    return count


def _without_zeros(
    is_hole: Callable[[int], bool], first: int, end: int
) -> Iterator[tuple[int, int]]:
    """The stretches between two places that are not long zeros.

    Args:
        is_hole: whether `_HOLE` bytes from a place on, which is a multiple of that, are zero.
    """
    start = first
    for at in range(-(-first // _HOLE) * _HOLE, end - _HOLE + 1, _HOLE):
        if is_hole(at):
            if at > start:
                yield start, at
            start = at + _HOLE
    if start < end:
        yield start, end


def _has_zeros(number: int, offset: int, at: int) -> bool:
    """Of a file, behind an offset; most of what is none shows in its first byte."""
    first = os.pread(number, 1, offset + at)
    return first == b"\0" and os.pread(number, _HOLE, offset + at) == _ZEROS


def _are_zeros(view: memoryview, at: int) -> bool:
    """Of a buffer; likewise."""
    return not view[at] and bytes(view[at : at + _HOLE]) == _ZEROS


def _has_descriptor(file: IO[bytes]) -> bool:
    try:
        return file.fileno() >= 0
    except (OSError, AttributeError):
        return False
