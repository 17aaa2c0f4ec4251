"""The thin layer above macOS' library: prototypes, and calls that raise when they fail."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from msl_construct.errors import TargetError

from ..plain_target import CallFailed
from . import structures as mach

__all__ = ["MacosCallFailed", "MacosRegion", "MacosSystem", "load_system"]

_INT, _U32, _U64 = ctypes.c_int32, ctypes.c_uint32, ctypes.c_uint64
_POINTER = ctypes.c_void_p

_PROTOTYPES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "getsid": (_INT, (_INT,)),
    "mach_port_deallocate": (_INT, (_U32, _U32)),
    "mach_task_self": (_U32, ()),
    "mach_vm_deallocate": (_INT, (_U32, _U64, _U64)),
    "mach_vm_page_range_query": (_INT, (_U32, _U64, _U64, _POINTER, _POINTER)),
    "mach_vm_read_overwrite": (_INT, (_U32, _U64, _U64, _POINTER, _POINTER)),
    "mach_vm_region_recurse": (_INT, (_U32, _POINTER, _POINTER, _POINTER, _POINTER, _POINTER)),
    "proc_listpids": (_INT, (_U32, _U32, _POINTER, _INT)),
    "proc_pidinfo": (_INT, (_INT, _INT, _U64, _POINTER, _INT)),
    "proc_pidpath": (_INT, (_INT, _POINTER, _U32)),
    "sysctl": (_INT, (_POINTER, _U32, _POINTER, _POINTER, _POINTER, ctypes.c_size_t)),
    "sysctlbyname": (_INT, (ctypes.c_char_p, _POINTER, _POINTER, _POINTER, ctypes.c_size_t)),
    "task_for_pid": (_INT, (_U32, _INT, _POINTER)),
    "task_info": (_INT, (_U32, _U32, _POINTER, _POINTER)),
    "task_resume": (_INT, (_U32,)),
    "task_suspend": (_INT, (_U32,)),
    "task_threads": (_INT, (_U32, _POINTER, _POINTER)),
    "thread_get_state": (_INT, (_U32, _INT, _POINTER, _POINTER)),
    "thread_info": (_INT, (_U32, _U32, _POINTER, _POINTER)),
}

_DEEPEST_SUBMAP = 1024
_LONGEST_PATH = 4096
_LONGEST_ARGUMENTS = 1 << 20
_MOST_PROCESSES = 1 << 16
_KERN_PROCARGS2 = (1, 49)

Info = TypeVar("Info", bound=ctypes.Structure)


class MacosCallFailed(CallFailed):
    """A system call failed; `code` is a kern_return_t, or the errno of a BSD function."""

    @property
    def dead(self) -> bool:
        """Whether it says that the task is no more."""
        return self.code in (
            mach.KERN_INVALID_ARGUMENT,
            mach.KERN_TERMINATED,
            mach.MACH_SEND_INVALID_DEST,
        )


class MacosRegion(NamedTuple):
    """One entry of an address space."""

    start: int
    end: int
    info: mach.SubmapInfo


class MacosSystem:
    """The calls that the backend makes.

    Args:
        library: libSystem, or something that looks like it.
        last_errno: what errno was after the last call of this thread.

    Raises:
        TargetError: a function is missing.
    """

    def __init__(self, library: Any, last_errno: Callable[[], int]) -> None:
        self._last_errno = last_errno
        self._call: dict[str, Any] = {}
        for name, (result, arguments) in _PROTOTYPES.items():
            try:
                function = getattr(library, name)
            except AttributeError:
                raise TargetError(
                    f"this macOS has no {name}", remedy="macOS 10.15 or later is needed"
                ) from None
            function.restype, function.argtypes = result, arguments
            self._call[name] = function
        self._self = int(self._call["mach_task_self"]())

    def _mach(self, name: str, *arguments: Any) -> None:
        code = int(self._call[name](*arguments))
        if code != mach.KERN_SUCCESS:
            raise MacosCallFailed(name, code)

    def _bsd(self, name: str, *arguments: Any) -> int:
        result = int(self._call[name](*arguments))
        if result < 0:
            raise MacosCallFailed(name, self._last_errno())
        return result

    # Tasks ---------------------------------------------------------------------------------

    def task(self, pid: int) -> int:
        """The task port, to be released."""
        port = ctypes.c_uint32()
        self._mach("task_for_pid", self._self, pid, ctypes.byref(port))
        return port.value

    def release(self, port: int) -> None:
        """Give a right to a port back."""
        self._call["mach_port_deallocate"](self._self, port)

    def suspend(self, task: int) -> None:
        """Raise the suspend count of the task."""
        self._mach("task_suspend", task)

    def resume(self, task: int) -> None:
        """Lower the suspend count of the task."""
        self._mach("task_resume", task)

    def basic_info(self, task: int) -> mach.TaskBasicInfo:
        """Memory and suspend count."""
        return self._info("task_info", task, mach.MACH_TASK_BASIC_INFO, mach.TaskBasicInfo)

    def page_size(self, task: int) -> int:
        """Of this task: an Intel program on an ARM machine has pages of its own size."""
        return int(self._info("task_info", task, mach.TASK_VM_INFO, mach.TaskVmInfo).page_size)

    def dyld_info(self, task: int) -> mach.DyldInfo:
        """Where the dynamic linker keeps its list of images."""
        return self._info("task_info", task, mach.TASK_DYLD_INFO, mach.DyldInfo)

    def _info(self, name: str, port: int, flavor: int, kind: type[Info]) -> Info:
        info = kind()
        count = ctypes.c_uint32(ctypes.sizeof(kind) // 4)
        self._mach(name, port, flavor, ctypes.byref(info), ctypes.byref(count))
        return info

    # Memory --------------------------------------------------------------------------------

    def region(self, task: int, address: int) -> MacosRegion:
        """The entry at `address`, or the first behind it, inside whatever submaps there are."""
        start, size = ctypes.c_uint64(address), ctypes.c_uint64()
        depth = ctypes.c_uint32(_DEEPEST_SUBMAP)
        info = mach.SubmapInfo()
        count = ctypes.c_uint32(ctypes.sizeof(info) // 4)
        self._mach(
            "mach_vm_region_recurse",
            task,
            ctypes.byref(start),
            ctypes.byref(size),
            ctypes.byref(depth),
            ctypes.byref(info),
            ctypes.byref(count),
        )
        return MacosRegion(start.value, start.value + size.value, info)

    def read(self, task: int, address: int, into: memoryview) -> tuple[int, int]:
        """How many bytes came, and the error (0: none) that ended it."""
        target = (ctypes.c_char * len(into)).from_buffer(into)
        came = ctypes.c_uint64()
        code = int(
            self._call["mach_vm_read_overwrite"](
                task, address, len(into), target, ctypes.byref(came)
            )
        )
        return (0, code) if code else (min(came.value, len(into)), 0)

    def dispositions(self, task: int, address: int, pages: int, page_size: int) -> list[int]:
        """What the kernel knows of each page; empty unless it answered for all of them."""
        found = (ctypes.c_int32 * pages)()
        count = ctypes.c_uint64(pages)
        self._mach(
            "mach_vm_page_range_query",
            task,
            address,
            pages * page_size,
            found,
            ctypes.byref(count),
        )
        return list(found) if count.value == pages else []

    # Threads -------------------------------------------------------------------------------

    def threads(self, task: int) -> list[int]:
        """The ports of its threads, each to be released."""
        ports, count = ctypes.c_void_p(), ctypes.c_uint32()
        self._mach("task_threads", task, ctypes.byref(ports), ctypes.byref(count))
        if not ports.value:
            return []
        found = list((ctypes.c_uint32 * count.value).from_address(ports.value))
        self._call["mach_vm_deallocate"](self._self, ports.value, 4 * count.value)
        return found

    def thread_id(self, thread: int) -> int:
        """Its number, which no other thread ever had."""
        info = self._info(
            "thread_info", thread, mach.THREAD_IDENTIFIER_INFO, mach.ThreadIdentifierInfo
        )
        return int(info.thread_id)

    def thread_info(self, thread: int) -> mach.ThreadExtendedInfo:
        """Its name and state."""
        return self._info("thread_info", thread, mach.THREAD_EXTENDED_INFO, mach.ThreadExtendedInfo)

    def thread_state(self, thread: int, flavor: int, size: int) -> bytes:
        """Its registers: `size` bytes."""
        state = ctypes.create_string_buffer(size)
        count = ctypes.c_uint32(size // 4)
        self._mach("thread_get_state", thread, flavor, state, ctypes.byref(count))
        if count.value * 4 != size:
            raise MacosCallFailed("thread_get_state", mach.KERN_INVALID_ARGUMENT)
        return state.raw

    # libproc and sysctl --------------------------------------------------------------------

    def processes(self) -> list[int]:
        """The PIDs of all processes."""
        found = (ctypes.c_int32 * _MOST_PROCESSES)()
        length = self._bsd("proc_listpids", mach.PROC_ALL_PIDS, 0, found, ctypes.sizeof(found))
        return sorted(pid for pid in found[: length // 4] if pid)

    def process(self, pid: int) -> mach.BsdInfo:
        """Parent, names, start."""
        info = mach.BsdInfo()
        self._process_info(pid, mach.PROC_PIDTBSDINFO, 0, info)
        return info

    def region_path(self, pid: int, address: int) -> mach.RegionPath:
        """The file of the region at `address`, or, if there is none, of one behind it."""
        info = mach.RegionPath()
        self._process_info(pid, mach.PROC_PIDREGIONPATHINFO, address, info)
        return info

    def _process_info(self, pid: int, flavor: int, argument: int, info: Any) -> None:
        size = ctypes.sizeof(info)
        if self._call["proc_pidinfo"](pid, flavor, argument, ctypes.byref(info), size) != size:
            raise MacosCallFailed("proc_pidinfo", self._last_errno())

    def path(self, pid: int) -> str:
        """Of the executable."""
        buffer = ctypes.create_string_buffer(_LONGEST_PATH)
        if self._call["proc_pidpath"](pid, buffer, _LONGEST_PATH) <= 0:
            raise MacosCallFailed("proc_pidpath", self._last_errno())
        return buffer.value.decode("utf-8", "surrogateescape")

    def session(self, pid: int) -> int:
        """Its session."""
        return self._bsd("getsid", pid)

    def arguments(self, pid: int) -> list[bytes]:
        """What it was started with."""
        name = (ctypes.c_int32 * 3)(*_KERN_PROCARGS2, pid)
        buffer = ctypes.create_string_buffer(_LONGEST_ARGUMENTS)
        length = ctypes.c_size_t(len(buffer))
        self._bsd("sysctl", name, 3, buffer, ctypes.byref(length), None, 0)
        raw = buffer.raw[: length.value]
        # A count, the path of the executable, padding, then the arguments, each with a NUL.
        count = int.from_bytes(raw[:4], sys.byteorder)
        behind_path = raw[4:].partition(b"\0")[2].lstrip(b"\0")
        return behind_path.split(b"\0")[:count]

    def boot_session(self) -> str:
        """A UUID that lasts until the next start."""
        buffer = ctypes.create_string_buffer(64)
        length = ctypes.c_size_t(len(buffer))
        self._bsd("sysctlbyname", b"kern.bootsessionuuid", buffer, ctypes.byref(length), None, 0)
        return buffer.value.decode("ascii", "replace")


def load_system() -> MacosSystem:
    """Open the library.

    Raises:
        TargetError: this is not macOS.
    """
    if sys.platform != "darwin":
        raise TargetError("the macOS backend needs macOS", remedy=f"this is {sys.platform}")
    return MacosSystem(ctypes.CDLL("/usr/lib/libSystem.B.dylib", use_errno=True), ctypes.get_errno)
