"""The address space of a macOS process: what is mapped, what to do about it, its bytes.

* A region that forbids reading is not read, and guard regions are not.
* Memory of IOKit and of the graphics drivers may belong to a device and is not read.
* A region without a memory object was never touched. Neither was a page of a private object
  without shadow and pager of which the kernel knows nothing: neither resident, nor compressed,
  nor paged out. Everything else is read.
* A read that meets one bad page fails as a whole, so it is repeated in halves.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from msl_construct.errors import TargetError

from ..model import COPY_ON_WRITE, EXECUTE, GUARD, Action, Failure, Mapping, Stretch
from ..reading import read_pages
from . import structures as mach
from .api import MacosCallFailed, MacosRegion, MacosSystem

__all__ = ["MacosMemory"]

_PAGES_A_QUERY = 4096
_ACCESS = mach.VM_PROT_READ | mach.VM_PROT_WRITE | mach.VM_PROT_EXECUTE


class MacosMemory:
    """The memory of one task.

    Args:
        system: the calls.
        task: its port.
        pid: its process, for the names of files.
        page_size: bytes.
        devices: read device memory as well.
    """

    def __init__(
        self, system: MacosSystem, task: int, pid: int, page_size: int, devices: bool
    ) -> None:
        self._system = system
        self._task = task
        self._pid = pid
        self._page_size = page_size
        self._devices = devices
        self._last_error = (0, 0)

    def mappings(self) -> list[Mapping]:
        """Every region, in address order, submaps resolved.

        Raises:
            TargetError: the process is gone, or the walk can't go on.
        """
        return [self._mapping(region) for region in self._walk()]

    def _walk(self) -> Iterator[MacosRegion]:
        address = 0
        while True:
            try:
                region = self._system.region(self._task, address)
            except MacosCallFailed as error:
                # So it says that nothing is mapped from there on.
                if error.code == mach.KERN_INVALID_ADDRESS:
                    return
                raise TargetError(
                    f"the address space can't be walked at {address:#x}: {error}",
                    remedy="the target may have ended",
                ) from error
            if not address <= region.start < region.end:
                raise TargetError(
                    f"the walk of the address space stands still: asked for {address:#x}, got "
                    f"the region from {region.start:#x} to {region.end:#x}"
                )
            yield region
            address = region.end

    def _mapping(self, region: MacosRegion) -> Mapping:
        info = region.info
        # The bits of VM_PROT_* are those of the schema.
        protection = int(info.protection) & _ACCESS
        if info.user_tag == mach.GUARD_TAG:
            protection |= GUARD
        if info.share_mode == mach.SM_COW:
            protection |= COPY_ON_WRITE
        name = self._name(region)
        return Mapping(
            region.start, region.end, protection, _region_type(info, name), name, bytes(info)
        )

    def _name(self, region: MacosRegion) -> str:
        tag = int(region.info.user_tag)
        if tag in mach.HEAP_TAGS or tag in (mach.STACK_TAG, mach.GUARD_TAG):
            return ""
        try:
            found = self._system.region_path(self._pid, region.start)
        except MacosCallFailed:
            return ""
        # It goes on to the next region with a file if this one has none.
        if not found.address <= region.start < found.address + found.size:
            return ""
        return bytes(found.path).decode("utf-8", "surrogateescape")

    def stretches(self, mapping: Mapping) -> list[Stretch]:
        """What to do about the pages of a mapping, by what the kernel says of them now."""
        found: list[Stretch] = []
        address = mapping.start
        while address < mapping.end:
            end = mapping.end
            try:
                region = self._system.region(self._task, address)
            except MacosCallFailed:
                region = None
            if region is None or region.start >= end:
                # Gone meanwhile: reading will say so.
                found.append(self._stretch(address, end, Action.READ))
            elif region.start > address:
                end = region.start
                found.append(self._stretch(address, end, Action.READ))
            else:
                end = min(end, region.end)
                found.extend(self._of_region(region, address, end))
            address = end
        return found

    def _stretch(self, start: int, end: int, action: Action, cause: str = "") -> Stretch:
        return Stretch((end - start) // self._page_size, action, cause)

    def _of_region(self, region: MacosRegion, start: int, end: int) -> Iterator[Stretch]:
        cause = self._forbidden(region.info)
        if cause:
            yield self._stretch(start, end, Action.SKIP, cause)
        elif region.info.share_mode == mach.SM_EMPTY:
            yield self._stretch(start, end, Action.UNTOUCHED, "untouched")
        elif not _private_object(region.info):
            yield self._stretch(start, end, Action.READ)
        else:
            step = _PAGES_A_QUERY * self._page_size
            for address in range(start, end, step):
                yield from self._of_object(region, address, min(address + step, end))

    def _of_object(self, region: MacosRegion, start: int, end: int) -> Iterator[Stretch]:
        pages = (end - start) // self._page_size
        try:
            known = self._system.dispositions(self._task, start, pages, self._page_size)
            # An unmapped page looks like an untouched one: only while the same object is
            # there does nothing known mean nothing there.
            again = self._system.region(self._task, start)
        except MacosCallFailed:
            known = []
        else:
            if again.start > start or again.end < end or bytes(again.info) != bytes(region.info):
                known = []
        if not known:
            yield self._stretch(start, end, Action.READ)
        for untouched, group in groupby(disposition == 0 for disposition in known):
            count = sum(1 for _ in group)
            if untouched:
                yield Stretch(count, Action.UNTOUCHED, "untouched")
            else:
                yield Stretch(count, Action.READ)

    def read(self, address: int, into: memoryview) -> int:
        """Read whole pages up to the first that can't be read; how many bytes came."""

        def copy(start: int, piece: memoryview) -> int:
            came, error = self._system.read(self._task, start, piece)
            if error:
                self._last_error = (start, error)
            return came

        return read_pages(copy, address, into, self._page_size)

    def failure(self, address: int, pages: int) -> Failure:
        """Why the page at `address` can't be read."""
        where, error = self._last_error
        if where != address:
            error = 0
        try:
            region = self._system.region(self._task, address)
        except MacosCallFailed as failed:
            if failed.code == mach.KERN_INVALID_ADDRESS:
                return Failure("unmapped", "unmapped", error, pages)
            if failed.dead:
                return Failure("unmapped", "gone", failed.code, pages)
            # Whether something is mapped there was not to be learnt: don't claim that it is gone.
            return Failure("failed", "no_answer", failed.code, 1)
        if region.start > address:
            gap = (region.start - address) // self._page_size
            return Failure("unmapped", "unmapped", error, max(min(pages, gap), 1))
        cause = self._forbidden(region.info)
        if cause:
            alike = (region.end - address) // self._page_size
            return Failure("failed", cause, error, max(min(pages, alike), 1))
        return Failure("failed", _CAUSES.get(error, "read_error"), error, 1)

    def _forbidden(self, info: mach.SubmapInfo) -> str:
        if info.user_tag == mach.GUARD_TAG:
            return "guard"
        if not info.protection & mach.VM_PROT_READ:
            return "no_access"
        if info.user_tag in mach.DEVICE_TAGS and not self._devices:
            return "device"
        return ""


_CAUSES = {
    mach.KERN_PROTECTION_FAILURE: "no_access",
    mach.KERN_MEMORY_FAILURE: "pager",
    mach.KERN_MEMORY_ERROR: "pager",
}


def _private_object(info: mach.SubmapInfo) -> bool:
    return bool(
        info.share_mode == mach.SM_PRIVATE
        and not info.shadow_depth
        and not info.external_pager
        and not info.is_submap
    )


def _region_type(info: Any, name: str) -> str:
    if info.user_tag in mach.HEAP_TAGS:
        return "heap"
    if info.user_tag in (mach.STACK_TAG, mach.GUARD_TAG):
        return "stack"
    if info.user_tag in mach.IMAGE_TAGS or (name and info.protection & EXECUTE):
        return "image"
    if name:
        return "mapped_file"
    if info.share_mode in (mach.SM_SHARED, mach.SM_TRUESHARED):
        return "shared_mem"
    return "other" if info.external_pager else "anonymous"
