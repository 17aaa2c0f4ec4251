"""What of a process was captured, run by run, and what was not: the plan of every export."""

from __future__ import annotations

import os
import stat
from array import array
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any

from ..errors import MemoryAccessError
from ..space import ABSENT, ADDRESSES_END, CAPTURED, AddressSpace
from .process import CapturedProcess, MappedRange

__all__ = [
    "NOTES_IN_MEMORY",
    "CapturedRuns",
    "Hole",
    "can_seek",
    "described",
    "holes_of",
    "pieces_of",
    "put_sparsely",
]

Hole = tuple[MappedRange, int, int, str]
"""The mapping, address, length and state of a stretch without bytes."""

NOTES_IN_MEMORY = 32 << 20
"""Bytes of what stands before the memory, such as registers, that are not put on disk meanwhile."""

_PIECE = 8 << 20
"""Bytes that are written at once: file systems take large pieces in a third of the time."""
_LEAST_HOLE = 1 << 16
_ZEROS = bytes(_LEAST_HOLE)


class CapturedRuns:
    """Every stretch of captured bytes, in address order; three words each.

    A run ends where its mapping ends.
    """

    def __init__(self, process: CapturedProcess) -> None:
        self.starts, self.lengths, self._owners = array("Q"), array("Q"), array("Q")
        self._mappings: list[MappedRange] = []
        for mapping in process.stretches():
            fresh = True
            for address, length, state in process.space.states(mapping.start, mapping.end):
                length = min(length, ADDRESSES_END - address)
                if state != CAPTURED or length <= 0:
                    continue
                if fresh:
                    self._mappings.append(mapping)
                    fresh = False
                self._add(address, length)

    def _add(self, address: int, length: int) -> None:
        self.starts.append(address)
        self.lengths.append(length)
        self._owners.append(len(self._mappings) - 1)

    def __len__(self) -> int:
        return len(self.starts)

    def __iter__(self) -> Iterator[tuple[int, int, MappedRange]]:
        """Address, length, and the mapping that a run begins in."""
        for address, length, owner in zip(self.starts, self.lengths, self._owners):
            yield address, length, self._mappings[owner]

    @property
    def total(self) -> int:
        """Bytes of all of them."""
        return sum(self.lengths)


def holes_of(process: CapturedProcess) -> Iterator[Hole]:
    """What of the address space has no bytes; of what is mapped and has no state, too."""
    for mapping in process.stretches():
        for address, length, state in process.space.states(mapping.start, mapping.end):
            if state != CAPTURED:
                yield mapping, address, length, "not_captured" if state == ABSENT else state
    for start, stop in process.space.ranges():
        if stop > ADDRESSES_END:  # where no mapping is
            first = max(start, ADDRESSES_END)
            beyond = MappedRange.bare(first, stop)
            yield beyond, first, stop - first, "beyond_the_address_space"


def pieces_of(space: AddressSpace, address: int, length: int) -> Iterator[memoryview]:
    """The bytes of a captured run, a piece at a time.

    Raises:
        MemoryAccessError: they are not all captured any more.
    """
    for at in range(address, address + length, _PIECE):
        size = min(_PIECE, address + length - at)
        memory = space.read(at, size)
        if not memory.complete:
            raise MemoryAccessError(
                f"{size} bytes at {at:#x}: expected captured ones, found {memory.data.nbytes}"
            )
        yield memory.data


def put_sparsely(file: IO[bytes], data: memoryview, seekable: bool) -> None:
    """Write bytes; long stretches of zeros become holes of the file, where it can have some."""
    if not seekable:
        file.write(data)
        return
    start = 0
    for at in range(0, data.nbytes, _LEAST_HOLE):
        part = data[at : at + _LEAST_HOLE]
        if part.nbytes == _LEAST_HOLE and not part[0] and bytes(part) == _ZEROS:
            if at > start:
                file.write(data[start:at])
            file.seek(_LEAST_HOLE, os.SEEK_CUR)
            start = at + _LEAST_HOLE
    if start < data.nbytes:
        file.write(data[start:])


def described(hole: Hole) -> dict[str, Any]:
    """A hole as the list beside an export has it."""
    mapping, address, length, state = hole
    return {
        "address": f"{address:#x}",
        "length": length,
        "state": state,
        "name": mapping.name,
        "region_type": mapping.region_type,
    }


def can_seek(file: IO[bytes]) -> bool:
    """Whether holes can be left in a file, of which nothing was written yet.

    Not in a device, nor in what somebody else has written, whose bytes a hole would show.
    """
    with suppress(OSError, ValueError, AttributeError):
        if not file.seekable():
            return False
        file.flush()
        return file.tell() == 0 and _is_plain(file)
    return False


def _is_plain(file: IO[bytes]) -> bool:
    """Whether it is a file, and what is written goes where it was told to go."""
    try:
        number = file.fileno()
    except OSError:
        return True  # in memory
    found = os.fstat(number)
    if not stat.S_ISREG(found.st_mode) or found.st_size:
        return False
    try:
        import fcntl
    except ImportError:  # not Unix
        return True
    return not fcntl.fcntl(number, fcntl.F_GETFL) & os.O_APPEND
