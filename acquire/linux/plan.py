"""What to do about each page of a mapping, before any of them is read."""

from __future__ import annotations

import errno
import os
from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import overload

from ..model import LATER_AMONG, Action, Mapping, Stretch
from .backing import Backings
from .maps import details
from .pagemap import Pagemap
from .smaps import Share
from .syscalls import GUARD_PAGE, PAGE_SIZE, ZERO_PAGE
from .treatment import SHARED_UNREACHED, Treatment, Treatments

__all__ = ["Planner", "Stretches"]

FROM_FILE = "from_file"
"""Says of pages to be read that they come from the file, not through the target."""

FROM_FILE_LATER = "from_file_later"
"""The same of pages that are read when the target has been let go; see `files_later`."""

_LATER = 1 << 20
"""Bytes side by side from which on that is worth it."""
_GROWTH = 512 << 10
"""Bytes by which a target may grow where nothing tells which pages of a mapping are there."""
_FEW = 64
_AHEAD_PAGES = (64 << 20) // PAGE_SIZE
_AHEAD_MAPPINGS = 2048

Range = tuple[int, int, int]


class Stretches(Sequence[Stretch]):
    """Very many stretches, nine bytes each, made when they are asked for."""

    def __init__(self, pages: array[int], kinds: bytearray, words: list[tuple[Action, str]]):
        self._pages = pages
        self._kinds = kinds
        self._words = words

    def __len__(self) -> int:
        return len(self._pages)

    @overload
    def __getitem__(self, index: int) -> Stretch: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Stretch]: ...
    def __getitem__(self, index: int | slice) -> Stretch | Sequence[Stretch]:
        if isinstance(index, slice):
            return Stretches(self._pages[index], self._kinds[index], self._words)
        return Stretch(self._pages[index], *self._words[self._kinds[index]])

    def __iter__(self) -> Iterator[Stretch]:
        words = self._words
        for pages, kind in zip(self._pages, self._kinds):
            yield Stretch(pages, *words[kind])


class _Builder:
    """Puts stretches together; neighbours that are alike become one."""

    def __init__(self) -> None:
        self._pages = array("Q")
        self._kinds = bytearray()
        self._words: list[tuple[Action, str]] = []
        self._last: tuple[Action, str] | None = None

    def add(self, size: int, action: Action, cause: str) -> None:
        if size <= 0:
            return
        pages, word = size // PAGE_SIZE, (action, cause)
        if word == self._last:
            self._pages[-1] += pages
            return
        if word not in self._words:
            self._words.append(word)
        self._pages.append(pages)
        self._kinds.append(self._words.index(word))
        self._last = word

    @property
    def few(self) -> bool:
        """Whether there are few so far."""
        return len(self._pages) < LATER_AMONG - 1

    def plan(self) -> Sequence[Stretch]:
        every = Stretches(self._pages, self._kinds, self._words)
        return tuple(every) if len(every) <= _FEW else every


@lru_cache(4096)
def _whole(pages: int, action: Action, cause: str) -> tuple[Stretch]:
    """The plan of a mapping whose pages are all treated alike."""
    return (Stretch(pages, action, cause),)


class Planner:
    """Plans for the mappings of one process.

    Args:
        handled: gives the starts of the mappings that a userfaultfd is registered for.
        shares: gives how much of each mapping is there, by start; asked where the pages
            themselves are not known.
        still: whether all of a stretch of a mapping is still mapped.
        untouched: whether it is, and has no pages. What is gone has no pages either, and is
            not to be taken for untouched; reading it will tell.
        later: whether what is read from the file of a mapping can be read when the target runs.

    Attributes:
        through_file: starts of the mappings planned so far that are to be read from their
            files instead of from memory.
        from_file: for others, by start, first address and end of every stretch of which the
            same is true, one behind the other.
    """

    def __init__(
        self,
        pagemap: Pagemap,
        treatments: Treatments,
        backings: Backings,
        handled: Callable[[], set[int]],
        shares: Callable[[], dict[int, Share]],
        still: Callable[[Mapping, int, int], bool],
        untouched: Callable[[Mapping, int, int], bool],
        later: Callable[[Mapping], bool],
    ) -> None:
        self._still = still
        self._untouched = untouched
        self._pagemap = pagemap
        self._treatments = treatments
        self._backings = backings
        self._handled = handled
        self._shares = shares
        self._later = later
        self._grown = 0
        self.through_file: set[int] = set()
        self.from_file: dict[int, array[int]] = {}

    def plans(self, mappings: Sequence[Mapping]) -> Iterator[Sequence[Stretch]]:
        """A plan for each mapping, in order.

        The kernel is asked for the pages of several mappings at a time, but not far ahead of
        the one that the caller is about to read.
        """
        batch: list[Mapping] = []
        pages, widest_gap = 0, self._pagemap.widest_gap
        for mapping in mappings:
            if batch and (
                pages >= _AHEAD_PAGES
                or len(batch) >= _AHEAD_MAPPINGS
                or not 0 <= mapping.start - batch[-1].end <= widest_gap
            ):
                yield from self._batch(batch)
                batch, pages = [], 0
            batch.append(mapping)
            pages += (mapping.end - mapping.start) // PAGE_SIZE
        if batch:
            yield from self._batch(batch)

    def _batch(self, mappings: Sequence[Mapping]) -> Iterator[Sequence[Stretch]]:
        # Addresses from 2^63 on are the kernel's: asking for them makes the whole scan fail.
        last_end = max((m.end for m in mappings if m.end <= 1 << 63), default=0)
        treat, handled = self._treatments.of, self._handled()
        if self._pagemap.method == "none":
            for mapping in mappings:
                yield self._unsure(mapping, treat(mapping, mapping.start in handled))
            return
        ranges = self._pagemap.ranges(mappings[0].start, last_end, GUARD_PAGE | ZERO_PAGE)
        nothing = (1 << 64, 1 << 64, 0)
        low, high, special = next(ranges, nothing)
        for mapping in mappings:
            start, end = mapping[0], mapping[1]
            treatment = treat(mapping, start in handled)
            if treatment.through_file:
                self.through_file.add(start)
            while high <= start:
                low, high, special = next(ranges, nothing)
            if treatment.present is Action.SKIP:
                yield _whole((end - start) // PAGE_SIZE, Action.SKIP, treatment.cause)
            elif low <= start and end <= high and not special:
                yield _whole((end - start) // PAGE_SIZE, Action.READ, "")
            elif low >= end and treatment.file_pages is None and not treatment.holes:
                action, cause = treatment.absent, treatment.cause
                if treatment.absent_from_file:
                    self.from_file[start] = array("Q", (start, end))
                    action, cause = Action.READ, FROM_FILE
                    if self._put_off(mapping, end - start):
                        action, cause = Action.LATER, FROM_FILE_LATER
                elif action is Action.UNTOUCHED and not self._untouched(mapping, start, end):
                    action, cause = Action.READ, ""
                yield _whole((end - start) // PAGE_SIZE, action, cause)
            else:
                builder = _Builder()
                at = start
                while low < end:
                    if low > at:
                        self._absent(builder, mapping, treatment, at, low)
                        at = low
                    until = min(high, end)
                    if special & GUARD_PAGE:
                        builder.add(until - at, Action.SKIP, "guard")
                    elif special:
                        builder.add(until - at, Action.UNTOUCHED, "zero_page")
                    else:
                        builder.add(until - at, Action.READ, "")
                    at = until
                    if high > end:
                        break
                    low, high, special = next(ranges, nothing)
                self._absent(builder, mapping, treatment, at, end)
                yield builder.plan()

    def _absent(
        self, builder: _Builder, mapping: Mapping, treatment: Treatment, start: int, end: int
    ) -> None:
        """Add pages that the process does not have."""
        if start >= end:
            return
        file_end = end
        if treatment.file_pages is not None:
            file_end = mapping.start + treatment.file_pages * PAGE_SIZE
        in_file = min(end, max(start, file_end))
        if treatment.holes:
            at = start
            for size, hole in self._holes(mapping, start, in_file):
                at += size
                if hole is None:
                    builder.add(size, Action.SKIP, SHARED_UNREACHED)
                elif hole and self._still(mapping, at - size, at):
                    builder.add(size, Action.UNTOUCHED, "hole")
                else:
                    self._add_from_file(builder, mapping, at - size, at)
        elif treatment.absent_from_file:
            self._add_from_file(builder, mapping, start, in_file)
        elif treatment.absent is Action.UNTOUCHED and not self._untouched(mapping, start, in_file):
            builder.add(in_file - start, Action.READ, "")
        else:
            builder.add(in_file - start, treatment.absent, treatment.cause)
        builder.add(end - in_file, Action.SKIP, "beyond_end_of_file")

    def _add_from_file(self, builder: _Builder, mapping: Mapping, start: int, end: int) -> None:
        if start < end:
            self.from_file.setdefault(mapping.start, array("Q")).extend((start, end))
            if builder.few and self._put_off(mapping, end - start):
                builder.add(end - start, Action.LATER, FROM_FILE_LATER)
            else:
                builder.add(end - start, Action.READ, FROM_FILE)

    def _put_off(self, mapping: Mapping, size: int) -> bool:
        """Whether pages are read from their file only when the target runs."""
        return size >= _LATER and self._later(mapping)

    def _holes(self, mapping: Mapping, start: int, end: int) -> Iterator[tuple[int, bool | None]]:
        """Sizes in order, and whether the file has a hole there.

        A file that can't say where has none; None where it can't be reached any more.
        """
        at, more = start, details(mapping)
        shift = more.offset - mapping.start
        try:
            with self._backings.opened(mapping, more) as descriptor:
                while at < end:
                    try:
                        data = os.lseek(descriptor, at + shift, os.SEEK_DATA) - shift
                    except OSError as error:
                        if error.errno != errno.ENXIO:
                            yield end - at, False
                            return
                        data = end  # no data behind
                    data = min(max(at, data // PAGE_SIZE * PAGE_SIZE), end)
                    if data > at:
                        yield data - at, True
                    if data >= end:
                        return
                    hole = os.lseek(descriptor, data + shift, os.SEEK_HOLE) - shift
                    at = min(end, -(-hole // PAGE_SIZE) * PAGE_SIZE)
                    yield at - data, False
        except OSError:
            if at < end:
                yield end - at, None

    # Where the pages themselves are not known ------------------------------------------

    def _unsure(self, mapping: Mapping, treatment: Treatment) -> Sequence[Stretch]:
        """The plan of a mapping of which only is known how much of it is there, if that."""
        start, end = mapping.start, mapping.end
        pages = mapping.size // PAGE_SIZE
        share = self._shares().get(start)
        if treatment.through_file:
            self.through_file.add(start)
            return _whole(pages, Action.READ, "")
        if treatment.present is Action.SKIP:
            return _whole(pages, Action.SKIP, treatment.cause)
        shared = details(mapping).shared
        if share is not None and share.resident >= mapping.size and (shared or not _copied(share)):
            return _whole(pages, Action.READ, "")
        if treatment.absent is Action.READ and not treatment.absent_from_file:
            return _whole(pages, Action.READ, "")
        from_file = treatment.absent_from_file and (shared or (share is not None and not share.own))
        if from_file or (share is not None and not share.resident):
            builder = _Builder()
            self._absent(builder, mapping, treatment, start, end)
            return builder.plan()
        if treatment.cause != "userfaultfd" and self._bearable(mapping, treatment, share):
            return _whole(pages, Action.READ, "")
        return _whole(pages, Action.SKIP, "residency_unknown")

    def _bearable(self, mapping: Mapping, treatment: Treatment, share: Share | None) -> bool:
        """Whether reading all of a mapping makes the target grow by little; then it counts."""
        if share is None:
            growth = mapping.size
        elif treatment.absent is Action.UNTOUCHED and treatment.cause != "untouched_huge":
            growth = (mapping.size >> 9) + _copied(share)  # page tables
        else:
            growth = mapping.size - share.resident + _copied(share)
        if self._grown + growth > _GROWTH:
            return False
        self._grown += growth
        return True


def _copied(share: Share) -> int:
    """Bytes that process_vm_readv may make the target copy: its own, not yet apart from others'."""
    return min(share.own, share.common)
