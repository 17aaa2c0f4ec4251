"""Plans of regions: what is to be done about their pages, and how they are cut into blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ..errors import ConformanceError
from ..page_map import PageMap, Run, stored_size

__all__ = [
    "LARGEST_MAP",
    "READ",
    "WINDOW",
    "ZERO",
    "Outcome",
    "Piece",
    "Plan",
    "Read",
    "fitting",
    "note",
    "part_of",
    "pieces",
    "runs_of",
]

READ, ZERO = "read", "zero"
"""What a plan may say of pages besides the name of a page state: read them, or store zeros."""

Plan = Sequence[tuple[int, str]]
"""Pages of a region, one behind the other: how many, and `READ`, `ZERO` or a page state."""

Outcome = Sequence[tuple[int, str]]
"""What a read brought: how many pages, and ``captured`` or another page state."""

Read = Callable[[int, memoryview], "Outcome | None"]
"""Reads whole pages from an address on into a buffer of their size.

Returns None when they all came, else what became of each; the bytes of captured pages then
stand at the start of the buffer, without gaps. May be called from several threads at once.
"""

WINDOW = 1 << 20
"""Bytes that are read at once: enough to be quick, and still in the caches to be hashed."""

_MOST_PAGES = 1 << 20
LARGEST_MAP = stored_size(_MOST_PAGES)
"""Bytes of the largest page map of a piece."""

_WIDE_LOG2 = 30
_WIDE = 1 << _WIDE_LOG2
"""Stretches without bytes as long as this get pages of this size: their map stays small."""


class Piece:
    """A part of a region that becomes one block.

    Attributes:
        base: its address.
        log2: exponent of its page size.
        plan: of its pages.
        pages: their number.
        data: how many of them are planned to have bytes.
        width: how many of the region's pages one of its pages is.
    """

    __slots__ = ("base", "data", "log2", "pages", "plan", "width")

    def __init__(self, base: int, log2: int, plan: Plan, width: int = 1) -> None:
        self.width = width
        self.base = base
        self.log2 = log2
        self.plan = plan
        self.pages = sum(count for count, _ in plan)
        self.data = sum(count for count, what in plan if what in (READ, ZERO))


def pieces(base: int, log2: int, plan: Plan, room: int) -> Iterator[Piece]:
    """A region in parts that each become one block.

    Args:
        room: pages of data that a block may have.
    """
    part: list[tuple[int, str]] = []
    pages = data = 0
    start = address = base

    def whole() -> Piece:
        return Piece(start, log2, part)

    for count, what in plan:
        bytes_too = what in (READ, ZERO)
        if count < 0:
            raise ConformanceError(f"a plan can't have {count} pages (§5.1)")
        if not bytes_too and count << log2 >= _WIDE:
            if part:
                yield whole()
            yield from _wide(address, log2, count, what)
            address += count << log2
            part, pages, data, start = [], 0, 0, address
            continue
        while count:
            taken = min(count, _MOST_PAGES - pages, room - data if bytes_too else count)
            if taken <= 0:
                yield whole()
                part, pages, data, start = [], 0, 0, address
                continue
            part.append((taken, what))
            pages += taken
            data += taken if bytes_too else 0
            address += taken << log2
            count -= taken
    if part:
        yield whole()


def _wide(address: int, log2: int, count: int, what: str) -> Iterator[Piece]:
    """A long stretch without bytes, most of it in wide pages."""
    end = address + (count << log2)
    first, last = -(-address // _WIDE) * _WIDE, end // _WIDE * _WIDE
    if first >= last:
        yield from _alike(address, log2, count, what)
        return
    yield from _alike(address, log2, (first - address) >> log2, what)
    width = 1 << (_WIDE_LOG2 - log2)
    yield from _alike(first, _WIDE_LOG2, (last - first) >> _WIDE_LOG2, what, width)
    yield from _alike(last, log2, (end - last) >> log2, what)


def _alike(address: int, log2: int, count: int, what: str, width: int = 1) -> Iterator[Piece]:
    """Pages that are all alike, as many in a block as its map should have."""
    for first in range(0, count, _MOST_PAGES):
        part = min(_MOST_PAGES, count - first)
        yield Piece(address + (first << log2), log2, [(part, what)], width)


def runs_of(outcome: Outcome, pages: int, state: Callable[[str], int]) -> list[Run]:
    """What a read brought, as runs of pages counted from its first one.

    Args:
        pages: how many it was asked for.
        state: gives the code of a page state.

    Raises:
        ValueError: it does not account for each of them once.
    """
    runs: list[Run] = []
    told = 0
    for count, name in outcome:
        if count < 0:
            raise ValueError(f"a read accounts for {count} pages")
        if count:
            note(runs, told, count, state(name))
            told += count
    if told != pages:
        raise ValueError(f"a read of {pages} pages accounts for {told}")
    return runs


def note(runs: list[Run], first: int, count: int, state: int) -> None:
    """Append a run of page states, or lengthen the last one."""
    if runs and runs[-1][2] == state:
        start, before, _ = runs[-1]
        runs[-1] = (start, before + count, state)
    else:
        runs.append((first, count, state))


def fitting(page_map: PageMap, first: int, log2: int, room: int) -> int:
    """The page behind the longest part of a region from `first` on that a block can hold.

    Args:
        log2: exponent of the page size.
        room: bytes that its page map and its data may have.

    Raises:
        ConformanceError: not even one page fits.
    """

    def fits(stop: int) -> bool:
        data = page_map.counts(first, stop)[0] << log2
        return stored_size(stop - first) + data <= room

    low, high = first, page_map.pages
    if fits(high):
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if fits(middle):
            low = middle
        else:
            high = middle
    if low == first:
        raise ConformanceError(f"a page of {1 << log2} bytes does not fit a block of {room} (§5.1)")
    return low


def part_of(page_map: PageMap, first: int, stop: int) -> PageMap:
    """The map of some of a region's pages."""
    runs = [(page - first, count, state) for page, count, state in page_map.runs(first, stop)]
    return PageMap.from_runs(runs, stop - first)
