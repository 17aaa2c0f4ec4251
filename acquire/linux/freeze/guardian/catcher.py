"""Catching every thread of a process with ptrace(2), and letting all of them go.

Everything here belongs into one thread of ours: the kernel ties a tracee to it.
"""

from __future__ import annotations

import contextlib
import errno
import time
from _thread import get_native_id

from . import refusals, trace_calls
from .refusals import Refusal
from .thread_state import Sighting, look, look_at_all, thread_ids
from .trace_calls import Stop

__all__ = ["Catcher"]

_PATIENCE = 2.0
"""Seconds without any thread stopping, after which the rest is given up."""
_PATIENCE_ASLEEP = 0.25
"""The same where all that are left sleep uninterruptibly."""
_UNSURE = 0.005
"""Seconds without any thread stopping, after which it is asked what the rest is doing."""
_LONGEST = 20.0
"""Seconds after which a target that makes threads faster than they can be caught is let go."""
_ATTEMPTS = 5
"""How often to try a thread that can't be seized for no visible reason."""
_PAUSES = (0.0, 0.0, 0.00002, 0.00005, 0.0001, 0.0002, 0.0005, 0.001)
"""Seconds between two looks at threads that have not stopped yet; the last goes on."""


class Catcher:
    """All threads of one process, seized and stopped.

    Args:
        pid: the process.

    Attributes:
        threads: what was seen of each before it was touched, zombies included.
        zombies: those that had ended.
        given_up: those that did not stop, and why.
        appeared: how many were made while others were being stopped.
        found_stopped: whether the process was stopped before.
        touched: monotonic time at which the first was touched; 0.0: none was.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._until: float | None = None
        self._seized: dict[int, Stop | None] = {}
        self.threads: dict[int, Sighting] = {}
        self.zombies: set[int] = set()
        self.given_up: dict[int, str] = {}
        self.appeared = 0
        self.found_stopped = False
        self.touched = 0.0

    @property
    def still(self) -> list[int]:
        """Numbers of the threads that stand still."""
        return [thread_id for thread_id, stop in self._seized.items() if stop is not None]

    @property
    def seized(self) -> list[int]:
        """Numbers of all threads that have been seized; may be asked for by other threads."""
        return list(self._seized)

    def stops(self) -> list[tuple[int, Stop]]:
        """The threads that stand still, and how they stopped."""
        return [(number, stop) for number, stop in self._seized.items() if stop is not None]

    def catch(self, until: float | None) -> None:
        """Stop every thread; afterwards the process can't make new ones.

        Args:
            until: monotonic time by which they have to stop; None: as long as it takes.

        Raises:
            Refusal: gone, being traced, not permitted, not in time.
        """
        self._until = until
        found = look_at_all(self._pid)
        self.found_stopped = any(sighting.state == "T" for sighting in found.values())
        self.touched = time.monotonic()
        while found:
            for sighting in found.values():
                self._seize(sighting)
            self._wait()
            self._in_time(time.monotonic())
            found = self._not_yet_caught()
            self.appeared += len(found)
        if not self._seized:
            raise refusals.gone(self._pid)

    def let_go(self, *, all_but: int = 0) -> set[int]:
        """Let every thread go on with what it was about to do; more than once does no harm.

        Args:
            all_but: a thread that is to stay.

        Returns:
            Those that could not be let go: they have not stopped yet, or were ended by another
            one that replaces the program. The kernel does it when our thread ends.
        """
        left = set()
        for thread_id in reversed(self.seized):
            if thread_id == all_but:
                continue
            stop = self._seized.pop(thread_id)
            if stop is None:  # it may have stopped since
                stop = trace_calls.wait(thread_id, leader=thread_id == self._pid)
            if not trace_calls.detach(thread_id, stop.signal if stop else 0):
                left.add(thread_id)
        return left

    def _seize(self, sighting: Sighting) -> None:
        """Seize one and tell it to stop, unless it has ended."""
        thread_id = sighting.thread_id
        if sighting.state in "ZXx":
            self._ended(sighting)
            return
        for attempt in range(_ATTEMPTS):
            try:
                trace_calls.seize(thread_id)
                self._mine(sighting)
                trace_calls.interrupt(thread_id)
                return
            except OSError as error:
                if error.errno == errno.ESRCH:
                    self._forget(thread_id)
                    return
                if self._explained(sighting, error):
                    return
                if attempt == _ATTEMPTS - 1:
                    raise refusals.not_permitted(self._pid, "traced", error) from error
                # A program that is being replaced lets nobody in, and shows no reason.
                time.sleep(_UNSURE)

    def _mine(self, sighting: Sighting) -> None:
        self._seized[sighting.thread_id] = None
        self.threads[sighting.thread_id] = sighting

    def _explained(self, sighting: Sighting, error: OSError) -> bool:
        """Whether there is a reason for its refusal that lets us go on.

        Raises:
            Refusal: somebody else traces it.
        """
        thread_id = sighting.thread_id
        tracer = refusals.tracer_of(self._pid, thread_id)
        if tracer == get_native_id():
            # A seized thread that has replaced the program goes on under the leader's number,
            # and may have done so before it was told to stop.
            self._mine(sighting)
            with contextlib.suppress(ProcessLookupError):
                trace_calls.interrupt(thread_id)
            return True
        if tracer:
            raise refusals.being_traced(self._pid, tracer) from error
        now = look(self._pid, thread_id)
        if now is not None and now.state in "ZXx":
            self._ended(now)
        return now is None or now.state in "ZXx"

    def _ended(self, sighting: Sighting) -> None:
        self.zombies.add(sighting.thread_id)
        self.threads[sighting.thread_id] = sighting

    def _forget(self, thread_id: int) -> None:
        self._seized.pop(thread_id, None)
        self.threads.pop(thread_id, None)
        self.given_up.pop(thread_id, None)

    def _wait(self) -> None:
        """Wait for those that are seized to stop, but not for ever."""
        waiting = [
            thread_id
            for thread_id, stop in self._seized.items()
            if stop is None and thread_id not in self.given_up
        ]
        progress = time.monotonic()
        rounds = 0
        while waiting:
            left = [thread_id for thread_id in waiting if not self._has_stopped(thread_id)]
            now = time.monotonic()
            if len(left) < len(waiting):
                progress = now
            elif now - progress > _UNSURE:
                left = self._patient_with(left, now - progress)
            waiting = left
            self._in_time(now)
            if waiting:
                time.sleep(_PAUSES[min(rounds, len(_PAUSES) - 1)])
                rounds += 1

    def _has_stopped(self, thread_id: int) -> bool:
        stop = trace_calls.wait(thread_id, leader=thread_id == self._pid)
        if stop is None:
            return False
        if stop.ended:
            self._forget(thread_id)
        else:
            self._seized[thread_id] = stop
        return True

    def _patient_with(self, waiting: list[int], seconds: float) -> list[int]:
        """Which of these are worth waiting for, after that long without any stopping."""
        self._bury()
        states = {}
        for thread_id in waiting:
            sighting = look(self._pid, thread_id)
            stop = trace_calls.stop_of(thread_id)
            if sighting is None:
                self._forget(thread_id)
            elif sighting.state in "ZXx":
                self._forget(thread_id)
                self._ended(sighting)
            elif stop is not None:
                self._seized[thread_id] = stop
            elif refusals.tracer_of(self._pid, thread_id) != get_native_id():
                self._forget(thread_id)  # another one took over its number: see _not_yet_caught
            else:
                states[thread_id] = sighting.state
        patience = _PATIENCE_ASLEEP if set(states.values()) <= {"D"} else _PATIENCE
        if seconds < patience:
            return list(states)
        for thread_id, state in states.items():
            asleep = "sleeps uninterruptibly" if state == "D" else "did not stop in time"
            self.given_up[thread_id] = f"{asleep} (state {state})"
        return []

    def _bury(self) -> None:
        """Take note of threads that were stopped and have been ended since: by another one that
        replaces the program, and that waits for it."""
        for thread_id in self.seized:
            if thread_id != self._pid:
                sighting = look(self._pid, thread_id)
                if sighting is not None and sighting.state == "Z":
                    trace_calls.bury(thread_id)
                    self._forget(thread_id)

    def _in_time(self, now: float) -> None:
        spent = now - self.touched
        if self._until is not None and now > self._until:
            raise Refusal(
                f"process {self._pid} could not be stopped within {spent:.2g} seconds",
                remedy="give it longer (--max-freeze), or go on without: --freeze none",
            )
        if spent > _LONGEST:
            raise Refusal(
                f"process {self._pid} makes threads faster than they can be stopped",
                remedy="use --freeze sigstop or --freeze cgroup, or go on without: --freeze none",
            )

    def _not_yet_caught(self) -> dict[int, Sighting]:
        """Threads that have not been dealt with; empty when there can't be any more."""
        while True:
            ids = thread_ids(self._pid)
            for thread_id in set(self._seized).difference(ids):
                self._forget(thread_id)
            found = {}
            for thread_id in ids:
                # The leader's number passes to whatever thread replaces the program, though
                # the leader has ended, or been stopped.
                if thread_id in self._seized and thread_id != self._pid:
                    continue
                sighting = look(self._pid, thread_id)
                if sighting is not None and not self._dealt_with(sighting):
                    found[thread_id] = sighting
            if found or not ids:
                return found
            # A list read while threads end may lack some; the kernel's own count tells.
            sighting = look(self._pid, ids[0])
            if sighting is None or sighting.threads <= len(ids):
                return {}
            self._in_time(time.monotonic())

    def _dealt_with(self, sighting: Sighting) -> bool:
        thread_id = sighting.thread_id
        if thread_id in self.given_up:
            return True
        if thread_id in self._seized:
            return sighting.state in "tZXx"
        if thread_id in self.zombies:
            if sighting.state in "ZXx":
                return True
            self.zombies.discard(thread_id)
        return False
