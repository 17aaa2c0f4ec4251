"""Opening a process, and the reasons why Windows refuses."""

from __future__ import annotations

import os

from msl_construct.errors import TargetError

from ..plain_target import CallFailed
from . import structures as win
from .api import WindowsSystem

__all__ = ["architecture", "open_target"]

_WANTED = (
    win.PROCESS_VM_READ
    | win.PROCESS_QUERY_INFORMATION
    | win.PROCESS_SUSPEND_RESUME
    | win.SYNCHRONIZE
)


def open_target(system: WindowsSystem, pid: int) -> int:
    """A handle that permits everything an acquisition does.

    Raises:
        TargetError: there is no such process, or it is not ours to read.
    """
    if pid == os.getpid():
        raise TargetError("a process can't acquire itself", remedy="name another PID")
    try:
        return system.open_process(pid, _WANTED)
    except CallFailed as error:
        if error.code == win.ERROR_INVALID_PARAMETER:
            raise TargetError(f"there is no process {pid}") from error
        if error.code == win.ERROR_ACCESS_DENIED:
            raise TargetError(
                f"access to process {pid} is denied", remedy=_remedy(system, pid)
            ) from error
        raise TargetError(f"process {pid} can't be opened: {error}") from error


def _remedy(system: WindowsSystem, pid: int) -> str:
    if _protection(system, pid):
        return (
            "it is a protected process, which no ordinary program may read: "
            "dump it from a kernel debugger or from a memory image of the machine"
        )
    if not system.enable_debug_privilege():
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
