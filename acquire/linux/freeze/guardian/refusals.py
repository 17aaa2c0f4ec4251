"""Why a target can't be stopped, said so that somebody can do something about it."""

from __future__ import annotations

import os
import time

from .thread_state import Sighting, look, status_value

_LOOKS = 5
_PAUSE = 0.01

__all__ = [
    "Refusal",
    "being_traced",
    "filtered",
    "gone",
    "not_permitted",
    "refuse_hopeless",
    "tracer_of",
]


class Refusal(Exception):
    """The target can't be stopped; what callers of the package see is a `TargetError`.

    Args:
        message: why.
        remedy: what to do about it.
        errno: what the system said, where it said something.
    """

    def __init__(self, message: str, *, remedy: str, errno: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.errno = errno


def tracer_of(pid: int, thread_id: int) -> int:
    """Number of the thread (!) that traces the thread; 0 if none does."""
    value = status_value(pid, thread_id, "TracerPid")
    return int(value) if value.isdigit() else 0


def process_of(thread_id: int) -> int:
    """Number of the process that a thread belongs to."""
    value = status_value(thread_id, thread_id, "Tgid")
    return int(value) if value.isdigit() else thread_id


def gone(pid: int) -> Refusal:
    """It ended."""
    return Refusal(f"process {pid} is gone", remedy="check the number")


def being_traced(pid: int, tracer: int) -> Refusal:
    """Somebody else, this thread, traces it."""
    tracer = process_of(tracer)
    sighting = look(tracer, tracer)
    name = f" ({sighting.name})" if sighting else ""
    return Refusal(
        f"process {pid} is being traced by process {tracer}{name}",
        remedy="stop that debugger, or go on without stopping the target: --freeze none",
    )


def not_permitted(pid: int, what: str, error: OSError) -> Refusal:
    """The kernel refuses it to us.

    Args:
        what: what was tried, as in "it can't be …".
    """
    return Refusal(
        f"process {pid} can't be {what}: {os.strerror(error.errno or 0)}",
        remedy="run as root or with the capability CAP_SYS_PTRACE, see "
        "/proc/sys/kernel/yama/ptrace_scope, or go on without stopping the target: --freeze none",
        errno=error.errno or 0,
    )


def filtered(pid: int, thread_ids: list[int], method: str) -> Refusal:
    """Threads of it have a seccomp filter, and this method can't see what it permits."""
    some = f"thread {thread_ids[0]}" + (f" and {len(thread_ids) - 1} more" * (len(thread_ids) > 1))
    return Refusal(
        f"process {pid} has a seccomp filter ({some}): a system call that {method} interrupts may "
        "be one that the filter forbids when the kernel makes it again, which kills the process",
        remedy="use --freeze ptrace, which sees to it, or --freeze none",
    )


def _ended(sighting: Sighting) -> bool:
    """Whether all of a process that is left is a leader that has ended."""
    return sighting.state in "ZXx" and sighting.threads <= 1


def refuse_hopeless(pid: int) -> None:
    """Refuse ourselves, what is gone, zombies, and threads of the kernel.

    Raises:
        Refusal: it is one of these.
    """
    if pid == os.getpid():
        raise Refusal(
            "a process can't stop and acquire itself", remedy="acquire it from another process"
        )
    sighting = look(pid, pid)
    for _ in range(_LOOKS):
        if sighting is None or not _ended(sighting):
            break
        # A thread that executes another program takes the place of the leader, which for a
        # moment looks as if the process had ended.
        time.sleep(_PAUSE)
        sighting = look(pid, pid)
    if sighting is None:
        raise gone(pid)
    if _ended(sighting):
        raise Refusal(
            f"process {pid} ({sighting.name}) has ended and is only waiting for its parent to "
            "notice: a zombie, without memory",
            remedy="acquire another process",
        )
    if status_value(pid, pid, "Kthread") == "1":
        raise Refusal(
            f"{pid} ({sighting.name}) is a thread of the kernel, without memory of its own",
            remedy="acquire another process",
        )
