"""A thread of an output: it takes what comes, in order, and never ends by an error."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

__all__ = ["WorkerThread"]


class WorkerThread:
    """A thread that takes pieces and does jobs in the order in which they were put.

    A piece is put as it is: at hundreds of thousands of them, making a job of each would cost
    more than handing it over. An error is kept, and ends none of the jobs behind it. Where the
    system has no thread for it, whoever puts something does it.

    Args:
        name: of the thread.
        take: what is done with a piece, which is its own from then on.

    Attributes:
        error: the first that was raised.
    """

    def __init__(self, name: str, take: Callable[[memoryview], None]) -> None:
        self._queue: SimpleQueue[memoryview | Callable[[], object] | None] = SimpleQueue()
        self._take = take
        self.put: Callable[[memoryview | Callable[[], object]], None] = self._queue.put
        self.error: BaseException | None = None
        self._thread: threading.Thread | None = None
        thread = threading.Thread(target=self._run, name=name, daemon=True)
        try:
            thread.start()
        except (RuntimeError, MemoryError):  # whoever puts something does it, then
            self.put = self._do
        else:
            self._thread = thread

    def reached(self) -> threading.Event:
        """An event that is set when everything put so far is done."""
        event = threading.Event()
        self.put(event.set)
        return event

    def close(self, *, wait: bool) -> None:
        """End the thread when everything put so far is done."""
        self._queue.put(None)
        if wait and self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        get, do = self._queue.get, self._do
        while (job := get()) is not None:
            do(job)

    def _do(self, job: memoryview | Callable[[], object]) -> None:
        try:
            if isinstance(job, memoryview):
                self._take(job)
            else:
                job()
        except BaseException as error:
            if self.error is None:
                self.error = error
