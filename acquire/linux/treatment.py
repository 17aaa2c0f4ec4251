"""What is to be done about the pages of a mapping that a process does not have.

Reading such a page makes the kernel provide it: the process grows, or waits for somebody who
may never answer, or a device does something. What a file holds is read from the file instead;
what can't be had so is not read.
"""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from ..model import EXECUTE, READ, WRITE, Action, Mapping
from .backing import Backings
from .maps import Details, details
from .mounts import is_remote
from .syscalls import PAGE_SIZE

__all__ = ["FILE_UNREACHED", "SHARED_UNREACHED", "Treatment", "Treatments"]

FILE_UNREACHED = "file_unreached"
SHARED_UNREACHED = "shared_unreached"
"""Causes: the page would have to be read through the process, which would grow by it."""

_ZERO_DEVICE = os.makedev(1, 5)
_LARGEST_BLOCK = 1 << 18
"""Block size from which on a file system that is mounted nowhere has huge pages."""
_WITH_PAGES = ("[", "anon_inode:[io_uring]", "anon_inode:[perf_event]", "socket:")
"""How kernel objects are named whose pages are all there, or that give none when they are read.
Others may make a page for whoever reads: the memory of a guest, an arena of BPF."""


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
_OF_KERNEL = Treatment(Action.SKIP, FILE_UNREACHED)


class _File(NamedTuple):
    """What is known of a mapped file.

    Attributes:
        size: bytes; -1 where unknown.
        huge: whether its pages are huge.
        system: type of its file system; empty if that is mounted nowhere.
        reachable: whether it can be read without going through the process.
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
        backings: the ways to the mapped files.
        devices: read devices too.
        touch_shared: what can't be read from its file is read through the process, which
            then has it.
    """

    def __init__(
        self, backings: Backings, devices: bool = False, touch_shared: bool = False
    ) -> None:
        self._backings = backings
        self._devices = devices
        self._touch = touch_shared
        self._files: dict[tuple[tuple[int, int], int], _File] = {}

    def refresh(self) -> None:
        """Forget what was known of files: they may have changed."""
        self._backings.refresh()
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
        if name.startswith(("/", "[anon_shmem:")):
            return self._of_file(mapping, details(mapping))
        if name.startswith("dmabuf:") and not self._devices:
            return _DEVICE
        return _READ if self._touch or name.startswith(_WITH_PAGES) else _OF_KERNEL

    def _untouched(self, mapping: Mapping) -> Treatment:
        return _UNTOUCHED if mapping.protection & (READ | WRITE | EXECUTE) else _NO_ACCESS

    def _of_kernel_file(self, mapping: Mapping, more: Details) -> Treatment:
        """What is named like the kernel's own anonymous files; anybody can name a file so."""
        file = self._file(mapping, more)
        if mapping.name.startswith("/anon_hugepage") and not file.system:
            return _HUGE
        if file.device == _ZERO_DEVICE or (not file.mode and mapping.name == "/dev/zero"):
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
        if is_remote(file.system):
            return _REMOTE_FILE
        if file.huge:
            # A read of the file gives zeros for a hole; a read of memory would fill it.
            return _HUGE_FILE if more.shared and file.reachable else _HUGE_ABSENT
        if mapping.name.startswith("/secretmem") and not file.system:
            return _READ  # refused before anything is provided
        in_front = None
        if stat.S_ISREG(file.mode) and file.size >= 0:
            in_front = max(0, -((more.offset - file.size) // PAGE_SIZE))
            if in_front * PAGE_SIZE >= mapping.size:
                in_front = None
        in_memory = mapping.region_type == "shared_mem" or file.system in ("tmpfs", "ramfs")
        if file.reachable:
            return Treatment(file_pages=in_front, holes=in_memory, absent_from_file=True)
        if self._touch:
            return Treatment(file_pages=in_front)
        return Treatment(
            Action.SKIP,
            SHARED_UNREACHED if in_memory else FILE_UNREACHED,
            file_pages=in_front,
        )

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
        system = self._backings.mounts.system(more.device)
        # Of some file systems even asking for a size can take for ever.
        seen = None if is_remote(system) else self._backings.look(mapping, more)
        if seen is None:
            return _File(0, -1, system == "hugetlbfs", system, False)
        found, block, readable = seen
        # Huge pages of a memfd, SysV or other kernel object are mounted nowhere.
        huge = system == "hugetlbfs" or (not system and block >= _LARGEST_BLOCK)
        device = found.st_rdev if stat.S_ISCHR(found.st_mode) else 0
        return _File(found.st_mode, found.st_size, huge, system, readable, device)
