"""Something that is found out while something else is being done."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

__all__ = ["Later"]

_T = TypeVar("_T")


class Later(Generic[_T]):
    """The result of a function that a thread of its own begins with at once.

    Args:
        work: the function; called when its result is asked for, where no thread can be had.
    """

    def __init__(self, work: Callable[[], _T]) -> None:
        self._work = work
        self._results: list[_T] = []
        self._error: BaseException | None = None
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = threading.Thread(
            target=self._run, name="msl-later", daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError:
            self._thread = None

    def _run(self) -> None:
        with suppress(BaseException):  # it is told to whoever asks
            try:
                self._results.append(self._work())
            except BaseException as error:
                self._error = error

    def result(self) -> _T:
        """What the function returned; waits for it.

        Raises:
            Exception: whatever the function raised.
        """
        with self._lock:
            if self._thread is not None:
                self._thread.join()
            elif not self._results and self._error is None:
                self._run()
        if self._error is not None:
            raise self._error
        return self._results[0]
