"""What the system is asked of a process."""

from __future__ import annotations

import ctypes
from typing import Any, ClassVar

from .. import structures as win
from .base import BOOL, DWORD, HANDLE, LONGEST_PATH, POINTER, STATUS, Calls, Prototypes

__all__ = ["ProcessCalls"]

_WAIT_OBJECT_0 = 0
_TIMES = (HANDLE, POINTER, POINTER, POINTER, POINTER)


class ProcessCalls(Calls):
    """Opening, stopping, and facts about a process."""

    REQUIRED: ClassVar[Prototypes] = {
        "kernel32": {
            "DuplicateHandle": (BOOL, (HANDLE, HANDLE, HANDLE, POINTER, DWORD, BOOL, DWORD)),
            "GetCurrentProcess": (HANDLE, ()),
            "GetProcessId": (DWORD, (HANDLE,)),
            "GetProcessTimes": (BOOL, _TIMES),
            "IsWow64Process2": (BOOL, (HANDLE, POINTER, POINTER)),
            "K32GetProcessMemoryInfo": (BOOL, (HANDLE, POINTER, DWORD)),
            "OpenProcess": (HANDLE, (DWORD, BOOL, DWORD)),
            "ProcessIdToSessionId": (BOOL, (DWORD, POINTER)),
            "QueryFullProcessImageNameW": (BOOL, (HANDLE, DWORD, POINTER, POINTER)),
            "WaitForSingleObject": (DWORD, (HANDLE, DWORD)),
        },
        "ntdll": {
            "NtQueryInformationProcess": (STATUS, (HANDLE, DWORD, POINTER, DWORD, POINTER)),
            "NtResumeProcess": (STATUS, (HANDLE,)),
            "NtSuspendProcess": (STATUS, (HANDLE,)),
        },
    }

    def open_process(self, pid: int, access: int) -> int:
        """A handle, to be closed."""
        return self._checked("OpenProcess", access, 0, pid)

    def process_id(self, process: int) -> int:
        """Whose handle it is: numbers that are given to `open_process` are rounded down."""
        return self._checked("GetProcessId", process)

    def inheritable(self, handle: int) -> int:
        """The same with the same rights, for a child that is started; to be closed."""
        return self._duplicate(handle, 0, win.DUPLICATE_SAME_ACCESS)

    def own_process(self) -> int:
        """What stands for this process where a handle is expected; nothing to be closed."""
        return int(self._call["GetCurrentProcess"]())

    def own_handle(self) -> int:
        """Of this process, for a child that waits for its end; to be closed."""
        return self._duplicate(self.own_process(), win.SYNCHRONIZE, 0)

    def taken_from(self, process: int, handle: int) -> int:
        """A handle of another process as one of ours; to be closed. It takes PROCESS_DUP_HANDLE."""
        found = ctypes.c_void_p()
        self._checked(
            "DuplicateHandle",
            *(process, handle, self.own_process(), ctypes.byref(found)),
            *(0, 0, win.DUPLICATE_SAME_ACCESS),
        )
        return int(found.value or 0)

    def _duplicate(self, handle: int, access: int, options: int) -> int:
        own, found = self.own_process(), ctypes.c_void_p()
        self._checked("DuplicateHandle", own, handle, own, ctypes.byref(found), access, 1, options)
        return int(found.value or 0)

    def ended(self, process: int) -> bool:
        """Whether the process has ended; it takes SYNCHRONIZE."""
        return bool(self._call["WaitForSingleObject"](process, 0) == _WAIT_OBJECT_0)

    def suspend_process(self, process: int) -> None:
        """Raise the suspend count of every thread by one."""
        self._status("NtSuspendProcess", process)

    def resume_process(self, process: int) -> None:
        """Lower the suspend count of every thread by one."""
        self._status("NtResumeProcess", process)

    def machines(self, process: int) -> tuple[int, int]:
        """IMAGE_FILE_MACHINE_* of the process (0: the host's own) and of the host."""
        own, native = ctypes.c_uint16(), ctypes.c_uint16()
        self._checked("IsWow64Process2", process, ctypes.byref(own), ctypes.byref(native))
        return own.value, native.value

    def started(self, process: int) -> int:
        """When it was created: nanoseconds since the Unix epoch."""
        return self._created("GetProcessTimes", process)

    def _created(self, name: str, handle: int) -> int:
        times = [win.FileTime() for _ in range(4)]
        self._checked(name, handle, *(ctypes.byref(time) for time in times))
        return times[0].unix_nanoseconds

    def image_path(self, process: int) -> str:
        """The path of the executable, with a drive letter."""
        buffer = (ctypes.c_uint16 * LONGEST_PATH)()
        length = ctypes.c_uint32(LONGEST_PATH)
        self._checked("QueryFullProcessImageNameW", process, 0, buffer, ctypes.byref(length))
        return win.wide_text(buffer, min(length.value, LONGEST_PATH))

    def command_line(self, process: int) -> str:
        """The command line that it was started with."""
        # A UNICODE_STRING and, behind it in the same buffer, the text that it points at.
        buffer = ctypes.create_string_buffer(ctypes.sizeof(win.UnicodeString) + 2 * LONGEST_PATH)
        self._of_process(process, win.PROCESS_COMMAND_LINE_INFORMATION, buffer, len(buffer))
        text = win.UnicodeString.from_buffer(buffer)
        start = int(text.buffer) - ctypes.addressof(buffer)
        if not text.length or not 0 <= start <= len(buffer) - text.length:
            return ""
        return buffer.raw[start : start + text.length].decode("utf-16-le", "backslashreplace")

    def peb(self, process: int) -> int:
        """The address of its PEB."""
        return self._basic("NtQueryInformationProcess", process, win.PROCESS_BASIC_INFORMATION)

    def peb_of_32_bits(self, process: int) -> int:
        """The address of the PEB of the 32-bit program that it runs; 0: it runs none."""
        found = ctypes.c_uint64()
        self._of_process(process, win.PROCESS_WOW64_INFORMATION, ctypes.byref(found), 8)
        return found.value

    def _basic(self, name: str, handle: int, kind: int) -> int:
        found = win.BasicInformation()
        self._status(name, handle, kind, ctypes.byref(found), ctypes.sizeof(found), None)
        return int(found.address)

    def protection(self, process: int) -> int:
        """PS_PROTECTION: 0 for an ordinary process."""
        level = ctypes.c_uint8()
        self._of_process(process, win.PROCESS_PROTECTION_INFORMATION, ctypes.byref(level), 1)
        return level.value

    def _of_process(self, process: int, kind: int, into: Any, size: int) -> None:
        self._status("NtQueryInformationProcess", process, kind, into, size, None)

    def session(self, pid: int) -> int:
        """The terminal services session."""
        number = ctypes.c_uint32()
        self._checked("ProcessIdToSessionId", pid, ctypes.byref(number))
        return number.value

    def working_set(self, process: int) -> int:
        """Bytes of memory that it occupies."""
        return int(self._counters(process).working_set_size)

    def committed(self, process: int) -> int:
        """Bytes of private memory that it has, wherever they are."""
        return int(self._counters(process).pagefile_usage)

    def _counters(self, process: int) -> win.ProcessMemoryCounters:
        counters = win.ProcessMemoryCounters(size=ctypes.sizeof(win.ProcessMemoryCounters))
        self._checked(
            "K32GetProcessMemoryInfo", process, ctypes.byref(counters), ctypes.sizeof(counters)
        )
        return counters
