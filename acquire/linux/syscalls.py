"""The system calls that Python has no name for, each as one function.

Everything raises `OSError` with the errno of the call; telling the user is the caller's job.
Structures are those of linux/fs.h and bits/uio.h, the same on every 64-bit architecture.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import struct
import threading
from typing import NamedTuple

__all__ = [
    "GUARD_PAGE",
    "OF_FILE",
    "PAGE_SIZE",
    "PRESENT",
    "SWAPPED",
    "ZERO_PAGE",
    "PageScan",
    "RemoteReader",
    "Vma",
    "query_vma",
    "readable_by_call",
]

PAGE_SIZE: int = os.sysconf("SC_PAGE_SIZE")

OF_FILE, PRESENT, SWAPPED, ZERO_PAGE, GUARD_PAGE = 4, 8, 16, 32, 256
"""Categories of pages, as PAGEMAP_SCAN numbers them (PAGE_IS_…)."""


class _Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


_libc = ctypes.CDLL(None, use_errno=True)
_process_vm_readv = _libc.process_vm_readv
_process_vm_readv.restype = ctypes.c_ssize_t
_process_vm_readv.argtypes = (
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_ulong,
    ctypes.c_void_p,
    ctypes.c_ulong,
    ctypes.c_ulong,
)


class RemoteReader(threading.local):
    """process_vm_readv of one process, or of one of its threads.

    Each thread that uses it has vectors of its own: the call lets other threads run.
    """

    def __init__(self, tid: int) -> None:
        self._tid = tid
        self._local = _Iovec()
        self._remote = _Iovec()
        self._local_pointer = ctypes.addressof(self._local)
        self._remote_pointer = ctypes.addressof(self._remote)

    def read(self, address: int, into: memoryview) -> int:
        """Fill `into` with what is at `address`; how many bytes came, at least 1.

        Raises:
            OSError: EFAULT (not one byte), ESRCH, EPERM.
        """
        pinned = ctypes.c_char.from_buffer(into)
        local, remote = self._local, self._remote
        local.base = ctypes.addressof(pinned)
        local.length = remote.length = len(into)
        remote.base = address
        got: int = _process_vm_readv(self._tid, self._local_pointer, 1, self._remote_pointer, 1, 0)
        if got <= 0:
            number = ctypes.get_errno() if got else errno.EFAULT
            raise OSError(number, os.strerror(number))
        return got


def readable_by_call(tid: int) -> bool:
    """Whether process_vm_readv may read a process; nothing of it is read to find that out."""
    try:
        # Permission is looked at first, and nothing is mapped at address 0.
        RemoteReader(tid).read(0, memoryview(bytearray(1)))
    except OSError as error:
        return error.errno == errno.EFAULT
    return True


_PAGEMAP_SCAN = 0xC0606610
_SCAN = struct.Struct("=12Q")
_RANGE = struct.Struct("=3Q")
_RANGES = 512
# Not more: with a longer vector, Linux 6.18 returns a walk_end in the middle of what it
# has reported, and going on from there reports the rest twice.


class PageScan(threading.local):
    """PAGEMAP_SCAN on the descriptor of a /proc/PID/pagemap (since Linux 6.7).

    Each thread that uses it has a vector of its own: the call lets other threads run.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._vector = (ctypes.c_uint64 * (3 * _RANGES))()
        self._view = memoryview(self._vector).cast("B")
        self._address = ctypes.addressof(self._vector)

    def ranges(
        self, start: int, end: int, any_of: int, mask: int
    ) -> tuple[int, list[tuple[int, int, int]]]:
        """Ranges of pages in one of the categories `any_of`.

        Returns:
            Where to go on (`end`: all is said), and up to 512 ranges: start, end, and those
            of the categories `mask` that all its pages have.

        Raises:
            OSError: ENOTTY (the kernel can't), EINVAL (it doesn't know a category), EFAULT
                (addresses that are no user's), ESRCH (the address space is gone).
        """
        argument = bytearray(
            _SCAN.pack(_SCAN.size, 0, start, end, 0, self._address, _RANGES, 0, 0, 0, any_of, mask)
        )
        count = fcntl.ioctl(self._descriptor, _PAGEMAP_SCAN, argument)
        walked: int = _SCAN.unpack(argument)[4]
        found = list(_RANGE.iter_unpack(self._view[: count * _RANGE.size]))
        return walked if count == _RANGES else end, found

    def any(self, start: int, end: int, any_of: int, without: int) -> bool:
        """Whether there is a page in one of the categories `any_of` and in none of `without`.

        Raises:
            OSError: as `ranges`.
        """
        argument = bytearray(
            _SCAN.pack(
                *(_SCAN.size, 0, start, end, 0, self._address, 1, 1),
                *(without, without, any_of, any_of),
            )
        )
        count: int = fcntl.ioctl(self._descriptor, _PAGEMAP_SCAN, argument)
        return count > 0


class Vma(NamedTuple):
    """One mapping as PROCMAP_QUERY describes it.

    Attributes:
        start, end: addresses.
        flags: 1 read, 2 write, 4 execute, 8 shared.
        offset: in the file, bytes.
        inode, major, minor: of the file; 0 where there is none.
    """

    start: int
    end: int
    flags: int
    offset: int
    inode: int
    major: int
    minor: int


_PROCMAP_QUERY = 0xC0686611
_QUERY = struct.Struct("=9Q4I2Q")
_COVERING_OR_NEXT = 0x10


def query_vma(descriptor: int, address: int, or_next: bool = False) -> Vma | None:
    """The mapping at `address`, or where `or_next` says so the one behind it (since Linux 6.11).

    Args:
        descriptor: of a /proc/PID/maps.

    Raises:
        OSError: ENOTTY (the kernel can't), ESRCH (the address space is gone).
    """
    argument = bytearray(_QUERY.size)
    flags = _COVERING_OR_NEXT if or_next else 0
    _QUERY.pack_into(argument, 0, _QUERY.size, flags, address, *[0] * 12)
    try:
        fcntl.ioctl(descriptor, _PROCMAP_QUERY, argument)
    except OSError as error:
        if error.errno == errno.ENOENT:
            return None
        raise
    fields = _QUERY.unpack(argument)
    start, end, protection, _, offset, inode, major, minor = fields[3:11]
    return Vma(start, end, protection, offset, inode, major, minor)
