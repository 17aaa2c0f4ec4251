"""Stopping by signal."""

from __future__ import annotations

import contextlib
import fcntl
import os

from .method import Limits
from .thread_state import look

__all__ = ["Fuse", "Signalling"]


class Fuse:
    """A pipe by which the kernel signals the target when those who would are no more.

    Nothing is written to it. Its reading end is held by the acquirer and the guardian, its
    writing end by the guardian and the deputy. When one of the ends is closed for good, by
    whatever kills its holders, the kernel tells whoever wanted to know of the other (F_SETOWN,
    F_SETSIG): that is the target, and the signal the one that wakes.

    Args:
        ends: descriptors of the two; those that are not ours are -1.
    """

    def __init__(self, reading: int, writing: int) -> None:
        self._ends = [reading, writing]

    def arm(self, pid: int, signal: int) -> None:
        """Have the process signalled; where that is not permitted there is no fuse."""
        with contextlib.suppress(OSError):
            for end in self._ends:
                fcntl.fcntl(end, fcntl.F_SETOWN, pid)
                fcntl.fcntl(end, fcntl.F_SETSIG, signal)
                self._flag(end, os.O_ASYNC)

    def disarm(self) -> None:
        """Have nobody signalled; as far as we hold its ends."""
        for end in self._ends:
            if end >= 0:
                with contextlib.suppress(OSError):
                    self._flag(end, 0)

    def _flag(self, end: int, flag: int) -> None:
        flags = fcntl.fcntl(end, fcntl.F_GETFL)
        fcntl.fcntl(end, fcntl.F_SETFL, flags & ~os.O_ASYNC | flag)

    def let_reading_end_go(self) -> None:
        """Close it."""
        os.close(self._ends[0])
        self._ends[0] = -1


class Signalling:
    """Holds a process by one signal and lets it go by another.

    Args:
        pid: the target.
        start_ticks: tells it from another process that got its number later.
        stop, go_on: numbers of the signals.
        reading, writing: the ends of the `Fuse`; -1 where an end is not ours.
    """

    ends_with_us = False
    ends_with_both = True

    def __init__(
        self, pid: str, start_ticks: str, stop: str, go_on: str, reading: str, writing: str
    ) -> None:
        self._pid, self._start_ticks = int(pid), int(start_ticks)
        self._stop, self._go_on = int(stop), int(go_on)
        self._fuse = Fuse(int(reading), int(writing))

    def _send(self, signal: int) -> None:
        leader = look(self._pid, self._pid)
        if leader is None or leader.start_ticks != self._start_ticks:
            raise ProcessLookupError(3, "it has ended")
        os.kill(self._pid, signal)

    def as_deputy(self) -> None:
        """Hold the end that the acquirer does not hold."""
        self._fuse.let_reading_end_go()

    def hold(self, until: float | None) -> None:
        """Send the signal that stops."""
        self._fuse.arm(self._pid, self._go_on)
        self._send(self._stop)

    def order(self, words: list[str], limits: Limits) -> object:
        """There is nothing else that it could do."""
        return None

    def look(self) -> str:
        """The limits are never dropped."""
        return ""

    def let_go(self) -> None:
        """Send the signal that wakes."""
        self._send(self._go_on)

    def clean_up(self) -> None:
        """Take the fuse out, or it would be sent once more."""
        self._fuse.disarm()
