"""Stopping by ptrace(2): every thread is seized and interrupted, and its registers are read.

Nobody has to clean up behind a guardian that is killed: the kernel detaches what a dead tracer
had seized, and a signal that was about to be delivered is. A process that was found stopped is
stopped again when it is let go, and SIGCONT wakes it as ever. Signals sent meanwhile are
delivered afterwards, in order. PTRACE_O_EXITKILL is not set, or the target would die with us.

A thread that sleeps uninterruptibly (state D: a dead network file system, the parent of
vfork) does not stop before it wakes; it runs no code until then, but its registers can't be
read, and it may wake. After a while it is given up, and the facts say so.
"""

from __future__ import annotations

import time
from _thread import allocate_lock, start_new_thread
from struct import Struct
from typing import Any

from . import trace_calls
from .catcher import Catcher
from .method import Limits, SharedMemory
from .refusals import Refusal
from .restarting import Restarts
from .thread_state import look

__all__ = ["GENERAL", "Tracing"]

GENERAL = 1
"""NT_PRSTATUS: the set that is read in any case, since letting go needs it."""
_OVERDUE = 0.2
"""Seconds after which it is looked whether the tracer hangs."""
_PIECE = 1 << 20
"""Bytes of registers that are gathered before they are written."""
_COUNT, _SET = Struct("=I"), Struct("=III")


class Tracing:
    """Holds a process by tracing every thread of it.

    What `hold` returns: ``began`` (nanoseconds since the epoch), ``facts``, ``threads`` (of each
    number, name, state, start in ticks, count of threads), ``still`` (numbers), ``registers``
    (pairs of a thread's number and where its record stands in the shared memory). A record is
    the number of its sets, then for each its number, its length and how many bytes of it are
    stored (the rest is zero), then these bytes.

    Args:
        shared: takes the register sets.
        pid: the target.
        wanted: the register sets to keep, as ``1 514,1189489535,2``: what stands behind a comma
            is asked for where the one before is not to be had; empty: none.
    """

    ends_with_us = True
    ends_with_both = True

    def __init__(self, shared: SharedMemory, pid: str, wanted: str) -> None:
        self._shared = shared
        self._pid = int(pid)
        self._wanted = [[int(n) for n in word.split(",")] for word in wanted.split()]
        self.catcher = Catcher(self._pid)
        # What takes longest the first time is done before the target is touched.
        self._reader = trace_calls.RegisterReader(self._wanted or [[GENERAL]])
        self._restarts = Restarts(self._pid)
        self._reader.read(0)
        self._caught = allocate_lock()

    def hold(self, until: float | None) -> dict[str, Any]:
        """Stop every thread."""
        self._caught.acquire()
        try:
            start_new_thread(self._bury, ())
        except RuntimeError as error:
            raise Refusal(
                f"the process that guards a stopped target needs a second thread: {error}",
                remedy="raise the limit of processes and threads that holds (ulimit -u, pids.max)",
            ) from error
        try:
            self.catcher.catch(until)
            began = time.time_ns()
            facts = self._facts()
            read = time.perf_counter_ns()
            registers = self._read_registers(facts)
            facts["nanoseconds_to_read_registers"] = time.perf_counter_ns() - read
        finally:
            self._caught.release()
        return {
            "began": began,
            "facts": facts,
            "threads": [tuple(seen) for seen in self.catcher.threads.values()],
            "still": self.catcher.still,
            "registers": registers,
        }

    def as_deputy(self) -> None:
        """There is nothing to prepare."""

    def order(self, words: list[str], limits: Limits) -> object:
        """There is nothing else that it could do."""
        return None

    def look(self) -> str:
        """The limits are never dropped."""
        return ""

    def let_go(self) -> None:
        """Let every thread go on with what it was about to do."""
        self.catcher.let_go()

    def clean_up(self) -> None:
        """The kernel does what is left, when we end."""

    def _facts(self) -> dict[str, Any]:
        catcher = self.catcher
        return {
            "threads": len(catcher.threads),
            "found_stopped": catcher.found_stopped,
            "nanoseconds_to_freeze": int((time.monotonic() - catcher.touched) * 1e9),
            "new_threads": catcher.appeared,
            "zombie_threads": sorted(catcher.zombies),
            "not_stopped": [
                {"thread_id": thread_id, "reason": reason}
                for thread_id, reason in sorted(catcher.given_up.items())
            ],
        }

    def _read_registers(self, facts: dict[str, Any]) -> list[tuple[int, int]]:
        """Read the registers of all that stand still, and look after those that must not make
        their system call again."""
        reader, restarts = self._reader, self._restarts
        keeps = bool(self._wanted)  # the general set stands first in any case
        records = []
        gathered = bytearray()
        end = self._shared.end
        for thread_id, stop in self.catcher.stops():
            sets = reader.read(thread_id)
            if sets and sets[0][0] == GENERAL and not stop.group:
                restarts.look_after(thread_id, sets[0][1])
            if not keeps:
                continue
            records.append((thread_id, end + len(gathered)))
            # What a thread never used of the vector registers is zero, and stands at the end.
            stored = [data.rstrip(b"\0") for _, data in sets]
            gathered += _COUNT.pack(len(sets))
            for (number, data), kept in zip(sets, stored):
                gathered += _SET.pack(number, len(data), len(kept))
            gathered += b"".join(stored)
            if len(gathered) > _PIECE:
                self._shared.append(gathered)
                end = self._shared.end
                gathered.clear()
        self._shared.append(gathered)
        facts["interrupted_calls"] = restarts.ended
        return records

    def _bury(self) -> None:
        """Take note of threads of the target that have ended, instead of the tracer.

        When a thread replaces the program (execve), the kernel ends the others and waits for
        their tracer to take note, and lets nobody seize a thread until then: a tracer that is
        about to seize one hangs. Any other thread of its process can do it for it.
        """
        while not self._caught.acquire(timeout=_OVERDUE):
            for thread_id in self.catcher.seized:
                if thread_id != self._pid:
                    sighting = look(self._pid, thread_id)
                    if sighting is not None and sighting.state == "Z":
                        trace_calls.bury(thread_id)
        self._caught.release()
