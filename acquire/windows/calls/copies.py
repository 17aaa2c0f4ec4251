"""What the system is asked for a copy of a process's memory."""

from __future__ import annotations

import ctypes
from typing import ClassVar

from .. import structures as win
from ..guardian_calls import CopyingSystem
from .base import BOOL, DWORD, HANDLE, POINTER, Prototypes
from .processes import ProcessCalls

__all__ = ["CopyingCalls"]


class CopyingCalls(ProcessCalls):
    """Snapshots of processes: Windows 8.1; Wine 8 has none."""

    OPTIONAL: ClassVar[Prototypes] = {
        "kernel32": {
            "GlobalMemoryStatusEx": (BOOL, (POINTER,)),
            "PssCaptureSnapshot": (DWORD, (HANDLE, DWORD, DWORD, POINTER)),
            "PssFreeSnapshot": (DWORD, (HANDLE, HANDLE)),
            "PssQuerySnapshot": (DWORD, (HANDLE, DWORD, POINTER, DWORD)),
            "TerminateProcess": (BOOL, (HANDLE, DWORD)),
        },
    }

    def copies(self) -> bool:
        """Whether this system can copy a process."""
        return all(self.has(name) for name in CopyingCalls.OPTIONAL["kernel32"])

    def copying(self, process: int) -> CopyingSystem:
        """What copies a process, see `open_to_copy`; where `copies` says that it can."""
        return CopyingSystem(process, lambda name, *_: self._call[name])

    def memory_status(self) -> win.MemoryStatus:
        """What is left of the machine's memory, and of what can be committed."""
        status = win.MemoryStatus(length=ctypes.sizeof(win.MemoryStatus))
        self._checked("GlobalMemoryStatusEx", ctypes.byref(status))
        return status
