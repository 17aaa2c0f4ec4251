"""A copy of a process, made by the kernel and never run: memory of one moment, to read at leisure.

The target makes it itself, by an injected clone(2) (see `injection`), with these arguments and
no others:

* CLONE_FILES: the copy keeps no descriptor of its own open, so that what the target closes is
  closed, and its locks are its own.
* No signal at its end: the target's SIGCHLD handlers and calls of wait see nothing of it.
* A stack where nothing is mapped, and all signals blocked: should it ever run, it dies at once.

It is traced from its first moment, stands still, and never runs code of the target's. It dies with
its tracer (PTRACE_O_EXITKILL), and is the kernel's first choice when memory is short
(oom_score_adj). For that it has to be alive: a process that is ending is nobody's choice any more
while its memory is still being freed, and the next best one is the target. So it gives its memory
back, by a call that is injected into it, before it is killed.

What is killed becomes a zombie that only the target itself can reap: a second call is injected
for that, into one thread that is stopped for it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import time
from collections.abc import Callable, Sequence

from . import injection, trace_calls
from .injection import Died, TraceOptions, Unfit
from .restarting import Restarts
from .thread_state import look

__all__ = ["Copy"]

_ALL_KINDS = 0x40000000
"""__WALL."""
_STACK = 0x10
_ATTEMPTS = 20
"""How often a call is made again that did nothing, since a stop was in its way."""
_PATIENCE = 5.0
"""Seconds within which a copy has to stop, or to end."""
_REAPING = 3.0
"""Seconds for which it is tried to have the copy's zombie reaped."""
_PAUSE = 0.005
_BURYING = 2.0
"""Seconds within which a thread that has been killed has ended."""
_TO_STOP = 2.0
"""Seconds within which a thread has to stop for the copy's zombie to be reaped."""
_LOOKED_AT = 64
"""Threads of which the one to be stopped a second time is chosen."""
_OF_THE_KERNEL = (b"[v", b"[uprobes]")
"""How the names of mappings begin that newer kernels let nobody unmap."""
_FREEING = 30.0
"""Seconds within which a copy has given its memory back; it takes 0.1 a GiB."""
_GENERAL = 1
"""NT_PRSTATUS."""
_RESTARTED_AFTERWARDS = frozenset((0, 1, 7, 23, 34, 35, 61, 130, 202, 230, 247, 270, 271))
"""x86-64: read, write, poll, select, pause, nanosleep, wait4, rt_sigsuspend, futex,
clock_nanosleep, waitid, pselect6, ppoll: calls that a stop doesn't end."""


class Copy:
    """The copy of one process.

    Args:
        pid: the process.

    Attributes:
        pid: the copy's number in our namespace; 0: there is none.
        nanoseconds: that the clone took.
        thread_id: the thread that made it.
    """

    def __init__(self, pid: int) -> None:
        self._target = pid
        self._started = _start(pid)
        self._own_number = self._gadget = 0
        self._ended = False
        self.pid = 0
        self.nanoseconds = 0
        self.thread_id = 0

    def make(
        self,
        gadget: int,
        stopped: Sequence[int],
        patience: float,
        overdue: Callable[[int], None],
    ) -> None:
        """Make it.

        Args:
            gadget: address of `injection.GADGET` in its [vdso].
            stopped: threads that stand in a stop of ours, without a signal on its way.
            patience: seconds that it should take at most.
            overdue: called, with the thread that makes the clone, when it takes longer.

        Raises:
            Unfit: it can't be made without harm, or the kernel refuses it; the text says why.
            Died: the target ended.
        """
        thread_id = self.thread_id = injection.choose(stopped)
        self._gadget = gadget
        suspend = _to_be_suspended(self._target, thread_id)
        for _ in range(_ATTEMPTS):
            result = injection.inject(
                thread_id,
                gadget,
                injection.CLONE,
                (injection.CLONE_FILES, _STACK),
                suspend_filters=suspend,
                patience=patience,
                overdue=lambda: overdue(thread_id),
            )
            self.nanoseconds = result.nanoseconds
            if result.child:
                self.pid, self._own_number = result.child, result.value
                self._secure()
                return
            if result.value != injection.RESTARTED:
                break
        raise Unfit(f"clone fails in it: {os.strerror(-result.value)}", -result.value)

    def _secure(self) -> None:
        """See to it that it can't outlive us, and that it dies before the target does.

        Raises:
            Unfit: that can't be had; `end` and `reap` have to follow.
        """
        try:
            injection.wait(self.pid, _PATIENCE)
            injection.set_options(self.pid, TraceOptions.EXITKILL)
            with open(f"/proc/{self.pid}/oom_score_adj", "wb", 0) as file:
                file.write(b"1000")
        except (Died, ProcessLookupError):
            self._ended = True  # somebody killed it
        except (TimeoutError, OSError) as error:
            raise Unfit(f"its copy can't be secured: {error}") from None

    def ended(self) -> bool:
        """Whether somebody has killed it."""
        if not self._ended and self.pid:
            try:
                found, status = os.waitpid(self.pid, os.WNOHANG | _ALL_KINDS)
                self._ended = bool(found) and not os.WIFSTOPPED(status)
            except ChildProcessError:
                self._ended = True
        return self._ended

    def orphaned(self) -> bool:
        """Whether the process that it is a copy of has ended."""
        return _start(self._target) != self._started

    def end(self) -> None:
        """Have it give back its memory, kill it, and wait until it has ended, but not for ever;
        more than once does no harm."""
        if self.ended() or not self.pid:
            return
        self._empty()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        until = time.monotonic() + _PATIENCE
        while not self.ended() and time.monotonic() < until:
            time.sleep(0.0002)

    def _empty(self) -> None:
        """Have it give back its memory as long as it is the kernel's first choice."""
        with contextlib.suppress(Died, Unfit, TimeoutError, OSError):  # it is killed all the same
            suspend = _to_be_suspended(self.pid, self.pid)
            for start, end in _of_its_own(self.pid):
                injection.inject(
                    self.pid,
                    self._gadget,
                    injection.MUNMAP,
                    (start, end - start),
                    suspend_filters=suspend,
                    options=TraceOptions.EXITKILL,
                    patience=_FREEING,
                )

    def reap(self) -> str:
        """Have the target take note of its end, so that no zombie stays.

        Returns:
            Why one does; empty: none does.
        """
        why = "it has no thread any more"
        until = time.monotonic() + _REAPING
        while not self.orphaned():  # else somebody else may have its number
            for thread_id in _threads(self._target):
                why = self._try(thread_id)
                if not why:
                    return ""
            # A program that is being replaced lets nobody in, and signals may keep coming.
            if time.monotonic() > until:
                return why
            time.sleep(_PAUSE)
        return ""

    def _try(self, thread_id: int) -> str:
        """Have this thread reap: why it could not."""
        try:
            trace_calls.seize(thread_id)
        except OSError as error:
            return f"it can't be traced any more: {os.strerror(error.errno or 0)}"
        try:
            return self._reap_in(thread_id)
        except (Died, ProcessLookupError):
            _bury(thread_id)
            return "its threads end as soon as they are stopped"
        except TimeoutError:
            return "a thread of it does not stop"  # the kernel lets it go when we end
        except Unfit as unfit:
            return str(unfit)

    def _reap_in(self, thread_id: int) -> str:
        """Stop this thread, have it reap, let it go: why it could not."""
        trace_calls.interrupt(thread_id)
        status = injection.wait(thread_id, _TO_STOP)
        # A signal that is about to be delivered has to be, from this very stop.
        about = os.WSTOPSIG(status) if not status >> 16 else 0
        try:
            if about:
                return "signals keep coming"
            for _, general in trace_calls.RegisterReader([[_GENERAL]]).read(thread_id):
                Restarts(self._target).look_after(thread_id, general)
            injection.choose((thread_id,))
            gadget = injection.find_gadget(thread_id)  # it may execute another program by now
            suspend = _to_be_suspended(self._target, thread_id)
            arguments = (self._own_number, 0, os.WNOHANG | _ALL_KINDS, 0)
            for _ in range(_ATTEMPTS):
                value = injection.inject(
                    thread_id, gadget, injection.WAIT4, arguments, suspend_filters=suspend
                ).value
                if value != injection.RESTARTED:
                    break
        finally:
            if not trace_calls.detach(thread_id, about):  # it was killed where it stood
                _bury(thread_id)
        if value in (self._own_number, -errno.ECHILD):
            return ""
        return "it has not ended yet" if value == 0 else os.strerror(-value)


def _bury(thread_id: int) -> None:
    """Take note of the end of a thread that we traced, or one that replaces the program, and ends
    all others, waits for us, and we for it when we seize another."""
    until = time.monotonic() + _BURYING
    while time.monotonic() < until:
        try:
            found, status = os.waitpid(thread_id, os.WNOHANG | _ALL_KINDS)
        except ChildProcessError:
            return
        if found and not os.WIFSTOPPED(status):
            return
        time.sleep(0.0005)


def _start(pid: int) -> int:
    """What tells a process from a later one of its number; 0 if it has ended."""
    seen = look(pid, pid)
    # A leader that has ended is a zombie for as long as its threads go on.
    return 0 if seen is None or (seen.state in "ZXx" and seen.threads <= 1) else seen.start_ticks


def _to_be_suspended(pid: int, thread_id: int) -> bool:
    """Whether the thread has filters of system calls, which then may be suspended.

    Raises:
        Unfit: it has, and they may not be.
    """
    try:
        with open(f"/proc/{pid}/task/{thread_id}/status", "rb") as file:
            lines = file.read().split(b"\n")
    except OSError:
        raise Died from None
    if not any(line.startswith(b"Seccomp:") and line.split()[1] != b"0" for line in lines):
        return False
    if injection.suspends_filters(thread_id):
        return True
    raise Unfit("its seccomp filter could kill it for a call of ours, and may not be suspended")


def _of_its_own(pid: int) -> list[tuple[int, int]]:
    """From where to where a process has mappings that it can unmap, whatever lies between them.

    The largest come first: without its per-thread area (rseq) it makes no call any more.
    """
    found: list[tuple[int, int]] = []
    joined = False
    with open(f"/proc/{pid}/maps", "rb") as file:
        for line in file:
            fields = line.split(None, 5)
            if fields[-1].startswith(_OF_THE_KERNEL):
                joined = False
                continue
            start, _, end = fields[0].partition(b"-")
            first = found.pop()[0] if joined else int(start, 16)
            found.append((first, int(end, 16)))
            joined = True
    return sorted(found, key=lambda one: one[0] - one[1])


def _threads(pid: int) -> list[int]:
    """Threads of a process that runs, those first that a stop does least to."""
    try:
        found = sorted(int(name) for name in os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return []

    def harm(thread_id: int) -> int:
        try:
            with open(f"/proc/{pid}/task/{thread_id}/syscall", "rb") as file:
                word = file.read().split()[0]
        except (OSError, IndexError):
            return 3
        if word == b"running":
            return 1
        return 0 if word != b"-1" and int(word) in _RESTARTED_AFTERWARDS else 2

    return sorted(found[:_LOOKED_AT], key=harm)
