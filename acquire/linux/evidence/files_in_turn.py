"""Take files in turn, and leave behind the one that does not answer.

A file of /proc may wait for a lock that nobody gives up, and a file of the target's for a
server. Nothing can end such a read, so a thread does it that is left to itself when it stalls.
"""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from ...evidence import EvidenceFile

__all__ = ["GivenUp", "Turn", "in_turn"]

_LOOK_EVERY = 0.2
Item = TypeVar("Item")
Result = TypeVar("Result")


class GivenUp(Exception):
    """Nobody waits for this thread any more."""


class Turn:
    """The right of a thread to write: within ``with turn:`` nobody takes it away.

    Attributes:
        output: what the thread is writing; removed when it is given up.
    """

    def __init__(self) -> None:
        self.output: EvidenceFile | None = None
        self.beat = time.monotonic()
        self._lock = threading.Lock()
        self._given_up = False

    def __enter__(self) -> Turn:
        self._lock.acquire()
        if self._given_up:
            self._lock.release()
            raise GivenUp
        return self

    def __exit__(self, *_: object) -> None:
        self.beat = time.monotonic()
        self._lock.release()

    def give_up(self) -> None:
        """Take the right away."""
        with self._lock:
            self._given_up = True
            if self.output is not None:
                self.output.discard()


class _Run(Generic[Item, Result]):
    """The work of one thread."""

    def __init__(self, items: Sequence[Item], take: Callable[[Item, Turn], Result]) -> None:
        self.results: list[Result] = []
        self.error: BaseException | None = None
        self._items = items
        self._take = take
        self._turn = Turn()
        self._done = threading.Event()

    def run(self) -> None:
        """Take one item after the other."""
        try:
            for item in self._items:
                result = self._take(item, self._turn)
                with self._turn as turn:
                    turn.output = None
                    self.results.append(result)
        except GivenUp:
            pass
        except BaseException as error:
            self.error = error
        finally:
            self._done.set()

    def wait(self, deadline: float, patience: float, stop: Callable[[], bool]) -> None:
        """Wait for the end, the deadline, or a stall; then nothing is added any more."""
        while not self._done.is_set():
            left = min(deadline, self._turn.beat + patience) - time.monotonic()
            if left <= 0 or stop():
                break
            self._done.wait(min(left, _LOOK_EVERY))
        self._turn.give_up()


def in_turn(
    items: Sequence[Item],
    take: Callable[[Item, Turn], Result],
    stalled: Callable[[Item], Result],
    *,
    deadline: float,
    patience: float,
    stop: Callable[[], bool] = lambda: False,
) -> list[Result]:
    """What `take` makes of each item, in order; shorter than `items` if the time was up.

    Args:
        take: called in another thread.
        stalled: what stands for an item that did not come within `patience` seconds.
        deadline: of `time.monotonic`, for all of them.
        stop: whether to give up.

    Raises:
        OSError: no thread can be started.
    """
    results: list[Result] = []
    while len(results) < len(items) and time.monotonic() < deadline and not stop():
        job = _Run(items[len(results) :], take)
        try:
            threading.Thread(target=job.run, name="msl-evidence", daemon=True).start()
        except RuntimeError as error:
            raise OSError(errno.EAGAIN, str(error)) from error
        job.wait(deadline, patience, stop)
        if job.error is not None:
            raise job.error
        results += job.results
        if len(results) < len(items) and time.monotonic() < deadline and not stop():
            results.append(stalled(items[len(results)]))
    return results
