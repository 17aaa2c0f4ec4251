"""The thin layer above Windows' libraries: prototypes, and calls that raise when they fail."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from msl_construct.errors import TargetError

from ..plain_target import CallFailed
from . import structures as win

__all__ = ["CallFailed", "WindowsSystem", "load_system"]

_HANDLE = _POINTER = ctypes.c_void_p
_BOOL = ctypes.c_int32
_STATUS = ctypes.c_int32
_DWORD = ctypes.c_uint32
_SIZE = ctypes.c_size_t

_KERNEL32: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "CloseHandle": (_BOOL, (_HANDLE,)),
    "CreateToolhelp32Snapshot": (_HANDLE, (_DWORD, _DWORD)),
    "GetCurrentProcess": (_HANDLE, ()),
    "DuplicateHandle": (_BOOL, (_HANDLE, _HANDLE, _HANDLE, _POINTER, _DWORD, _BOOL, _DWORD)),
    "GetNativeSystemInfo": (None, (_POINTER,)),
    "GetProcessId": (_DWORD, (_HANDLE,)),
    "GetProcessTimes": (_BOOL, (_HANDLE, _POINTER, _POINTER, _POINTER, _POINTER)),
    "GetThreadContext": (_BOOL, (_HANDLE, _POINTER)),
    "GetThreadTimes": (_BOOL, (_HANDLE, _POINTER, _POINTER, _POINTER, _POINTER)),
    "GetTickCount64": (ctypes.c_uint64, ()),
    "IsWow64Process2": (_BOOL, (_HANDLE, _POINTER, _POINTER)),
    "K32GetMappedFileNameW": (_DWORD, (_HANDLE, _POINTER, _POINTER, _DWORD)),
    "K32GetProcessMemoryInfo": (_BOOL, (_HANDLE, _POINTER, _DWORD)),
    "Module32FirstW": (_BOOL, (_HANDLE, _POINTER)),
    "Module32NextW": (_BOOL, (_HANDLE, _POINTER)),
    "OpenProcess": (_HANDLE, (_DWORD, _BOOL, _DWORD)),
    "OpenThread": (_HANDLE, (_DWORD, _BOOL, _DWORD)),
    "Process32FirstW": (_BOOL, (_HANDLE, _POINTER)),
    "Process32NextW": (_BOOL, (_HANDLE, _POINTER)),
    "ProcessIdToSessionId": (_BOOL, (_DWORD, _POINTER)),
    "QueryFullProcessImageNameW": (_BOOL, (_HANDLE, _DWORD, _POINTER, _POINTER)),
    "QueryDosDeviceW": (_DWORD, (_POINTER, _POINTER, _DWORD)),
    "ReadProcessMemory": (_BOOL, (_HANDLE, _POINTER, _POINTER, _SIZE, _POINTER)),
    "ResumeThread": (_DWORD, (_HANDLE,)),
    "SuspendThread": (_DWORD, (_HANDLE,)),
    "Thread32First": (_BOOL, (_HANDLE, _POINTER)),
    "Thread32Next": (_BOOL, (_HANDLE, _POINTER)),
    "VirtualQueryEx": (_SIZE, (_HANDLE, _POINTER, _POINTER, _SIZE)),
    "WaitForSingleObject": (_DWORD, (_HANDLE, _DWORD)),
}
_NTDLL: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "NtQueryInformationProcess": (_STATUS, (_HANDLE, _DWORD, _POINTER, _DWORD, _POINTER)),
    "NtQueryInformationThread": (_STATUS, (_HANDLE, _DWORD, _POINTER, _DWORD, _POINTER)),
    "NtResumeProcess": (_STATUS, (_HANDLE,)),
    "NtSuspendProcess": (_STATUS, (_HANDLE,)),
}
_ADVAPI32: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "AdjustTokenPrivileges": (_BOOL, (_HANDLE, _BOOL, _POINTER, _DWORD, _POINTER, _POINTER)),
    "LookupPrivilegeValueW": (_BOOL, (_POINTER, _POINTER, _POINTER)),
    "OpenProcessToken": (_BOOL, (_HANDLE, _DWORD, _POINTER)),
}

_OPTIONAL: dict[str, tuple[Any, tuple[Any, ...]]] = {
    # Windows 10 version 1607; Wine has it in kernelbase alone.
    "GetThreadDescription": (_STATUS, (_HANDLE, _POINTER)),
    "LocalFree": (_HANDLE, (_HANDLE,)),
}
_LONGEST_NAME = 1 << 15

_NO_SUCH_COUNT = 0xFFFF_FFFF
_WAIT_OBJECT_0 = 0
_TOKEN_ADJUST_PRIVILEGES_AND_QUERY = 0x28
_SE_PRIVILEGE_ENABLED = 2
_LONGEST_PATH = 32768
_SNAPSHOT_TRIES = 10

Entry = TypeVar("Entry", win.ProcessEntry, win.ThreadEntry, win.ModuleEntry)


class WindowsSystem:
    """The calls that the backend makes.

    Args:
        kernel32, ntdll, advapi32: loaded libraries, or something that looks like them.
        last_error: what GetLastError said after the last call of this thread.
        kernelbase: where functions are that kernel32 lacks; None: nowhere.

    Raises:
        TargetError: a function is missing.
    """

    def __init__(
        self,
        kernel32: Any,
        ntdll: Any,
        advapi32: Any,
        last_error: Callable[[], int],
        kernelbase: Any = None,
    ) -> None:
        self._last_error = last_error
        self._privilege_lock = threading.Lock()
        self._privilege_users = 0
        self._privileged = self._privilege_before = False
        self._call: dict[str, Any] = {}
        for library, prototypes in (
            (kernel32, _KERNEL32),
            (ntdll, _NTDLL),
            (advapi32, _ADVAPI32),
        ):
            for name, (result, arguments) in prototypes.items():
                try:
                    function = getattr(library, name)
                except AttributeError:
                    raise TargetError(
                        f"this Windows has no {name}",
                        remedy="Windows 10 version 1709 or later is needed",
                    ) from None
                function.restype, function.argtypes = result, arguments
                self._call[name] = function
        for name, (result, arguments) in _OPTIONAL.items():
            function = getattr(kernel32, name, None) or getattr(kernelbase, name, None)
            if function is not None:
                function.restype, function.argtypes = result, arguments
                self._call[name] = function

    def _checked(self, name: str, *arguments: Any) -> int:
        result = self._call[name](*arguments)
        if not result:
            raise CallFailed(name, self._last_error())
        return int(result)

    # Processes -----------------------------------------------------------------------------

    def open_process(self, pid: int, access: int) -> int:
        """A handle, to be closed."""
        return self._checked("OpenProcess", access, 0, pid)

    def close(self, handle: int) -> None:
        """Close a handle."""
        self._call["CloseHandle"](handle)

    def process_id(self, process: int) -> int:
        """Whose handle it is: numbers that are given to `open_process` are rounded down."""
        return self._checked("GetProcessId", process)

    def inheritable(self, handle: int) -> int:
        """The same with the same rights, for a child that is started; to be closed."""
        return self._duplicate(handle, 0, win.DUPLICATE_SAME_ACCESS)

    def own_handle(self) -> int:
        """Of this process, for a child that waits for its end; to be closed."""
        return self._duplicate(self._call["GetCurrentProcess"](), win.SYNCHRONIZE, 0)

    def _duplicate(self, handle: int, access: int, options: int) -> int:
        own, found = self._call["GetCurrentProcess"](), ctypes.c_void_p()
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

    def _status(self, name: str, *arguments: Any) -> None:
        status = int(self._call[name](*arguments))
        if status < 0:
            raise CallFailed(name, status & 0xFFFF_FFFF)

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
        buffer = (ctypes.c_uint16 * _LONGEST_PATH)()
        length = ctypes.c_uint32(_LONGEST_PATH)
        self._checked("QueryFullProcessImageNameW", process, 0, buffer, ctypes.byref(length))
        return win.wide_text(buffer, min(length.value, _LONGEST_PATH))

    def command_line(self, process: int) -> str:
        """The command line that it was started with."""
        # A UNICODE_STRING and, behind it in the same buffer, the text that it points at.
        buffer = ctypes.create_string_buffer(ctypes.sizeof(win.UnicodeString) + 2 * _LONGEST_PATH)
        self._status(
            "NtQueryInformationProcess",
            process,
            win.PROCESS_COMMAND_LINE_INFORMATION,
            buffer,
            len(buffer),
            None,
        )
        text = win.UnicodeString.from_buffer(buffer)
        start = int(text.buffer) - ctypes.addressof(buffer)
        if not text.length or not 0 <= start <= len(buffer) - text.length:
            return ""
        return buffer.raw[start : start + text.length].decode("utf-16-le", "backslashreplace")

    def peb(self, process: int) -> int:
        """The address of its PEB."""
        return self._basic("NtQueryInformationProcess", process, win.PROCESS_BASIC_INFORMATION)

    def _basic(self, name: str, handle: int, kind: int) -> int:
        found = win.BasicInformation()
        self._status(name, handle, kind, ctypes.byref(found), ctypes.sizeof(found), None)
        return int(found.address)

    def protection(self, process: int) -> int:
        """PS_PROTECTION: 0 for an ordinary process."""
        level = ctypes.c_uint8()
        self._status(
            "NtQueryInformationProcess",
            process,
            win.PROCESS_PROTECTION_INFORMATION,
            ctypes.byref(level),
            1,
            None,
        )
        return level.value

    def session(self, pid: int) -> int:
        """The terminal services session."""
        number = ctypes.c_uint32()
        self._checked("ProcessIdToSessionId", pid, ctypes.byref(number))
        return number.value

    def working_set(self, process: int) -> int:
        """Bytes of memory that it occupies."""
        counters = win.ProcessMemoryCounters(size=ctypes.sizeof(win.ProcessMemoryCounters))
        self._checked(
            "K32GetProcessMemoryInfo", process, ctypes.byref(counters), ctypes.sizeof(counters)
        )
        return int(counters.working_set_size)

    # Memory --------------------------------------------------------------------------------

    def query(self, process: int, address: int) -> win.MemoryBasicInformation:
        """The pages alike from the one at `address` on."""
        info = win.MemoryBasicInformation()
        self._checked("VirtualQueryEx", process, address, ctypes.byref(info), ctypes.sizeof(info))
        return info

    def mapped_file(self, process: int, address: int) -> str:
        """The device path of the file that is mapped there; empty if none is."""
        buffer = (ctypes.c_uint16 * _LONGEST_PATH)()
        length = self._call["K32GetMappedFileNameW"](process, address, buffer, _LONGEST_PATH)
        return win.wide_text(buffer, min(length, _LONGEST_PATH))

    def device(self, drive: str) -> str:
        """The device that a drive letter stands for now; empty if it stands for none."""
        buffer = (ctypes.c_uint16 * _LONGEST_PATH)()
        name = ctypes.create_string_buffer(f"{drive}\0".encode("utf-16-le"))
        length = self._call["QueryDosDeviceW"](name, buffer, _LONGEST_PATH)
        return win.wide_text(buffer) if length else ""

    def read(self, process: int, address: int, into: memoryview) -> tuple[int, int]:
        """How many bytes came, and the error (0: none) that ended it."""
        target = (ctypes.c_char * len(into)).from_buffer(into)
        came = ctypes.c_size_t()
        done = self._call["ReadProcessMemory"](
            process, address, target, len(into), ctypes.byref(came)
        )
        return min(came.value, len(into)), 0 if done else self._last_error()

    # Lists ---------------------------------------------------------------------------------

    def processes(self) -> Iterator[win.ProcessEntry]:
        """Every process."""
        return self._entries(win.TH32CS_SNAPPROCESS, 0, "Process32{}W", win.ProcessEntry)

    def threads(self, pid: int) -> list[int]:
        """The thread ids of a process."""
        every = self._entries(win.TH32CS_SNAPTHREAD, 0, "Thread32{}", win.ThreadEntry)
        return [int(entry.thread_id) for entry in every if entry.owner_process_id == pid]

    def modules(self, pid: int) -> Iterator[win.ModuleEntry]:
        """The loader's modules, 32-bit ones included."""
        kinds = win.TH32CS_SNAPMODULE | win.TH32CS_SNAPMODULE32
        return self._entries(kinds, pid, "Module32{}W", win.ModuleEntry)

    def _entries(self, kinds: int, pid: int, name: str, entry: type[Entry]) -> Iterator[Entry]:
        snapshot = self._snapshot(kinds, pid)
        try:
            step = name.format("First")
            while True:
                # A new one each time: the caller may keep it.
                found = entry(size=ctypes.sizeof(entry))
                if not self._call[step](snapshot, ctypes.byref(found)):
                    code = self._last_error()
                    if code != win.ERROR_NO_MORE_FILES:
                        raise CallFailed(step, code)
                    return
                yield found
                step = name.format("Next")
        finally:
            self.close(snapshot)

    def _snapshot(self, kinds: int, pid: int) -> int:
        code = 0
        for _ in range(_SNAPSHOT_TRIES):
            snapshot = self._call["CreateToolhelp32Snapshot"](kinds, pid)
            if snapshot not in (None, win.INVALID_HANDLE):
                return int(snapshot)
            code = self._last_error()
            # The list of modules changed meanwhile: the documentation says to try again.
            if code != win.ERROR_BAD_LENGTH:
                break
        raise CallFailed("CreateToolhelp32Snapshot", code)

    # Threads -------------------------------------------------------------------------------

    def open_thread(self, thread_id: int, access: int) -> int:
        """A handle, to be closed."""
        return self._checked("OpenThread", access, 0, thread_id)

    def thread_started(self, thread: int) -> int:
        """When it was created: nanoseconds since the Unix epoch."""
        return self._created("GetThreadTimes", thread)

    def teb(self, thread: int) -> int:
        """The address of its TEB."""
        return self._basic("NtQueryInformationThread", thread, win.THREAD_BASIC_INFORMATION)

    def start_address(self, thread: int) -> int:
        """Where it began to run; it takes THREAD_QUERY_INFORMATION."""
        found = ctypes.c_uint64()
        wanted = (win.THREAD_START_ADDRESS, ctypes.byref(found), ctypes.sizeof(found), None)
        self._status("NtQueryInformationThread", thread, *wanted)
        return found.value

    def thread_name(self, thread: int) -> str:
        """What it was named; empty where it was not, or the system has no names for threads."""
        if "GetThreadDescription" not in self._call:
            return ""
        found = ctypes.c_void_p()
        status = int(self._call["GetThreadDescription"](thread, ctypes.byref(found)))
        if status < 0:
            raise CallFailed("GetThreadDescription", status & 0xFFFF_FFFF)
        if not found.value:
            return ""
        try:
            units: list[int] = []
            while len(units) < _LONGEST_NAME and (
                unit := ctypes.c_uint16.from_address(found.value + 2 * len(units)).value
            ):
                units.append(unit)
        finally:
            self._call["LocalFree"](found)
        return win.wide_text((ctypes.c_uint16 * len(units))(*units), len(units))

    def suspend_count(self, thread: int) -> int | None:
        """How often it is suspended, without doing so; None where the system does not tell.

        That is Windows before 8.1.
        """
        found = ctypes.c_uint32()
        wanted = (win.THREAD_SUSPEND_COUNT, ctypes.byref(found), ctypes.sizeof(found), None)
        try:
            self._status("NtQueryInformationThread", thread, *wanted)
        except CallFailed:
            return None
        return found.value

    def suspend_thread(self, thread: int) -> int:
        """Raise its suspend count by one; what the count was."""
        count = int(self._call["SuspendThread"](thread))
        if count == _NO_SUCH_COUNT:
            raise CallFailed("SuspendThread", self._last_error())
        return count

    def resume_thread(self, thread: int) -> None:
        """Lower its suspend count by one."""
        if self._call["ResumeThread"](thread) == _NO_SUCH_COUNT:
            raise CallFailed("ResumeThread", self._last_error())

    def suspend_counts(self, pid: int) -> dict[int, int]:
        """How often each thread of a process is suspended, as far as that can be learnt."""
        found = {}
        try:
            threads = self.threads(pid)
        except CallFailed:
            return {}
        for number in threads:
            with suppress(CallFailed):
                found[number] = self._suspend_count_of(number)
        return found

    def _suspend_count_of(self, number: int) -> int:
        """Asked for where that is possible: whoever is killed between two calls that suspend a
        thread and let it go leaves it suspended."""
        with suppress(CallFailed), self._thread(number, win.THREAD_QUERY_LIMITED_INFORMATION) as it:
            if (count := self.suspend_count(it)) is not None:
                return count
        with self._thread(number, win.THREAD_SUSPEND_RESUME) as thread:
            count = self.suspend_thread(thread)
            self.resume_thread(thread)
            return count

    @contextmanager
    def _thread(self, number: int, access: int) -> Iterator[int]:
        handle = self.open_thread(number, access)
        try:
            yield handle
        finally:
            self.close(handle)

    def thread_context(self, thread: int, context: Any) -> None:
        """Fill a CONTEXT; its ContextFlags say what is wanted."""
        self._checked("GetThreadContext", thread, context)

    # The machine ---------------------------------------------------------------------------

    def system_info(self) -> win.SystemInfo:
        """Page size and the range of addresses."""
        info = win.SystemInfo()
        self._call["GetNativeSystemInfo"](ctypes.byref(info))
        return info

    def uptime(self) -> int:
        """Milliseconds since the machine started."""
        return int(self._call["GetTickCount64"]())

    @contextmanager
    def debug_privilege(self) -> Iterator[bool]:
        """SeDebugPrivilege for as long as this lasts, where the account holds it; whether it does.

        Several may use it at once: the last to leave turns it off, if it was off before.
        """
        with self._privilege_lock:
            self._privilege_users += 1
            if self._privilege_users == 1:
                self._privileged, self._privilege_before = self._set_privilege(on=True)
            held = self._privileged
        try:
            yield held
        finally:
            with self._privilege_lock:
                self._privilege_users -= 1
                if not self._privilege_users and held and not self._privilege_before:
                    self._set_privilege(on=False)

    def _set_privilege(self, *, on: bool) -> tuple[bool, bool]:
        """Whether it is held, and whether it was turned on before."""
        token = ctypes.c_void_p()
        try:
            self._checked(
                "OpenProcessToken",
                self._call["GetCurrentProcess"](),
                _TOKEN_ADJUST_PRIVILEGES_AND_QUERY,
                ctypes.byref(token),
            )
        except CallFailed:
            return False, False
        try:
            wanted, before = win.TokenPrivileges(count=1), win.TokenPrivileges()
            wanted.privilege.attributes = _SE_PRIVILEGE_ENABLED if on else 0
            name = ctypes.create_string_buffer("SeDebugPrivilege\0".encode("utf-16-le"))
            luid = (ctypes.c_uint32 * 2)()
            self._checked("LookupPrivilegeValueW", None, name, luid)
            wanted.privilege.luid = luid
            size, length = ctypes.sizeof(before), ctypes.c_uint32()
            self._checked(
                "AdjustTokenPrivileges",
                *(token, 0, ctypes.byref(wanted), size, ctypes.byref(before)),
                ctypes.byref(length),
            )
            # It succeeds even if the account does not hold the privilege, and what it gives back
            # are those that it has changed.
            held = self._last_error() != win.ERROR_NOT_ALL_ASSIGNED
            return held, held and before.count == 0
        except CallFailed:
            return False, False
        finally:
            self.close(int(token.value or 0))


def load_system() -> WindowsSystem:
    """Open the libraries.

    Raises:
        TargetError: this is not a 64-bit Python on Windows.
    """
    if sys.platform != "win32":
        raise TargetError("the Windows backend needs Windows", remedy=f"this is {sys.platform}")
    if ctypes.sizeof(ctypes.c_void_p) != 8:
        raise TargetError(
            "a 32-bit Python can't read 64-bit processes", remedy="use a 64-bit Python"
        )

    def library(name: str) -> Any:
        return ctypes.WinDLL(name, use_last_error=True)

    return WindowsSystem(
        *(library("kernel32"), library("ntdll"), library("advapi32"), ctypes.get_last_error),
        kernelbase=library("kernelbase"),
    )
