"""What is read from the target's files when it has been let go.

Code and constants of programs and libraries are mapped privately, and hardly ever written. As long
as none of their pages is the process's own, their files hold what their memory holds, whether the
process has the page or not, and whether it stands still or runs on. What it does not have of memory
that it shares, others write to while it stands still. Nobody has to stand still while that is read.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from ..model import EXECUTE, Action, Failure, Mapping, Stretch
from .backing import Backings, files_left, read_as_mapped
from .maps import details
from .pagemap import Pagemap
from .plan import FROM_FILE_LATER
from .syscalls import PAGE_SIZE
from .treatment import Treatments

__all__ = ["FILE_CHANGED", "FilesLater"]

FILE_CHANGED = "file_changed"
"""Cause: somebody has written to the file since the process was let go."""

_MOST_FILES = 128

_Identity = tuple[tuple[int, int], int]
_Key = tuple[tuple[int, int], int, bool]
_Version = tuple[int, int, int]


class _File(NamedTuple):
    """A file as it was when the process stood still.

    Attributes:
        version: None where others may write to it: it is read as it is then.
    """

    descriptor: int
    version: _Version | None


def _identity(mapping: Mapping) -> _Identity:
    more = details(mapping)
    return more.device, more.inode


def _version(descriptor: int) -> _Version:
    found = os.fstat(descriptor)
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


class _Said(threading.local):
    """Why a thread's last read stopped."""

    cause = "unreadable"
    errno = errno.EIO


class FilesLater:
    """Reads mappings from their files, after the process has been let go.

    A file that somebody writes to through memory that is shared changes no time. So no private
    mapping is left for later whose file the process itself shares; and, where others stand still
    that may share it, none but of files with code.

    Args:
        pagemap, treatments, backings: of the process, which stands still.
        handled: starts of the mappings that a userfaultfd is registered for.
        mappings: all of the process.
        alone: nobody stands still who has some of its memory mapped as well.

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
        mappings: Sequence[Mapping],
        *,
        alone: bool,
    ) -> None:
        self._pagemap = pagemap
        self._treatments = treatments
        self._backings = backings
        self._handled = handled
        self._alone = alone
        self._written: set[_Identity] = set()
        self._code: set[_Identity] = set()
        for one in mappings:
            if one.name.startswith("/"):
                if details(one).shared:
                    self._written.add(_identity(one))
                elif one.protection & EXECUTE:
                    self._code.add(_identity(one))
        self._held = ExitStack()
        self._files: dict[_Key, _File] = {}
        self._within: dict[int, tuple[_Key, int]] = {}  # by start: its file, pages in it
        self._most = min(_MOST_FILES, files_left())
        self._said = _Said()

    def take(self, mappings: Sequence[Mapping]) -> list[Mapping]:
        """Those that can be read later as a whole; their files stay open until `close`."""
        return [one for one in mappings if one.name.startswith("/") and self._admit(one)]

    def _admit(self, mapping: Mapping) -> bool:
        more = details(mapping)
        if mapping.start in self._handled or more.shared or not self._can_wait(mapping):
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

    def _can_wait(self, mapping: Mapping) -> bool:
        """Whether nobody stands still who could write to it otherwise."""
        more = details(mapping)
        if more.shared:
            return self._alone
        key = _identity(mapping)
        return bool(more.inode) and key not in self._written and (self._alone or key in self._code)

    def holds(self, mapping: Mapping) -> bool:
        """Whether those pages that the process does not have of a mapping can be read later."""
        if mapping.start in self._within:
            return True
        return self._can_wait(mapping) and self._hold(mapping, None)

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
        file, said = self._files[key], self._said
        at = address - mapping.start + details(mapping).offset
        got, number = read_as_mapped(file.descriptor, at, into)
        said.cause = "unreadable" if number else "beyond_end_of_file"
        said.errno = number or errno.EIO
        if file.version is not None and _version(file.descriptor) != file.version:
            said.cause = FILE_CHANGED
            return 0
        return got

    def failure(self, mapping: Mapping, address: int, pages: int) -> Failure:
        """Why the page at `address` could not be read."""
        said = self._said
        if said.cause == FILE_CHANGED:
            return Failure("failed", FILE_CHANGED, said.errno, pages)
        if said.cause == "beyond_end_of_file":
            return Failure("failed", "beyond_end_of_file", said.errno, pages)
        return Failure("failed", "unreadable", said.errno, 1)

    def close(self) -> None:
        """Let go of the files; more than once does no harm."""
        self._held.close()
        self._files.clear()
