"""Opening a process, and the reasons why Windows refuses."""

from __future__ import annotations

import os

from msl_construct.errors import TargetError

from ..plain_target import CallFailed
from . import structures as win
from .calls import WindowsSystem

__all__ = ["architecture", "open_target", "open_to_copy", "open_to_stop"]

_WANTED = win.PROCESS_VM_READ | win.PROCESS_QUERY_INFORMATION | win.SYNCHRONIZE
_COPYING = win.PROCESS_CREATE_PROCESS | win.PROCESS_QUERY_INFORMATION | win.PROCESS_VM_READ
_STOPPING = win.PROCESS_SUSPEND_RESUME | win.PROCESS_QUERY_LIMITED_INFORMATION | win.SYNCHRONIZE


def open_target(system: WindowsSystem, pid: int) -> int:
    """A handle that permits everything an acquisition does but stopping the target.

    Raises:
        TargetError: there is no such process, or it is not ours to read.
    """
    return _true(system, _opened(system, pid, _WANTED, "access to"), pid)


def open_to_stop(system: WindowsSystem, pid: int) -> int:
    """A handle that permits stopping it; of the same process for as long as it is open otherwise.

    Raises:
        TargetError: there is no such process, or it is not ours to stop.
    """
    return _to_stop(system, pid, _STOPPING, "stopping")


def open_to_copy(system: WindowsSystem, pid: int) -> int:
    """A handle that permits stopping it and making a copy of it.

    Raises:
        TargetError: there is no such process, or it is not ours to stop and to copy.
    """
    return _to_stop(system, pid, _STOPPING | _COPYING, "stopping and copying")


def _to_stop(system: WindowsSystem, pid: int, wanted: int, denied: str) -> int:
    try:
        # What the newer way of stopping takes as well, where it is granted.
        process = system.open_process(pid, wanted | win.PROCESS_SET_INFORMATION)
    except CallFailed:
        process = _opened(system, pid, wanted, denied)
    return _true(system, process, pid)


def _opened(system: WindowsSystem, pid: int, wanted: int, denied: str) -> int:
    try:
        return system.open_process(pid, wanted)
    except CallFailed as error:
        if error.code == win.ERROR_INVALID_PARAMETER:
            raise TargetError(f"there is no process {pid}") from error
        if error.code == win.ERROR_ACCESS_DENIED:
            raise TargetError(
                f"{denied} process {pid} is denied", remedy=_remedy(system, pid)
            ) from error
        raise TargetError(f"process {pid} can't be opened: {error}") from error


def _true(system: WindowsSystem, process: int, pid: int) -> int:
    """The handle, if it is of whom it was asked for: Windows ignores the two low bits of a PID.

    Raises:
        TargetError: it is of another, or of ourselves; it is closed then.
    """
    try:
        found = system.process_id(process)
    except CallFailed as error:
        system.close(process)
        raise TargetError(f"process {pid} can't be told apart from others: {error}") from error
    if found == pid != os.getpid():
        return process
    system.close(process)
    if found == os.getpid():
        raise TargetError("a process can't acquire or resume itself", remedy="name another PID")
    raise TargetError(
        f"there is no process {pid}", remedy=f"process {found} answers to this number"
    )


def _remedy(system: WindowsSystem, pid: int) -> str:
    if _protection(system, pid):
        return (
            "it is a protected process, which no ordinary program may read: "
            "dump it from a kernel debugger or from a memory image of the machine"
        )
    with system.debug_privilege() as held:
        if not held:
            return "run as administrator, elevated, so that SeDebugPrivilege is held"
    return "SeDebugPrivilege is held: a security product, or the kernel, guards this process"


def _protection(system: WindowsSystem, pid: int) -> int:
    try:
        process = system.open_process(pid, win.PROCESS_QUERY_LIMITED_INFORMATION)
    except CallFailed:
        return 0
    try:
        return system.protection(process)
    except CallFailed:
        return 0
    finally:
        system.close(process)


def architecture(system: WindowsSystem, process: int) -> str:
    """The schema's name; ``unknown`` where Windows doesn't tell.

    On an arm64 host IsWow64Process2 answers alike for arm64 programs and emulated x64 ones.
    """
    try:
        own, native = system.machines(process)
    except CallFailed:
        return "unknown"
    name = win.MACHINES.get(own or native, "unknown")
    return "unknown" if name == "arm64" else name
