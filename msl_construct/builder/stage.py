"""A thread of an output: it takes what comes, in order, and never ends by an error."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

__all__ = ["Stage"]


class Stage:
    """A thread that takes pieces and does jobs in the order in which they were put.

    A piece is put as it is: at hundreds of thousands of them, making a job of each would cost
    more than handing it over. An error is kept, and ends none of the jobs behind it.

    Args:
        name: of the thread.
        take: what is done with a piece, which is its own from then on.

    Attributes:
        error: the first that was raised.
    """

    def __init__(self, name: str, take: Callable[[memoryview], None]) -> None:
        self._queue: SimpleQueue[memoryview | Callable[[], object] | None] = SimpleQueue()
        self._take = take
        self.put = self._queue.put
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def reached(self) -> threading.Event:
        """An event that is set when everything put so far is done."""
        event = threading.Event()
        self._queue.put(event.set)
        return event

    def close(self, *, wait: bool) -> None:
        """End the thread when everything put so far is done."""
        self._queue.put(None)
        if wait:
            self._thread.join()

    def _run(self) -> None:
        get, take = self._queue.get, self._take
        while True:
            job = get()
            try:
                if isinstance(job, memoryview):
                    take(job)
                elif job is None:
                    return
                else:
                    job()
            except BaseException as error:
                if self.error is None:
                    self.error = error
