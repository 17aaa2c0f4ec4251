"""What is to be done about the pages of a mapping that a process does not have.

Reading such a page makes the kernel provide it. For some mappings that does no harm and
gives what the file holds. For others it would grow the target, wait for somebody who may
never answer, or make a device do something.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import NamedTuple

from ..model import EXECUTE, READ, WRITE, Action, Mapping
from .maps import Details, details, read_whole
from .syscalls import PAGE_SIZE

__all__ = ["Treatment", "Treatments"]

_REMOTE = ("fuse", "nfs", "cifs", "smb", "9p", "ceph", "afs", "lustre", "gfs", "ocfs", "coda")
_NOT_REMOTE = ("nfsd", "fusectl", "virtiofs")
_ZERO_DEVICE = os.makedev(1, 5)
_LARGEST_BLOCK = 1 << 18
"""Block size from which on a file system that is mounted nowhere has huge pages."""


class Treatment(NamedTuple):
    """How to treat a mapping.

    Attributes:
        absent, cause: for pages that the process does not have (neither present nor swapped).
        present: for those that it has.
        file_pages: pages of the mapping in front of the file's end; None: no end is known.
        holes: whether to ask the file first which absent pages are holes.
        through_file: whether to read from the file instead of from memory.
        absent_from_file: the same for absent pages alone: what they would hold is what the
            file holds, and reading them from memory would give them to the target.
    """

    absent: Action = Action.READ
    cause: str = ""
    present: Action = Action.READ
    file_pages: int | None = None
    holes: bool = False
    through_file: bool = False
    absent_from_file: bool = False


_READ = Treatment()
_READ_FILE = Treatment(absent_from_file=True)
_KERNEL = Treatment(Action.SKIP, "kernel", Action.SKIP)
_DEVICE = Treatment(Action.SKIP, "device", Action.SKIP)
_DISK = Treatment(Action.SKIP, "device")
_UNTOUCHED = Treatment(Action.UNTOUCHED, "untouched")
_NO_ACCESS = Treatment(Action.UNTOUCHED, "untouched_no_access")
_HUGE = Treatment(Action.UNTOUCHED, "untouched_huge")
_HUGE_FILE = Treatment(through_file=True)
_HUGE_ABSENT = Treatment(Action.SKIP, "huge_not_present")
_REMOTE_FILE = Treatment(Action.SKIP, "remote_file")
_FAULT_HANDLER = Treatment(Action.SKIP, "userfaultfd")


class _File(NamedTuple):
    """What is known of a mapped file.

    Attributes:
        size: bytes; -1 where unknown.
        huge: whether its pages are huge.
        system: type of its file system; empty if that is mounted nowhere.
        reachable: whether its map_files entry leads to it.
        device: number of the character device that it is; 0 if it is none.
    """

    mode: int
    size: int
    huge: bool
    system: str
    reachable: bool
    device: int = 0


class Treatments:
    """The treatments of one process's mappings.

    Args:
        tid: a living thread of it.
        devices: read devices too.
        unknown_pages: nothing is known of which pages are present, so that none can be said
            to be absent.
    """

    def __init__(self, tid: int, devices: bool = False, unknown_pages: bool = False) -> None:
        self._tid = tid
        self._devices = devices
        self._unknown_pages = unknown_pages
        self._systems: dict[tuple[int, int], str] | None = None
        self._files: dict[tuple[tuple[int, int], int], _File] = {}

    def refresh(self) -> None:
        """Forget what was known of files: they may have changed."""
        self._systems = None
        self._files.clear()

    def of(self, mapping: Mapping, fault_handler: bool = False) -> Treatment:
        """How to treat `mapping`.

        Args:
            fault_handler: whether a userfaultfd is registered for it.
        """
        name = mapping.name
        if name.startswith(("[vvar", "[vsyscall]")) or mapping.end > 1 << 63:
            return _KERNEL
        if fault_handler:
            return _FAULT_HANDLER
        if mapping.region_type in ("heap", "stack", "anonymous"):
            if name.startswith("/"):
                return self._of_kernel_file(mapping, details(mapping))
            return self._untouched(mapping)
        if not name.startswith("/"):
            # Kernel objects: [vdso], io_uring and perf rings, packet sockets …
            return _DEVICE if name.startswith("dmabuf:") and not self._devices else _READ
        return self._of_file(mapping, details(mapping))

    def _untouched(self, mapping: Mapping) -> Treatment:
        if self._unknown_pages:
            return _READ
        return _UNTOUCHED if mapping.protection & (READ | WRITE | EXECUTE) else _NO_ACCESS

    def _of_kernel_file(self, mapping: Mapping, more: Details) -> Treatment:
        """What is named like the kernel's own anonymous files; anybody can name a file so."""
        file = self._file(mapping, more)
        if mapping.name.startswith("/anon_hugepage") and not file.system:
            return _READ if self._unknown_pages else _HUGE
        if file.device == _ZERO_DEVICE:
            return self._untouched(mapping)
        return self._of_file(mapping, more)

    def _file(self, mapping: Mapping, more: Details) -> _File:
        file = self._files.get((more.device, more.inode))
        if file is None:
            file = self._files[more.device, more.inode] = self._look_at(mapping, more)
        return file

    def _of_file(self, mapping: Mapping, more: Details) -> Treatment:
        file = self._file(mapping, more)
        if self._is_device(mapping.name, file):
            return _READ if self._devices else _DEVICE
        if stat.S_ISBLK(file.mode):
            return _READ if self._devices else _DISK
        if file.system.startswith(_REMOTE) and file.system not in _NOT_REMOTE:
            return _REMOTE_FILE
        if file.huge:
            # A read of the file gives zeros for a hole; a read of memory would fill it.
            return _HUGE_FILE if more.shared and file.reachable else _HUGE_ABSENT
        in_front = None
        if stat.S_ISREG(file.mode) and file.size >= 0:
            in_front = max(0, -((more.offset - file.size) // PAGE_SIZE))
            if in_front * PAGE_SIZE >= mapping.size:
                in_front = None
        in_memory = mapping.region_type == "shared_mem" or file.system in ("tmpfs", "ramfs")
        from_file = stat.S_ISREG(file.mode) and file.reachable and not in_memory
        if in_front is None and not in_memory:
            return _READ_FILE if from_file else _READ
        return Treatment(file_pages=in_front, holes=in_memory, absent_from_file=from_file)

    def _is_device(self, name: str, file: _File) -> bool:
        if stat.S_ISCHR(file.mode):
            return file.device != _ZERO_DEVICE
        if file.mode:
            # Registers of PCI devices are files of sysfs and of /proc/bus/pci.
            return file.system in ("sysfs", "proc") or name.startswith("/dmabuf:")
        return name.startswith(("/dev/", "/sys/", "/proc/", "/dmabuf:")) and not name.startswith(
            ("/dev/shm/", "/dev/zero", "/dev/hugepages/")
        )

    def _look_at(self, mapping: Mapping, more: Details) -> _File:
        if self._systems is None:
            self._systems = self._mounted()
        system = self._systems.get(more.device, "")
        if system.startswith(_REMOTE) and system not in _NOT_REMOTE:
            # Even asking for its size can take for ever.
            return _File(0, -1, False, system, False)
        entry = f"/proc/{self._tid}/map_files/{mapping.start:x}-{mapping.end:x}"
        # The entry needs CAP_CHECKPOINT_RESTORE; a path may lead to another file now.
        for path in (entry, f"/proc/{self._tid}/root{mapping.name}"):
            try:
                found = os.stat(path)
                if found.st_ino != more.inode:
                    continue
                huge = system == "hugetlbfs" or (
                    # Huge pages of a memfd, SysV or other kernel object are mounted nowhere.
                    not system and os.statvfs(path).f_bsize >= _LARGEST_BLOCK
                )
            except (OSError, ValueError):
                continue
            device = found.st_rdev if stat.S_ISCHR(found.st_mode) else 0
            return _File(found.st_mode, found.st_size, huge, system, path == entry, device)
        return _File(0, -1, system == "hugetlbfs", system, False)

    def _mounted(self) -> dict[tuple[int, int], str]:
        """Types of the file systems, by device, that we or the target have mounted."""
        systems: dict[tuple[int, int], str] = {}
        for path in ("/proc/self/mountinfo", f"/proc/{self._tid}/mountinfo"):
            try:
                lines = read_whole(path).split(b"\n")
            except OSError:
                continue
            for line in lines:
                front, _, back = line.partition(b" - ")
                with suppress(ValueError, IndexError):  # a name may hold anything but newlines
                    major, _, minor = front.split(b" ")[2].partition(b":")
                    system = back.split(b" ")[0].decode("ascii", "replace")
                    systems[int(major), int(minor)] = system
        return systems
