"""Freezing by SIGSTOP, as a shell's job control does.

For targets that may be signalled but not traced. Everybody can see it: the parent is told
(CLD_STOPPED, CLD_CONTINUED), a handler of SIGCONT runs, and a shell may take its terminal
back. A process that was found stopped is left alone. Somebody else's SIGCONT during the
freeze wakes the target, and somebody else's SIGSTOP is undone with ours; the first is noted
in the facts where it shows.
"""

from __future__ import annotations

import os
import signal
import time
import weakref
from collections.abc import Callable
from functools import partial

from .blocked import pointers
from .channel import InProcess, NotStartedError
from .filtered import refuse_filtered
from .guarded import Guarded, HoldFailed
from .guardian import refusals
from .guardian.refusals import Refusal
from .guardian.thread_state import Sighting, look, look_at_all

__all__ = ["StoppedBySignal"]

_SIGNALS = (signal.SIGSTOP, signal.SIGCONT)
_PATIENCE = 2.0
"""Seconds without any thread stopping, after which the rest is given up."""
_PATIENCE_ASLEEP = 0.25
"""The same where all that are left sleep uninterruptibly."""


class StoppedBySignal(Guarded):
    """A target that is stopped by signal.

    Args:
        pid: the target.
        max_freeze: seconds after which the guardian lets it go in any case; None: never.
        registers: whether to look for program counters and stack pointers.

    Raises:
        TargetError: no guardian can be started.
        Refusal: it is gone, or nothing that can be stopped; `stop` raises it as well: being
            traced, not permitted, with a seccomp filter.
    """

    def __init__(self, pid: int, max_freeze: float | None, *, registers: bool) -> None:
        super().__init__(pid, "sigstop")
        self._fuse: Callable[[], object] | None = None
        self._max_freeze = max_freeze
        self._registers = registers
        refusals.refuse_hopeless(pid)
        leader = look(pid, pid)
        if leader is None:
            raise refusals.gone(pid)
        self._leader = leader
        self._started = leader.state != "T"  # else there is nothing to do, as it seems now
        if self._started:
            self._start(leader)

    def stop(self) -> None:
        """Have the target stopped, unless it is."""
        pid = self.pid
        refusals.refuse_hopeless(pid)
        tracer = refusals.tracer_of(pid, pid)
        if tracer:
            raise refusals.being_traced(pid, tracer)
        found = look_at_all(pid)
        # Whatever thread is stopped, all are or are about to be: there is only one stop.
        self.found_stopped = any(thread.state == "T" for thread in found.values())
        if self.found_stopped:
            self._dismiss()
        else:
            refuse_filtered(pid, found, "sigstop")
            if not self._started:
                self._start(self._leader)
            self.ready()
            found = look_at_all(pid)
        began = time.monotonic()
        if not self.found_stopped:
            self._stop(self._max_freeze)
        self._note(found, self._wait(), began)
        if self._registers:
            self.pointers = pointers(pid, self.still)

    def _start(self, leader: Sighting) -> None:
        """Start the guardian, with the `Fuse` whose reading end we keep."""
        try:
            reading, writing = os.pipe()
        except OSError as error:
            raise NotStartedError.because(error) from error
        self._fuse = weakref.finalize(self, os.close, reading)
        who = (str(self.pid), str(leader.start_ticks), *(str(int(one)) for one in _SIGNALS))
        try:
            self._start_guardian(
                *who,
                str(reading),
                str(writing),
                kind=partial(InProcess, descriptors=(reading, writing)),
            )
        finally:
            os.close(writing)
        self._arguments = (*who, str(reading), "-1")

    def _stop(self, max_freeze: float | None) -> None:
        try:
            self._hold(max_freeze)
        except HoldFailed as error:
            if error.errno in (1, 13):
                cause = OSError(error.errno, "")
                raise refusals.not_permitted(self.pid, "signalled", cause) from error
            if error.errno:
                raise refusals.gone(self.pid) from error
            raise Refusal(
                f"process {self.pid} could not be stopped: {error}", remedy="use --freeze ptrace"
            ) from error

    def _wait(self) -> dict[int, Sighting]:
        """Wait until every thread has stopped, but not for ever: how they stand then."""
        progress = time.monotonic()
        most = -1
        while True:
            seen = look_at_all(self.pid)
            states = [thread.state for thread in seen.values() if thread.state not in "ZXx"]
            stopped = states.count("T")
            now = time.monotonic()
            if stopped == len(states):
                return seen
            if stopped > most:
                most, progress = stopped, now
            asleep = set(states) <= {"T", "D"}
            if now - progress > (_PATIENCE_ASLEEP if asleep else _PATIENCE):
                return seen
            time.sleep(0.0002)

    def _note(self, found: dict[int, Sighting], now: dict[int, Sighting], began: float) -> None:
        self.began = time.time_ns()
        self.still = frozenset(number for number, seen in now.items() if seen.state == "T")
        self.threads = {number: found.get(number, seen) for number, seen in now.items()}
        self.facts = {
            "threads": len(now),
            "found_stopped": self.found_stopped,
            "nanoseconds_to_freeze": int((time.monotonic() - began) * 1e9),
            "new_threads": len(set(now) - set(found)),
            "zombie_threads": sorted(n for n, seen in now.items() if seen.state in "ZXx"),
            "not_stopped": [
                {"thread_id": number, "reason": f"did not stop in time (state {seen.state})"}
                for number, seen in sorted(now.items())
                if seen.state not in "TZXx"
            ],
            **self._who(),
            "undone_by": "nobody: it was stopped before" if self.found_stopped else "the guardian",
        }

    def thaw(self) -> None:
        """Let the target go as it was found; more than once does no harm.

        Raises:
            TargetError: it can't be let go.
        """
        if self.began and not self.ended:
            self.facts["woken_by_others"] = any(
                seen is not None and seen.state not in "TtDZXx"
                for seen in (look(self.pid, number) for number in self.still)
            )
        super().thaw()
        if self._fuse is not None:
            self._fuse()  # closes it, once
