"""What is read from the target's files when it has been let go.

Code and constants of programs and libraries are mapped privately, and hardly ever written. As long
as none of their pages is the process's own, their files hold what their memory holds, whether the
process has the page or not, and whether it stands still or runs on. What it does not have of memory
that it shares, others write to while it stands still. Nobody has to stand still while that is read.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from ..model import EXECUTE, Action, Failure, Mapping, Stretch
from .backing import Backings, files_left
from .maps import details
from .pagemap import Pagemap
from .plan import FROM_FILE_LATER
from .syscalls import PAGE_SIZE
from .treatment import Treatments

__all__ = ["FILE_CHANGED", "FilesLater"]

FILE_CHANGED = "file_changed"
"""Cause: somebody has written to the file since the process was let go."""

_MOST_FILES = 128

_Key = tuple[tuple[int, int], int, bool]
_Version = tuple[int, int, int]


class _File(NamedTuple):
    """A file as it was when the process stood still.

    Attributes:
        version: None where others may write to it: it is read as it is then.
    """

    descriptor: int
    version: _Version | None


def _identity(mapping: Mapping) -> tuple[tuple[int, int], int]:
    more = details(mapping)
    return more.device, more.inode


def _version(descriptor: int) -> _Version:
    found = os.fstat(descriptor)
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


class FilesLater:
    """Reads mappings from their files, after the process has been let go.

    Args:
        pagemap, treatments, backings: of the process, which stands still.
        handled: starts of the mappings that a userfaultfd is registered for.
        shared: whether that is true of shared memory as well: not where others who write to it
            stand still for it.

    Attributes:
        page_size: bytes.
    """

    page_size = PAGE_SIZE

    def __init__(
        self,
        pagemap: Pagemap,
        treatments: Treatments,
        backings: Backings,
        handled: set[int],
        *,
        shared: bool,
    ) -> None:
        self._pagemap = pagemap
        self._treatments = treatments
        self._backings = backings
        self._handled = handled
        self._shared = shared
        self._held = ExitStack()
        self._files: dict[_Key, _File] = {}
        self._within: dict[int, tuple[_Key, int]] = {}  # by start: its file, pages in it
        self._most = 0
        self._number = errno.EIO
        self._changed = self._beyond = False

    def take(self, mappings: Sequence[Mapping]) -> list[Mapping]:
        """Those that can be read later; their files stay open until `close`.

        A file that somebody writes to through memory that is shared changes no time: so not those
        of files that the process itself shares, and of others who stand still only code.
        """
        self._most = min(_MOST_FILES, files_left())
        written, code = set(), set()
        for one in mappings:
            if one.name.startswith("/"):
                if details(one).shared:
                    written.add(_identity(one))
                elif one.protection & EXECUTE:
                    code.add(_identity(one))
        return [
            one
            for one in mappings
            if one.name.startswith("/")
            and (key := _identity(one)) not in written
            and (self._shared or key in code)
            and self._admit(one)
        ]

    def _admit(self, mapping: Mapping) -> bool:
        if mapping.start in self._handled:
            return False
        more = details(mapping)
        if more.shared or not more.inode:
            return False
        treatment = self._treatments.of(mapping)
        if (
            not treatment.absent_from_file
            or treatment.holes
            or treatment.through_file
            or treatment.present is not Action.READ
        ):
            return False
        if not self._pagemap.of_file_alone(mapping.start, mapping.end):
            return False
        return self._hold(mapping, treatment.file_pages)

    def holds(self, mapping: Mapping) -> bool:
        """Whether those pages that the process does not have of a mapping can be read later."""
        if mapping.start in self._within:
            return True
        if details(mapping).shared and not self._shared:
            return False
        return self._hold(mapping, None)

    def _hold(self, mapping: Mapping, in_file: int | None) -> bool:
        more = details(mapping)
        key = more.device, more.inode, more.shared
        if key not in self._files:
            if len(self._files) >= self._most:
                return False
            try:
                descriptor = self._held.enter_context(self._backings.opened(mapping, more))
                version = None if more.shared else _version(descriptor)
                self._files[key] = _File(descriptor, version)
            except OSError:
                return False
        pages = mapping.size // PAGE_SIZE
        self._within[mapping.start] = key, pages if in_file is None else min(pages, in_file)
        return True

    def plans(self, mappings: Sequence[Mapping]) -> Iterator[Sequence[Stretch]]:
        """All that is in the file."""
        for mapping in mappings:
            _, pages = self._within[mapping.start]
            behind = mapping.size // PAGE_SIZE - pages
            plan = [Stretch(pages, Action.READ, FROM_FILE_LATER)] if pages else []
            if behind:
                plan.append(Stretch(behind, Action.SKIP, "beyond_end_of_file"))
            yield plan

    def read(self, mapping: Mapping, address: int, into: memoryview) -> int:
        """Read whole pages from `address` on; how many bytes came."""
        key, _ = self._within[mapping.start]
        file, got = self._files[key], 0
        at = address - mapping.start + details(mapping).offset
        self._changed, self._number, size = False, errno.EIO, -1
        try:
            while got < len(into) and (count := os.preadv(file.descriptor, [into[got:]], at + got)):
                got += count
            now = _version(file.descriptor)
            size = now[0]
            self._changed = file.version is not None and now != file.version
        except OSError as error:
            self._number = error.errno or errno.EIO
        if self._changed:
            return 0
        if got % PAGE_SIZE and at + got == size:
            # In memory there are zeros behind the end, up to the end of its page.
            tail = -got % PAGE_SIZE
            into[got : got + tail] = bytes(tail)
            got += tail
        self._beyond = at + got >= size >= 0
        return got // PAGE_SIZE * PAGE_SIZE

    def failure(self, mapping: Mapping, address: int, pages: int) -> Failure:
        """Why the page at `address` could not be read."""
        if self._changed:
            return Failure("failed", FILE_CHANGED, self._number, pages)
        if self._beyond:
            return Failure("failed", "beyond_end_of_file", self._number, pages)
        return Failure("failed", "unreadable", self._number, 1)

    def close(self) -> None:
        """Let go of the files; more than once does no harm."""
        self._held.close()
        self._files.clear()
