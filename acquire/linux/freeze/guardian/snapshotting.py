"""Holding a target for as long as it takes to copy it, and the copy for as long as it is read.

The target is traced as by `Tracing`. Then the acquirer orders:

``copy START END SECONDS``
    Make the copy; the first two, in hexadecimal, say where the target's [vdso] is; after the
    seconds the clone is taken to hang. The answer is the copy's process number, the nanoseconds
    it took, and the thread that made it.
``run``
    Let the target run on. The answer is the time in nanoseconds since the epoch. From then on it
    is watched, and nothing has to end in time any more.

When the copy must go, it is ended, and the reason is what the guardian says that the target was
released for: ``gone`` (the target ended), ``executed`` (it executes another program, and its table
of descriptors is not the copy's any more), ``memory_short``, or ``copy_killed`` (by somebody else).
"""

from __future__ import annotations

import os
import time

from . import refusals, trace_calls
from .copying import Copy
from .headroom import groups, room, times_short
from .injection import Died, Unfit, find_gadget
from .method import Limits, SharedMemory
from .refusals import Refusal
from .tracing import Tracing

__all__ = ["Snapshotting"]

_LEFT = 1.0
"""Seconds for threads that could not be let go; one that sleeps on may take longer."""
_REMEDY = "use --freeze ptrace, which makes no copy"
_REMEDIES = {
    11: "a limit of processes is reached (pids.max of its control group, RLIMIT_NPROC): raise it, "
    "or use --freeze ptrace",
    12: "memory is short, or vm.overcommit_memory is 2: use --freeze ptrace",
}
"""By the errno of clone."""


class Snapshotting(Tracing):
    """Holds a process, then a copy of it; see the module.

    Args:
        shared, pid, wanted: as for `Tracing`.
        limiting: the control groups whose memory the copy takes, see `headroom.groups`.
    """

    def __init__(self, shared: SharedMemory, pid: str, wanted: str, limiting: str) -> None:
        super().__init__(shared, pid, wanted)
        self._copy: Copy | None = None
        self._runs = False
        self._left: set[int] = set()
        self._pagemap = -1
        self._given_up = False
        self._groups = groups(limiting)
        self._times_short = times_short()

    def order(self, words: list[str], limits: Limits) -> object:
        """Copy the target, or let it run on."""
        if words[0] == "copy":
            # Who is killed amid this takes the target along: it must come to its end.
            with limits.suspended():
                return self._make(int(words[1], 16), int(words[2], 16), float(words[3]))
        self._left = self.catcher.let_go()
        self._runs = True
        self._see_to_those_left()
        limits.drop()
        return time.time_ns()

    def _make(self, start: int, end: int, patience: float) -> tuple[int, int, int]:
        try:
            copy = self._copy = Copy(self._pid)
            stopped = [number for number, stop in self.catcher.stops() if not stop.signal]
            if not stopped:
                raise Unfit("none of its threads could be stopped")
            gadget = find_gadget(stopped[0], (start, end))
            self._pagemap = os.open(f"/proc/{stopped[0]}/pagemap", os.O_RDONLY | os.O_CLOEXEC)
            copy.make(gadget, stopped, patience, self._give_up)
        except Unfit as unfit:
            raise Refusal(
                f"process {self._pid} can't be copied: {unfit}",
                remedy=_REMEDIES.get(unfit.errno, _REMEDY),
                errno=unfit.errno,
            ) from None
        except Died:
            raise refusals.gone(self._pid) from None
        if self._given_up:
            raise Refusal(
                f"process {self._pid} took too long to copy itself; its other threads went on",
                remedy=_REMEDY,
            )
        return copy.pid, copy.nanoseconds, copy.thread_id

    def _give_up(self, thread_id: int) -> None:
        """Let all threads go but the one that is amid the clone."""
        self._given_up = True
        self.catcher.let_go(all_but=thread_id)

    def look(self) -> str:
        """Why the copy has to go; empty while it may stay."""
        if not self._runs or self._copy is None:
            return ""
        self._see_to_those_left()
        if self._copy.ended():
            return "memory_short" if times_short() > self._times_short else "copy_killed"
        try:
            there = os.pread(self._pagemap, 8, 0)
        except OSError:
            there = b""
        if not there:
            return "executed" if self._has_memory() else "gone"
        least = room(self._groups)
        return "memory_short" if least.free < least.kept else ""

    def _see_to_those_left(self) -> None:
        """Let threads go that could not be: those that slept uninterruptibly stop when they wake,
        and who replaces the program waits until we have taken note of those that it ended."""
        for thread_id in list(self._left):
            stop = trace_calls.wait(thread_id, leader=False)
            if stop is not None and (stop.ended or trace_calls.detach(thread_id, stop.signal)):
                self._left.discard(thread_id)

    def _has_memory(self) -> bool:
        """Whether the process has an address space, which then is another one: who ends loses his
        some time before he is seen to have ended."""
        try:
            with open(f"/proc/{self._pid}/maps", "rb", 0) as maps:
                return bool(maps.read(1))
        except PermissionError:  # a program with rights of its own
            return True
        except OSError:
            return False

    def let_go(self) -> None:
        """Let the target go, if it is held, and end the copy."""
        self._left |= self.catcher.let_go()
        if self._copy is not None:
            self._copy.end()

    def clean_up(self) -> None:
        """Have the copy's zombie reaped.

        Raises:
            OSError: it stays until the target ends.
        """
        until = time.monotonic() + _LEFT
        while self._left and time.monotonic() < until:
            self._see_to_those_left()
            time.sleep(0.0005)
        if self._copy is not None and self._copy.pid:
            why = self._copy.reap()
            if why:
                raise OSError(10, why)  # ECHILD
