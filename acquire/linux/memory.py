"""Reading another process's memory, and telling why it can't be read where it can't."""

from __future__ import annotations

import errno
import os
import threading
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

from msl_construct.errors import TargetError

from ..background import Later
from ..model import READ, Failure, Mapping, Stretch
from . import smaps
from .backing import Backings, files_left, read_as_mapped
from .files_later import FilesLater
from .mapped import Mapped, same
from .maps import details, living_thread
from .pagemap import Pagemap
from .plan import Planner
from .shared_ancestry import Kinship
from .syscalls import GUARD_PAGE, PAGE_SIZE, RemoteReader, readable_by_call
from .treatment import FILE_UNREACHED, SHARED_UNREACHED, Treatments

__all__ = ["LinuxMemory"]

_LARGE = 1 << 16
"""Bytes from which on process_vm_readv is faster than /proc/PID/mem."""
_HUGE = 1 << 21
"""Bytes of the smallest pages of a pool on x86-64; on other machines they may be smaller."""
_END_OF_ADDRESSES = 1 << 63
_LITTLE = 64 << 20
"""Bytes up to which a stretch is read where the kernel can't prove that it was never touched."""
_FILES_AHEAD = 256
"""Files that we may still open, for those that are mapped to be opened before the target stops."""
_TRIES = 3
"""How often a page of a target that runs is read again before it is said to be unreadable."""
_MANY = 16
"""Pages from which on it is worth reading smaps to learn that none of them can be read."""


class _Said(threading.local):
    """What the system said of the page at which a thread's last read stopped."""

    errno = 0
    away = False  # nothing was mapped there right afterwards
    cause = ""  # why its file did not give it; empty where memory was read


class LinuxMemory:
    """The memory of one process.

    It stays the memory that it was: if the process executes another program, what is read
    afterwards is nothing, and not the other program's memory.

    Args:
        pid: a process, or one of its threads. Where its first thread has ended, a living one
            is used.
        devices: read the memory of devices, too. That can make them do something.
        touch_shared: read through the process what its file can't be asked for; the process
            then has it.
        pagemap_method: see `Pagemap`; empty: the best that there is.
        kinship: one that has looked at the other processes before, so that it knows them.
        by_call: whether process_vm_readv may be used at all.

    Attributes:
        tid: the thread whose files in /proc are used.
        pagemap: what tells which pages there are.
        reduced: whether nothing but process_vm_readv reads it: its files are not ours to open.
        gone: whether the address space has been found to have gone.
        stands: to be set to what tells whether the target stands still for certain. Where it may
            run, what one look showed may be of another mapping than what the next one shows.
        forks: to be set where it certainly does: then it may fork at any time.

    Raises:
        TargetError: there is no such process, or we may not read it.
    """

    def __init__(
        self,
        pid: int,
        *,
        devices: bool = False,
        touch_shared: bool = False,
        pagemap_method: str = "",
        kinship: Kinship | None = None,
        by_call: bool = True,
    ) -> None:
        self.gone = False
        self.stands: Callable[[], bool] = lambda: True
        self.forks = False
        self.tid = tid = living_thread(pid)
        self._memory = -1
        try:
            self._mapped = Mapped(tid)
            try:
                self._memory = self._opened(tid)
            except OSError:
                self._mapped.close()
                raise
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ESRCH):
                raise TargetError(f"process {pid} has just ended") from error
            if error.errno in (errno.EMFILE, errno.ENFILE):
                raise  # which says nothing about the target
            raise TargetError(
                f"the memory of process {pid} can't be opened: {error.strerror}",
                remedy="run as root, or as the same user with CAP_SYS_PTRACE",
            ) from error
        self.reduced = self._memory < 0
        self.pagemap = Pagemap(tid, pagemap_method)
        self._remote: RemoteReader | None = RemoteReader(tid) if by_call else None
        self._touch = touch_shared
        self._backings = Backings(tid)
        self._treatments = Treatments(self._backings, devices, touch_shared)
        self._kinship = kinship or Kinship(pid)
        self._common_pages = self._may_share_pages()
        self._ahead: Callable[[], dict[int, frozenset[bytes]]] | None = None
        self._before: Later[dict[int, frozenset[bytes]]] | None = None
        self._handled: set[int] = set()
        self._through_file: set[int] = set()
        self._from_file: dict[int, array[int]] = {}
        self._no_pages: set[int] | None = None
        self._refreshed = False
        self._later: FilesLater | None = None
        self._said = _Said()

    @staticmethod
    def _opened(tid: int) -> int:
        """A descriptor of its memory; -1 where only the call may read it.

        Raises:
            OSError: neither is permitted.
        """
        try:
            return os.open(f"/proc/{tid}/mem", os.O_RDONLY | os.O_CLOEXEC)
        except PermissionError:
            # CAP_SYS_PTRACE permits to read the process, but not to open files of other users.
            if not readable_by_call(tid):
                raise
            return -1

    def __enter__(self) -> LinuxMemory:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every file; more than once does no harm."""
        self.pagemap.close()
        self._backings.close()
        self._mapped.close()
        if self._memory >= 0:
            os.close(self._memory)
        self._memory = -1
        self.gone = True

    def alive(self) -> bool:
        """Whether the address space that was opened still exists.

        It does not after an exec, although the process goes on.
        """
        return (self._mapped if self.pagemap.method == "none" else self.pagemap).alive()

    def _may_share_pages(self) -> bool:
        """Whether process_vm_readv would make the kernel copy pages; asked only if it is used."""
        return self._remote is None or self.forks or self._kinship.shares_pages()

    def of_huge_pages(self, mapping: Mapping) -> bool:
        """Whether it has its pages from a pool of huge ones (hugetlb)."""
        if mapping.start % _HUGE or mapping.end % _HUGE or not details(mapping).inode:
            return False
        return "huge" in self._treatments.of(mapping).cause

    # What to do ------------------------------------------------------------------------

    def look_before(self) -> None:
        """Begin to learn what takes a while and is not likely to change; the target still runs.

        It is looked at once: an estimate uses it, too.
        """
        self._before = self._before or Later(self._flags)

    def open_files(self, mappings: Sequence[Mapping]) -> None:
        """Open the mapped files, as far as they can be read; the target still runs."""
        if files_left() < _FILES_AHEAD:
            return  # there are many targets
        for mapping in mappings:
            if mapping.name.startswith("/"):
                self._treatments.of(mapping)

    def learnt_from(self, other: LinuxMemory) -> None:
        """Take over what `other`, of the same address space, has learnt by `look_before`."""
        self._before = other._before
        self._backings.take_over(other._backings)

    def look_ahead(self) -> None:
        """Begin to find out what `plans` will need and what takes a while.

        To be called when the target stands still; other things can be learnt meanwhile.
        """
        before, self._before = self._before, None
        if (
            before is not None
            and not any(words & smaps.FAULT_HANDLER for words in before.result().values())
            and not (self.forks or self._touch or self.pagemap.method == "none")
            and not smaps.holds_fault_handler(self.tid)
        ):
            self._ahead = dict
        else:
            self._ahead = Later(self._flags).result

    def plans(self, mappings: Sequence[Mapping]) -> Iterator[Sequence[Stretch]]:
        """For each mapping what to do about its pages; see `msl_acquire.backend.Target`."""
        if not self._refreshed:
            self._treatments.refresh()
        self._refreshed = False
        self._common_pages = self._may_share_pages()
        flags, self._ahead = self._ahead or (self._before or Later(self._flags)).result, None
        shares = Later(self._shares) if self.pagemap.method == "none" else None

        def handled() -> set[int]:
            self._handled = self._handlers(flags)
            return self._handled

        planner = Planner(
            self.pagemap,
            self._treatments,
            self._backings,
            handled,
            shares.result if shares is not None else dict,
            self._mapped.still,
            self._untouched,
            self._later.holds if self._later else _never,
        )
        self._through_file = planner.through_file
        self._from_file = planner.from_file
        return planner.plans(mappings)

    def files_later(self, mappings: Sequence[Mapping], *, alone: bool) -> FilesLater:
        """What reads files when the process runs; `plans` leaves much to it. To be closed.

        Args:
            mappings: all of the process.
            alone: nobody stands still who has some of its memory mapped as well.
        """
        self._treatments.refresh()
        self._refreshed = True
        handled = self._handlers(self._ahead or (self._before or Later(self._flags)).result)
        self._later = FilesLater(
            self.pagemap, self._treatments, self._backings, handled, mappings, alone=alone
        )
        return self._later

    @staticmethod
    def _handlers(flags: Callable[[], dict[int, frozenset[bytes]]]) -> set[int]:
        return {start for start, words in flags().items() if words & smaps.FAULT_HANDLER}

    def _flags(self) -> dict[int, frozenset[bytes]]:
        try:
            return smaps.flags(self.tid) if smaps.fault_handlers_possible() else {}
        except OSError:
            return {}  # Then nothing else can be read either.

    def _shares(self) -> dict[int, smaps.Share]:
        try:
            return smaps.shares(self.tid)
        except OSError:
            return {}

    # Reading ---------------------------------------------------------------------------

    def read(self, mapping: Mapping, address: int, into: memoryview) -> int:
        """Read whole pages; how many bytes came. See `msl_acquire.backend.Target`."""
        size = len(into)
        if self.gone or address + size > _END_OF_ADDRESSES:
            self._said.errno = errno.ESRCH if self.gone else errno.EFAULT
            return 0
        if mapping.start in self._through_file:
            return self._from_backing(mapping, address, into)
        stretches = self._from_file.get(mapping.start)
        if stretches is None:
            return self._from_memory(mapping, address, into)
        got = 0
        while got < size:
            index = bisect_right(stretches, address + got)
            border = stretches[index] if index < len(stretches) else address + size
            part = into[got : min(size, border - address)]
            read = self._from_backing if index % 2 else self._from_memory
            count = read(mapping, address + got, part)
            if count < len(part) and index % 2 and self._touch:
                count += self._from_memory(mapping, address + got + count, part[count:])
            got += count
            if count < len(part):
                break
        return got

    def _from_memory(self, mapping: Mapping, address: int, into: memoryview) -> int:
        """Read through the process."""
        self._said.cause = ""
        size = len(into)
        remote = self._remote
        if self.reduced:
            pass
        elif (
            size < _LARGE
            or not mapping.protection & READ
            or mapping.start in self._handled
            # The call would make the kernel copy what the process and another have in common.
            or (self._common_pages and not details(mapping).shared)
        ):
            remote = None
        least = PAGE_SIZE if self.reduced else _LARGE
        got = tries = 0
        while got < size:
            count = 0
            if remote is not None and size - got >= least:
                count = self._by_call(remote, address + got, into[got:])
            if not count and not self.reduced:
                count = self._by_file(address + got, into[got:] if got else into)
            if not count and (not self._came_back(mapping, address + got) or tries >= _TRIES):
                break
            tries = 0 if count else tries + 1
            got += count
        return got

    def _came_back(self, mapping: Mapping, address: int) -> bool:
        """Whether a page that can't be read may only have been away for a moment."""
        if self.stands() or self.gone:
            return False
        number = self._said.errno
        again = self._mapped.still(mapping, address, address + PAGE_SIZE)
        self._said.errno, self._said.away = number, not again
        return again

    def _by_call(self, remote: RemoteReader, address: int, into: memoryview) -> int:
        try:
            count = remote.read(address, into) // PAGE_SIZE * PAGE_SIZE
        except OSError as error:
            self._said.errno = error.errno or errno.EIO
            if error.errno not in (errno.EFAULT, errno.ESRCH) and not self.reduced:
                self._remote = None  # Not permitted, or not there: do without from now on.
            count = 0
        # The call names a process, not an address space: the process may have executed
        # another program meanwhile.
        if (count or self.reduced) and not self.alive():
            self.gone = self.reduced
            self._said.errno = errno.ESRCH
            return 0
        return count

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
        """Read the file that is mapped there, and leave the process alone."""
        more = details(mapping)
        at, got = address - mapping.start + more.offset, 0
        self._said.cause, self._said.errno = "beyond_end_of_file", errno.EIO
        try:
            with self._backings.opened(mapping, more) as descriptor:
                got, number = read_as_mapped(descriptor, at, into)
                if number:
                    self._said.cause, self._said.errno = "unreadable", number
        except OSError as error:
            self._said.cause = (
                SHARED_UNREACHED if mapping.region_type == "shared_mem" else FILE_UNREACHED
            )
            self._said.errno = error.errno or errno.EIO
        # A target that runs on may have mapped something else there meanwhile.
        return got if self._mapped.still(mapping, address, address + got) else 0

    # Why not ---------------------------------------------------------------------------

    def failure(self, mapping: Mapping, address: int, pages: int) -> Failure:
        """Why the page at `address` can't be read; see `msl_acquire.backend.Target`."""
        number = self._said.errno or errno.EIO
        if self.gone:
            return Failure("unmapped", "gone", errno.ESRCH, pages)
        try:
            now = self._mapped.at(address)
        except OSError:
            self.gone = True
            return Failure("unmapped", "gone", errno.ESRCH, pages)
        if now is None or address < now.start:
            free = pages if now is None else (now.start - address) // PAGE_SIZE
            return Failure("unmapped", "unmapped", number, min(pages, free))
        until = min(pages, (now.end - address) // PAGE_SIZE)
        if not same(mapping, now):
            return Failure("unmapped", "replaced", number, until)
        if not self.stands() and self._said.away:
            return Failure("unmapped", "unmapped", number, 1)  # it has come back since
        if self._said.cause:
            return self._file_failure(mapping, address, until)
        if self.pagemap.page(address) & GUARD_PAGE:
            return Failure("failed", "guard", number, 1)
        if mapping.name.startswith("/secretmem"):
            return Failure("failed", "secret", number, until)
        if self.reduced and not mapping.protection & READ:
            return Failure("failed", "reduced_no_access", number, until)
        if pages >= _MANY and mapping.start in self._without_pages():
            return Failure("failed", "no_pages", number, until)
        in_file = self._treatments.of(mapping).file_pages
        if in_file is not None and address >= mapping.start + in_file * PAGE_SIZE:
            return Failure("failed", "beyond_end_of_file", number, until)
        return Failure("failed", "unreadable", number, 1)

    def _file_failure(self, mapping: Mapping, address: int, pages: int) -> Failure:
        """Why the file that is mapped there did not give a page."""
        cause, number = self._said.cause, self._said.errno
        if cause == "unreadable":
            return Failure("failed", "unreadable", number, 1)
        stretches = self._from_file.get(mapping.start)
        if stretches is not None and (index := bisect_right(stretches, address)) % 2:
            pages = min(pages, (stretches[index] - address) // PAGE_SIZE)
        if cause == SHARED_UNREACHED:
            return Failure("failed", SHARED_UNREACHED, number, pages)
        if cause == FILE_UNREACHED:
            return Failure("failed", FILE_UNREACHED, number, pages)
        return Failure("failed", "beyond_end_of_file", number, pages)

    def _untouched(self, mapping: Mapping, start: int, end: int) -> bool:
        """Whether a stretch that seems to have no pages is mapped and has none."""
        if not self.stands():
            proved = self.pagemap.untouched(start, end)
            # For want of a proof neither what may be terabytes is read, nor huge pages, which
            # reading would take from a pool.
            if proved is None:
                proved = not mapping.protection or end - start > _LITTLE or _huge(mapping)
            if not proved:
                return False
        # What has gone, or has become something else, shows no pages either.
        return self._mapped.still(mapping, start, end)

    def _without_pages(self) -> set[int]:
        """Starts of the mappings that have nothing but device memory behind them."""
        if self._no_pages is None:
            try:
                flags = smaps.flags(self.tid)
            except OSError:
                flags = {}
            self._no_pages = {s for s, words in flags.items() if words & smaps.NO_PAGES}
        return self._no_pages


def _never(_: Mapping) -> bool:
    return False


def _huge(mapping: Mapping) -> bool:
    """Whether it is named as the kernel names mappings of huge pages."""
    return mapping.name.startswith("/anon_hugepage")
