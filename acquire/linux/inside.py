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

__all__ = ["RootFolder"]

_OPENAT2 = 437  # the same number on every architecture
_RESOLVE_NO_MAGICLINKS, _RESOLVE_IN_ROOT = 0x02, 0x10
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


@functools.cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    return library


class RootFolder:
    """The root folder of a target.

    Args:
        path: of the folder, for example ``/proc/7/root``.

    Raises:
        OSError: it can't be opened.
    """

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, getattr(os, "O_PATH", 0) | os.O_CLOEXEC)
        self._openat2 = True

    def __enter__(self) -> RootFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the folder."""
        os.close(self._descriptor)

    def open(self, path: str | bytes, *, flags: int = 0) -> int:
        """A descriptor for reading the file or folder `path`; never blocks on a FIFO.

        Raises:
            OSError: as the system says it.
        """
        name = os.fsencode(path).lstrip(b"/") or b"."
        if self._openat2:
            try:
                return self._open_in_root(name, _FLAGS | flags)
            except OSError as error:
                # Before Linux 5.6, and where a sandbox forbids calls it doesn't know.
                if error.errno not in (errno.ENOSYS, errno.EPERM):
                    raise
                self._openat2 = False
        return os.open(name, _FLAGS | flags | os.O_NOFOLLOW, dir_fd=self._descriptor)

    def _open_in_root(self, name: bytes, flags: int) -> int:
        how = struct.pack("=QQQ", flags, 0, _RESOLVE_IN_ROOT | _RESOLVE_NO_MAGICLINKS)
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
            OSError: as the system says it; EINVAL where it is no regular file.
        """
        descriptor = self.open(path)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.EINVAL, "not a regular file", os.fsdecode(path))
            pieces = []
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
        descriptor = self.open(path, flags=os.O_DIRECTORY)
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
