"""Reading another process's memory, and telling why it can't be read where it can't."""

from __future__ import annotations

import errno
import os
import threading
import time
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from msl_construct.errors import TargetError

from ..model import READ, Failure, Mapping, Stretch
from . import smaps
from .maps import details, living_thread, parse, read_whole
from .pagemap import Pagemap
from .plan import Planner
from .syscalls import GUARD_PAGE, PAGE_SIZE, RemoteReader, Vma, query_vma
from .treatment import Treatments

__all__ = ["Memory"]

_LARGE = 1 << 16
"""Bytes from which on process_vm_readv is faster than /proc/PID/mem."""
_END_OF_ADDRESSES = 1 << 63
_LISTED_FOR = 0.05
"""Seconds for which a list of the mappings is good, where one can't be asked for."""
_LITTLE = 64 << 20
"""Bytes up to which a stretch is read where the kernel can't prove that it was never touched."""
_TRIES = 3
"""How often a page of a target that runs is read again before it is said to be unreadable."""
_MANY = 16
"""Pages from which on it is worth reading smaps to learn that none of them can be read."""


class _Said(threading.local):
    """What the system said of the page at which a thread's last read stopped."""

    errno = 0
    away = False  # nothing was mapped there right afterwards


class Memory:
    """The memory of one process.

    It stays the memory that it was: if the process executes another program, what is read
    afterwards is nothing, and not the other program's memory.

    Args:
        pid: a process, or one of its threads. Where its first thread has ended, a living one
            is used.
        devices: read the memory of devices, too. That can make them do something.
        pagemap_method: see `Pagemap`; empty: the best that there is.

    Attributes:
        tid: the thread whose files in /proc are used.
        pagemap: what tells which pages there are.
        gone: whether the address space has been found to have gone.
        runs: to be set where the target may run while it is read: then what one look at it showed
            may be of another mapping than what the next one shows.

    Raises:
        TargetError: there is no such process, or we may not read it.
    """

    def __init__(self, pid: int, *, devices: bool = False, pagemap_method: str = "") -> None:
        self.gone = False
        self.runs = False
        self.tid = tid = living_thread(pid)
        self._memory = self._maps = -1
        try:
            self._memory = os.open(f"/proc/{tid}/mem", os.O_RDONLY | os.O_CLOEXEC)
            self._maps = os.open(f"/proc/{tid}/maps", os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            if self._memory >= 0:
                os.close(self._memory)
            if error.errno in (errno.ENOENT, errno.ESRCH):
                raise TargetError(f"process {pid} has just ended") from error
            raise TargetError(
                f"the memory of process {pid} can't be opened: {error.strerror}",
                remedy="run as root, or as the same user with CAP_SYS_PTRACE",
            ) from error
        self.pagemap = Pagemap(tid, pagemap_method)
        self._remote: RemoteReader | None = RemoteReader(tid)
        self._treatments = Treatments(tid, devices, self.pagemap.method == "none")
        self._handled: set[int] = set()
        self._through_file: set[int] = set()
        self._from_file: dict[int, array[int]] = {}
        self._no_pages: set[int] | None = None
        self._said = _Said()
        self._listed: tuple[float, list[Mapping]] | None = None

    def __enter__(self) -> Memory:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every file; more than once does no harm."""
        self.pagemap.close()
        for descriptor in (self._memory, self._maps):
            if descriptor >= 0:
                os.close(descriptor)
        self._memory = self._maps = -1
        self.gone = True

    # What to do ------------------------------------------------------------------------

    def plans(self, mappings: Sequence[Mapping]) -> Iterator[Sequence[Stretch]]:
        """For each mapping what to do about its pages; see `msl_acquire.backend.Target`."""
        self._treatments.refresh()
        self._handled = set()
        if smaps.fault_handlers_possible():
            try:
                flags = smaps.flags(self.tid)
            except OSError:
                flags = {}  # Then nothing else can be read either.
            self._handled = {start for start, words in flags.items() if words & smaps.FAULT_HANDLER}
        planner = Planner(
            self.tid,
            self.pagemap,
            self._treatments,
            self._handled,
            self._still_mapped,
            self._untouched,
        )
        self._through_file = planner.through_file
        self._from_file = planner.from_file
        return planner.plans(mappings)

    # Reading ---------------------------------------------------------------------------

    def read(self, mapping: Mapping, address: int, into: memoryview) -> int:
        """Read whole pages; how many bytes came. See `msl_acquire.backend.Target`.

        `into` may be any number of whole pages, and the mapping's neighbours may be read with
        it, if the same is to be done about them.
        """
        size = len(into)
        if self.gone or address + size > _END_OF_ADDRESSES:
            self._said.errno = errno.ESRCH if self.gone else errno.EFAULT
            return 0
        if mapping.start in self._through_file:
            return self._from_backing(mapping, address, into)
        remote = self._remote
        if size < _LARGE or not mapping.protection & READ or mapping.start in self._handled:
            remote = None
        got = tries = 0
        stretches = self._from_file.get(mapping.start)
        if stretches is not None and bisect_right(stretches, address) % 2:
            # What the file can't give, a page behind its end, is tried in memory.
            got = self._from_backing(mapping, address, into)
        while got < size:
            count = 0
            if remote is not None and size - got >= _LARGE:
                count = self._by_call(remote, address + got, into[got:])
            if not count:
                count = self._by_file(address + got, into[got:] if got else into)
            if not count and (not self._came_back(mapping, address + got) or tries >= _TRIES):
                break
            tries = 0 if count else tries + 1
            got += count
        return got

    def _came_back(self, mapping: Mapping, address: int) -> bool:
        """Whether a page that can't be read may only have been away for a moment."""
        if not self.runs or self.gone:
            return False
        number = self._said.errno
        again = self._still_mapped(mapping, address, address + PAGE_SIZE)
        self._said.errno, self._said.away = number, not again
        return again

    def _by_call(self, remote: RemoteReader, address: int, into: memoryview) -> int:
        try:
            count = remote.read(address, into) // PAGE_SIZE * PAGE_SIZE
        except OSError as error:
            if error.errno not in (errno.EFAULT, errno.ESRCH):
                self._remote = None  # Not permitted, or not there: do without from now on.
            return 0
        # The call names a process, not an address space: the process may have executed
        # another program meanwhile.
        return count if self.pagemap.alive() else 0

    def _by_file(self, address: int, into: memoryview) -> int:
        try:
            count = os.preadv(self._memory, [into], address)
        except OSError as error:
            self._said.errno = error.errno or errno.EIO
            return 0
        if count == 0:
            self.gone = True
            self._said.errno = errno.ESRCH
        return count // PAGE_SIZE * PAGE_SIZE

    def _from_backing(self, mapping: Mapping, address: int, into: memoryview) -> int:
        """Read the file that is mapped there."""
        path = f"/proc/{self.tid}/map_files/{mapping.start:x}-{mapping.end:x}"
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            self._said.errno = error.errno or errno.EIO
            return 0
        shift, got = details(mapping).offset - mapping.start, 0
        try:
            while got < len(into):
                count = os.preadv(descriptor, [into[got:]], address + got + shift)
                if not count:
                    break
                got += count
        except OSError as error:
            self._said.errno = error.errno or errno.EIO
        finally:
            os.close(descriptor)
        got = got // PAGE_SIZE * PAGE_SIZE
        # A target that runs on may have mapped something else there meanwhile.
        return got if self._still_mapped(mapping, address, address + got) else 0

    def peek(self, address: int, size: int) -> bytes:
        """Up to `size` bytes at any address; fewer, or none, where they can't be read.

        For looking at headers and notes. It may make the target have the pages.
        """
        if self.gone or address + size > _END_OF_ADDRESSES:
            return b""
        try:
            return os.pread(self._memory, size, address)
        except OSError:
            return b""

    # Why not ---------------------------------------------------------------------------

    def failure(self, mapping: Mapping, address: int, pages: int) -> Failure:
        """Why the page at `address` can't be read; see `msl_acquire.backend.Target`."""
        number = self._said.errno or errno.EIO
        if self.gone:
            return Failure("unmapped", "gone", errno.ESRCH, pages)
        try:
            now = self._mapped(mapping, address)
        except OSError:
            self.gone = True
            return Failure("unmapped", "gone", errno.ESRCH, pages)
        if now is None or address < now.start:
            free = pages if now is None else (now.start - address) // PAGE_SIZE
            return Failure("unmapped", "unmapped", number, min(pages, free))
        until = min(pages, (now.end - address) // PAGE_SIZE)
        if not _same(mapping, now):
            return Failure("unmapped", "replaced", number, until)
        if self.runs and self._said.away:
            return Failure("unmapped", "unmapped", number, 1)  # it has come back since
        if self.pagemap.page(address) & GUARD_PAGE:
            return Failure("failed", "guard", number, 1)
        if mapping.name.startswith("/secretmem"):
            return Failure("failed", "secret", number, until)
        if pages >= _MANY and mapping.start in self._without_pages():
            return Failure("failed", "no_pages", number, until)
        in_file = self._treatments.of(mapping).file_pages
        if in_file is not None and address >= mapping.start + in_file * PAGE_SIZE:
            return Failure("failed", "beyond_end_of_file", number, until)
        return Failure("failed", "unreadable", number, 1)

    def _still_mapped(self, mapping: Mapping, start: int, end: int) -> bool:
        """Whether all of a stretch is still what it was when the mappings were listed."""
        try:
            while start < end:
                now = self._mapped(mapping, start)
                if now is None or now.start > start or not _same(mapping, now):
                    return False
                start = now.end
        except OSError:
            return False
        return True

    def _untouched(self, mapping: Mapping, start: int, end: int) -> bool:
        """Whether a stretch that seems to have no pages is mapped and has none."""
        if self.runs:
            proved = self.pagemap.untouched(start, end)
            # For want of a proof neither what may be terabytes is read, nor huge pages, which
            # reading would take from a pool.
            if proved is None:
                proved = not mapping.protection or end - start > _LITTLE or _huge(mapping)
            if not proved:
                return False
        # What has gone, or has become something else, shows no pages either.
        return self._still_mapped(mapping, start, end)

    def _mapped(self, mapping: Mapping, address: int) -> Vma | None:
        """What is mapped at or behind `address` now.

        Raises:
            OSError: the address space is gone.
        """
        try:
            return query_vma(self._maps, address, or_next=True)
        except OSError as error:
            if error.errno not in (errno.ENOTTY, errno.EINVAL):
                raise
        # Before Linux 6.11: not for every page, for it takes a while.
        begun, listed = self._listed or (-1.0, [])
        if time.monotonic() - begun > _LISTED_FOR:
            listed = parse(read_whole(f"/proc/{self.tid}/maps"))
            if not listed:
                raise ProcessLookupError(errno.ESRCH, "no mappings")
            self._listed = (time.monotonic(), listed)
        for one in listed:
            if address < one.end:
                more = details(one)
                flags = one.protection & 7 | (8 if more.shared else 0)
                return Vma(one.start, one.end, flags, more.offset, more.inode, *more.device)
        return None

    def _without_pages(self) -> set[int]:
        """Starts of the mappings that have nothing but device memory behind them."""
        if self._no_pages is None:
            try:
                flags = smaps.flags(self.tid)
            except OSError:
                flags = {}
            self._no_pages = {s for s, words in flags.items() if words & smaps.NO_PAGES}
        return self._no_pages


def _huge(mapping: Mapping) -> bool:
    """Whether it is named as the kernel names mappings of huge pages."""
    return mapping.name.startswith("/anon_hugepage")


def _same(mapping: Mapping, now: Vma) -> bool:
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
