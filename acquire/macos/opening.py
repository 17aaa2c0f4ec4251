"""Opening a task, and the reasons why macOS refuses."""

from __future__ import annotations

import os

from msl_construct.errors import TargetError

from . import structures as mach
from .api import MacosCallFailed, MacosSystem

__all__ = ["open_task"]


def open_task(system: MacosSystem, pid: int) -> int:
    """The task's port.

    Raises:
        TargetError: there is no such process, or it is not ours to read.
    """
    if pid == os.getpid():
        raise TargetError("a process can't acquire itself", remedy="name another PID")
    try:
        return system.task(pid)
    except MacosCallFailed as error:
        try:
            system.process(pid)
        except MacosCallFailed as unknown:
            if unknown.code == mach.ESRCH:
                raise TargetError(f"there is no process {pid}") from error
        if error.code == mach.KERN_FAILURE:
            raise TargetError(
                f"access to process {pid} is denied",
                remedy=(
                    "run as root, or sign this Python with the com.apple.security.cs.debugger "
                    "entitlement; Apple's own programs and those with the hardened runtime stay "
                    "closed as long as System Integrity Protection is on"
                ),
            ) from error
        raise TargetError(f"process {pid} can't be opened: {error}") from error
