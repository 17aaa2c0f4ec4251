"""Freezing by ptrace(2): every thread is seized, interrupted, and let go again.

All of it is done by one thread of our own, as the kernel demands, so that the target is let
go when the time is up though whoever asked for it is blocked. Nobody has to clean up behind
an acquirer that is killed: the kernel detaches what a dead tracer had seized, and a signal
that was about to be delivered is. A process that was found stopped is stopped again when
it is let go, and SIGCONT wakes it as ever. Signals sent meanwhile are delivered afterwards.

What no method can hide: some blocked calls of the target return EINTR once (epoll_wait,
sigtimedwait, semop, recv with a time limit, io_getevents; see signal(7)).

A thread that sleeps uninterruptibly (state D: a dead network file system, the parent of
vfork) does not stop before it wakes; it runs no code until then, but its registers can't be
read, and it may wake. After a while it is given up, and the facts say so.
"""

from __future__ import annotations

import os
import threading
import time

from .. import registers as known_registers
from . import trace_calls
from .catcher import Catcher
from .hold import Hold
from .sighting import look

__all__ = ["Traced"]

_OVERDUE = 0.2
"""Seconds after which it is looked whether the tracer hangs."""


class Traced(Hold):
    """A target whose threads are seized.

    Args:
        pid: the target.
        max_freeze: seconds after which it is let go in any case; None: never.
        registers: whether to read registers.

    Raises:
        TargetError: it can't be stopped: gone, being traced, not permitted, not in time.
    """

    def __init__(self, pid: int, max_freeze: float | None, *, registers: bool) -> None:
        super().__init__(pid, "ptrace")
        self._max_freeze = max_freeze
        self._registers = registers
        self._catcher = Catcher(pid, max_freeze)
        self._release = threading.Event()
        self._frozen = threading.Event()
        self._error: BaseException | None = None
        # A daemon: leaving the program does not wait for it, and its end detaches, too.
        self._tracer = threading.Thread(target=self._trace, name="msl-tracer", daemon=True)
        self._tracer.start()
        try:
            while not self._frozen.wait(_OVERDUE):
                self._bury()
        except BaseException:
            self._release.set()
            raise
        if self._error is not None:
            self._end_of_tracer()
            raise self._error

    def thaw(self) -> None:
        """Let the target go as it was found; more than once does no harm."""
        self._release.set()
        self._end_of_tracer()

    def _end_of_tracer(self) -> None:
        """Wait for the tracer's thread: also for its end in the kernel, which comes a little
        later and lets go of what could not be stopped."""
        self._tracer.join()
        until = time.monotonic() + _OVERDUE
        while time.monotonic() < until:
            if not os.path.exists(f"/proc/self/task/{self._tracer.native_id}"):
                return
            time.sleep(0.0001)

    def _bury(self) -> None:
        """Take note of threads of the target that have ended, instead of the tracer.

        When a thread replaces the program (execve), the kernel ends the others and waits for
        their tracer to take note, and lets nobody seize a thread until then: a tracer that is
        about to seize one hangs. Any other thread of its process can do it for it.
        """
        for thread_id in self._catcher.seized:
            sighting = look(self.pid, thread_id)
            if thread_id != self.pid and sighting is not None and sighting.state == "Z":
                trace_calls.bury(thread_id)

    # What follows runs in the tracer's thread.

    def _trace(self) -> None:
        try:
            self._hold()
        except BaseException as error:  # it belongs to whoever waits in the other thread
            self._error = error
        finally:
            self._catcher.let_go()
            self._frozen.set()

    def _hold(self) -> None:
        catcher = self._catcher
        catcher.catch()
        self.began = time.time_ns()
        self.threads = catcher.threads
        self.still = frozenset(catcher.still)
        self.found_stopped = catcher.found_stopped
        self.facts = {
            "threads": len(catcher.threads),
            "found_stopped": catcher.found_stopped,
            "nanoseconds_to_freeze": int((time.monotonic() - catcher.touched) * 1e9),
            "new_threads": catcher.appeared,
            "zombie_threads": sorted(catcher.zombies),
            "not_stopped": [
                {"thread_id": thread_id, "reason": reason}
                for thread_id, reason in sorted(catcher.given_up.items())
            ],
            "undone_by": "the kernel, when the tracer ends",
        }
        if self._registers:
            self._read_registers()
        self._frozen.set()
        limit = None
        if self._max_freeze is not None:
            limit = max(catcher.touched + self._max_freeze - time.monotonic(), 0.0)
        released = self._release.wait(limit)
        catcher.let_go()
        self._over("done" if released else "max_freeze")

    def _read_registers(self) -> None:
        began = time.perf_counter_ns()
        machine = known_registers.machine()
        sets, alternatives = known_registers.sets(machine), known_registers.alternatives(machine)
        reader = trace_calls.RegisterReader(sets, alternatives)
        self.register_sets = {thread_id: reader.read(thread_id) for thread_id in self.still}
        self.facts["nanoseconds_to_read_registers"] = time.perf_counter_ns() - began
