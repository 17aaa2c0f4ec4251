"""Lists of processes, threads, modules, handles and connections."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import ClassVar, NamedTuple, TypeVar

from ...plain_target import CallFailed
from .. import structures as win
from .base import BOOL, DWORD, HANDLE, POINTER, STATUS, Calls, Prototypes

__all__ = ["ListCalls", "OpenHandle", "ThreadNow"]

_SNAPSHOT_TRIES = _TABLE_TRIES = 10
_ENTRY = (BOOL, (HANDLE, POINTER))
_TABLE = (DWORD, (POINTER, POINTER, BOOL, DWORD, DWORD, DWORD))
_MOST_TYPES = 1024

Entry = TypeVar("Entry", win.ProcessEntry, win.ThreadEntry, win.ModuleEntry)


class ThreadNow(NamedTuple):
    """How the scheduler has a thread: KTHREAD_STATE, and KWAIT_REASON if it waits."""

    state: int
    wait_reason: int


class OpenHandle(NamedTuple):
    """A handle of a process.

    Attributes:
        value: its number.
        type_index: of its type, see `ListCalls.types_of_objects`.
        access, attributes: masks.
        object: the address of what it leads to; 0: not told.
    """

    value: int
    type_index: int
    access: int
    attributes: int
    object: int = 0


class ListCalls(Calls):
    """What there is of something."""

    REQUIRED: ClassVar[Prototypes] = {
        "kernel32": {
            "CreateToolhelp32Snapshot": (HANDLE, (DWORD, DWORD)),
            "Module32FirstW": _ENTRY,
            "Module32NextW": _ENTRY,
            "Process32FirstW": _ENTRY,
            "Process32NextW": _ENTRY,
            "Thread32First": _ENTRY,
            "Thread32Next": _ENTRY,
        },
        "ntdll": {"NtQueryInformationProcess": (STATUS, (HANDLE, DWORD, POINTER, DWORD, POINTER))},
    }
    OPTIONAL: ClassVar[Prototypes] = {
        "ntdll": {
            "NtQueryObject": (STATUS, (HANDLE, DWORD, POINTER, DWORD, POINTER)),
            "NtQuerySystemInformation": (STATUS, (DWORD, POINTER, DWORD, POINTER)),
        },
        "iphlpapi": {"GetExtendedTcpTable": _TABLE, "GetExtendedUdpTable": _TABLE},
    }

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

    def threads_now(self, pid: int) -> dict[int, ThreadNow]:
        """How each thread of a process is, by its number.

        Raises:
            CallFailed: the system does not tell.
        """
        room = self._system(win.SYSTEM_PROCESS_INFORMATION)
        at, head, row = 0, win.SystemProcess, win.SystemThread
        while at + ctypes.sizeof(head) <= len(room):
            process = head.from_buffer(room, at)
            if process.process_id == pid:
                first, size = at + ctypes.sizeof(head), ctypes.sizeof(row)
                most = (len(room) - first) // size
                rows = (
                    row.from_buffer(room, first + size * number)
                    for number in range(min(process.number_of_threads, most))
                )
                return {int(r.thread_id): ThreadNow(r.thread_state, r.wait_reason) for r in rows}
            if not process.next_entry_offset:
                break
            at += process.next_entry_offset
        return {}

    def _system(self, kind: int) -> ctypes.Array[ctypes.c_char]:
        return self._filled(
            "NtQuerySystemInformation", kind, what=lambda room, size: (room, size, None)
        )

    def handles(self, process: int, pid: int) -> Iterator[OpenHandle]:
        """Its handles, of which there may be millions; those that it has opened and closed
        meanwhile may be among them, or not.

        Raises:
            CallFailed: neither way of asking is permitted.
        """
        try:
            room = self._filled(
                "NtQueryInformationProcess",
                *(process, win.PROCESS_HANDLE_INFORMATION),
                what=lambda room, size: (room, size, None),
            )
        except CallFailed:  # Windows before 8, and Wine
            return (
                OpenHandle(r.value, r.type_index, r.access, r.attributes, r.object)
                for r in _rows(self._system(win.SYSTEM_EXTENDED_HANDLES), win.SystemHandle)
                if r.process_id == pid
            )
        return (
            OpenHandle(r.value, r.type_index, r.access, r.attributes)
            for r in _rows(room, win.ProcessHandleEntry)
        )

    def types_of_objects(self) -> dict[int, str]:
        """Names by the number that handles have of their type.

        Raises:
            CallFailed: the system does not tell.
        """
        room = self._filled(
            "NtQueryObject",
            *(None, win.OBJECT_TYPES_INFORMATION),
            what=lambda room, size: (room, size, None),
        )
        found: dict[int, str] = {}
        count = min(ctypes.c_uint32.from_buffer(room).value, _MOST_TYPES)
        at, head = 8, ctypes.sizeof(win.ObjectType)
        for order in range(count):
            if at + head > len(room):
                break
            one = win.ObjectType.from_buffer(room, at)
            name = room.raw[at + head : at + head + one.name.length]
            # Windows before 8.1 does not tell the number: then they stand in its order, from 2 on.
            found[one.type_index or order + 2] = name.decode("utf-16-le", "backslashreplace")
            at += head + (one.name.maximum_length + 7 & ~7)
        return found

    def type_of(self, process: int, pid: int, handle: int) -> int | None:
        """The number of the type of one handle of a process; None: it has no such handle.

        Raises:
            CallFailed: as `handles` does.
        """
        found = (one.type_index for one in self.handles(process, pid) if one.value == handle)
        return next(found, None)

    def sockets(self, protocol: str, family: int) -> bytes:
        """A table of MIB_TCPROW_OWNER_PID and its like.

        Args:
            protocol: ``tcp`` or ``udp``.
            family: AF_INET or AF_INET6, as Windows numbers them.

        Raises:
            CallFailed: the system does not tell.
        """
        name, kind = (
            ("GetExtendedTcpTable", win.TCP_TABLE_OWNER_PID_ALL)
            if protocol == "tcp"
            else ("GetExtendedUdpTable", win.UDP_TABLE_OWNER_PID)
        )
        function, size, code = self._optional(name), ctypes.c_uint32(1 << 16), 0
        for _ in range(_TABLE_TRIES):  # it grows meanwhile
            room = ctypes.create_string_buffer(size.value)
            code = int(function(room, ctypes.byref(size), 0, family, kind, 0))
            if not code:
                return room.raw
            if code != win.ERROR_INSUFFICIENT_BUFFER:
                break
        raise CallFailed(name, code)


Row = TypeVar("Row", win.SystemHandle, win.ProcessHandleEntry)


def _rows(room: ctypes.Array[ctypes.c_char], kind: type[Row]) -> Iterator[Row]:
    """Rows behind a count and a reserved word of eight bytes each."""
    size = ctypes.sizeof(kind)
    count = min(ctypes.c_uint64.from_buffer(room).value, (len(room) - 16) // size)
    return (kind.from_buffer(room, 16 + size * number) for number in range(count))
