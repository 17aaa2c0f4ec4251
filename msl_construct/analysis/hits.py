"""What is found in memory: where, what is around it, and what was looked at."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import DamageError, LimitError, MemoryAccessError
from ..space import AddressSpace
from .islands import CONTEXT, SearchedBytes
from .locations import Location, Locations
from .matching import SHOWN

__all__ = ["Hit", "Searched", "first_unreadable", "hit_at"]


@dataclass(slots=True, unsafe_hash=True)  # frozen ones take five times as long to make
class Hit:
    """Where a pattern was found. Not to be changed.

    Attributes:
        address, length: of the match, in bytes.
        data: its bytes; of a long one the first.
        kind, pattern: what was looked for; of a string, its encoding and empty.
        location: where that is.
        before, after: captured bytes next to it, at most 16 each.
        text: the bytes as text where that is what they are; else None.
        value: of a pointer; else None.
        rule: of YARA; else None. Its `pattern` is that of the rule which matches; of a rule that
            needs none it is empty, and the length 0.
    """

    address: int
    length: int
    data: bytes
    kind: str
    pattern: str
    location: Location
    before: bytes
    after: bytes
    text: str | None = None
    value: int | None = None
    rule: str | None = None


@dataclass
class Searched:
    """What a search looked at; complete when it has ended.

    Attributes:
        coverage: bytes that were searched, and those that could not be.
        failed: what could not be read although it was captured, each with where and why.
        hits: how many there were.
    """

    coverage: SearchedBytes = field(default_factory=lambda: SearchedBytes(0, {}))
    failed: list[str] = field(default_factory=list)
    hits: int = 0


def hit_at(
    space: AddressSpace,
    places: Locations,
    island: tuple[int, int],
    address: int,
    length: int,
    kind: str,
    pattern: str,
) -> Hit:
    """A hit with what is around it.

    Args:
        island: how far what is captured goes.

    Raises:
        MemoryAccessError, DamageError, LimitError: its own bytes can't be had.
    """
    first = max(island[0], address - CONTEXT)
    last = min(island[1], address + length + CONTEXT)
    try:
        around = bytes(space.read(first, last - first))
    except (DamageError, LimitError, MemoryAccessError):  # of what is next to it
        first, last = address, address + length
        around = bytes(space.read(first, last - first))
    return Hit(
        address,
        length,
        around[address - first : address - first + min(length, SHOWN)],
        kind,
        pattern,
        places.at(address),
        around[: address - first],
        around[address - first + length :],
    )


def first_unreadable(
    space: AddressSpace, places: Locations, start: int, end: int
) -> tuple[int, int, str]:
    """Where the first region begins and ends that can't be read, and why."""
    at = start
    while at < end:
        behind = min(end, places.end_of(at))
        try:
            space.read(at, 1)
        except (DamageError, LimitError) as error:
            return at, behind, str(error)
        at = behind
    return start, end, "it could be read at its beginning only"
