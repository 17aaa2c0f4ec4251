"""The guardian's deputy: a fork of it that does its work when it can't do it any more.

It costs next to nothing while the guardian is well. When that is killed it takes over: it
hears what the acquirer says and holds the target on, as long as it was to be held. When the
guardian lets the time pass (somebody stopped it, or froze its control group), or does not
notice that the acquirer is no more, the deputy ends it, and does what was to be done.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable

from .independence import call_ourselves, leave_groups
from .sighting import look

__all__ = ["LATE", "Deputy"]

LATE = 0.25
"""Seconds behind its time at which a guardian is taken to be unable to let the target go."""
_ORPHANED = 0.4
"""The same, from when the acquirer ended."""
_UNDOING = 10.0
"""Seconds that letting go and cleaning up may take."""
_DYING = 2.0
"""Seconds that a killed process may take to be gone."""


class Deputy:
    """The guardian's end of it; the other end is a process that is forked here.

    Args:
        orders: descriptor of the acquirer's orders, whose end says that it is no more.
        take_over: called in the deputy when the guardian is gone and the target may be held,
            with the monotonic time up to which it may, and whether the guardian was overdue.

    Raises:
        OSError: it can't be started.
    """

    def __init__(self, orders: int, take_over: Callable[[float | None, bool], None]) -> None:
        reading, self._pipe = os.pipe()
        guardian = os.getpid()
        try:
            self.pid = os.fork()
        except OSError:
            os.close(reading)
            os.close(self._pipe)
            raise
        if self.pid == 0:
            try:
                os.close(self._pipe)
                os.setsid()
                call_ourselves("msl-deputy")
                _Watch(guardian, reading, orders, take_over).run()
            finally:
                os._exit(0)
        os.close(reading)

    def tell(self, what: str) -> None:
        """Say ``hold UNTIL`` (monotonic time, or ``-``), ``ending``, or ``done``."""
        with contextlib.suppress(OSError):  # it was killed: then we are alone
            os.write(self._pipe, what.encode() + b"\n")

    def dismiss(self) -> None:
        """Have it end, and wait for that, or its remains might be left to nobody."""
        self.tell("done")
        until = time.monotonic() + _DYING
        with contextlib.suppress(OSError):
            while os.waitpid(self.pid, os.WNOHANG)[0] == 0 and time.monotonic() < until:
                time.sleep(0.0005)


class _Watch:
    """What the deputy does."""

    def __init__(
        self,
        guardian: int,
        pipe: int,
        orders: int,
        take_over: Callable[[float | None, bool], None],
    ) -> None:
        self._guardian = guardian
        self._pipe = pipe
        self._orders = orders
        self._take_over = take_over
        self._holding = False
        self._until: float | None = None
        self._deadline: float | None = None
        self._rest = b""

    def run(self) -> None:
        poll = select.poll()
        poll.register(self._pipe, select.POLLIN)
        poll.register(self._orders, 0)  # only its end: what is said is for the guardian
        while True:
            left = None
            if self._deadline is not None:
                left = max(self._deadline - time.monotonic(), 0.0) * 1000 + 1
            events = dict(poll.poll(left))
            if self._pipe in events:
                heard = os.read(self._pipe, 4096)
                if not heard:
                    break
                if self._hear(heard):
                    return
            elif self._orders in events:
                poll.unregister(self._orders)
                soon = time.monotonic() + _ORPHANED
                self._deadline = soon if self._deadline is None else min(soon, self._deadline)
            elif self._deadline is not None and time.monotonic() >= self._deadline:
                self._end_guardian()
                self._finish(overdue=True)
                return
        self._finish(overdue=False)

    def _hear(self, heard: bytes) -> bool:
        """Take note; whether all is over."""
        *lines, self._rest = (self._rest + heard).split(b"\n")
        for line in lines:
            word, _, rest = line.decode().partition(" ")
            if word == "done":
                return True
            if word == "hold":
                self._holding = True
                self._until = None if rest == "-" else float(rest)
                self._deadline = None if self._until is None else self._until + LATE
            elif word == "ending":
                self._deadline = time.monotonic() + _UNDOING
        return False

    def _end_guardian(self) -> None:
        if os.getppid() == self._guardian:
            with contextlib.suppress(OSError):
                os.kill(self._guardian, signal.SIGKILL)
            # What is frozen by control groups of version 1 does not even die.
            leave_groups(self._guardian)

    def _finish(self, overdue: bool) -> None:
        # Its end of the pipe closes a moment before the kernel lets go of what it traced.
        until = time.monotonic() + _DYING
        while os.getppid() == self._guardian and time.monotonic() < until:
            seen = look(self._guardian, self._guardian)
            if seen is None or seen.state in "ZXx":
                break
            time.sleep(0.0005)
        if self._holding:
            self._take_over(self._until, overdue)
