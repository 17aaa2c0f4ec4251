"""What the system is asked of threads."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

from ...plain_target import CallFailed
from .. import structures as win
from .base import BOOL, DWORD, HANDLE, POINTER, STATUS, Prototypes
from .lists import ListCalls
from .processes import ProcessCalls

__all__ = ["ThreadCalls"]

_NO_SUCH_COUNT = 0xFFFF_FFFF
_LONGEST_NAME = 1 << 15
_QUERY = (STATUS, (HANDLE, DWORD, POINTER, DWORD, POINTER))


class ThreadCalls(ProcessCalls, ListCalls):
    """Stopping threads, their registers, and facts about them."""

    REQUIRED: ClassVar[Prototypes] = {
        "kernel32": {
            "GetThreadContext": (BOOL, (HANDLE, POINTER)),
            "GetProcessIdOfThread": (DWORD, (HANDLE,)),
            "GetThreadTimes": (BOOL, (HANDLE, POINTER, POINTER, POINTER, POINTER)),
            "OpenThread": (HANDLE, (DWORD, BOOL, DWORD)),
            "ResumeThread": (DWORD, (HANDLE,)),
            "SuspendThread": (DWORD, (HANDLE,)),
        },
        "ntdll": {"NtQueryInformationThread": _QUERY},
    }
    OPTIONAL: ClassVar[Prototypes] = {
        "kernel32": {
            # Windows 10 version 1607; Wine has it in kernelbase alone.
            "GetThreadDescription": (STATUS, (HANDLE, POINTER)),
            "LocalFree": (HANDLE, (HANDLE,)),
            "GetEnabledXStateFeatures": (ctypes.c_uint64, ()),
            "GetXStateFeaturesMask": (BOOL, (POINTER, POINTER)),
            "InitializeContext": (BOOL, (POINTER, DWORD, POINTER, POINTER)),
            "LocateXStateFeature": (POINTER, (POINTER, DWORD, POINTER)),
            "SetXStateFeaturesMask": (BOOL, (POINTER, ctypes.c_uint64)),
            "Wow64GetThreadContext": (BOOL, (HANDLE, POINTER)),
        },
    }

    def open_thread(self, thread_id: int, access: int, pid: int) -> int:
        """A handle, to be closed, of a thread of a process.

        The number of a thread that has ended is given to another, whosever that is.

        Raises:
            CallFailed: there is no such thread, or no longer in that process, or it is not ours.
        """
        wanted = access | win.THREAD_QUERY_LIMITED_INFORMATION
        handle = self._checked("OpenThread", wanted, 0, thread_id)
        try:
            if self._checked("GetProcessIdOfThread", handle) != pid:
                # What Windows says of a number that no thread has.
                raise CallFailed("OpenThread", win.ERROR_INVALID_PARAMETER)
        except BaseException:
            self.close(handle)
            raise
        return handle

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
        if not self.has("GetThreadDescription"):
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
                found[number] = self._suspend_count_of(number, pid)
        return found

    def _suspend_count_of(self, number: int, pid: int) -> int:
        """Asked for where that is possible: whoever is killed between two calls that suspend a
        thread and let it go leaves it suspended."""
        limited = win.THREAD_QUERY_LIMITED_INFORMATION
        with suppress(CallFailed), self.thread(number, limited, pid) as it:
            if (count := self.suspend_count(it)) is not None:
                return count
        with self.thread(number, win.THREAD_SUSPEND_RESUME, pid) as thread:
            count = self.suspend_thread(thread)
            self.resume_thread(thread)
            return count

    @contextmanager
    def thread(self, number: int, access: int, pid: int) -> Iterator[int]:
        """A handle, see `open_thread`, for as long as this lasts."""
        handle = self.open_thread(number, access, pid)
        try:
            yield handle
        finally:
            self.close(handle)

    def thread_context(self, thread: int, context: Any) -> None:
        """Fill a CONTEXT; its ContextFlags say what is wanted."""
        self._checked("GetThreadContext", thread, context)

    def thread_context_of_32_bits(self, thread: int, context: Any) -> None:
        """Fill a WOW64_CONTEXT, of a thread of a 32-bit program; as above."""
        self._optional("Wow64GetThreadContext")
        self._checked("Wow64GetThreadContext", thread, context)

    def extended_features(self) -> int:
        """The mask of processor features whose registers a CONTEXT can have behind it; 0: none."""
        if not all(self.has(name) for name in self.OPTIONAL["kernel32"] if "X" in name):
            return 0
        return int(self._call["GetEnabledXStateFeatures"]())

    def initialized_context(self, flags: int, features: int) -> tuple[Any, int]:
        """Room for a CONTEXT with the registers of further features, and its address in there.

        Args:
            flags: ContextFlags.
            features: a mask.
        """
        length = ctypes.c_uint32()
        self._call["InitializeContext"](None, flags, None, ctypes.byref(length))
        room, found = ctypes.create_string_buffer(length.value), ctypes.c_void_p()
        self._checked("InitializeContext", room, flags, ctypes.byref(found), ctypes.byref(length))
        self._checked("SetXStateFeaturesMask", found, features)
        return room, int(found.value or 0)

    def features_of(self, context: int) -> int:
        """The mask of features of which a context has registers; of others they are zero."""
        mask = ctypes.c_uint64()
        self._checked("GetXStateFeaturesMask", context, ctypes.byref(mask))
        return mask.value

    def feature(self, context: int, bit: int) -> bytes:
        """The registers of a feature, as a context has them; empty: it has no room for them."""
        length = ctypes.c_uint32()
        place = self._call["LocateXStateFeature"](context, bit, ctypes.byref(length))
        return ctypes.string_at(place, length.value) if place else b""
