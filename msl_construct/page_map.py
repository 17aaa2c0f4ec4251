"""Page states, two bits a page, most significant first (§6), as runs.

A map is kept as the stored bytes and turned into runs ``(first_page, count, state)`` on
demand, a piece at a time: sixteen million pages cost the four megabytes that store them,
and nothing per page. Pages are numbered from the start of their region; states are the
stored codes 0 to 3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

__all__ = ["PAGES_PER_BYTE", "PageMap", "Run", "checked_runs", "pad8", "stored_size"]

Run = tuple[int, int, int]
"""First page, number of pages, state."""

PAGES_PER_BYTE = 4
_PIECE = 1 << 16
_FEW = 32
"""Bytes that are sooner counted one by one."""
_UNIFORM = tuple(state * 0b01010101 for state in range(4))  # four pages of one state
_ALIKE = re.compile(rb"\x00+|\x55+|\xaa+|\xff+|[^\x00\x55\xaa\xff]+")
_ZEROS = bytes(_PIECE)
_LOW_BITS = bytes([0b01010101]) * _PIECE


def pad8(length: int) -> int:
    """`length` rounded up to the next multiple of 8 (§1.3)."""
    return (length + 7) & ~7


def stored_size(pages: int) -> int:
    """Bytes that the map of `pages` pages occupies, padding included (§5.1)."""
    return pad8((pages + PAGES_PER_BYTE - 1) // PAGES_PER_BYTE)


def checked_runs(runs: Iterable[Run], pages: int) -> Iterator[Run]:
    """The runs as they are, while they cover pages 0 to `pages` in order.

    Raises:
        ValueError: a run is out of order, empty, or of an impossible state.
    """
    expected = 0
    for first, count, state in runs:
        if first != expected or count < 1 or not 0 <= state <= 3:
            raise ValueError(
                f"page run ({first}, {count}, {state}): expected a run of at least one page "
                f"that starts at page {expected}, with a state of 0 to 3"
            )
        expected = first + count
        if expected > pages:
            raise ValueError(f"page runs reach page {expected}, the region has {pages}")
        yield first, count, state
    if expected != pages:
        raise ValueError(f"page runs cover {expected} pages, the region has {pages}")


def _byte_states(value: int) -> tuple[tuple[int, int], ...]:
    """The (count, state) pairs of one map byte, most significant first."""
    pairs: list[tuple[int, int]] = []
    for shift in (6, 4, 2, 0):
        state = value >> shift & 3
        if pairs and pairs[-1][1] == state:
            pairs[-1] = (pairs[-1][0] + 1, state)
        else:
            pairs.append((1, state))
    return tuple(pairs)


@cache
def _states_of() -> tuple[tuple[tuple[int, int], ...], ...]:
    """The same of every byte; made when a map of mixed states is met."""
    return tuple(_byte_states(value) for value in range(256))


class PageMap:
    """The states of a region's pages.

    Args:
        stored: the map as it stands in the file, padding included.
        pages: how many pages the region has; states behind that are padding.
    """

    __slots__ = ("_captured", "_ranks", "pages", "stored")

    def __init__(self, stored: bytes, pages: int) -> None:
        self.stored = stored
        self.pages = pages
        self._ranks: list[int] | None = None
        self._captured: int | None = None

    @classmethod
    def uniform(cls, pages: int, state: int = 0) -> PageMap:
        """A map in which every page has the same state."""
        return cls.from_runs([(0, pages, state)] if pages else [], pages)

    @classmethod
    def from_runs(cls, runs: Iterable[Run], pages: int) -> PageMap:
        """A map from runs that cover pages 0 to `pages` in order, without gap or overlap.

        Raises:
            ValueError: a run is out of order, empty, or of an impossible state.
        """
        runs = list(checked_runs(runs, pages))  # all of them, before there is room for the map
        if runs == [(0, pages, 0)]:
            return cls(bytes(stored_size(pages)), pages)
        stored = bytearray(stored_size(pages))
        for first, count, state in runs:
            if state:
                _fill(stored, first, first + count, state)
        return cls(bytes(stored), pages)

    # -- looking -----------------------------------------------------------------------

    def __len__(self) -> int:
        return self.pages

    def __getitem__(self, page: int) -> int:
        if not 0 <= page < self.pages:
            raise IndexError(f"page {page} of {self.pages}")
        return self.stored[page // PAGES_PER_BYTE] >> (6 - 2 * (page % PAGES_PER_BYTE)) & 3

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PageMap):
            return NotImplemented
        return self.pages == other.pages and self.stored == other.stored

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"PageMap(pages={self.pages}, counts={self.counts()})"

    @property
    def tail(self) -> bytes:
        """The stored bytes from the one that holds the first unused state."""
        return self.stored[self.pages // PAGES_PER_BYTE :]

    @property
    def all_captured(self) -> bool:
        """Whether every page is captured and the padding zero; False of a map over 64 KiB."""
        return _ZEROS.startswith(self.stored)

    @property
    def canonical(self) -> bool:
        """Whether every bit behind the last page is zero, as a producer must write it (§1.3)."""
        if self.all_captured:
            return True
        tail = self.tail
        if not tail:
            return True
        used = self.pages % PAGES_PER_BYTE
        return not tail[0] & (0xFF >> 2 * used) and not any(tail[1:])

    def with_tail(self, tail: bytes) -> PageMap:
        """This map with other bytes from the first unused state on (see `tail`)."""
        return PageMap(self.stored[: self.pages // PAGES_PER_BYTE] + tail, self.pages)

    def runs(self, first: int = 0, stop: int | None = None) -> Iterator[Run]:
        """Maximal runs of pages [first, stop), clipped to that range."""
        stop = self.pages if stop is None else min(stop, self.pages)
        if first >= stop:
            return
        if not first and stop == self.pages and self.all_captured:
            yield 0, stop, 0
            return
        start = first
        current = -1
        states_of = _states_of()
        page = first // PAGES_PER_BYTE * PAGES_PER_BYTE
        last_byte = (stop + PAGES_PER_BYTE - 1) // PAGES_PER_BYTE
        for position in range(first // PAGES_PER_BYTE, last_byte, _PIECE):
            piece = self.stored[position : min(position + _PIECE, last_byte)]
            for alike in (piece,) if _is_zero(piece) else _ALIKE.findall(piece):
                if alike[0] in _UNIFORM:
                    state = alike[0] & 3
                    if state != current:
                        if current >= 0 and page > start:
                            yield start, page - start, current
                            start = page
                        current = state
                    page += PAGES_PER_BYTE * len(alike)
                    continue
                for value in alike:
                    for count, state in states_of[value]:
                        if state != current:
                            if current >= 0 and page > start:
                                if page >= stop:
                                    break
                                yield start, page - start, current
                                start = page
                            current = state
                        page += count
        yield start, stop - start, current

    def counts(self, first: int = 0, stop: int | None = None) -> tuple[int, int, int, int]:
        """How many pages of [first, stop) have each state, by stored code."""
        stop = self.pages if stop is None else min(stop, self.pages)
        totals = [0, 0, 0, 0]
        if first % PAGES_PER_BYTE:
            edge = min(stop, -(-first // PAGES_PER_BYTE) * PAGES_PER_BYTE)
            for page in range(first, edge):
                totals[self[page]] += 1
            first = edge
        whole = max(first, stop // PAGES_PER_BYTE * PAGES_PER_BYTE)
        for page in range(whole, stop):
            totals[self[page]] += 1
        for position in range(first // PAGES_PER_BYTE, whole // PAGES_PER_BYTE, _PIECE):
            piece = self.stored[position : min(position + _PIECE, whole // PAGES_PER_BYTE)]
            for state, count in enumerate(_count(piece)):
                totals[state] += count
        return totals[0], totals[1], totals[2], totals[3]

    @property
    def captured(self) -> int:
        """How many pages have bytes in PageData."""
        found = self._captured
        if found is None:
            found = self._captured = self.rank(self.pages)
        return found

    def rank(self, page: int) -> int:
        """How many captured pages stand before `page`: its index in PageData."""
        whole, within = divmod(page, PAGES_PER_BYTE)
        if whole <= _PIECE:
            total = _captured(self.stored[:whole])
            return total + (_captured_of()[within][self.stored[whole]] if within else 0)
        if self._ranks is None:
            self._ranks = [0]
            for position in range(0, len(self.stored), _PIECE):
                piece = self.stored[position : position + _PIECE]
                self._ranks.append(self._ranks[-1] + _captured(piece))
        base = whole // _PIECE * _PIECE
        total = self._ranks[base // _PIECE] + _captured(self.stored[base:whole])
        return total + (_captured_of()[within][self.stored[whole]] if within else 0)


def _is_zero(piece: bytes) -> bool:
    """Whether a piece says "captured" throughout: by far the most common one, at memcmp speed."""
    return _ZEROS.startswith(piece)


def _count(piece: bytes) -> tuple[int, int, int, int]:
    """Pages of each state in whole map bytes, by population count."""
    pages = PAGES_PER_BYTE * len(piece)
    if _is_zero(piece):
        return pages, 0, 0, 0
    if piece == piece[:1] * len(piece):  # so are most others of maps that were inflated
        one = [0, 0, 0, 0]
        for count, state in _states_of()[piece[0]]:
            one[state] += count * len(piece)
        return one[0], one[1], one[2], one[3]
    bits = int.from_bytes(piece, "big")
    mask = int.from_bytes(_LOW_BITS[: len(piece)], "big")
    low, high = bits & mask, bits >> 1 & mask
    both = (low & high).bit_count()
    failed, unmapped = low.bit_count() - both, high.bit_count() - both
    return pages - failed - unmapped - both, failed, unmapped, both


def _captured(piece: bytes) -> int:
    """Captured pages in whole map bytes."""
    if len(piece) > _FEW:
        return _count(piece)[0]
    return sum(map(_captured_of()[PAGES_PER_BYTE].__getitem__, piece))


@cache
def _captured_of() -> tuple[bytes, ...]:
    """Of each number of pages and each byte of a map: how many of its first so many it has."""
    return tuple(
        bytes(sum(not value >> (6 - 2 * page) & 3 for page in range(pages)) for value in range(256))
        for pages in range(PAGES_PER_BYTE + 1)
    )


def _fill(stored: bytearray, first: int, stop: int, state: int) -> None:
    """Set the states of pages [first, stop) in a map that holds zeros there."""
    head = min(stop, -(-first // PAGES_PER_BYTE) * PAGES_PER_BYTE)
    for page in range(first, head):
        stored[page // PAGES_PER_BYTE] |= state << (6 - 2 * (page % PAGES_PER_BYTE))
    tail = max(head, stop // PAGES_PER_BYTE * PAGES_PER_BYTE)
    if tail > head:
        length = (tail - head) // PAGES_PER_BYTE
        begin = head // PAGES_PER_BYTE
        stored[begin : begin + length] = bytes([_UNIFORM[state]]) * length
    for page in range(tail, stop):
        stored[page // PAGES_PER_BYTE] |= state << (6 - 2 * (page % PAGES_PER_BYTE))
