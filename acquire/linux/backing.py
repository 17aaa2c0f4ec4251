"""The files behind a process's mappings, reached without going through its memory.

A page that a process does not have is provided by the kernel when it is read there, and the
process has it from then on; a hole of shared memory even gets memory of its own. The file gives
the same bytes and leaves the process as it is. Three ways lead to it, the surest first: the
process's map_files (for the privileged), a descriptor that it holds of the same file, and the
file's name inside its root. Whatever they lead to is taken only if it is the mapped file.
"""

from __future__ import annotations

import errno
import os
import resource
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TypeVar

from ..model import Mapping
from .files_of_target import RootFolder, open_place
from .maps import Details, read_whole
from .mounts import RESTLESS, Mounts, is_remote
from .syscalls import PAGE_SIZE

__all__ = ["Backings", "files_left", "read_as_mapped"]

_PLACE = getattr(os, "O_PATH", 0) | os.O_CLOEXEC
_NONE_LEFT = (errno.EMFILE, errno.ENFILE)
_MOST_OPEN, _FEW_OPEN = 160, 32
"""Files of a process that are kept open at once; the fewer where much is open. Many programs
may open no more than 1,024, and many targets may be acquired together."""
_WITHOUT_NAME = (
    *("/memfd:", "/SYSV", "/dev/zero (deleted)", "/anon_hugepage", "/secretmem"),
    *("[", "/["),
)
"""How the names of the kernel's own files begin, which are in no folder."""

_T = TypeVar("_T")
_Key = tuple[tuple[int, int], int]


def files_left() -> int:
    """How many more files may well be opened here, so that half of all may be for others."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY:
        return _MOST_OPEN * 4
    with suppress(OSError):
        return int(most) // 2 - len(os.listdir("/proc/self/fd"))
    return 0


def read_as_mapped(descriptor: int, at: int, into: memoryview) -> tuple[int, int]:
    """Read a file from `at` on as memory shows it: zeros behind its end, up to the end of a page.

    Returns:
        bytes in whole pages, and the errno at which reading stopped; 0: not by an error.
    """
    got = number = 0
    try:
        while got < len(into) and (count := os.preadv(descriptor, [into[got:]], at + got)):
            got += count
    except OSError as error:
        number = error.errno or errno.EIO
    if not number and got % PAGE_SIZE:
        tail = -got % PAGE_SIZE
        into[got : got + tail] = bytes(tail)
        got += tail
    return got // PAGE_SIZE * PAGE_SIZE, number


class _Open:
    """A file that is open, and by how many it is being used."""

    __slots__ = ("descriptor", "users")

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.users = 0


class Backings:
    """The files that a process has mapped.

    Nothing is asked of a file system that may never answer, and nothing but regular files is
    opened. May be used from several threads at once.

    Args:
        tid: a living thread of it.
    """

    def __init__(self, tid: int) -> None:
        self._path = f"/proc/{tid}"
        self._tid = tid
        self._lock = threading.Lock()
        self._open: dict[_Key, _Open] = {}
        self._most = _MOST_OPEN if files_left() > _MOST_OPEN else _FEW_OPEN
        self._forget()

    def _forget(self) -> None:
        self._mounts: Mounts | None = None
        self._links: dict[bytes, list[str]] | None = None
        self._inodes: dict[int, list[str]] | None = None
        self._root: RootFolder | None = None
        self._no_root = False

    def refresh(self) -> None:
        """Forget what was known of descriptors and mounts: they may have changed.

        Files that are open stay what they are.
        """
        with self._lock:
            self._forget_places()

    def take_over(self, other: Backings) -> None:
        """Have the files that another one of the same process has open, and nobody uses."""
        with self._lock, other._lock:
            for key in [key for key, kept in other._open.items() if not kept.users]:
                if key not in self._open:
                    self._open[key] = other._open.pop(key)

    def close(self) -> None:
        """Close every file that nobody uses; more than once does no harm."""
        with self._lock:
            self._drop(0)
            self._forget_places()

    def _forget_places(self) -> None:
        if self._root is not None:
            self._root.close()
        self._forget()

    @property
    def mounts(self) -> Mounts:
        """What the process has mounted."""
        if self._mounts is None:
            self._mounts = Mounts(self._tid)
        return self._mounts

    def look(self, mapping: Mapping, more: Details) -> tuple[os.stat_result, int, bool] | None:
        """What is known of the mapped file: its stat, block size, and whether it can be read.

        Returns:
            None where no way leads to it. The block size is 0 where it is not asked for: of
            anything but a regular file.
        """
        with self._lock:
            kept = self._open.get((more.device, more.inode))
            if kept is not None:
                return self._looked_at(kept.descriptor, not self._watched())
            try:
                place = self._reach(mapping, more)
            except OSError:
                return None
            if place < 0:
                return None
            try:
                found = os.fstat(place)
                if not stat.S_ISREG(found.st_mode):
                    return found, 0, False
                block = os.fstatvfs(place).f_bsize
                try:
                    self._keep(more, place)
                except OSError:
                    return found, block, False
                return found, block, True
            except OSError:
                return None
            finally:
                os.close(place)

    @contextmanager
    def opened(self, mapping: Mapping, more: Details) -> Iterator[int]:
        """A descriptor of the mapped file, for as long as the with block lasts.

        Raises:
            OSError: no way leads to it, or it is not to be read.
        """
        with self._lock:
            kept = self._open.get((more.device, more.inode))
            if kept is None:
                place = self._reach(mapping, more)
                if place < 0:
                    raise OSError(errno.ENOENT, "no way leads to the mapped file")
                try:
                    kept = self._keep(more, place)
                finally:
                    os.close(place)
            kept.users += 1
        try:
            yield kept.descriptor
        finally:
            with self._lock:
                kept.users -= 1

    @staticmethod
    def _looked_at(descriptor: int, readable: bool) -> tuple[os.stat_result, int, bool] | None:
        """The same of a file that is open."""
        try:
            return os.fstat(descriptor), os.fstatvfs(descriptor).f_bsize, readable
        except OSError:
            return None

    # Below, the lock is held -----------------------------------------------------------

    def _keep(self, more: Details, place: int) -> _Open:
        key = more.device, more.inode
        kept = self._open.get(key)
        if kept is None:
            if self._watched():
                raise OSError(errno.EACCES, "the process itself decides on who opens files")
            self._drop(self._most - 1)
            kept = self._open[key] = _Open(self._try(partial(open_place, place, "")))
        return kept

    def _drop(self, most: int) -> None:
        """Close what was opened first, until no more than so many are open."""
        for key in [key for key, kept in self._open.items() if not kept.users]:
            if len(self._open) <= most:
                break
            os.close(self._open.pop(key).descriptor)

    def _try(self, opening: Callable[[], _T]) -> _T:
        """Open something; if there are no descriptors left, at the cost of those kept."""
        try:
            return opening()
        except OSError as error:
            if error.errno not in _NONE_LEFT or not self._open:
                raise
            self._drop(0)
            return opening()

    def _reach(self, mapping: Mapping, more: Details) -> int:
        """A descriptor of O_PATH of the mapped file; -1 where no way leads to it.

        Raises:
            OSError: we may open no more files.
        """
        if is_remote(self.mounts.system(more.device)):
            return -1
        for way in (self._by_mapping, self._by_descriptor, self._by_name):
            try:
                place = way(mapping, more)
            except OSError as error:
                if error.errno in _NONE_LEFT:
                    raise
                continue
            except ValueError:
                continue
            if place >= 0:
                return place
        return -1

    def _by_mapping(self, mapping: Mapping, more: Details) -> int:
        link = f"{self._path}/map_files/{mapping.start:x}-{mapping.end:x}"
        place = self._try(partial(os.open, link, _PLACE))
        if os.fstat(place).st_ino == more.inode:
            return place
        os.close(place)  # something else is mapped there now
        return -1

    def _by_descriptor(self, mapping: Mapping, more: Details) -> int:
        name = os.fsencode(mapping.name)
        by_name, by_inode = self._held(), self._inodes
        numbers = by_name.get(name, [])
        if not numbers:
            if by_inode is None:
                by_inode = self._inodes = self._by_inode()
            numbers = by_inode.get(more.inode, [])
        for number in numbers:
            with suppress(OSError, ValueError):
                if is_remote(self.mounts.system_of(self._told(number)[0])):
                    continue
                place = self._try(partial(os.open, f"{self._path}/fd/{number}", _PLACE))
                if self._same(place, more):
                    return place
                os.close(place)
        return -1

    def _held(self) -> dict[bytes, list[str]]:
        """Numbers of the process's descriptors by what they are of."""
        if self._links is None:
            self._links = {}
            folder = f"{self._path}/fd".encode()
            with suppress(OSError):
                for number in os.listdir(folder):
                    with suppress(OSError):
                        link = os.readlink(folder + b"/" + number)
                        self._links.setdefault(link, []).append(number.decode())
        return self._links

    def _by_inode(self) -> dict[int, list[str]]:
        """The same by inode, which counts where a file has several names."""
        found: dict[int, list[str]] = {}
        for link, numbers in self._held().items():
            if link.startswith(b"/"):
                for number in numbers:
                    with suppress(OSError, ValueError):
                        found.setdefault(self._told(number)[1], []).append(number)
        return found

    def _told(self, number: str) -> tuple[int, int]:
        """Of a descriptor of the process: number of its mount, and inode (0: not told)."""
        return _mount_and_inode(f"{self._path}/fdinfo/{number}")

    def _watched(self) -> bool:
        """Whether the process can keep us from opening files, and may stand still meanwhile."""
        return b"anon_inode:[fanotify]" in self._held()

    def _by_name(self, mapping: Mapping, more: Details) -> int:
        name = mapping.name
        if name.startswith(_WITHOUT_NAME) or not self.mounts.answers(os.fsencode(name)):
            return -1
        if self._root is None and not self._no_root:
            try:
                self._root = self._try(partial(RootFolder, f"{self._path}/root"))
            except OSError:
                self._no_root = True
        if self._root is not None:
            with suppress(OSError):
                place = self._root.find(name)
                if self._same(place, more):
                    return place
                os.close(place)
        # After a mere chroot, maps shows paths from our root.
        if os.readlink(f"{self._path}/ns/mnt") != os.readlink("/proc/self/ns/mnt"):
            return -1
        with RootFolder("/") as ours:
            place = ours.find(name)
        if self._same(place, more):
            return place
        os.close(place)
        return -1

    def _same(self, place: int, more: Details) -> bool:
        """Whether a place is the file that maps shows."""
        found = os.fstat(place)
        if found.st_ino != more.inode:
            return False
        if found.st_dev == os.makedev(*more.device):
            return True
        number, _ = _mount_and_inode(f"/proc/self/fdinfo/{place}")
        return self.mounts.system_of(number) in RESTLESS


def _mount_and_inode(path: str) -> tuple[int, int]:
    """What a file of fdinfo says of mount and inode; 0 where it says nothing."""
    mount = inode = 0
    for line in read_whole(path).split(b"\n")[:8]:
        key, _, value = line.partition(b":")
        if key == b"mnt_id":
            mount = int(value)
        elif key == b"ino":
            inode = int(value)
    return mount, inode
