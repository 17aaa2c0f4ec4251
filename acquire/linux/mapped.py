"""What is mapped in a process now, which may differ from what was listed."""

from __future__ import annotations

import errno
import os
import time

from ..model import Mapping
from .maps import details, parse, read_whole
from .syscalls import Vma, query_vma

__all__ = ["Mapped", "same"]

_LISTED_FOR = 0.05
"""Seconds for which a list of the mappings is good, where one can't be asked for."""


class Mapped:
    """The mappings of one address space, asked for one by one.

    Args:
        tid: a living thread of the process.

    Raises:
        OSError: it is gone, or not ours to look into.
    """

    def __init__(self, tid: int) -> None:
        self._path = f"/proc/{tid}/maps"
        self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        self._listed: tuple[float, list[Mapping]] | None = None

    def close(self) -> None:
        """Close the file; more than once does no harm."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def alive(self) -> bool:
        """Whether the address space that was opened still exists; it does not after an exec."""
        try:
            return bool(os.pread(self._descriptor, 1, 0))
        except OSError:
            return False

    def at(self, address: int) -> Vma | None:
        """What is mapped at or behind `address`.

        Raises:
            OSError: the address space is gone.
        """
        try:
            return query_vma(self._descriptor, address, or_next=True)
        except OSError as error:
            if error.errno not in (errno.ENOTTY, errno.EINVAL):
                raise
        # Before Linux 6.11: not for every page, for it takes a while.
        begun, listed = self._listed or (-1.0, [])
        if time.monotonic() - begun > _LISTED_FOR:
            listed = parse(read_whole(self._path))
            if not listed:
                raise ProcessLookupError(errno.ESRCH, "no mappings")
            self._listed = (time.monotonic(), listed)
        for one in listed:
            if address < one.end:
                more = details(one)
                flags = one.protection & 7 | (8 if more.shared else 0)
                return Vma(one.start, one.end, flags, more.offset, more.inode, *more.device)
        return None

    def still(self, mapping: Mapping, start: int, end: int) -> bool:
        """Whether all of a stretch is still what it was when the mappings were listed."""
        try:
            while start < end:
                now = self.at(start)
                if now is None or now.start > start or not same(mapping, now):
                    return False
                start = now.end
        except OSError:
            return False
        return True


def same(mapping: Mapping, now: Vma) -> bool:
    """Whether what is mapped now can be what was mapped then.

    Its limits and its protection may have changed, but not what it maps.
    """
    more = details(mapping)
    if (more.inode, more.device, more.shared) != (
        now.inode,
        (now.major, now.minor),
        bool(now.flags & 8),
    ):
        return False
    return not more.inode or now.offset - now.start == more.offset - mapping.start
