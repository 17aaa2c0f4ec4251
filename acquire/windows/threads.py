"""The threads of a Windows process."""

from __future__ import annotations

from typing import Any

from ..model import Register, Thread
from ..plain_target import CallFailed
from . import structures as win
from .api import WindowsSystem
from .registers import ContextBuffer, registers_of

__all__ = ["threads_of"]


def threads_of(
    system: WindowsSystem, pid: int, stopped: bool, readable: bool, facts: dict[str, Any]
) -> list[Thread]:
    """Every thread, in the order of the system's list.

    Args:
        system: the calls.
        pid: the process.
        stopped: whether the process stands still; only then are registers read.
        readable: whether its CONTEXT is one that is understood here (amd64).
        facts: takes ``not_stopped``, the threads that turned out to run on, and
            ``thread_errors``, what failed, by thread.
    """
    try:
        identifiers = system.threads(pid)
    except CallFailed as error:
        facts["threads_error"] = str(error)
        return []
    return [_thread(system, number, stopped, readable, facts) for number in identifiers]


def _thread(
    system: WindowsSystem, number: int, stopped: bool, readable: bool, facts: dict[str, Any]
) -> Thread:
    registers: tuple[Register, ...] = ()
    flags: tuple[str, ...] = ("partial",)
    state, start_time = "unknown", 0
    access = win.THREAD_QUERY_LIMITED_INFORMATION
    if stopped:
        access |= win.THREAD_SUSPEND_RESUME | win.THREAD_GET_CONTEXT
    try:
        handle = system.open_thread(number, access)
    except CallFailed as error:
        facts.setdefault("thread_errors", {})[number] = str(error)
        return Thread(number, flags=flags)
    try:
        start_time = system.thread_started(handle)
        if stopped:
            # Suspending it once more tells how often it was suspended, and makes sure that
            # one which the freeze missed stands still for the moment.
            count = system.suspend_thread(handle)
            try:
                if readable:
                    buffer = ContextBuffer()
                    system.thread_context(handle, buffer.context)
                    registers, flags = registers_of(bytes(buffer.context)), ()
            finally:
                system.resume_thread(handle)
            if count == 0:
                facts.setdefault("not_stopped", []).append(number)
            elif count > 1:
                state, flags = "stopped", (*flags, "suspended")
    except CallFailed as error:
        facts.setdefault("thread_errors", {})[number] = str(error)
    finally:
        system.close(handle)
    return Thread(number, start_time, "", state, registers, flags)
