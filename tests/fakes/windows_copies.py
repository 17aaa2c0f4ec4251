"""Copies of processes, for the fake of Windows: what its memory was at one moment."""

from __future__ import annotations

import ctypes
import struct
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

__all__ = ["COPY_PROTOTYPES", "FakeCopies"]

_H = _P = ctypes.c_void_p
_B, _D = ctypes.c_int, ctypes.c_uint
COPY_PROTOTYPES: dict[str, tuple[Any, ...]] = {
    "GlobalMemoryStatusEx": (_B, _P),
    "PssCaptureSnapshot": (_D, _H, _D, _D, _P),
    "PssFreeSnapshot": (_D, _H, _H),
    "PssQuerySnapshot": (_D, _H, _D, _P, _D),
    "TerminateProcess": (_B, _H, _D),
}
OWN = (1 << 64) - 1
PRIVATE, MAPPED = 0x20000, 0x40000


@dataclass
class FakeCopies:
    """What `FakeWindows` has besides, of `PssCaptureSnapshot`.

    A copy shares sections with its original, and lacks those of the page file; freeing a snapshot
    does not end it.
    """

    if TYPE_CHECKING:  # of FakeWindows
        regions: list[Any]
        handles: dict[int, Any]
        calls: list[str]
        bad_arguments: list[str]
        ended: bool

        def _handle(self, what: Any) -> int: ...

    written: dict[int, bytes] = field(default_factory=dict)
    """Pages that the target has written to, by address."""
    copies: dict[int, tuple[list[Any], dict[int, bytes]]] = field(default_factory=dict)
    """By process number: regions, and pages written to."""
    ended_copies: set[int] = field(default_factory=set)
    capture_error: int = 0
    query_error: int = 0
    copy_is_target: bool = False
    """Whether what is said to be the copy is the target itself."""
    committed: int = 4
    left_to_commit: int = 1 << 40
    available_physical: int = 1 << 33

    def regions_at(self, handle: int) -> list[Any]:
        """What is mapped in a process, by a handle of it."""
        return self.copies.get(self._number(handle), (self.regions,))[0]

    def has_ended(self, handle: int) -> bool:
        number = self._number(handle)
        return number in self.ended_copies if number in self.copies else self.ended

    def _number(self, handle: int) -> int:
        return int(self.handles[handle][1])

    def written_at(self, handle: int, region: Any, address: int) -> bytes | None:
        """The page at an address, if it was written to."""
        _, written = self.copies.get(self._number(handle), (None, self.written))
        return (self.written if region.kind == MAPPED else written).get(address)

    def _PssCaptureSnapshot(self, process: int, flags: int, context: int, into: int) -> int:
        self.calls.append("capture")
        assert (flags & 1, context) == (1, 0)
        kind, number, access = self.handles[process]
        assert kind == "process"
        if not access & 0x80:
            self.bad_arguments.append("copying takes PROCESS_CREATE_PROCESS")
        if self.capture_error:
            return self.capture_error
        copy = 8_000_000 + 4 * len(self.copies)
        shared = [one for one in self.regions if one.kind != MAPPED or one.name]
        self.copies[copy] = (deepcopy(shared), dict(self.written))
        found = number if self.copy_is_target else copy
        handle = self._handle(("process", found, 0x1FFFFF))
        snapshot = self._handle(("process snapshot", handle))
        ctypes.c_uint64.from_address(into).value = snapshot
        return 0

    def _PssQuerySnapshot(self, snapshot: int, kind: int, into: int, size: int) -> int:
        assert (kind, size) == (1, 8)
        if self.query_error:
            return self.query_error
        ctypes.c_uint64.from_address(into).value = self.handles[snapshot][1]
        return 0

    def _PssFreeSnapshot(self, process: int, snapshot: int) -> int:
        self.calls.append("free")
        if process != OWN:
            self.bad_arguments.append("a snapshot is freed in the process that has captured it")
        del self.handles[self.handles.pop(snapshot)[1]]
        return 0

    def _TerminateProcess(self, process: int, code: int) -> int:
        number = self._number(process)
        self.calls.append("end")
        if number not in self.copies:
            self.bad_arguments.append(f"process {number} was ended, which is no copy")
        self.ended_copies.add(number)
        return 1

    def _GlobalMemoryStatusEx(self, into: int) -> int:
        assert ctypes.c_uint.from_address(into).value == 64
        left, physical = self.left_to_commit, self.available_physical
        raw = struct.pack("<IIQQQQQQQ", 64, 50, 1 << 34, physical, 1 << 41, left, 0, 0, 0)
        ctypes.memmove(into, raw, 64)
        return 1
