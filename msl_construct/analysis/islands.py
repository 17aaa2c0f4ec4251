"""Captured memory in pieces that overlap: what is searched piece by piece, never across a hole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..space import CAPTURED, AddressSpace

__all__ = ["IslandPiece", "SearchedBytes", "islands", "pieces"]

_PIECE = 4 << 20


@dataclass(frozen=True)
class IslandPiece:
    """Captured bytes, one behind the other.

    Attributes:
        address: of the first of them.
        data: they.
        last: whether no captured byte follows.
    """

    address: int
    data: bytes | bytearray
    last: bool


@dataclass
class SearchedBytes:
    """What was looked at, in bytes.

    Attributes:
        captured: that were.
        unknown: of which the dump says that they were mapped, and holds no bytes, by state.
    """

    captured: int
    unknown: dict[str, int]


def islands(
    space: AddressSpace, within: Iterable[tuple[int, int]] | None, coverage: SearchedBytes
) -> Iterator[tuple[int, int]]:
    """Captured ranges in address order, as long as they are; what is none is counted.

    Args:
        within: ranges, ascending and apart; None: everything.
    """
    for start, end in space.ranges() if within is None else within:
        begin = behind = -1
        for address, length, state in space.states(start, end):
            if state != CAPTURED:
                if state != "absent":
                    coverage.unknown[state] = coverage.unknown.get(state, 0) + length
                continue
            coverage.captured += length
            if address != behind:
                if behind > begin:
                    yield begin, behind
                begin = address
            behind = address + length
        if behind > begin:
            yield begin, behind


def pieces(space: AddressSpace, start: int, end: int, overlap: int) -> Iterator[IslandPiece]:
    """An island in pieces; each begins with the last bytes of the one before.

    Args:
        overlap: how many bytes two have in common.
    """
    at = start
    while True:
        stop = min(end, at + _PIECE + overlap)
        yield IslandPiece(at, _held(space.read(at, stop - at).data), stop == end)
        if stop == end:
            return
        at = stop - overlap


def _held(data: memoryview) -> bytes | bytearray:
    """The object behind a view where that is all of it; a copy otherwise."""
    held = data.obj
    if isinstance(held, (bytes, bytearray)) and len(held) == len(data):
        return held
    return bytes(data)
