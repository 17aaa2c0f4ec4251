"""The address space of a Windows process: what is mapped, what to do about it, its bytes.

* Reserved address space has no pages behind it. It is no mapping; how much there is of it goes
  into the facts.
* A guard page is never read: the attempt would raise the guard in the target, which is how
  Windows grows stacks, and take it away.
* Pages that forbid caching or combine writes usually belong to a device and are not read.
* Windows does not tell a committed page that was never touched from one that was paged out
  (`QueryWorkingSetEx` calls both invalid). So nothing is proved zero here: such pages are
  read, which gives them memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msl_construct.errors import TargetError

from ..model import (
    COPY_ON_WRITE,
    EXECUTE,
    GUARD,
    READ,
    WRITE,
    Action,
    Failure,
    Mapping,
    Stretch,
)
from ..plain_target import CallFailed
from ..reading import read_pages
from . import structures as win
from .calls import WindowsSystem
from .device_names import DeviceNames

__all__ = ["WindowsMemory"]

_PROTECTIONS = {
    0x01: 0,
    0x02: READ,
    0x04: READ | WRITE,
    0x08: READ | WRITE | COPY_ON_WRITE,
    0x10: EXECUTE,
    0x20: READ | EXECUTE,
    0x40: READ | WRITE | EXECUTE,
    0x80: READ | WRITE | EXECUTE | COPY_ON_WRITE,
}


class WindowsMemory:
    """The memory of one open process.

    Args:
        system: the calls.
        process: a handle that permits queries and reads.
        page_size: bytes.
        devices: read device memory as well.
    """

    def __init__(self, system: WindowsSystem, process: int, page_size: int, devices: bool) -> None:
        self._system = system
        self._process = process
        self.page_size = page_size
        self._devices = devices
        self._last_error = (0, 0)
        self._names = DeviceNames(system)
        self._reserved = {"ranges": 0, "bytes": 0}

    @property
    def facts(self) -> dict[str, Any]:
        """What was seen by the last walk and is no mapping."""
        return {"reserved": dict(self._reserved)}

    def mappings(self, known: dict[int, str] | None = None) -> list[Mapping]:
        """Everything committed, in address order.

        Args:
            known: region types of allocations in which these addresses lie: heaps and stacks.

        Raises:
            TargetError: the process is gone, or the walk can't go on.
        """
        kinds = {self._allocation(address): kind for address, kind in (known or {}).items()}
        names: dict[int, str] = {}
        found = []
        self._reserved = {"ranges": 0, "bytes": 0}
        for info in self._walk():
            if info.state == win.MEM_COMMIT:
                found.append(self._mapping(info, names, kinds))
            elif info.state == win.MEM_RESERVE:
                self._reserved["ranges"] += 1
                self._reserved["bytes"] += int(info.region_size)
        return found

    def _walk(self) -> Iterator[win.MemoryBasicInformation]:
        address = 0
        while True:
            try:
                info = self._system.query(self._process, address)
            except CallFailed as error:
                # So it says that the address is behind the last that a program can have.
                if error.code == win.ERROR_INVALID_PARAMETER and address:
                    return
                raise TargetError(
                    f"the address space can't be walked at {address:#x}: {error}",
                    remedy="the target may have ended",
                ) from error
            end = int(info.base_address) + int(info.region_size)
            if end <= address:
                raise TargetError(
                    f"the walk of the address space stands still: the region at "
                    f"{int(info.base_address):#x} ends at {end:#x}, not behind {address:#x}"
                )
            yield info
            address = end

    def _allocation(self, address: int) -> int:
        """That which an address lies in; 0 if none does."""
        try:
            return int(self._system.query(self._process, address).allocation_base)
        except CallFailed:
            return 0

    def _mapping(
        self, info: win.MemoryBasicInformation, names: dict[int, str], kinds: dict[int, str]
    ) -> Mapping:
        start, allocation = int(info.base_address), int(info.allocation_base)
        if info.type == win.MEM_PRIVATE:
            name = ""
        else:
            if allocation not in names:
                found = self._system.mapped_file(self._process, start)
                names[allocation] = self._names.path(found)
            name = names[allocation]
        protection = _PROTECTIONS.get(info.protect & 0xFF, 0)
        if info.protect & win.PAGE_GUARD:
            protection |= GUARD
        end = start + int(info.region_size)
        kind = _region_type(info, name)
        if kind == "anonymous":
            kind = kinds.get(allocation, kind)
        return Mapping(start, end, protection, kind, name, bytes(info))

    def stretches(self, mapping: Mapping) -> list[Stretch]:
        """What to do about the pages of a mapping.

        Windows is asked once more: what became a guard page since the walk is not touched.
        """
        found = []
        address = mapping.start
        while address < mapping.end:
            end, action, cause = mapping.end, Action.READ, ""
            try:
                info = self._system.query(self._process, address)
            except CallFailed:
                # Reading will say what is wrong.
                pass
            else:
                end = min(end, max(_end(info), address + self.page_size))
                action, cause = self._treatment(info)
            found.append(Stretch((end - address) // self.page_size, action, cause))
            address = end
        return found

    def read(self, address: int, into: memoryview) -> int:
        """Read whole pages up to the first that can't be read; how many bytes came."""

        def copy(start: int, piece: memoryview) -> int:
            came, error = self._system.read(self._process, start, piece)
            if error:
                stopped = start + came // self.page_size * self.page_size
                self._last_error = (stopped, error)
            return came

        return read_pages(copy, address, into, self.page_size)

    def failure(self, address: int, pages: int) -> Failure:
        """Why the page at `address` can't be read."""
        where, error = self._last_error
        if where != address:
            error = 0
        try:
            info = self._system.query(self._process, address)
        except CallFailed as failed:
            if self._system.ended(self._process):
                return Failure("unmapped", "gone", failed.code, pages)
            if failed.code == win.ERROR_INVALID_PARAMETER:
                return Failure("unmapped", "unmapped", failed.code, pages)
            # Whether something is mapped there was not to be learnt: don't claim that it is gone.
            return Failure("failed", "no_answer", failed.code, 1)
        alike = max(min(pages, (_end(info) - address) // self.page_size), 1)
        if info.state == win.MEM_FREE:
            return Failure("unmapped", "unmapped", error, alike)
        if info.state == win.MEM_RESERVE:
            return Failure("unmapped", "decommitted", error, alike)
        action, cause = self._treatment(info)
        if action is Action.SKIP:
            return Failure("failed", cause, error, alike)
        return Failure("failed", "read_error", error, 1)

    def _treatment(self, info: win.MemoryBasicInformation) -> tuple[Action, str]:
        if info.state == win.MEM_COMMIT:
            if info.protect & win.PAGE_GUARD:
                return Action.SKIP, "guard"
            if info.protect & 0xFF == win.PAGE_NOACCESS:
                return Action.SKIP, "no_access"
            if info.protect & (win.PAGE_NOCACHE | win.PAGE_WRITECOMBINE) and not self._devices:
                return Action.SKIP, "device"
        return Action.READ, ""


def _end(info: win.MemoryBasicInformation) -> int:
    return int(info.base_address) + int(info.region_size)


def _region_type(info: win.MemoryBasicInformation, name: str) -> str:
    if info.type == win.MEM_IMAGE:
        return "image"
    if info.type == win.MEM_MAPPED:
        # A section that the page file backs has no name.
        return "mapped_file" if name else "shared_mem"
    return "anonymous" if info.type == win.MEM_PRIVATE else "unknown"
