"""The calls of a real Windows that `guardian` makes, which loads this file beside it.

It imports nothing of this package either.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from typing import Any

__all__ = ["CopyingSystem", "ProcessSystem", "ThreadSystem"]

_SUSPEND, _RESUME = 0, 1
_MAXIMUM_ALLOWED = 0x0200_0000
_SNAP_THREADS, _NO_HANDLE = 0x4, (1 << 64) - 1
_THREAD_ACCESS = 0x802  # THREAD_SUSPEND_RESUME, THREAD_QUERY_LIMITED_INFORMATION
_SUSPEND_COUNT = 35  # ThreadSuspendCount
_STILL_ACTIVE, _FAILED = 259, 0xFFFF_FFFF
_CAPTURED = 0x0400_0001
"""PSS_CAPTURE_VA_CLONE, PSS_CREATE_BREAKAWAY_OPTIONAL: in no job of the target's, if it may."""
_CLONE_INFORMATION = 1  # PSS_QUERY_VACLONE_INFORMATION


def _functions_of(library: Any) -> Callable[..., Any]:
    """What gives a function of a library by its name, what it gives and what it takes."""

    def function(name: str, result: Any, *arguments: Any) -> Any:
        found = getattr(library, name)
        found.restype, found.argtypes = result, arguments
        return found

    return function


class ProcessSystem:
    """The calls of a real Windows."""

    def __init__(self, target: int) -> None:
        library: Any = vars(ctypes)["WinDLL"]("ntdll")
        handle = ctypes.c_void_p
        self.way = ""
        self._target = handle(target)
        self._plain = {}
        for name in ("NtSuspendProcess", "NtResumeProcess"):
            self._plain[name] = getattr(library, name)
            self._plain[name].argtypes, self._plain[name].restype = (handle,), ctypes.c_int32
        self._create = getattr(library, "NtCreateProcessStateChange", None)
        self._change = getattr(library, "NtChangeProcessState", None)
        self._close = library.NtClose
        self._close.argtypes = (handle,)
        self._held = handle()
        if self._create is not None and self._change is not None:
            self._create.argtypes = (handle, ctypes.c_uint32, handle, handle, ctypes.c_uint64)
            self._change.argtypes = (
                *(handle, handle, ctypes.c_uint32),
                *(handle, ctypes.c_size_t, ctypes.c_uint64),
            )
            self._create.restype = self._change.restype = ctypes.c_int32

    def suspend(self) -> int:
        if self._change_state():
            self.way = "state_change"
            return 0
        self.way = "suspend_process"
        return int(self._plain["NtSuspendProcess"](self._target))

    def _change_state(self) -> bool:
        if self._create is None or self._change is None:
            return False
        held = ctypes.c_void_p()
        wanted = (ctypes.byref(held), _MAXIMUM_ALLOWED, None, self._target, 0)
        if int(self._create(*wanted)) < 0:
            return False
        if int(self._change(held, self._target, _SUSPEND, None, 0, 0)) < 0:
            self._close(held)
            return False
        self._held = held
        return True

    def resume(self) -> int:
        if self.way == "suspend_process":
            return int(self._plain["NtResumeProcess"](self._target))
        if self._change is not None:
            self._change(self._held, self._target, _RESUME, None, 0, 0)
        self._close(self._held)  # which ends the stop if that call did not
        return 0


class ThreadSystem:
    """The calls of a real Windows to the threads of a process."""

    def __init__(self, target: int) -> None:
        function = _functions_of(vars(ctypes)["WinDLL"]("kernel32"))
        handle, word = ctypes.c_void_p, ctypes.c_uint32

        self._snapshot = function("CreateToolhelp32Snapshot", handle, word, word)
        self._first = function("Thread32First", ctypes.c_int32, handle, handle)
        self._next = function("Thread32Next", ctypes.c_int32, handle, handle)
        self._open = function("OpenThread", handle, word, ctypes.c_int32, word)
        self._owner = function("GetProcessIdOfThread", word, handle)
        self._suspend = function("SuspendThread", word, handle)
        self._resume = function("ResumeThread", word, handle)
        self._exit_code = function("GetExitCodeThread", ctypes.c_int32, handle, handle)
        self._close = function("CloseHandle", ctypes.c_int32, handle)
        self._pid = int(function("GetProcessId", word, handle)(target))
        self._query = vars(ctypes)["WinDLL"]("ntdll").NtQueryInformationThread
        self._query.argtypes = (handle, word, handle, word, handle)
        self._query.restype = ctypes.c_int32

    def numbers(self) -> list[int]:
        snapshot = self._snapshot(_SNAP_THREADS, 0)
        if snapshot in (None, _NO_HANDLE):
            return []
        entry = (ctypes.c_uint32 * 7)()  # THREADENTRY32
        found: list[int] = []
        step = self._first
        try:
            while True:
                entry[0] = ctypes.sizeof(entry)
                if not step(snapshot, ctypes.byref(entry)):
                    return found
                step = self._next
                if entry[3] == self._pid:
                    found.append(int(entry[2]))
        finally:
            self._close(snapshot)

    def open(self, number: int) -> int:
        handle = self._open(_THREAD_ACCESS, 0, number)
        if handle and self._owner(handle) != self._pid:  # its number was used again
            self._close(handle)
            return 0
        return int(handle or 0)

    def count(self, handle: int) -> int:
        found = ctypes.c_uint32()
        status = self._query(handle, _SUSPEND_COUNT, ctypes.byref(found), 4, None)
        return found.value if status >= 0 else -1

    def suspend(self, handle: int) -> bool:
        return bool(self._suspend(handle) != _FAILED)

    def resume(self, handle: int) -> bool:
        if self._resume(handle) != _FAILED:
            return True
        code = ctypes.c_uint32()
        return bool(self._exit_code(handle, ctypes.byref(code)) and code.value != _STILL_ACTIVE)

    def close(self, handle: int) -> None:
        self._close(handle)


class CopyingSystem:
    """The calls that copy a process.

    Args:
        target: a handle of it.
        function: gives a function by its name, what it gives and what it takes; a real Windows'
            unless given.
    """

    def __init__(self, target: int, function: Callable[..., Any] | None = None) -> None:
        function = function or _functions_of(vars(ctypes)["WinDLL"]("kernel32"))
        handle, word = ctypes.c_void_p, ctypes.c_uint32

        self._target = target
        self._capture = function("PssCaptureSnapshot", word, handle, word, word, handle)
        self._query = function("PssQuerySnapshot", word, handle, word, handle, word)
        self._free = function("PssFreeSnapshot", word, handle, handle)
        self._terminate = function("TerminateProcess", ctypes.c_int32, handle, word)
        self._number = function("GetProcessId", word, handle)
        self._own = function("GetCurrentProcess", handle)

    def capture(self) -> tuple[int, int]:
        """An error code, 0 if there is none, and a snapshot, to be freed."""
        found = ctypes.c_void_p()
        code = int(self._capture(self._target, _CAPTURED, 0, ctypes.byref(found)))
        return code, int(found.value or 0)

    def copy_in(self, snapshot: int) -> tuple[int, int]:
        """An error code, and the handle of the copy in a snapshot, which it belongs to."""
        found = ctypes.c_void_p()
        size = ctypes.sizeof(found)
        code = int(self._query(snapshot, _CLONE_INFORMATION, ctypes.byref(found), size))
        return code, int(found.value or 0)

    def is_another(self, process: int) -> bool:
        """Whether a handle is of a process, and neither of the target nor of our own."""
        number = int(self._number(process)) if process else 0
        return number not in (0, os.getpid(), int(self._number(self._target)))

    def end(self, process: int) -> None:
        """End a process: of copies alone, see `is_another`."""
        self._terminate(process, 0)

    def free(self, snapshot: int) -> None:
        """Free a snapshot that this process has captured: it is named, not that of the target."""
        self._free(self._own(), snapshot)
