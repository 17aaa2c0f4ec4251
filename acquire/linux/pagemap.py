"""Which pages a process has: PAGEMAP_SCAN, or before Linux 6.7 /proc/PID/pagemap itself.

Asking does not touch the target: nothing is faulted in.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterator

from .syscalls import GUARD_PAGE, OF_FILE, PAGE_SIZE, PRESENT, SWAPPED, ZERO_PAGE, PageScan

__all__ = ["Pagemap"]

_ENTRY = 8
_PIECE = 1 << 16
_HIGH_BYTE = 7 if sys.byteorder == "little" else 0
_RUNS = re.compile(rb"\x01+|\x02+|\x03+|\x04+|\x05+|\x06+|\x07+")
_NO_ENTRIES = bytes(_PIECE)
_END_OF_ADDRESSES = 1 << 63


def _classes() -> bytes:
    """For the high byte of an entry (bits 56 to 63): 1 present, 2 swapped, 4 guard page."""
    return bytes(
        (byte >> 7 & 1) | (byte >> 6 & 1) << 1 | (byte >> 2 & 1) << 2 for byte in range(256)
    )


_CLASSES = _classes()
_CATEGORIES = [
    (PRESENT if number & 1 else 0)
    | (SWAPPED if number & 2 else 0)
    | (GUARD_PAGE if number & 4 else 0)
    for number in range(8)
]


_FOR_SCAN = PRESENT | SWAPPED | GUARD_PAGE | ZERO_PAGE
"""What PAGEMAP_SCAN is asked for; guard pages since Linux 6.15."""


class Pagemap:
    """The pages of one process.

    Attributes:
        method: ``scan`` (PAGEMAP_SCAN), ``read`` (/proc/PID/pagemap), or ``none``: the file
            can't be opened, and nothing is known of any page.
        why: what the system said, for ``none``.
    """

    def __init__(self, tid: int, method: str = "") -> None:
        self.why = ""
        self._descriptor = -1
        try:
            self._descriptor = os.open(f"/proc/{tid}/pagemap", os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            self.method, self.why = "none", error.strerror or str(error)
            return
        self._scan = PageScan(self._descriptor)
        self._known = _FOR_SCAN
        self.method = method or self._best_method()

    def _best_method(self) -> str:
        for known in (_FOR_SCAN, _FOR_SCAN & ~GUARD_PAGE):
            try:
                self._scan.ranges(PAGE_SIZE, PAGE_SIZE, PRESENT, known)
            except OSError as error:
                if error.errno != errno.EINVAL:
                    return "read"
            else:
                self._known = known
                return "scan"
        return "read"

    @property
    def widest_gap(self) -> int:
        """Bytes of unmapped addresses that `ranges` crosses without effort."""
        return _END_OF_ADDRESSES if self.method == "scan" else PAGE_SIZE * 64

    def ranges(
        self, start: int, end: int, mask: int = PRESENT | SWAPPED | GUARD_PAGE
    ) -> Iterator[tuple[int, int, int]]:
        """Ranges of pages that are present, swapped, or guard pages, in address order.

        Only ``scan`` tells which of those that are present are the kernel's zero page.

        Pages that lie side by side in one range agree on the categories in `mask`.
        Lazy: it asks the kernel piece by piece.

        Yields:
            start, end, and which categories of `mask` they have.
        """
        if self.method == "scan":
            return self._by_scan(start, end, mask)
        return self._by_read(start, end, mask) if self.method == "read" else iter(())

    def _by_scan(self, start: int, end: int, mask: int) -> Iterator[tuple[int, int, int]]:
        any_of, mask = PRESENT | SWAPPED, mask & self._known
        while start < end:
            try:
                going_on, found = self._scan.ranges(start, end, any_of, mask)
            except OSError:
                # The address space is gone, or the kernel can't say: reading the pages will
                # tell, where calling them absent would make them zeros.
                yield start, end, 0
                return
            for low, high, categories in found:
                if low < start:  # said before
                    low = start
                if low < high:
                    yield low, high, categories
                    start = high
            start = max(going_on, start)

    def _by_read(self, start: int, end: int, mask: int) -> Iterator[tuple[int, int, int]]:
        # What was found last, kept back because what follows may belong to it.
        last_low = last_high = last = 0
        per_piece = _PIECE // _ENTRY * PAGE_SIZE
        for base in range(start, end, per_piece):
            wanted = min(per_piece, end - base) // PAGE_SIZE * _ENTRY
            try:
                entries = os.pread(self._descriptor, wanted, base // PAGE_SIZE * _ENTRY)
            except OSError:
                entries = b""
            if len(entries) != wanted:  # as above: what is not known is to be read
                if last_high:
                    yield last_low, last_high, last
                yield base, end, 0
                return
            if entries == _NO_ENTRIES:
                continue
            for match in _RUNS.finditer(entries[_HIGH_BYTE::_ENTRY].translate(_CLASSES)):
                low = base + match.start() * PAGE_SIZE
                categories = _CATEGORIES[match[0][0]] & mask
                if low == last_high and categories == last:
                    last_high = base + match.end() * PAGE_SIZE
                    continue
                if last_high:
                    yield last_low, last_high, last
                last_low, last_high, last = low, base + match.end() * PAGE_SIZE, categories
        if last_high:
            yield last_low, last_high, last

    def page(self, address: int) -> int:
        """The categories of one page; 0 where it has none or nothing is known."""
        if address < _END_OF_ADDRESSES:
            for _, _, categories in self.ranges(address, address + PAGE_SIZE):
                return categories
        return 0

    def has_own_pages(self, start: int, end: int) -> bool:
        """Whether a range has a page, present or swapped, that is not the kernel's zero page; or
        it can't be known."""
        if self.method == "scan":
            try:
                return self._scan.any(start, end, PRESENT | SWAPPED, ZERO_PAGE)
            except OSError:
                return True
        if self.method == "read":
            return next(self._by_read(start, end, PRESENT | SWAPPED), None) is not None
        return True

    def of_file_alone(self, start: int, end: int) -> bool:
        """Whether a range certainly has no page, present or swapped, that is not its file's."""
        if self.method != "scan":
            return False
        try:
            return not self._scan.any(start, end, PRESENT | SWAPPED, OF_FILE)
        except OSError:
            return False

    def untouched(self, start: int, end: int) -> bool | None:
        """Whether all of a range is mapped, and no page of it is there, at one moment.

        `ranges` shows nothing where nothing is mapped, just as where nothing was written, and
        looking at the mappings before and after proves little of a target that runs: what
        was there may have gone and something else have come. PAGEMAP_SCAN, asked for pages of
        any kind, tells them apart.

        Returns:
            None where the kernel can't say.
        """
        if self.method != "scan":
            return None
        try:
            _, found = self._scan.ranges(start, end, 0, self._known)
        except OSError:
            return False
        for low, high, categories in found:
            if low != start or categories:
                return False
            start = high
        return start == end

    def alive(self) -> bool:
        """Whether the address space that was opened still exists.

        It does not after an exec, although the process goes on. True where nothing is known.
        """
        if self._descriptor < 0:
            return True
        try:
            return len(os.pread(self._descriptor, _ENTRY, 0)) == _ENTRY
        except OSError:
            return False

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor, self.method = -1, "none"
