"""A Windows of one process: kernel32, ntdll and advapi32 on a model of its address space."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .windows_copies import COPY_PROTOTYPES, FakeCopies
from .windows_tables import TABLE_PROTOTYPES, FakeTables

__all__ = ["PAGE", "FakeWindows", "Region", "context_bytes", "filetime", "pattern"]

PAGE = 4096
LAST_ADDRESS = 0x7FFF_FFFE_FFFF
PEB, TEBS = 0x7FFF_FE00_0000, 0x7FFF_FF00_0000
EPOCH_1601 = 11_644_473_600

COMMIT, RESERVE, FREE = 0x1000, 0x2000, 0x10000
PRIVATE, MAPPED, IMAGE = 0x20000, 0x40000, 0x1000000
READABLE = {0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80}

_H = _P = ctypes.c_void_p
_B, _D, _S = ctypes.c_int, ctypes.c_uint, ctypes.c_size_t
_PROTOTYPES: dict[str, tuple[Any, ...]] = {
    "CloseHandle": (_B, _H),
    "CreateToolhelp32Snapshot": (_H, _D, _D),
    "GetCurrentProcess": (_H,),
    "DuplicateHandle": (_B, _H, _H, _H, _P, _D, _B, _D),
    "GetNativeSystemInfo": (None, _P),
    "GetProcessId": (_D, _H),
    "GetProcessTimes": (_B, _H, _P, _P, _P, _P),
    "GetThreadContext": (_B, _H, _P),
    "GetThreadTimes": (_B, _H, _P, _P, _P, _P),
    "GetTickCount64": (ctypes.c_uint64,),
    "IsWow64Process2": (_B, _H, _P, _P),
    "K32GetMappedFileNameW": (_D, _H, _P, _P, _D),
    "K32GetProcessMemoryInfo": (_B, _H, _P, _D),
    "Module32FirstW": (_B, _H, _P),
    "Module32NextW": (_B, _H, _P),
    "OpenProcess": (_H, _D, _B, _D),
    "OpenThread": (_H, _D, _B, _D),
    "Process32FirstW": (_B, _H, _P),
    "Process32NextW": (_B, _H, _P),
    "ProcessIdToSessionId": (_B, _D, _P),
    "QueryFullProcessImageNameW": (_B, _H, _D, _P, _P),
    "QueryDosDeviceW": (_D, _P, _P, _D),
    "GetThreadDescription": (_B, _H, _P),
    "LocalFree": (_H, _H),
    "NtQueryInformationThread": (_B, _H, _D, _P, _D, _P),
    "ReadProcessMemory": (_B, _H, _P, _P, _S, _P),
    "ResumeThread": (_D, _H),
    "SuspendThread": (_D, _H),
    "Thread32First": (_B, _H, _P),
    "Thread32Next": (_B, _H, _P),
    "VirtualQueryEx": (_S, _H, _P, _P, _S),
    "WaitForSingleObject": (_D, _H, _D),
    "NtQueryInformationProcess": (_B, _H, _D, _P, _D, _P),
    "NtResumeProcess": (_B, _H),
    "NtSuspendProcess": (_B, _H),
    "AdjustTokenPrivileges": (_B, _H, _B, _P, _D, _P, _P),
    "LookupPrivilegeValueW": (_B, _P, _P, _P),
    "OpenProcessToken": (_B, _H, _D, _P),
    **TABLE_PROTOTYPES,
    **COPY_PROTOTYPES,
}


def pattern(address: int) -> bytes:
    """The page at an address: no two are alike, none is zero."""
    return struct.pack("<QQ", address, ~address & (1 << 64) - 1) * (PAGE // 16)


def filetime(unix_seconds: int) -> int:
    """100 ns since 1601."""
    return (unix_seconds + EPOCH_1601) * 10_000_000


def context_bytes(rip: int, rsp: int) -> bytes:
    """A CONTEXT of amd64: every register a value that tells which it is."""
    context = bytearray(1232)
    struct.pack_into("<I", context, 0x34, 0x1F80)
    struct.pack_into("<6H", context, 0x38, 0x33, 0x2B, 0x2B, 0x53, 0x2C, 0x2D)
    struct.pack_into("<I", context, 0x44, 0x246)
    names = [0xA0, 0xC0, 0xD0, 0xB0, rsp, 0xBB, 0x51, 0xD1, *range(0x800, 0x1000, 0x100), rip]
    struct.pack_into("<17Q", context, 0x78, *names)
    struct.pack_into("<HHBxHIIIII", context, 0x100, 0x37F, 0x38, 0x80, 0x7E9, 1, 2, 3, 4, 0x1F80)
    for number in range(8):
        context[0x120 + 16 * number : 0x12A + 16 * number] = bytes([0xF0 + number]) * 10
    for number in range(16):
        context[0x1A0 + 16 * number : 0x1B0 + 16 * number] = bytes([number]) * 16
    return bytes(context)


@dataclass
class Region:
    """Pages alike, as VirtualQueryEx reports them."""

    start: int
    pages: int
    state: int = COMMIT
    protect: int = 0x04
    kind: int = PRIVATE
    allocation: int = 0
    name: str = ""
    unreadable: set[int] = field(default_factory=set)
    """Numbers of its pages whose bytes can't be had."""

    @property
    def end(self) -> int:
        return self.start + self.pages * PAGE


@dataclass
class FakeThread:
    count: int = 0
    context: bytes = b""
    created: int = 0
    refused: bool = False
    name: str = ""
    stack: tuple[int, int] = (0, 0)
    born_late: bool = False
    owner: int = 0
    """Another process, to whose thread the number was given since it was listed."""


@dataclass
class FakeWindows(FakeTables, FakeCopies):
    """The model; pass it as all three libraries, and `last_error` beside it."""

    pid: int = 7_000_000
    regions: list[Region] = field(default_factory=list)
    threads: dict[int, FakeThread] = field(default_factory=dict)
    modules: list[tuple[int, int, str]] = field(default_factory=list)
    processes: list[tuple[int, int, str]] = field(default_factory=list)
    started: dict[int, int] = field(default_factory=dict)
    machine: tuple[int, int] = (0, 0x8664)
    image: str = "C:\\target.exe"
    command_line: str = "target.exe /x"
    command_line_status: int = 0
    environment: str = "A=1\0=C:=C:\\\0名=ä\0\0rest"
    heaps: list[int] = field(default_factory=list)
    drives: dict[str, str] = field(default_factory=lambda: {"C:": "\\Device\\V1"})
    protection: int = 0
    open_error: int = 0
    stop_error: int = 0
    """What stopping it is refused with."""
    privileged: bool = True
    privilege_on: bool = False
    suspend_status: int = 0
    resume_status: int = 0
    tells_counts: bool = True
    """Whether it is as new as Windows 8.1."""
    snapshot_errors: list[int] = field(default_factory=list)
    module_error: int = 0
    partial_surplus: int = 0
    """Bytes of the bad page that a failing read reports as read."""
    reports_partial: bool = True
    ended: bool = False
    before_read: Callable[[int], None] = lambda address: None
    on_suspend: Callable[[], None] = lambda: None

    narrow_peb: int = 0
    texts: dict[int, Any] = field(default_factory=dict)
    handles: dict[int, Any] = field(default_factory=dict)
    guards_raised: list[int] = field(default_factory=list)
    reads: list[tuple[int, int]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    bad_arguments: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._next = 0x7F_0000_0000_0004
        for name in _PROTOTYPES:
            self.replace(name, getattr(self, f"_{name}"))

    def replace(self, name: str, function: Callable[..., Any]) -> None:
        """Have another function stand for one of Windows'."""
        result, *arguments = _PROTOTYPES[name]
        setattr(self, name, ctypes.CFUNCTYPE(result, *arguments)(function))

    def last_error(self) -> int:
        return self.error

    def at(self, address: int, regions: list[Region] | None = None) -> Region | None:
        among = self.regions if regions is None else regions
        return next((r for r in among if r.start <= address < r.end), None)

    def suspended(self) -> dict[int, int]:
        return {number: thread.count for number, thread in self.threads.items()}

    # What the functions share --------------------------------------------------------------

    def _fail(self, error: int) -> int:
        self.error = error
        return 0

    def _handle(self, what: Any) -> int:
        # Above 4 GiB on purpose: a handle that is cut to 32 bits is not found again.
        self._next += 4
        self.handles[self._next] = what
        return self._next

    def _process(self, handle: int | None) -> bool:
        good = self.handles.get(handle or 0, ("",))[0] == "process"
        if not good:
            self.bad_arguments.append(f"handle {handle} is no process")
        return good

    # kernel32 ------------------------------------------------------------------------------

    def _OpenProcess(self, access: int, inherit: int, pid: int) -> int:
        known = (self.pid, *self.started, *(set(self.copies) - self.ended_copies))
        if pid not in known:
            pid = next((other for other in known if other // 4 == pid // 4), -1)
        if pid < 0:
            return self._fail(87)
        if self.stop_error and access & 0x800:
            return self._fail(self.stop_error)
        limited = access == 0x1000
        if self.open_error and not limited:
            return self._fail(self.open_error)
        return self._handle(("process", pid, access))

    def _CloseHandle(self, handle: int) -> int:
        if self.handles.pop(handle or 0, None) is None:
            self.bad_arguments.append(f"CloseHandle({handle})")
            return self._fail(6)
        return 1

    def _WaitForSingleObject(self, handle: int, milliseconds: int) -> int:
        if not self._process(handle):
            return 0xFFFF_FFFF
        if not self.handles[handle][2] & 0x100000:
            self.bad_arguments.append("waiting takes SYNCHRONIZE")
        return 0 if self.has_ended(handle) else 0x102

    def _GetProcessId(self, handle: int) -> int:
        return self.handles[handle][1] if self._process(handle) else self._fail(6)

    def _DuplicateHandle(
        self,
        process: int,
        handle: int,
        into: int,
        new: int,
        access: int,
        inherit: int,
        options: int,
    ) -> int:
        assert process == into == self._GetCurrentProcess()
        assert inherit in (0, 1)
        what = self.handles.get(handle, ("process", 0, access))
        ctypes.c_uint64.from_address(new).value = self._handle(what)
        return 1

    def _GetCurrentProcess(self) -> int:
        return (1 << 64) - 1

    def _IsWow64Process2(self, handle: int, own: int, native: int) -> int:
        ctypes.memmove(own, struct.pack("<H", self.machine[0]), 2)
        ctypes.memmove(native, struct.pack("<H", self.machine[1]), 2)
        return 1

    def _GetNativeSystemInfo(self, info: int) -> None:
        fields = struct.pack(
            "<HHIQQQIIIHH", 9, 0, PAGE, 0x10000, LAST_ADDRESS, 3, 2, 8664, 0x10000, 6, 0
        )
        assert len(fields) == 48
        ctypes.memmove(info, fields, 48)

    def _GetTickCount64(self) -> int:
        return 5_000

    def _times(self, created: int, pointers: tuple[int, ...]) -> int:
        for pointer, ticks in zip(pointers, (created, 0, 1, 2), strict=True):
            ctypes.memmove(pointer, struct.pack("<Q", ticks), 8)
        return 1

    def _GetProcessTimes(self, handle: int, *pointers: int) -> int:
        return self._times(self.started.get(self.handles[handle][1], 0), pointers)

    def _GetThreadTimes(self, handle: int, *pointers: int) -> int:
        return self._times(self.threads[self.handles[handle][1]].created, pointers)

    def _QueryFullProcessImageNameW(self, handle: int, flags: int, text: int, size: int) -> int:
        room = ctypes.c_uint.from_address(size)
        raw = self.image.encode("utf-16-le")
        assert room.value > len(raw) // 2
        ctypes.memmove(text, raw + b"\0\0", len(raw) + 2)
        room.value = len(raw) // 2
        return 1

    def _ProcessIdToSessionId(self, pid: int, number: int) -> int:
        ctypes.memmove(number, struct.pack("<I", 3), 4)
        return 1

    def _K32GetProcessMemoryInfo(self, handle: int, counters: int, size: int) -> int:
        assert size == 72
        assert ctypes.c_uint.from_address(counters).value == 72
        ctypes.memmove(
            counters, struct.pack("<II8Q", 72, 1, 999, 123456, 0, 1, 2, 3, self.committed, 5), 72
        )
        return 1

    def _VirtualQueryEx(self, handle: int, address: int | None, info: int, size: int) -> int:
        address = address or 0
        if not self._process(handle):
            return self._fail(6)
        if self.has_ended(handle):
            return self._fail(5)
        if address > LAST_ADDRESS:
            return self._fail(87)
        assert size == 48
        regions = self.regions_at(handle)
        here = self.at(address, regions)
        if here is None:
            start = max((r.end for r in regions if r.end <= address), default=0)
            end = min((r.start for r in regions if r.start > address), default=LAST_ADDRESS + 1)
            fields = (start, 0, 0, end - start, FREE, 1, 0)
        else:
            # From the page asked for, not from the start of the region: so Windows does it.
            page = address // PAGE * PAGE
            allocation = here.allocation or here.start
            protect = 0 if here.state == RESERVE else here.protect
            fields = (page, allocation, 4, here.end - page, here.state, protect, here.kind)
        base, allocation, first, length, state, protect, kind = fields
        raw = struct.pack(
            "<QQIHHQIIII", base, allocation, first, 0, 0, length, state, protect, kind, 0
        )
        ctypes.memmove(info, raw, 48)
        return 48

    def _QueryDosDeviceW(self, drive: int, text: int, room: int) -> int:
        found = self.drives.get(ctypes.string_at(drive, 4).decode("utf-16-le"))
        if found is None:
            return self._fail(2)
        raw = found.encode("utf-16-le") + bytes(4)
        ctypes.memmove(text, raw, len(raw))
        return len(raw) // 2

    def _K32GetMappedFileNameW(self, handle: int, address: int, text: int, room: int) -> int:
        here = self.at(address)
        if here is None or not here.name:
            return self._fail(998)
        raw = here.name.encode("utf-16-le")
        ctypes.memmove(text, raw + b"\0\0", len(raw) + 2)
        return len(raw) // 2

    def _own_words(self) -> dict[int, bytes]:
        """What the process keeps of itself, by address: there whatever else is mapped."""
        parameters, texts = PEB + 0x1000, PEB + 0x2000
        line, variables = (t.encode("utf-16-le") for t in (self.command_line, self.environment))
        found = {
            PEB + 0x20: struct.pack("<Q", parameters),
            PEB + 0x30: struct.pack("<Q", self.heaps[0] if self.heaps else 0),
            PEB + 0xE8: struct.pack("<I", len(self.heaps)),
            PEB + 0xF0: struct.pack("<Q", texts + 0x8000),
            texts + 0x8000: struct.pack(f"<{len(self.heaps)}Q", *self.heaps),
            parameters + 0x70: struct.pack("<HH4xQ", len(line), len(line) + 2, texts),
            parameters + 0x80: struct.pack("<Q", texts + 0x4000),
            parameters + 0x3F0: struct.pack("<Q", len(variables)),
            texts: line,
            texts + 0x4000: variables,
        }
        for number, thread in self.threads.items():
            base, limit = thread.stack
            found[TEBS + number * PAGE + 8] = struct.pack("<Q", base)
            found[TEBS + number * PAGE + 16] = struct.pack("<Q", limit)
        return found

    def _ReadProcessMemory(self, handle: int, address: int, into: int, size: int, came: int) -> int:
        if not self._process(handle):
            return self._fail(6)
        word = self.word_at(address, size)
        if word is not None:
            ctypes.memmove(into, word, size)
            ctypes.c_size_t.from_address(came).value = size
            return 1
        if address >= PEB:
            piece = self._own_words().get(address, b"")[:size]
            ctypes.memmove(into, piece, len(piece))
            ctypes.c_size_t.from_address(came).value = len(piece)
            return 1 if len(piece) == size else self._fail(299)
        self.before_read(address)
        self.reads.append((address, size))
        done = 0
        while done < size and not self.has_ended(handle):
            here = self.at(address + done, self.regions_at(handle))
            if here is None or here.state != COMMIT:
                break
            page, skip = divmod(address + done - here.start, PAGE)
            if here.protect & 0x100:
                here.protect &= ~0x100
                self.guards_raised.append(address + done)
                break
            if here.protect & 0xFF not in READABLE or page in here.unreadable:
                break
            start = address + done - skip
            found = self.written_at(handle, here, start) or pattern(start)
            piece = found[skip : skip + size - done]
            ctypes.memmove(into + done, piece, len(piece))
            done += len(piece)
        counter = ctypes.c_size_t.from_address(came)
        if done == size:
            counter.value = size
            return 1
        if self.partial_surplus:
            ctypes.memset(into + done, 0xEE, min(self.partial_surplus, size - done))
        counter.value = min(done + self.partial_surplus, size) if self.reports_partial else 0
        return self._fail(299)

    # Lists ---------------------------------------------------------------------------------

    def _CreateToolhelp32Snapshot(self, kinds: int, pid: int) -> int:
        if self.snapshot_errors:
            self.error = self.snapshot_errors.pop(0)
            return (1 << 64) - 1
        if kinds == 0x2:
            entries = [
                struct.pack("<IIIIQIIIiI", 568, 0, p, 0, 0, 0, 1, parent, 8, 0) + wide(exe, 260)
                for p, parent, exe in self.processes
            ]
        elif kinds == 0x4:
            # Toolhelp lists the threads of the whole system, whatever the PID.
            entries = [struct.pack("<IIIIiiI", 28, 0, 99, 4, 8, 0, 0)]
            entries += [struct.pack("<IIIIiiI", 28, 0, n, self.pid, 8, 0, 0) for n in self.threads]
        else:
            assert kinds == 0x18
            assert pid == self.pid
            if self.module_error:
                self.error = self.module_error
                return (1 << 64) - 1
            entries = [
                struct.pack("<IIIII4xQI4xQ", 1080, 1, pid, 1, 1, base, size, base)
                + wide(path.rpartition("\\")[2], 256)
                + wide(path, 260)
                for base, size, path in self.modules
            ]
        return self._handle(("snapshot", iter(entries)))

    def _entry(self, snapshot: int, into: int, size: int) -> int:
        if ctypes.c_uint.from_address(into).value != size:
            return self._fail(24)
        found = next(self.handles[snapshot][1], None)
        if found is None:
            return self._fail(18)
        # The structures end with padding where their text does not fill eight bytes.
        ctypes.memmove(into, found.ljust(size, b"\0")[:size], size)
        return 1

    def _Process32FirstW(self, snapshot: int, into: int) -> int:
        return self._entry(snapshot, into, 568)

    _Process32NextW = _Process32FirstW

    def _Thread32First(self, snapshot: int, into: int) -> int:
        return self._entry(snapshot, into, 28)

    _Thread32Next = _Thread32First

    def _Module32FirstW(self, snapshot: int, into: int) -> int:
        return self._entry(snapshot, into, 1080)

    _Module32NextW = _Module32FirstW

    # Threads -------------------------------------------------------------------------------

    def _OpenThread(self, access: int, inherit: int, number: int) -> int:
        if self.threads[number].refused:
            return self._fail(5)
        return self._handle(("thread", number, access))

    def _GetThreadDescription(self, handle: int, text: int) -> int:
        raw = self.threads[self.handles[handle][1]].name.encode("utf-16-le") + b"\0\0"
        kept = ctypes.create_string_buffer(raw, len(raw))
        self.texts[ctypes.addressof(kept)] = kept
        ctypes.c_uint64.from_address(text).value = ctypes.addressof(kept)
        return 0

    def _LocalFree(self, memory: int) -> int:
        del self.texts[memory]
        return 0

    def _NtQueryInformationThread(
        self, handle: int, kind: int, into: int, size: int, length: int | None
    ) -> int:
        _, number, access = self.handles[handle]
        if kind == 0:
            assert size == 48
            raw = struct.pack("<6Q", 0, TEBS + number * PAGE, self.pid, number, 3, 0)
        elif kind == 35:
            if not self.tells_counts:
                return -0x3FFFFFFD
            assert size == 4
            raw = struct.pack("<I", self.threads[number].count)
        else:
            assert (kind, size) == (9, 8)
            assert access & 0x40
            raw = struct.pack("<Q", 0x1_4000_0000 + number)
        ctypes.memmove(into, raw, size)
        return 0

    def _own_thread(self, handle: int) -> FakeThread:
        thread = self.threads[self.handles[handle][1]]
        if thread.owner:
            self.bad_arguments.append(f"a thread of process {thread.owner} was stopped or let go")
        return thread

    def _SuspendThread(self, handle: int) -> int:
        thread = self._own_thread(handle)
        self.calls.append("suspend thread")
        thread.count += 1
        return thread.count - 1

    def _ResumeThread(self, handle: int) -> int:
        thread = self._own_thread(handle)
        thread.count -= 1
        return thread.count + 1

    def _GetThreadContext(self, handle: int, context: int) -> int:
        _, number, access = self.handles[handle]
        thread = self.threads[number]
        assert access & 0x8
        if not thread.count or context % 16:
            self.bad_arguments.append("GetThreadContext: running, or not aligned")
        flags = ctypes.c_uint.from_address(context + 0x30).value
        assert flags & 0x10001F == 0x10001F
        if not thread.context:
            return self._fail(31)
        ctypes.memmove(context, thread.context, 1232)
        ctypes.c_uint.from_address(context + 0x30).value = flags
        self._fill_features(number, context)
        return 1

    # ntdll ---------------------------------------------------------------------------------

    def _NtSuspendProcess(self, handle: int) -> int:
        self.calls.append("suspend")
        if not self._process(handle):
            return -0x3FFFFFF8
        if self.suspend_status:
            return self.suspend_status
        for thread in self.threads.values():
            thread.count += not (thread.born_late or thread.owner)
        self.on_suspend()
        return 0

    def _NtResumeProcess(self, handle: int) -> int:
        self.calls.append("resume")
        if not self._process(handle):
            return -0x3FFFFFF8
        if self.resume_status:
            return self.resume_status
        for thread in self.threads.values():
            thread.count = max(thread.count - (not thread.owner), 0)
        return 0

    def _NtQueryInformationProcess(
        self, handle: int, kind: int, into: int, size: int, length: int | None
    ) -> int:
        if kind == 0:
            assert size == 48
            ctypes.memmove(into, struct.pack("<QQ4Q", 0, PEB, 1, 8, self.pid, 4), 48)
            return 0
        if kind == 26:
            assert size == 8
            ctypes.memmove(into, struct.pack("<Q", self.narrow_peb), 8)
            return 0
        if kind == 51:
            return self._handle_information(handle, into, size)
        if kind == 60 and self.command_line_status:
            return self.command_line_status
        if kind == 61:
            assert size == 1
            ctypes.memmove(into, bytes([self.protection]), 1)
            return 0
        assert kind == 60
        raw = self.command_line.encode("utf-16-le")
        head = struct.pack("<HH4xQ", len(raw), len(raw) + 2, into + 16)
        assert size >= 16 + len(raw) + 2
        ctypes.memmove(into, head + raw + b"\0\0", 18 + len(raw))
        return 0

    # advapi32 ------------------------------------------------------------------------------

    def _OpenProcessToken(self, process: int, access: int, token: int) -> int:
        assert process == (1 << 64) - 1 if access == 0x28 else self._process(process)
        ctypes.c_uint64.from_address(token).value = self._handle(("token",))
        return 1

    def _LookupPrivilegeValueW(self, system: int | None, name: int, luid: int) -> int:
        assert ctypes.string_at(name, 34) == "SeDebugPrivilege\0".encode("utf-16-le")
        ctypes.memmove(luid, struct.pack("<II", 20, 0), 8)
        return 1

    def _AdjustTokenPrivileges(
        self, token: int, off: int, new: int, size: int, old: int | None, length: int | None
    ) -> int:
        assert self.handles[token] == ("token",)
        count, luid, more, attributes = struct.unpack("<IIII", ctypes.string_at(new, 16))
        assert (count, luid, more) == (1, 20, 0)
        assert attributes in (0, 2)
        on, changed = attributes == 2, self.privileged and self.privilege_on != (attributes == 2)
        self.error = 0 if self.privileged else 1300
        if self.privileged:
            self.privilege_on = on
        if old is not None:  # those that were changed, as they were
            assert size == 16
            ctypes.memmove(old, struct.pack("<IIII", changed, 20, 0, 0 if on else 2), 16)
        return 1


def wide(text: str, units: int) -> bytes:
    return text.encode("utf-16-le").ljust(2 * units, b"\0")
