"""Copying from file to file by the kernel."""

from __future__ import annotations

import errno
import os
from contextlib import suppress

__all__ = ["KernelCopy"]

_PIPE = 1 << 20
_NOT_HERE = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.EXDEV)
"""What it says where it does not copy: between such file systems, or at all."""
_NO_PIPE = (errno.EMFILE, errno.ENFILE)
"""And where it has no pipe for us: a user may have only so many."""


class KernelCopy:
    """Copies bytes of files to another one through a pipe, in which the kernel keeps no copy.

    `os.copy_file_range` does the same with the smallest of pipes, in half as much again of the
    processor's time.

    Args:
        target: descriptor of the other one.

    Attributes:
        works: whether the kernel does it here.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._ends: tuple[int, ...] = ()
        self.works = hasattr(os, "splice")

    def copied(self, number: int, offset: int, size: int, at: int) -> int:
        """Copy bytes, or the first of them; how many: 0 if it does not work, or there are none.

        Raises:
            OSError: they can't be written.
        """
        if not self.works:
            return 0
        try:
            if not self._ends:
                self._ends = _wide_pipe()
            out, into = self._ends
            count = left = os.splice(number, into, size, offset_src=offset)
            while left:
                written = os.splice(out, self._target, left, offset_dst=at + count - left)
                if not written:
                    raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
                left -= written
        except OSError as error:
            if error.errno not in (*_NOT_HERE, *_NO_PIPE):
                raise
            self.works = False
            return 0
        return count

    def close(self) -> None:
        """Close the pipe."""
        for end in self._ends:
            os.close(end)
        self._ends = ()


def _wide_pipe() -> tuple[int, int]:
    """A pipe with room for as much as anybody may have in one."""
    import fcntl

    ends = os.pipe()
    with suppress(AttributeError, OSError):  # many users have many pipes: it stays narrow
        fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, _PIPE)  # type: ignore[attr-defined,unused-ignore]
    return ends
