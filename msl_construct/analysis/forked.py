"""Work on pieces in several processes: copies of this one, which end with the work."""

from __future__ import annotations

import marshal
import os
import struct
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

__all__ = ["can_fork", "in_order", "meanwhile"]

_SIZE = struct.Struct("<Q")


def can_fork() -> bool:
    """Whether copies of this process would be whole: other threads are not copied."""
    return sys.platform == "linux" and threading.active_count() == 1


def in_order(
    work: Callable[[int], list[Any]], count: int, processes: int
) -> Generator[list[Any], None, None]:
    """Results of pieces 0 to `count`, in their order; a few are worked on ahead.

    Args:
        work: what is done with a piece; its result is of lists, tuples, numbers and bytes. It
            is done here where a process ends before its time, so that errors are raised here.
        processes: how many.
    """
    workers: list[_Worker] = []
    try:
        for first in range(processes):
            workers.append(_Worker(work, range(first, count, processes), workers))
        for number in range(count):
            found = workers[number % processes].next()
            yield work(number) if found is None else found
    finally:
        for worker in workers:
            worker.hang_up()
        for worker in workers:
            worker.close()


@contextmanager
def meanwhile(work: Callable[[], list[Any]]) -> Iterator[Callable[[], list[Any]]]:
    """Do something in a copy while this process goes on; what is given waits for the result.

    Args:
        work: as `in_order` has it.
    """
    worker = _Worker(lambda _: work(), range(1), ())

    def result() -> list[Any]:
        found = worker.next()
        return work() if found is None else found

    try:
        yield result
    finally:
        worker.hang_up()
        worker.close()


class _Worker:
    """A copy of this process.

    Args:
        work: what it does.
        numbers: with which pieces.
        others: those that were made before it. Of their pipes a copy keeps no end: who waits for
            room in one would not notice that nobody reads any more.
    """

    def __init__(
        self, work: Callable[[int], list[Any]], numbers: range, others: Sequence[_Worker]
    ) -> None:
        self._pipe = -1
        self._process = 0
        try:
            reading, writing = os.pipe()
        except OSError:
            return
        try:
            process = os.fork()
        except OSError:
            os.close(reading)
            os.close(writing)
            return
        if not process:
            _serve(work, numbers, writing, (reading, *(other._pipe for other in others)))
        os.close(writing)
        self._pipe, self._process = reading, process

    def next(self) -> list[Any] | None:
        """The next result; None: it has ended."""
        if self._pipe < 0:
            return None
        size = self._read(_SIZE.size)
        data = None if size is None else self._read(_SIZE.unpack(size)[0])
        if data is None:
            self.close()
            return None
        found: list[Any] = marshal.loads(data)
        return found

    def _read(self, size: int) -> bytes | None:
        parts = bytearray()
        while len(parts) < size:
            part = os.read(self._pipe, size - len(parts))
            if not part:
                return None
            parts += part
        return bytes(parts)

    def hang_up(self) -> None:
        """Read no more of it: it notices with its next result."""
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1

    def close(self) -> None:
        """Wait until it has ended."""
        self.hang_up()
        process, self._process = self._process, 0
        if process:
            with suppress(OSError):
                os.waitpid(process, 0)


def _serve(
    work: Callable[[int], list[Any]], numbers: range, pipe: int, others: Sequence[int]
) -> None:
    """The copy's side; never returns, not even by a signal: all else is the parent's to do.

    Args:
        others: ends of pipes that it has no use for.
    """
    try:
        for one in others:
            if one >= 0:
                os.close(one)
        for number in numbers:
            data = marshal.dumps(work(number))
            message = memoryview(_SIZE.pack(len(data)) + data)
            while message:
                message = message[os.write(pipe, message) :]
    except BaseException:  # whatever it is, the parent finds out for itself
        pass
    finally:
        os._exit(0)
