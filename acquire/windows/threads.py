"""The threads of a Windows process."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ..model import Register, Thread
from ..plain_target import CallFailed
from . import structures as win
from .calls import WindowsSystem
from .peb import stack_of
from .registers import ContextBuffer, registers_of

__all__ = ["threads_of"]


def threads_of(
    system: WindowsSystem,
    pid: int,
    process: int,
    stopped: bool,
    readable: bool,
    facts: dict[str, Any],
    known: dict[str, Any],
) -> list[Thread]:
    """Every thread, in the order of the system's list.

    Args:
        system: the calls.
        pid: the process.
        process: its handle.
        stopped: whether the process stands still; only then are registers read.
        readable: whether its CONTEXT is one that is understood here (amd64).
        facts: takes ``not_stopped``, the threads that turned out to run on, and
            ``thread_errors``, what failed, by thread.
        known: takes ``thread_facts``, TEB, stack and start address by thread.
    """
    try:
        identifiers = system.threads(pid)
    except CallFailed as error:
        facts["threads_error"] = str(error)
        return []
    told = known["thread_facts"] = {}
    return [
        _thread(system, process, number, stopped, readable, facts, told) for number in identifiers
    ]


def _thread(
    system: WindowsSystem,
    process: int,
    number: int,
    stopped: bool,
    readable: bool,
    facts: dict[str, Any],
    told: dict[int, Any],
) -> Thread:
    registers: tuple[Register, ...] = ()
    flags: tuple[str, ...] = ("partial",)
    name, state, start_time = "", "unknown", 0
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
        known = _facts(system, process, number, handle)
        told[number] = known
        name = known.pop("name", "")
        if stopped:
            count, registers = _still(system, handle, readable)
            if registers:
                flags = ()
                if "teb" in known:  # on 64-bit Windows that is what GS leads to
                    base = int(known["teb"], 16).to_bytes(8, "little")
                    registers += (Register("gs_base", base),)
            if count == 0:
                facts.setdefault("not_stopped", []).append(number)
            elif count > 1:
                state, flags = "stopped", (*flags, "suspended")
    except CallFailed as error:
        facts.setdefault("thread_errors", {})[number] = str(error)
    finally:
        system.close(handle)
    return Thread(number, start_time, name, state, registers, flags)


def _still(system: WindowsSystem, handle: int, readable: bool) -> tuple[int, tuple[Register, ...]]:
    """How often a thread is suspended, and its registers while it is.

    One that the freeze missed, or of which that is not told, is suspended for the moment. Others
    are not: the guardian would not know of it if we were killed meanwhile.
    """
    if count := system.suspend_count(handle):
        registers = _registers(system, handle, readable)
        if system.suspend_count(handle):  # nobody has let it go in between
            return count, registers
    count = system.suspend_thread(handle)
    try:
        return count, _registers(system, handle, readable)
    finally:
        system.resume_thread(handle)


def _registers(system: WindowsSystem, handle: int, readable: bool) -> tuple[Register, ...]:
    if not readable:
        return ()
    buffer = ContextBuffer()
    system.thread_context(handle, buffer.context)
    return registers_of(bytes(buffer.context))


def _facts(system: WindowsSystem, process: int, number: int, handle: int) -> dict[str, Any]:
    """Name, TEB, stack and start address, as far as they are told."""
    found: dict[str, Any] = {}
    with suppress(CallFailed):
        found["name"] = system.thread_name(handle)
    with suppress(CallFailed):
        stack = stack_of(system, process, handle)
        found["teb"] = f"{stack.teb:#x}"
        found["stack_base"], found["stack_limit"] = f"{stack.base:#x}", f"{stack.limit:#x}"
    with suppress(CallFailed):
        # Of some threads less is permitted: so this has a handle of its own.
        other = system.open_thread(number, win.THREAD_QUERY_INFORMATION)
        try:
            found["start_address"] = f"{system.start_address(other):#x}"
        finally:
            system.close(other)
    return found
