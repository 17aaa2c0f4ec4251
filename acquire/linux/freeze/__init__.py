"""Making a target stand still, and letting it go as it was found, whatever happens.

========  ==========================================  =====================================
method    how                                         undone when the acquirer is killed by
========  ==========================================  =====================================
ptrace    every thread seized (the default);          the kernel: a dead tracer's threads
          registers can be read                       run on; see below
cgroup    moved into a frozen control group           the guardian
sigstop   stopped by signal; its parent sees it       the guardian
snapshot  as ptrace, for as long as a copy-on-write   the guardian
          copy takes, which is then read
none      not at all                                  nobody: nothing to undo
========  ==========================================  =====================================

All stopping is done by a process of its own, the `guardian`, so that it ends in time whatever
happens to the acquirer: stopped, frozen, or killed. What it is made of needs the standard
library only. What remains is listed in the documentation.

No method is invisible: epoll_wait, sigtimedwait, semop, recv with a time limit and
io_getevents return EINTR once to a target that waits in one of them (signal(7)).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from msl_construct.errors import TargetError

from .cgroup import Grouped
from .copied import Copied
from .guardian.refusals import Refusal
from .hold import Hold
from .ptrace import Traced
from .running import Running
from .sigstop import StoppedBySignal

__all__ = ["METHODS", "Hold", "arm", "freeze", "in_words", "stop"]

METHODS = ("ptrace", "cgroup", "sigstop", "snapshot", "none")
"""All methods; the first is the default."""


def freeze(pid: int, method: str, max_freeze: float | None, *, registers: bool = True) -> Hold:
    """Make the target stand still.

    Args:
        pid: the target.
        method: one of `METHODS`.
        max_freeze: seconds after which it is let go in any case, by somebody who is not
            blocked by whatever blocks the caller; None: never.
        registers: whether to read what can be had of each thread's registers.

    Raises:
        TargetError: it can't be stopped so; the message says why and what to do.
    """
    hold = arm(pid, method, max_freeze, registers=registers)
    stop(hold)
    return hold


def arm(pid: int, method: str, max_freeze: float | None, *, registers: bool = True) -> Hold:
    """Start whoever will hold the target, and don't wait for that; the target is not touched.

    What comes back is to be given to `stop`, or let go of by its `thaw`.

    Args:
        pid, method, max_freeze, registers: as for `freeze`; the time counts from the stop.

    Raises:
        TargetError: as `freeze`, as far as it shows already.
    """
    with in_words():
        if method == "ptrace":
            return Traced(pid, max_freeze, registers=registers)
        if method == "cgroup":
            return Grouped(pid, max_freeze, registers=registers)
        if method == "sigstop":
            return StoppedBySignal(pid, max_freeze, registers=registers)
        if method == "snapshot":
            return Copied(pid, max_freeze, registers=registers)
        if method == "none":
            return Running(pid)
    raise TargetError(
        f"there is no way of freezing called {method!r}", remedy=f"use {', '.join(METHODS)}"
    )


def stop(hold: Hold) -> None:
    """Make the target stand still, once; where that fails it is let go.

    Raises:
        TargetError: as `freeze`.
    """
    try:
        with in_words():
            hold.stop()
    except BaseException:
        hold.thaw()
        raise


@contextlib.contextmanager
def in_words() -> Iterator[None]:
    """For callers of the package: a `Refusal` as the `TargetError` that it is."""
    try:
        yield
    except Refusal as refusal:
        raise TargetError(refusal.message, remedy=refusal.remedy) from refusal
