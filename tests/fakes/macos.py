"""A macOS of one process: libSystem on a model of its address space."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["PAGE", "FakeMacOS", "FakeThread", "Region", "image", "image_list"]

PAGE = 0x4000
COW, PRIVATE, EMPTY, SHARED = 1, 2, 3, 4

_I, _U, _Q, _P = ctypes.c_int, ctypes.c_uint, ctypes.c_uint64, ctypes.c_void_p
_PROTOTYPES = {
    "getsid": (_I, _I),
    "mach_port_deallocate": (_I, _U, _U),
    "mach_task_self": (_U,),
    "mach_vm_deallocate": (_I, _U, _Q, _Q),
    "mach_vm_page_range_query": (_I, _U, _Q, _Q, _Q, _P),
    "mach_vm_read_overwrite": (_I, _U, _Q, _Q, _Q, _P),
    "mach_vm_region_recurse": (_I, _U, _P, _P, _P, _P, _P),
    "proc_listpids": (_I, _U, _U, _P, _I),
    "proc_pidinfo": (_I, _I, _I, _Q, _P, _I),
    "proc_pidpath": (_I, _I, _P, _U),
    "sysctl": (_I, _P, _U, _P, _P, _P, ctypes.c_size_t),
    "sysctlbyname": (_I, _P, _P, _P, _P, ctypes.c_size_t),
    "task_for_pid": (_I, _U, _I, _P),
    "task_info": (_I, _U, _U, _P, _P),
    "task_resume": (_I, _U),
    "task_suspend": (_I, _U),
    "task_threads": (_I, _U, _P, _P),
    "thread_get_state": (_I, _U, _I, _P, _P),
    "thread_info": (_I, _U, _U, _P, _P),
}

_SELF, _FIRST_PORT = 0x103, 0x0B03


@dataclass
class Region:
    """One entry of the address space."""

    start: int
    pages: int
    protection: int = 3
    tag: int = 0
    mode: int = PRIVATE
    pager: int = 0
    shadow: int = 0
    path: str = ""
    depth: int = 0
    """In how many submaps it lies."""
    content: bytes = b""
    """Its first bytes; the rest is the page's pattern."""
    absent: set[int] = field(default_factory=set)
    """Numbers of the pages that were never touched: the kernel knows nothing of them."""
    errors: dict[int, int] = field(default_factory=dict)
    """By number of page: what reading it gives."""
    number: int = 77
    """Of the memory object."""

    @property
    def end(self) -> int:
        return self.start + self.pages * PAGE

    def page(self, number: int) -> bytes:
        """The bytes of one of its pages."""
        if number in self.absent or self.mode == EMPTY:
            return bytes(PAGE)
        own = self.content[number * PAGE : (number + 1) * PAGE]
        address = self.start + number * PAGE
        rest = struct.pack("<QQ", address, ~address & (1 << 64) - 1) * (PAGE // 16)
        return own + rest[len(own) :]


@dataclass
class FakeThread:
    number: int
    name: bytes = b""
    run_state: int = 3
    flavor: int = 6
    state: bytes = b""
    gone: bool = False


@dataclass
class FakeMacOS:
    """The model; pass it as the library, and `last_errno` beside it."""

    pid: int = 7_000_001
    regions: list[Region] = field(default_factory=list)
    threads: list[FakeThread] = field(default_factory=list)
    processes: dict[int, tuple[int, bytes, bytes]] = field(default_factory=dict)
    """Parent, comm and name by PID."""
    images: int = 0
    """Address of the list of images."""
    arguments: bytes = b""
    open_error: int = 0
    suspend_error: int = 0
    resume_error: int = 0
    suspend_count: int = 0
    page_size: int = PAGE
    dead: bool = False
    before_read: Callable[[int], None] = lambda address: None
    before_page_query: Callable[[], None] = lambda: None
    after_page_query: Callable[[], None] = lambda: None
    pages_answered: int = 1 << 30
    """For how many pages a page query is answered at most."""

    errno: int = 0
    ports: list[int] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    page_queries: int = 0
    largest_read: int = 0
    touched: list[int] = field(default_factory=list)
    bad_arguments: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.task = _FIRST_PORT
        self._lists: dict[int, Any] = {}
        for name, (result, *arguments) in _PROTOTYPES.items():
            function = getattr(self, f"_{name}")
            setattr(self, name, ctypes.CFUNCTYPE(result, *arguments)(function))

    def last_errno(self) -> int:
        return self.errno

    def at(self, address: int) -> Region | None:
        return next((r for r in self.regions if r.start <= address < r.end), None)

    def first_from(self, address: int) -> Region | None:
        return min(
            (r for r in self.regions if r.end > address), key=lambda r: r.start, default=None
        )

    def leaks(self) -> tuple[list[int], int]:
        """Rights and lists that were not given back."""
        return self.ports, len(self._lists)

    def _no_task(self, port: int) -> int:
        if port != self.task:
            self.bad_arguments.append(f"port {port:#x} is not the task's")
            return 4
        return 0x10000003 if self.dead else 0

    # Tasks ---------------------------------------------------------------------------------

    def _mach_task_self(self) -> int:
        return _SELF

    def _task_for_pid(self, own: int, pid: int, port: int) -> int:
        assert own == _SELF
        if self.open_error or pid != self.pid:
            return self.open_error or 5
        ctypes.memmove(port, struct.pack("<I", self.task), 4)
        self.ports.append(self.task)
        return 0

    def _mach_port_deallocate(self, own: int, port: int) -> int:
        assert own == _SELF
        if port not in self.ports:
            self.bad_arguments.append(f"port {port:#x} given back without being held")
            return 17
        self.ports.remove(port)
        return 0

    def _task_suspend(self, port: int) -> int:
        self.calls.append("suspend")
        if error := self._no_task(port) or self.suspend_error:
            return error
        self.suspend_count += 1
        return 0

    def _task_resume(self, port: int) -> int:
        self.calls.append("resume")
        if error := self._no_task(port) or self.resume_error:
            return error
        if not self.suspend_count:
            return 5
        self.suspend_count -= 1
        return 0

    def _task_info(self, port: int, flavor: int, info: int, count: int) -> int:
        if error := self._no_task(port):
            return error
        if flavor == 20:
            raw = struct.pack(
                "<QQQiiiiii", 1 << 40, 654321, 700000, 1, 2, 3, 4, 1, self.suspend_count
            )
        elif flavor == 22:
            raw = struct.pack("<Qii16Q", 1 << 40, 5, self.page_size, *range(16))
        else:
            assert flavor == 17
            raw = struct.pack("<QQi", self.images, 368, 1)
        return self._answer(raw, info, count)

    def _answer(self, raw: bytes, info: int, count: int) -> int:
        """What Mach does if the room is too small: nothing."""
        room = ctypes.c_uint.from_address(count)
        if room.value * 4 < len(raw):
            return 4
        ctypes.memmove(info, raw, len(raw))
        room.value = len(raw) // 4
        return 0

    # Memory --------------------------------------------------------------------------------

    def _mach_vm_region_recurse(
        self, port: int, address: int, size: int, depth: int, info: int, count: int
    ) -> int:
        if error := self._no_task(port):
            return error
        where = ctypes.c_uint64.from_address(address)
        levels = ctypes.c_uint.from_address(depth)
        here = self.first_from(where.value)
        if here is None:
            return 1
        is_submap = here.depth > levels.value
        levels.value = min(here.depth, levels.value)
        raw = struct.pack(
            "<iiIQIIIIIIHBBIiIHxxIQ",
            *(here.protection, 7, 1, 0x1000, here.tag, here.pages - len(here.absent), 0, 0, 0, 1),
            *(
                here.shadow,
                here.pager,
                here.mode,
                is_submap,
                0,
                here.number,
                0,
                0,
                here.number << 40,
            ),
        )
        assert len(raw) == 76
        where.value = here.start
        # Seen from outside, the submap is one entry that holds more than this region.
        span = here.end - here.start + (PAGE if is_submap else 0)
        ctypes.c_uint64.from_address(size).value = span
        return self._answer(raw, info, count)

    def _mach_vm_read_overwrite(
        self, port: int, address: int, size: int, into: int, came: int
    ) -> int:
        if error := self._no_task(port):
            return error
        self.before_read(address)
        self.largest_read = max(self.largest_read, size)
        found = b""
        while len(found) < size:
            here = self.at(address + len(found))
            if here is None:
                return 1
            number, skip = divmod(address + len(found) - here.start, PAGE)
            if not here.protection & 1:
                return 2
            if number in here.errors:
                return here.errors[number]
            if here.mode == EMPTY or number in here.absent:
                self.touched.append(here.start + number * PAGE)
            found += here.page(number)[skip : skip + size - len(found)]
        # All or nothing: a read that fails has copied nothing and counted nothing.
        ctypes.memmove(into, found, size)
        ctypes.c_uint64.from_address(came).value = size
        return 0

    def _mach_vm_page_range_query(
        self, port: int, address: int, size: int, into: int, count: int
    ) -> int:
        if error := self._no_task(port):
            return error
        self.before_page_query()
        self.page_queries += 1
        pages = size // PAGE
        room = ctypes.c_uint64.from_address(count)
        assert room.value == pages
        found = []
        for where in range(address, address + size, PAGE):
            here = self.at(where)
            # A page that is not mapped looks like one that was never touched.
            known = here is not None and (where - here.start) // PAGE not in here.absent
            found.append(0x1 | 0x4 | 0x8 if known else 0)
        ctypes.memmove(into, struct.pack(f"<{pages}i", *found), 4 * pages)
        room.value = min(pages, self.pages_answered)
        self.after_page_query()
        return 0

    def _mach_vm_deallocate(self, own: int, address: int, size: int) -> int:
        assert own == _SELF
        kept = self._lists.pop(address)
        assert ctypes.sizeof(kept) == size
        return 0

    # Threads -------------------------------------------------------------------------------

    def _task_threads(self, port: int, ports: int, count: int) -> int:
        if error := self._no_task(port):
            return error
        names = [0x2000 + 4 * i for i in range(len(self.threads))]
        self.ports += names
        kept = (ctypes.c_uint * len(names))(*names)
        self._lists[ctypes.addressof(kept)] = kept
        ctypes.c_uint64.from_address(ports).value = ctypes.addressof(kept)
        ctypes.c_uint.from_address(count).value = len(names)
        return 0

    def _thread_info(self, port: int, flavor: int, info: int, count: int) -> int:
        thread = self.threads[(port - 0x2000) // 4]
        if thread.gone:
            return 37
        if flavor == 4:
            return self._answer(struct.pack("<QQQ", thread.number, 1, 2), info, count)
        assert flavor == 5
        numbers = (10, 20, 0, 1, thread.run_state, 0, 0, 31, 31, 63)
        return self._answer(struct.pack("<QQ8i64s", *numbers, thread.name), info, count)

    def _thread_get_state(self, port: int, flavor: int, state: int, count: int) -> int:
        thread = self.threads[(port - 0x2000) // 4]
        if flavor != thread.flavor:
            return 4
        if not self.suspend_count:
            self.bad_arguments.append("registers of a running thread")
        return self._answer(thread.state, state, count)

    # libproc and sysctl --------------------------------------------------------------------

    def _proc_listpids(self, kind: int, argument: int, into: int, size: int) -> int:
        assert kind == 1
        raw = struct.pack(f"<{len(self.processes)}i", *self.processes)
        assert len(raw) <= size
        ctypes.memmove(into, raw, len(raw))
        return len(raw)

    def _proc_pidinfo(self, pid: int, flavor: int, argument: int, into: int, size: int) -> int:
        if pid not in self.processes:
            self.errno = 3
            return 0
        if flavor == 3:
            parent, comm, name = self.processes[pid]
            raw = struct.pack(
                "<12I16s32s6IQQ",
                0x10,
                2,
                0,
                pid,
                parent,
                *range(7),
                comm,
                name,
                *range(6),
                1_700_000_000,
                123_456,
            )
            assert len(raw) == 136
        else:
            assert flavor == 8
            here = self.first_from(argument)
            # Without a file here, the next region with one is described.
            while here is not None and not here.path:
                here = self.first_from(here.end)
            if here is None:
                self.errno = 22
                return 0
            raw = bytes(80) + struct.pack("<QQ", here.start, here.end - here.start) + bytes(152)
            raw += here.path.encode().ljust(1024, b"\0")
            assert len(raw) == 1272
        if size < len(raw):
            self.errno = 12
            return 0
        ctypes.memmove(into, raw, len(raw))
        return len(raw)

    def _proc_pidpath(self, pid: int, into: int, size: int) -> int:
        ctypes.memmove(into, b"/bin/target\0", 12)
        return 11

    def _getsid(self, pid: int) -> int:
        if self.dead:
            self.errno = 3
            return -1
        return 42

    def _sysctl(
        self, name: int, length: int, into: int, size: int, new: int | None, new_size: int
    ) -> int:
        assert struct.unpack("<3i", ctypes.string_at(name, 12)) == (1, 49, self.pid)
        assert length == 3
        if not self.arguments:
            self.errno = 22
            return -1
        ctypes.memmove(into, self.arguments, len(self.arguments))
        ctypes.c_size_t.from_address(size).value = len(self.arguments)
        return 0

    def _sysctlbyname(self, name: int, into: int, size: int, new: int | None, new_size: int) -> int:
        assert ctypes.string_at(name) == b"kern.bootsessionuuid"
        ctypes.memmove(into, b"B007\0", 5)
        return 0


def image(cpu: int, text_size: int, uuid: bytes) -> bytes:
    """A Mach-O header with a zero page, a text segment, and a UUID."""
    segments = [(b"__PAGEZERO", 0, 1 << 32), (b"__TEXT", 1 << 32, text_size)]
    commands = [
        struct.pack("<II16sQQQQiiII", 0x19, 72, name, start, size, 0, 0, 5, 5, 0, 0)
        for name, start, size in segments
    ]
    commands.append(struct.pack("<II", 0x1B, 24) + uuid)
    body = b"".join(commands)
    return struct.pack("<8I", 0xFEEDFACF, cpu, 0, 2, len(commands), len(body), 0, 0) + body


def image_list(at: int, images: list[tuple[int, bytes]]) -> bytes:
    """dyld_all_image_infos, to lie at an address, with its array and its paths behind it."""
    array = at + 512
    path = array + 24 * len(images)
    entries, paths = b"", b""
    for base, name in images:
        entries += struct.pack("<QQQ", base, path + len(paths), 0)
        paths += name + b"\0"
    return struct.pack("<IIQ", 17, len(images), array).ljust(512, b"\0") + entries + paths
