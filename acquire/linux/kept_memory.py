"""Memory that a copy of the target would not hold, read while the target stands still.

A copy of a process (see `.freeze.guardian.copy`) shares what is mapped shared, lacks what is
marked MADV_DONTFORK, and has zeros where MADV_WIPEONFORK was asked for. All of this is read from
the target itself before it is let go, into memory of its own that belongs to us.
"""

from __future__ import annotations

import os
import time
from array import array
from bisect import bisect_right
from collections.abc import Hashable, Iterator, Sequence, Set
from dataclasses import dataclass, field

from msl_construct.errors import TargetError

from ..model import Action, Failure, Mapping, Stretch
from .maps import details
from .memory import LinuxMemory
from .pagemap import Pagemap
from .plan import FROM_FILE
from .syscalls import PAGE_SIZE

__all__ = ["KEPT", "KeptPages", "file_of", "not_copied", "only_shared"]

KEPT = "read_in_stop"
"""Says of captured pages that they come from the target itself, as it stood still."""
_KERNELS = ("[vdso]", "[vvar]", "[vvar_vclock]")
"""Mappings of what is the kernel's, and the same in every process."""
_PIECE = 1 << 20
_END_OF_ADDRESSES = 1 << 63


@dataclass
class _Part:
    """One mapping: its plan, and where in our memory its pages are.

    Attributes:
        addresses, places: of each run of pages that are kept, ascending; the last address is
            that of the mapping's end.
        failures: of pages that could not be read, by address.
    """

    plan: list[Stretch] = field(default_factory=list)
    addresses: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    failures: dict[int, Failure] = field(default_factory=dict)


class KeptPages:
    """Pages of a target, read as it stood still.

    Attributes:
        size: bytes of them.
        nanoseconds: that reading them took.
    """

    def __init__(self) -> None:
        self.size = 0
        self.nanoseconds = 0
        self._parts: dict[int, _Part] = {}
        self._live: LinuxMemory | None = None
        self._written: Set[Hashable] = frozenset()
        self._descriptor = os.memfd_create("msl-kept", os.MFD_CLOEXEC)

    def __contains__(self, mapping: Mapping) -> bool:
        return mapping.start in self._parts

    def close(self) -> None:
        """Let go of the memory; more than once does no harm."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def take(
        self,
        target: LinuxMemory,
        mappings: Sequence[Mapping],
        most: int,
        written: Set[Hashable] = frozenset(),
    ) -> None:
        """Read these mappings, all of their pages that are to be read.

        Absent pages of files on disk are left to be read from their files, later: they are
        the same then as for any other way to freeze; but for files that are `written`.

        Args:
            target: its memory; it must stand still.
            most: bytes that may be kept; more is refused.
            written: files, by device and inode, that others write who stand still as well.

        Raises:
            TargetError: there is more, or no memory of ours for it.
        """
        began = time.perf_counter_ns()
        self._written = written
        plans = [list(plan) for plan in target.plans(mappings)]
        size = sum(
            stretch.pages * PAGE_SIZE
            for mapping, plan in zip(mappings, plans)
            for stretch in plan
            if self._wanted(mapping, stretch)
        )
        if size > most:
            raise TargetError(
                f"{size >> 20} MiB of its memory are shared or marked not to be forked, and would "
                f"have to be read while it stands still; at most {most >> 20} MiB may be, for the "
                "time that it may stand and the memory that is free",
                remedy="leave shared memory out (--exclude type:shared_mem), allow a longer stop "
                "(--max-freeze), or use --freeze ptrace",
            )
        self._live = target
        buffer = memoryview(bytearray(min(_PIECE, max(size, PAGE_SIZE))))
        try:
            for mapping, plan in zip(mappings, plans):
                self._parts[mapping.start] = self._one(target, mapping, plan, buffer)
        except OSError as error:
            raise TargetError(
                f"no memory to keep {size >> 20} MiB of shared memory in: {error.strerror}",
                remedy="leave it out: --exclude type:shared_mem",
            ) from error
        self.nanoseconds += time.perf_counter_ns() - began

    def _one(
        self, target: LinuxMemory, mapping: Mapping, plan: Sequence[Stretch], buffer: memoryview
    ) -> _Part:
        part = _Part()
        at = mapping.start
        for stretch in plan:
            end = at + stretch.pages * PAGE_SIZE
            if self._wanted(mapping, stretch):
                self._read(target, mapping, part, at, end, buffer)
                if not stretch.cause:
                    stretch = Stretch(stretch.pages, stretch.action, KEPT)
                part.plan.append(stretch)
            else:
                part.plan.append(stretch)
            at = end
        return part

    def _read(
        self,
        target: LinuxMemory,
        mapping: Mapping,
        part: _Part,
        at: int,
        end: int,
        buffer: memoryview,
    ) -> None:
        while at < end:
            wanted = min(len(buffer), end - at)
            got = target.read(mapping, at, buffer[:wanted])
            if got:
                done = 0
                while done < got:
                    done += os.pwrite(self._descriptor, buffer[done:got], self.size + done)
                part.addresses.append(at)
                part.places.append(self.size)
                part.sizes.append(got)
                self.size += got
                at += got
            if got < wanted:
                failure = target.failure(mapping, at, (end - at) // PAGE_SIZE)
                pages = max(1, min(failure.pages, (end - at) // PAGE_SIZE))
                part.failures[at] = failure._replace(pages=pages)
                at += pages * PAGE_SIZE

    def plan(self, mapping: Mapping) -> Sequence[Stretch]:
        """What to do about the pages of a mapping that is kept."""
        return self._parts[mapping.start].plan

    def read(self, mapping: Mapping, address: int, into: memoryview) -> int:
        """Whole pages from `address` on; see `msl_acquire.backend.Target`."""
        part = self._parts[mapping.start]
        got = 0
        while got < len(into):
            at = address + got
            index = bisect_right(part.addresses, at) - 1
            if index < 0 or at >= part.addresses[index] + part.sizes[index]:
                if self._kept_elsewhere(mapping, part, at):
                    break  # it could not be read when the target stood still
                assert self._live is not None
                return got + self._live.read(mapping, at, into[got:])
            inside = at - part.addresses[index]
            size = min(part.sizes[index] - inside, len(into) - got)
            piece = into[got : got + size]
            got += os.preadv(self._descriptor, [piece], part.places[index] + inside)
        return got

    def _kept_elsewhere(self, mapping: Mapping, part: _Part, address: int) -> bool:
        """Whether a page was to be kept and could not be read."""
        at = mapping.start
        for stretch in part.plan:
            at += stretch.pages * PAGE_SIZE
            if address < at:
                return self._wanted(mapping, stretch)
        return True

    def _wanted(self, mapping: Mapping, stretch: Stretch) -> bool:
        """Whether pages have to be read while the target stands still."""
        if stretch.action is not Action.READ:
            return False
        # What the target does not have of a file on disk stands in the file. Shared memory has
        # nothing else to stand in, and is written by others.
        return (
            stretch.cause != FROM_FILE
            or mapping.region_type == "shared_mem"
            or file_of(mapping) in self._written
        )

    def failure(self, mapping: Mapping, address: int, pages: int) -> Failure:
        """Why a page is not there; see `msl_acquire.backend.Target`."""
        part = self._parts[mapping.start]
        for start, failure in part.failures.items():
            inside = (address - start) // PAGE_SIZE
            if start <= address and inside < failure.pages:
                return failure._replace(pages=min(pages, failure.pages - inside))
        assert self._live is not None
        return self._live.failure(mapping, address, pages)


def file_of(mapping: Mapping) -> tuple[tuple[int, int], int]:
    """What is mapped, by device and inode; (0, 0) and 0: memory of its own."""
    more = details(mapping)
    return more.device, more.inode


def only_shared(mappings: Sequence[Mapping]) -> Iterator[Mapping]:
    """Those that a copy would share with the target."""
    return (mapping for mapping in mappings if details(mapping).shared)


def not_copied(
    mappings: Sequence[Mapping], copied: bytes, target: LinuxMemory, copy: Pagemap
) -> list[Mapping]:
    """Private mappings of which a copy holds nothing, or not what the target holds.

    What is marked MADV_DONTFORK is not mapped in the copy. What is marked MADV_WIPEONFORK is, but
    has no pages: so has what was never written, so that the target itself is asked for one. Huge
    pages from a pool (hugetlb) are there, but the kernel takes them from the copy when the target
    writes and the pool is empty.

    Args:
        mappings: the target's that are of interest, in address order.
        copied: the text of the copy's /proc/PID/maps.
        target, copy: both stand still.
    """
    there = set(copied.split(b"\n"))
    starts, ends = array("Q"), array("Q")
    last = max((one.end for one in mappings if one.end < _END_OF_ADDRESSES), default=0)
    for low, high, _ in copy.ranges(0, last, 0):
        starts.append(low)
        ends.append(high)
    found = []
    for one in mappings:
        more = details(one)
        if more.shared or one.end >= _END_OF_ADDRESSES or one.name in _KERNELS:
            continue
        if one.native not in there:
            found.append(one)
        elif more.inode:
            if target.of_huge_pages(one):
                found.append(one)
        else:
            behind = bisect_right(ends, one.start)
            empty = behind == len(ends) or starts[behind] >= one.end
            if empty and target.pagemap.has_own_pages(one.start, one.end):
                found.append(one)
    return found
