"""One pass over a dump's captured memory: runs that look like keys, schedules, patterns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from ...errors import DamageError, LimitError
from ...reader.dump import Dump
from ...space import ADDRESSES_END
from ..finding import find_all
from ..forked import can_fork, in_order
from ..islands import SearchedBytes, held, islands
from ..locations import Locations
from ..patterns import SearchPattern
from .aes_schedules import LONGEST, schedules
from .measures import BLOCK, dense_blocks
from .shapes import MemoryShape

__all__ = ["PIECE", "DumpScan", "Look", "Pattern", "ScannedPiece", "scan"]

PIECE = 1 << 19
"""Bytes that are looked at at a time, at multiples of as many."""
_BEFORE = 64
_BEHIND = 512
_WORTH_PROCESSES = 16
_MOST_RUNS = 1 << 18
_MOST_FOUND = 1 << 16


@dataclass(frozen=True)
class ScannedPiece:
    """Captured bytes, one behind the other, of which some are looked at.

    Attributes:
        address: of the first.
        data: with some in front and behind.
        first, stop: offsets of those that are looked at.
    """

    address: int
    data: bytes | bytearray
    first: int
    stop: int


@dataclass
class DumpScan:
    """What a pass found.

    Attributes:
        runs: first address of bytes that look like keys and the one behind the last.
        schedules: address, key, and whether the words are in the other byte order.
        matches: of patterns: the shape's name, address and length.
        coverage: bytes that were looked at, and those that could not be.
        failed: captured bytes that could not be had; and what was too much to keep.
        counted: the numbers that a `Look` gave for each piece, one behind the other.
    """

    runs: list[tuple[int, int]] = field(default_factory=list)
    schedules: list[tuple[int, bytes, bool]] = field(default_factory=list)
    matches: list[tuple[str, int, int]] = field(default_factory=list)
    coverage: SearchedBytes = field(default_factory=lambda: SearchedBytes(0, {}))
    failed: list[str] = field(default_factory=list)
    counted: list[int] = field(default_factory=list)


Look = Callable[[ScannedPiece, Any, Any], list[int]]
"""Counts something of a piece: given it, its bytes as numbers and flags of its dense blocks."""
Pattern = tuple[str, int, SearchPattern]
"""Name and alignment of a shape, and what it begins with."""
_Unit = tuple[int, int, int, int]
"""An island, and the addresses of it that are looked at."""
_Answer = tuple[
    list[tuple[int, int]],
    list[tuple[int, bytes, bool]],
    list[tuple[str, int, int]],
    list[int],
    int,
]
"""Runs, schedules, matches, numbers of a `Look`, and places of schedules that were too many."""


def scan(
    np: Any,
    dump: Dump,
    shapes: Iterable[MemoryShape],
    *,
    within: Sequence[tuple[int, int]] | None = None,
    look: Look | None = None,
    only_look: bool = False,
    processes: int = 1,
    counting: Callable[[list[int]], None] | None = None,
) -> DumpScan:
    """Go over all captured memory once.

    Args:
        np: numpy.
        shapes: whose patterns are looked for.
        within: address ranges, ascending and apart; None: everything.
        look: what is done with each piece besides; its numbers are put one behind the other.
        only_look: do nothing else.
        processes: how many copies of this process look, where they would be whole.
        counting: takes the numbers of `look` piece by piece; None: all are kept.
    """
    found = DumpScan()
    beyond = sum(
        end - max(start, ADDRESSES_END)
        for start, end in dump.memory.ranges()
        if end > ADDRESSES_END
    )
    if beyond:
        found.failed.append(f"{beyond} bytes have addresses of more than 64 bits: not looked at")
    patterns = [(one.name, one.align, part) for one in shapes for part in one.patterns]
    places = Locations(dump)
    settings = _Settings(np, patterns, places, look, only_look)
    longest = max([_BEHIND, LONGEST, *(part.longest for _, _, part in patterns)])
    units = [
        (start, end, begin, min(end, (begin // PIECE + 1) * PIECE))
        for start, end in islands(dump.memory, within or ((0, ADDRESSES_END),), found.coverage)
        for begin in (start, *range((start // PIECE + 1) * PIECE, end, PIECE))
    ]

    def work(number: int) -> list[Any]:
        start, end, begin, stop = units[number]
        first, behind = max(start, begin - _BEFORE), min(end, stop + longest)
        try:
            data = held(dump.memory.read(first, behind - first).data)
        except (DamageError, LimitError) as error:
            return [None, str(error)]
        piece = ScannedPiece(first, data, begin - first, stop - first)
        return list(_looked(settings, piece))

    for number, answer in enumerate(_answers(work, len(units), processes)):
        if answer[0] is None:
            _by_region(settings, dump, units[number], found)
        else:
            _take(found, answer)
        if counting is not None:
            counting(found.counted)
            found.counted = []
    return found


def _answers(work: Callable[[int], list[Any]], count: int, processes: int) -> Iterator[list[Any]]:
    if processes > 1 and count >= _WORTH_PROCESSES and can_fork():
        with closing(in_order(work, count, processes)) as results:
            yield from results
        return
    yield from map(work, range(count))


def _by_region(settings: _Settings, dump: Dump, unit: _Unit, found: DumpScan) -> None:
    """The same where some of it can't be had: each region on its own."""
    at, stop = unit[2:]
    while at < stop:
        behind = min(stop, settings.places.end_of(at))
        try:
            data = held(dump.memory.read(at, behind - at).data)
        except (DamageError, LimitError) as error:
            found.failed.append(f"{behind - at} bytes at {at:#x} were not looked at: {error}")
            found.coverage.captured -= behind - at
        else:
            piece = ScannedPiece(at, data, 0, behind - at)
            _take(found, list(_looked(settings, piece)))
        at = behind


def _take(found: DumpScan, answer: Sequence[Any]) -> None:
    runs, keys, matches, counts, left = answer
    if left:
        _say(found, f"places that begin like key schedules are too many; {left} were not looked at")
    for start, end in runs:
        if found.runs and start <= found.runs[-1][1]:
            found.runs[-1] = found.runs[-1][0], max(end, found.runs[-1][1])
        elif len(found.runs) < _MOST_RUNS:
            found.runs.append((start, end))
        elif len(found.runs) == _MOST_RUNS:
            _say(found, f"{_MOST_RUNS} runs of dense bytes are kept; none was behind {start:#x}")
    for kept, new in ((found.schedules, keys), (found.matches, matches)):
        kept.extend(new[: _MOST_FOUND - len(kept)])
        if len(kept) == _MOST_FOUND:
            _say(found, f"{_MOST_FOUND} schedules or patterns are kept, and no more of them")
    found.counted += counts


def _say(found: DumpScan, text: str) -> None:
    if text.split(";")[0] not in (one.split(";")[0] for one in found.failed):
        found.failed.append(text)


@dataclass(frozen=True)
class _Settings:
    """What is done with each piece."""

    np: Any
    patterns: Sequence[Pattern]
    places: Locations
    look: Look | None
    only_look: bool


def _looked(settings: _Settings, piece: ScannedPiece) -> _Answer:
    np, look = settings.np, settings.look
    data = np.frombuffer(piece.data, np.uint8)
    if settings.only_look and look is not None:
        return [], [], [], look(piece, data, None), 0
    skip = -piece.address % BLOCK
    dense = dense_blocks(np, data[skip:])
    counts = look(piece, data, dense) if look is not None else []
    start = piece.first + (-(piece.address + piece.first) % 4)
    left: list[int] = []
    keys = [
        (piece.address + one.offset, one.key, one.swapped)
        for one in schedules(np, piece.data, start, piece.stop, left)
    ]
    runs = _runs(np, piece, data, dense, skip, settings.places)
    return runs, keys, _matches(piece, settings.patterns), counts, sum(left)


def _runs(
    np: Any, piece: ScannedPiece, data: Any, dense: Any, skip: int, places: Locations
) -> list[tuple[int, int]]:
    """Dense blocks side by side, and up to 15 bytes next to them that are not zero.

    Of regions that can be written to, or of which nothing is known.
    """
    flags = np.zeros(len(dense) + 2, np.int8)
    flags[1:-1] = dense
    steps = np.diff(flags)
    begins = np.flatnonzero(steps == 1) * BLOCK + skip
    ends = np.flatnonzero(steps == -1) * BLOCK + skip
    inside = (ends > piece.first) & (begins < piece.stop)
    begins = np.maximum(begins[inside], piece.first - piece.first % BLOCK)
    ends = np.minimum(ends[inside], len(data))
    for low, high in _closed(piece, places):
        inside = (begins < low) | (begins >= high)
        begins, ends = begins[inside], ends[inside]
    there = data != 0
    more = np.ones(len(begins), bool)
    for _ in range(BLOCK - 1):
        more &= (begins > 0) & there[begins - 1]
        begins = begins - more
    more[:] = True
    for _ in range(BLOCK - 1):
        more &= ends < len(data)
        more &= there[np.minimum(ends, len(data) - 1)]
        ends = ends + more
    # Not by numpy: addresses of a system's own half are larger than its signed numbers.
    own = piece.address
    return [(own + begin, own + end) for begin, end in zip(begins.tolist(), ends.tolist())]


def _closed(piece: ScannedPiece, places: Locations) -> Iterator[tuple[int, int]]:
    """Offsets of regions that can't be written to."""
    at, stop = piece.address, piece.address + len(piece.data)
    while at < stop:
        end = min(stop, places.end_of(at))
        place = places.at(at).region
        if place is not None and place.protection and "write" not in place.protection:
            yield at - piece.address, end - piece.address
        at = end


def _matches(piece: ScannedPiece, patterns: Sequence[Pattern]) -> list[tuple[str, int, int]]:
    found = []
    for name, align, pattern in patterns:
        assert pattern.expression is not None
        for at in _starts(pattern, piece):
            match = pattern.expression.match(piece.data, at)
            if match is not None and (piece.address + at) % align == 0:
                found.append((name, piece.address + at, match.end() - at))
                if len(found) >= _MOST_FOUND:
                    return found
    return found


def _starts(pattern: SearchPattern, piece: ScannedPiece) -> Iterator[int]:
    if not pattern.literal:
        yield from range(piece.first, piece.stop)
        return
    for at in find_all(piece.data, pattern.literal, piece.first + pattern.before):
        if at - pattern.before >= piece.stop:
            return
        yield at - pattern.before
