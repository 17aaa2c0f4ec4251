"""A target that is stopped by one call and let go by another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from msl_construct.errors import TargetError

__all__ = ["Suspension"]


class Suspension:
    """Holds a target still; satisfies `Frozen`.

    The caller keeps it before `begin` is called: whatever interrupts the caller from then on,
    `thaw` undoes what was done. A thread of its own lets the target go when the time is up,
    however long the caller is stuck in a system call.

    Args:
        method: as the user asked; with ``none`` neither function is ever called.
        stop, resume: stop the target, let it go; both raise `TargetError`. The latter says why
            the target had been let go already, or nothing.
        alive: whether the target still exists.
        max_freeze: seconds; None for no limit.
    """

    def __init__(
        self,
        method: str,
        stop: Callable[[], None],
        resume: Callable[[], str],
        alive: Callable[[], bool],
        max_freeze: float | None,
    ) -> None:
        self.method = method
        self.began = 0
        self.ended = 0
        self.why_ended = ""
        self.facts: dict[str, Any] = {}
        self._stop = stop
        self._resume = resume
        self._alive = alive
        self._lock = threading.RLock()
        self._may_be_stopped = False
        self._max_freeze = max_freeze
        self._timer: threading.Timer | None = None
        if max_freeze is not None and method != "none":
            self._timer = threading.Timer(max_freeze, self._expire)
            self._timer.daemon = True

    def begin(self) -> None:
        """Stop the target.

        Raises:
            TargetError: it can't be stopped; it then runs as before.
        """
        # The timer thread exists before anything stands still, and waits for the lock: there
        # is no moment at which a stopped target has nobody who lets it go.
        with self._lock:
            if self._timer is not None:
                try:
                    self._timer.start()
                except RuntimeError as error:
                    raise TargetError(f"no thread to watch over the freeze: {error}") from error
            if self.method != "none":
                self._may_be_stopped = True
                try:
                    self._stop()
                except TargetError:
                    self._may_be_stopped = False
                    self._over("refused")
                    raise
                except BaseException:
                    # An interrupt: raised behind the call, so the call was made.
                    self.thaw()
                    raise
            self.began = time.time_ns()

    def left(self) -> float | None:
        """Seconds that are left of its bound; None: there is none. Only after `begin`."""
        if self._max_freeze is None:
            return None
        return max(0.0, self._max_freeze - (time.time_ns() - self.began) / 1e9)

    def thaw(self) -> None:
        """Let the target go; more than once does no harm.

        Raises:
            TargetError: it could not be let go; another call tries again.
        """
        self._end("done")

    def lost(self, why: str) -> None:
        """Take note that somebody else has let it go."""
        with self._lock:
            if self.began and not self.ended:
                self._over(why)

    def _expire(self) -> None:
        try:
            self._end("max_freeze")
        except TargetError as error:
            self.facts["thaw_error"] = str(error)

    def _end(self, why: str) -> None:
        with self._lock:
            if self.ended:
                return
            if not self._alive():
                why = "gone"
            elif self._may_be_stopped:
                why = self._resume() or why
            self._over(why)

    def _over(self, why: str) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.ended = time.time_ns()
        self.why_ended = why
