"""What an address space answers, and the bytes and states that reading it gives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ..errors import MemoryAccessError

__all__ = [
    "ABSENT",
    "ADDRESSES_END",
    "CAPTURED",
    "DAMAGED",
    "TRUNCATED",
    "AddressSpace",
    "Memory",
    "Run",
    "merged",
]

ADDRESSES_END = 1 << 64
"""First address that there is not: a region of a dump may say that it goes on."""

Run = tuple[int, int, str]
"""Address, length in bytes, state."""

CAPTURED = "captured"
"""The only state that has bytes."""

DAMAGED = "damaged"
"""State of addresses of which it is known that they were captured, and not what of them."""

TRUNCATED = "truncated"
"""State of a page that is said to be captured and whose bytes are not in the file."""

ABSENT = "absent"
"""State of an address of which nothing is said."""


@dataclass(frozen=True)
class Memory:
    """What is known of an address range.

    Attributes:
        address, size: the range asked for, in bytes.
        data: the captured bytes of the range, one run behind the other and nothing in
            between: as long as the range only when all of it was captured.
        runs: ``(address, length, state)`` over the whole range, in order. ``captured``
            runs have their bytes in `data`; every other state (``failed``, ``unmapped``,
            ``not_resident``, ``reserved``, ``truncated``, ``damaged``, ``absent``) has none.
    """

    address: int
    size: int
    data: memoryview
    runs: tuple[Run, ...]

    @property
    def complete(self) -> bool:
        """Whether every byte of the range was captured."""
        return self.data.nbytes == self.size

    def __bytes__(self) -> bytes:
        """The range's bytes.

        Raises:
            MemoryAccessError: some of them were not captured.
        """
        for address, length, state in self.runs:
            if state != CAPTURED:
                raise MemoryAccessError(
                    f"{length} bytes at {address:#x} are {state}: expected captured pages; read "
                    "the runs, or choose a fill with filled()"
                )
        return bytes(self.data)

    def filled(self, fill: int) -> bytes:
        """The range's bytes, with `fill` wherever nothing was captured: the caller's choice."""
        out = bytearray(bytes([fill])) * self.size
        taken = 0
        for address, length, state in self.runs:
            if state == CAPTURED:
                at = address - self.address
                out[at : at + length] = self.data[taken : taken + length]
                taken += length
        return bytes(out)


@runtime_checkable
class AddressSpace(Protocol):
    """Memory by virtual address.

    Whoever searches, compares, extracts or converts memory takes one of these and does not
    ask what file is behind it. Nothing of it makes up bytes: what was not captured has a
    state and no bytes.
    """

    def ranges(self) -> Iterator[tuple[int, int]]:
        """``(start, end)`` of every range of which anything is said.

        In address order; they neither overlap nor touch. What lies between them is ``absent``.
        """

    def states(self, start: int, end: int) -> Iterator[Run]:
        """``(address, length, state)`` over all of [start, end), in order.

        Neighbours differ in their state. No bytes are read.
        """

    def read(self, address: int, size: int) -> Memory:
        """Bytes and states of [address, address + size).

        Raises:
            ValueError: `address` or `size` is below zero.
        """

    def name_of(self, address: int) -> str | None:
        """What stands at an address, by the name that the capture has for it; None if by none."""


def merged(runs: Iterable[Run]) -> Iterator[Run]:
    """The same runs, neighbours of one state together."""
    at, length, state = 0, 0, ABSENT
    for run in runs:
        if length and run[2] == state and run[0] == at + length:
            length += run[1]
            continue
        if length:
            yield at, length, state
        at, length, state = run
    if length:
        yield at, length, state
