"""Captured memory in pieces that overlap: what is searched piece by piece, never across a hole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..space import CAPTURED, AddressSpace, CapturedReader

__all__ = ["CONTEXT", "IslandPiece", "SearchedBytes", "held", "islands", "piece_size", "read_piece"]

_PIECE = 1 << 19
"""What a processor holds close to itself."""
_OVERLAPS = 8
CONTEXT = 16
"""Bytes in front of a hit and behind it that are shown with it."""
_SEEN_BEHIND = 64
"""Bytes in front of where a match may begin that an expression can look at."""


@dataclass(frozen=True)
class IslandPiece:
    """Captured bytes, one behind the other.

    Attributes:
        address: of the first of them.
        data: they.
        first, stop: matches begin from here on, and in front of that.
        ends: whether what is captured ends where `data` does.
    """

    address: int
    data: bytes | bytearray
    first: int
    stop: int
    ends: bool = True


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


def piece_size(longest: int) -> int:
    """Bytes of a piece, so that little is looked at twice.

    Args:
        longest: bytes of a match.
    """
    return max(_PIECE, _OVERLAPS * longest)


def read_piece(
    space: CapturedReader, start: int, end: int, number: int, size: int, longest: int
) -> IslandPiece:
    """One of the pieces of an island, with what a match may reach into on both sides.

    Args:
        space: where.
        start, end: of the island.
        number, size: which piece.
        longest: bytes of a match.
    """
    begin = start + number * size
    stop = min(end, begin + size)
    first = max(start, begin - _SEEN_BEHIND)
    behind = min(end, stop + longest + CONTEXT)
    data = held(space.read(first, behind - first))
    return IslandPiece(first, data, begin - first, stop - first, behind == end)


def held(data: memoryview) -> bytes | bytearray:
    """The object behind a view where that is all of it; a copy otherwise."""
    held = data.obj
    if isinstance(held, (bytes, bytearray)) and len(held) == len(data):
        return held
    return bytes(data)
