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

from .independence import LastResort, be_quick, call_ourselves, leave_groups
from .method import Method
from .thread_state import look

__all__ = ["LATE", "Deputy"]

LATE = 0.25
"""Seconds behind its time at which a guardian is taken to be unable to let the target go."""
_LATER = 0.15
"""How much more it may be until the same is true of the deputy."""
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
        method: how the target is held.
        take_over: called in the deputy when the guardian is gone and the target may be held,
            with the monotonic time up to which it may, and whether the guardian was overdue.

    Raises:
        OSError: it can't be started.
    """

    def __init__(
        self, orders: int, method: Method, take_over: Callable[[float | None, bool], None]
    ) -> None:
        reading, self._pipe = os.pipe()
        self._heard, answers = os.pipe()
        guardian = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self._pipe)
                os.close(self._heard)
                os.setsid()
                call_ourselves("msl-deputy")
                be_quick()
                method.as_deputy()
                _Watch(guardian, reading, answers, orders, method.ends_with_both, take_over).run()
            finally:
                os._exit(0)
        os.close(reading)
        os.close(answers)

    def tell(self, what: str) -> None:
        """Say ``busy`` (the guardian must not be ended before the next ``hold``, whatever
        happens), ``ending`` or ``done``."""
        with contextlib.suppress(OSError):  # it was killed: then we are alone
            os.write(self._pipe, what.encode() + b"\n")

    def expect(self, until: float | None) -> None:
        """Say that the target is about to be held, up to this monotonic time or without a
        bound, and wait until it has taken note."""
        self.tell(f"hold {'-' if until is None else until}")
        if select.select([self._heard], [], [], _DYING)[0]:
            os.read(self._heard, 1)

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
        answers: int,
        orders: int,
        expendable: bool,
        take_over: Callable[[float | None, bool], None],
    ) -> None:
        self._last = LastResort() if expendable else None
        self._guardian = guardian
        self._pipe = pipe
        self._answers = answers
        self._orders = orders
        self._take_over = take_over
        self._holding = False
        self._until: float | None = None
        self._deadline: float | None = None
        self._rest = b""
        self._poll = select.poll()

    def run(self) -> None:
        poll = self._poll
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
                self._poll.register(self._orders, 0)
                self._without_deadline()
                if self._until is not None:
                    self._deadline = self._until + LATE
                    self._dying_at(self._deadline + _LATER)
                os.write(self._answers, b".")
            elif word == "busy":
                self._without_deadline()
                with contextlib.suppress(KeyError):  # its end was noticed before
                    self._poll.unregister(self._orders)
            elif word == "ending":
                self._deadline = time.monotonic() + _UNDOING
                self._dying_at(self._deadline + _LATER)
        return False

    def _without_deadline(self) -> None:
        self._deadline = None
        if self._last is not None:
            self._last.disarm()

    def _dying_at(self, when: float) -> None:
        """Have the kernel end us, where that helps, if we can't do what we are here for."""
        if self._last is not None:
            self._last.arm(when - time.monotonic())

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
        if self._last is not None:
            self._last.close()
        if self._holding:
            self._take_over(self._until, overdue)
