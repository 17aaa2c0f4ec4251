"""What the system is asked for a copy of a process's memory."""

from __future__ import annotations

import ctypes
import os
from typing import ClassVar

from .. import structures as win
from ..guardian_calls import CAPTURED, CLONE_INFORMATION
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

    def capture(self, process: int) -> tuple[int, int]:
        """An error code, 0 if there is none, and a snapshot, to be freed; see `open_to_copy`."""
        found = ctypes.c_void_p()
        code = self._call["PssCaptureSnapshot"](process, CAPTURED, 0, ctypes.byref(found))
        return int(code), int(found.value or 0)

    def copy_in(self, snapshot: int) -> tuple[int, int]:
        """An error code, and the handle of the copy in a snapshot, which it belongs to."""
        found = ctypes.c_void_p()
        wanted = (CLONE_INFORMATION, ctypes.byref(found), ctypes.sizeof(found))
        code = self._call["PssQuerySnapshot"](snapshot, *wanted)
        return int(code), int(found.value or 0)

    def free_snapshot(self, snapshot: int) -> None:
        """Free a snapshot that this process has captured: it is named, not that of the target."""
        self._call["PssFreeSnapshot"](self.own_process(), snapshot)

    def is_another(self, process: int, than: int) -> bool:
        """Whether a handle is of a process, and neither of another nor of our own."""
        number = int(self._call["GetProcessId"](process)) if process else 0
        return number not in (0, os.getpid(), int(self._call["GetProcessId"](than)))

    def end(self, process: int) -> None:
        """End a process: of copies alone, see `is_another`."""
        self._call["TerminateProcess"](process, 0)

    def memory_status(self) -> win.MemoryStatus:
        """What is left of the machine's memory, and of what can be committed."""
        status = win.MemoryStatus(length=ctypes.sizeof(win.MemoryStatus))
        self._checked("GlobalMemoryStatusEx", ctypes.byref(status))
        return status
