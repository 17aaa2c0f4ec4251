"""Freezing by ptrace(2), done by a guardian: see `guardian.tracing`.

What no method can hide: some blocked calls of the target return EINTR once (epoll_wait,
sigtimedwait, semop, recv with a time limit, io_getevents; see signal(7)).
"""

from __future__ import annotations

import errno
from typing import Any

from .. import registers as known_registers
from .channel import InProcess, InThread, NotStartedError
from .guarded import Guarded, HoldFailed
from .guardian import refusals
from .guardian.refusals import Refusal
from .guardian.thread_state import Sighting
from .register_sets import RegisterSets

__all__ = ["Traced"]


def _wanted() -> str:
    """The register sets to ask for, and instead of what, as the guardian wants it."""
    machine = known_registers.machine()
    instead = known_registers.alternatives(machine)
    return " ".join(
        ",".join(str(one) for one in (number, *instead.get(number, ())))
        for number in known_registers.sets(machine)
    )


class Traced(Guarded):
    """A target whose threads are seized.

    Args:
        pid: the target.
        max_freeze: seconds after which it is let go in any case; None: never.
        registers: whether to read registers.

    Raises:
        TargetError: no guardian can be started.
        Refusal: it is gone, or nothing that can be stopped; `stop` raises it as well: being
            traced, not permitted, not in time.
    """

    METHOD = "ptrace"

    def __init__(self, pid: int, max_freeze: float | None, *, registers: bool) -> None:
        super().__init__(pid, self.METHOD)
        self._max_freeze = max_freeze
        self._in_thread = False
        refusals.refuse_hopeless(pid)
        wanted = _wanted() if registers else ""
        self._arguments = (str(pid), wanted, *self._more_arguments())
        try:
            self._start_guardian(*self._arguments, kind=InProcess)
        except NotStartedError:
            if not self._start_thread():
                raise

    def _more_arguments(self) -> tuple[str, ...]:
        """What the guardian is to know besides."""
        return ()

    def _start_thread(self) -> bool:
        """Start a thread of ours instead of a process that can't do it; whether that is new."""
        if self._in_thread:
            return False
        self._in_thread = True
        self._start_guardian(*self._arguments, kind=InThread)
        return True

    def ready(self) -> None:
        """Wait until the guardian is ready: a process, if that can be."""
        try:
            super().ready()
        except NotStartedError:  # no interpreter that we may execute
            if not self._start_thread():
                raise
            super().ready()

    def stop(self) -> None:
        """Have the target stopped."""
        try:
            found = self._trace()
        except Refusal as refusal:
            # What a child of ours may not, we may: Yama permits tracing to ancestors only, and
            # a program that is executed can lose rights.
            if refusal.errno != errno.EPERM or not self._start_thread():
                raise
            found = self._trace()
        self._note(found)

    def _trace(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self._hold(self._max_freeze)
        except HoldFailed as error:
            raise Refusal(
                f"process {self.pid} could not be stopped: {error}",
                remedy="try again, or go on without stopping it: --freeze none",
            ) from error
        return found

    def _note(self, found: dict[str, Any]) -> None:
        self.began = found["began"]
        self.threads = {seen[0]: Sighting(*seen) for seen in found["threads"]}
        self.still = frozenset(found["still"])
        assert self._channel is not None
        if found["registers"]:
            self.register_sets = RegisterSets(self._channel, found["registers"])
        whose = "the guardian" if self._channel.pid else "the acquirer"
        self.facts = {
            **found["facts"],
            **self._who(),
            "undone_by": f"the kernel, when {whose} ends",
        }
        self.found_stopped = self.facts["found_stopped"]
