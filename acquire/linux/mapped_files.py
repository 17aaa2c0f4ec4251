"""Opening the files that a process has mapped, checked to be the very ones.

``/proc/PID/map_files`` leads to the mapped file itself, whatever became of its name, but only
the privileged may follow it. Otherwise the file is opened by name, inside the target's root,
and taken only if device and inode are those that maps shows.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import NamedTuple

from ..model import Mapping
from .files_of_target import RootFolder, open_regular
from .mounts import RESTLESS
from .proc_text import lines_of, read_bytes, text

__all__ = ["MappedFile", "MappedFiles", "link"]

_DELETED = b" (deleted)"


class MappedFile(NamedTuple):
    """A file as maps shows it.

    Attributes:
        device: major and minor as there, ``fe:00``.
        inode: decimal.
        name: with the marks that the kernel puts in.
        mapping: one of its mappings.
    """

    device: bytes
    inode: bytes
    name: bytes
    mapping: Mapping


class MappedFiles:
    """Opens them.

    Args:
        path: the process's folder of /proc.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._mounts: dict[str, str] | None = None
        self._root: RootFolder | None = None
        with contextlib.suppress(OSError):  # it is not ours to enter
            self._root = RootFolder(f"{path}/root")

    def close(self) -> None:
        """Close the target's root; more than once does no harm."""
        root, self._root = self._root, None
        if root is not None:
            root.close()

    def open(self, file: MappedFile) -> tuple[int, str]:
        """A descriptor of the mapped file, and why it is not to be hashed (or nothing).

        Raises:
            OSError: it can't be opened, or is no regular file.
        """
        mapping = file.mapping
        link = f"{self._path}/map_files/{mapping.start:x}-{mapping.end:x}"
        try:
            # Before a mapping of a device is even looked for; `open_regular` makes sure of it.
            if not stat.S_ISREG(os.stat(link).st_mode):
                raise OSError(errno.ENODEV, "not a regular file")
            descriptor = open_regular(link)
        except OSError as error:
            if error.errno == errno.ENODEV:
                raise
            descriptor = self.by_name(file)
        if not file.name.endswith(_DELETED):
            return descriptor, ""
        if file.name.startswith(b"/memfd:"):
            return descriptor, "not hashed: it is a memfd, in no file system"
        if os.fstat(descriptor).st_nlink and self._has_that_name(file):
            return descriptor, ""
        return descriptor, "not hashed: it is deleted"

    def by_name(self, file: MappedFile) -> int:
        """A descriptor of the file that has the name, if it is the mapped one.

        Raises:
            OSError: it is not, or there is none.
        """
        name = file.name.replace(b"\\012", b"\n")
        if self._root is not None:
            try:
                descriptor = self._root.open(name)
            except OSError:
                pass
            else:
                if self._same(file, descriptor):
                    return descriptor
                os.close(descriptor)
        # After a mere chroot, maps shows paths from our root.
        if link(f"{self._path}/ns/mnt") == link("/proc/self/ns/mnt") != b"":
            descriptor = open_regular(name)
            if self._same(file, descriptor):
                return descriptor
            os.close(descriptor)
        if file.name.endswith(_DELETED):
            raise OSError(errno.ENOENT, "it is deleted")
        raise OSError(errno.ENOENT, "its name leads to another file, or to none")

    def _has_that_name(self, file: MappedFile) -> bool:
        """Whether a name that looks like the kernel's mark is really the file's name."""
        try:
            descriptor = self.by_name(file)
        except OSError:
            return False
        os.close(descriptor)
        return True

    def _same(self, file: MappedFile, descriptor: int) -> bool:
        told = os.fstat(descriptor)
        if not stat.S_ISREG(told.st_mode) or told.st_ino != int(file.inode):
            return False
        major, _, minor = file.device.partition(b":")
        if told.st_dev == os.makedev(int(major, 16), int(minor, 16)):
            return True
        return self._file_system(descriptor) in RESTLESS

    def _file_system(self, descriptor: int) -> str:
        """The type of file system that an open file is on; empty where unknown."""
        if self._mounts is None:
            try:
                lines = lines_of(read_bytes(f"{self._path}/mountinfo"))
            except OSError:
                lines = []
            self._mounts = {
                text(line.split(b" ", 1)[0]): text(line.partition(b" - ")[2].split(b" ")[0])
                for line in lines
                if b" - " in line
            }
        for line in lines_of(read_bytes(f"/proc/self/fdinfo/{descriptor}")):
            if line.startswith(b"mnt_id:"):
                return self._mounts.get(text(line[7:].strip()), "")
        return ""


def link(path: str) -> bytes:
    """Where a link leads, with the marks of maps; empty where nobody may know."""
    try:
        return os.readlink(os.fsencode(path)).replace(b"\n", b"\\012")
    except OSError:
        return b""
