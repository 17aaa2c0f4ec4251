"""Open a file as the target would: below its root folder, its links followed inside it.

A plain ``/proc/PID/root/a/b`` is not enough: an absolute symbolic link met on the way would
be followed from *our* root, and a container could so make us read our own files for its.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import stat
import struct

__all__ = ["RootFolder", "open_place", "open_regular"]

_OPENAT2 = 437  # the same number on every architecture
_RESOLVE_NO_MAGICLINKS, _RESOLVE_NO_SYMLINKS, _RESOLVE_IN_ROOT = 0x02, 0x04, 0x10
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_PLACE = getattr(os, "O_PATH", 0) | os.O_CLOEXEC
"""Finds a file without opening it."""


@functools.cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    return library


def open_regular(path: str | bytes) -> int:
    """A descriptor for reading the regular file `path`; nothing else is opened even for a moment.

    Raises:
        OSError: as the system says it; ENODEV where it is no regular file.
    """
    place = os.open(path, _PLACE)
    try:
        return open_place(place, path)
    finally:
        os.close(place)


def open_place(place: int, path: str | bytes, *, folder: bool = False) -> int:
    """Open for reading what the descriptor `place` of O_PATH stands for.

    To open a FIFO or a device may already do something: let a writer go on, rewind a tape.
    So what it is is asked first, of the very thing that is then opened.
    """
    mode = os.fstat(place).st_mode
    if folder:
        if not stat.S_ISDIR(mode):
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), os.fsdecode(path))
        return os.open(f"/proc/self/fd/{place}", _FLAGS | os.O_DIRECTORY)
    if not stat.S_ISREG(mode):
        raise OSError(errno.ENODEV, "not a regular file", os.fsdecode(path))
    try:
        # Without leaving a time of access, where that is permitted.
        return os.open(f"/proc/self/fd/{place}", _FLAGS | getattr(os, "O_NOATIME", 0))
    except PermissionError:
        return os.open(f"/proc/self/fd/{place}", _FLAGS)


class RootFolder:
    """The root folder of a target.

    Args:
        path: of the folder, for example ``/proc/7/root``.

    Raises:
        OSError: it can't be opened.
    """

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, _PLACE)
        self._openat2 = self._has_openat2()

    def __enter__(self) -> RootFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the folder."""
        os.close(self._descriptor)

    def open(self, path: str | bytes, *, folder: bool = False) -> int:
        """A descriptor for reading the regular file `path`, or the folder.

        Raises:
            OSError: as the system says it; ENODEV where it is no regular file, ENOTDIR where
                it is no folder.
        """
        name = os.fsencode(path).lstrip(b"/") or b"."
        if self._openat2:
            place = self._place(name, _RESOLVE_NO_MAGICLINKS)
        else:  # a link at the end is found itself, and is no file
            place = os.open(name, _PLACE | os.O_NOFOLLOW, dir_fd=self._descriptor)
        try:
            return open_place(place, path, folder=folder)
        finally:
            os.close(place)

    def _has_openat2(self) -> bool:
        """Whether the call is there: not before Linux 5.6, nor where a sandbox forbids it.

        Found out where no file of the target's can have a say in the answer.
        """
        try:
            os.close(self._place(b".", _RESOLVE_NO_MAGICLINKS))
        except OSError as error:
            return error.errno not in (errno.ENOSYS, errno.EPERM)
        return True

    def find(self, path: str | bytes) -> int:
        """A descriptor of O_PATH of whatever `path` names, no link being followed anywhere.

        The names that the kernel gives lead through no links.

        Raises:
            OSError: as the system says it; ELOOP where there is a link on the way.
        """
        name = os.fsencode(path).lstrip(b"/") or b"."
        if self._openat2:
            return self._place(name, _RESOLVE_NO_SYMLINKS)
        at = os.dup(self._descriptor)
        for part in name.split(b"/"):
            above, at = at, -1
            try:
                at = os.open(part, _PLACE | os.O_NOFOLLOW, dir_fd=above)
            finally:
                os.close(above)
            if part == b".." or stat.S_ISLNK(os.fstat(at).st_mode):
                os.close(at)
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), os.fsdecode(path))
        return at

    def _place(self, name: bytes, links: int) -> int:
        how = struct.pack("=QQQ", _PLACE, 0, _RESOLVE_IN_ROOT | links)
        library = _library()
        for _ in range(8):
            got = library.syscall(
                ctypes.c_long(_OPENAT2),
                ctypes.c_int(self._descriptor),
                ctypes.c_char_p(name),
                ctypes.c_char_p(how),
                ctypes.c_size_t(len(how)),
            )
            if got >= 0:
                return int(got)
            code = ctypes.get_errno()
            if code != errno.EAGAIN:  # EAGAIN: something was renamed on the way
                break
        raise OSError(code, os.strerror(code), os.fsdecode(name))

    def read(self, path: str | bytes, limit: int) -> bytes:
        """The bytes of a regular file, at most `limit`.

        Raises:
            OSError: as the system says it; ENODEV where it is no regular file.
        """
        descriptor = self.open(path)
        try:
            pieces = []
            # What the kernel makes up while it is read, such as its log, has no size.
            limit = min(limit, os.fstat(descriptor).st_size)
            while limit > 0 and (data := os.read(descriptor, min(limit, 1 << 20))):
                pieces.append(data)
                limit -= len(data)
            return b"".join(pieces)
        finally:
            os.close(descriptor)

    def names(self, path: str | bytes) -> list[str]:
        """The names in a folder, sorted.

        Raises:
            OSError: as the system says it.
        """
        descriptor = self.open(path, folder=True)
        try:
            return sorted(os.listdir(descriptor))
        finally:
            os.close(descriptor)

    def is_link(self, path: str | bytes) -> bool:
        """Whether `path`, directly below the root, is a symbolic link."""
        try:
            os.readlink(os.fsencode(path).lstrip(b"/"), dir_fd=self._descriptor)
        except OSError:
            return False
        return True
