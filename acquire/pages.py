"""Reading a target's pages, and saying honestly what became of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from time import time_ns
from typing import NamedTuple, overload

from msl_construct.builder import READ, ZERO, Plan, Read, RegionFeed

from .backend import Pageable
from .model import LATER_AMONG, Action, Mapping, Stretch
from .tally import RegionTally, Tally

__all__ = ["Pages", "Part", "parts"]


class Part(NamedTuple):
    """Pages of a mapping that become a region of their own.

    Attributes:
        mapping: all of it, as the target knows it.
        part: the same with the limits of the part.
        plan: what to do about its pages.
    """

    mapping: Mapping
    part: Mapping
    plan: Sequence[Stretch]


def parts(
    mapping: Mapping, stretches: Sequence[Stretch], page_size: int
) -> Iterator[tuple[bool, Part]]:
    """What of a mapping is read together: whether later than the rest, and what."""
    if not any(one.action is Action.LATER for one in islice(stretches, LATER_AMONG)):
        yield False, Part(mapping, mapping, stretches)
        return
    start = mapping.start
    for later, group in groupby(stretches, key=lambda one: one.action is Action.LATER):
        plan = list(group)
        if later:
            plan = [one._replace(action=Action.READ) for one in plan]
        end = start + sum(one.pages for one in plan) * page_size
        yield later, Part(mapping, mapping._replace(start=start, end=end), plan)
        start = end


class Pages:
    """Takes mappings from a target to the dump.

    Args:
        target: who is read.
        feed: where the pages go.
        tally: where the outcomes go.

    Attributes:
        put_off: what is to be read when the target has been let go.
    """

    def __init__(self, target: Pageable, feed: RegionFeed, tally: Tally) -> None:
        self._target = target
        self._feed = feed
        self._tally = tally
        self._page = target.page_size
        self._log2 = target.page_size.bit_length() - 1
        self.put_off: list[Part] = []

    def capture(self, mapping: Mapping, stretches: Sequence[Stretch]) -> None:
        """One mapping, but for what is to be read later.

        Raises:
            Stopped: a bound was reached; what was written stays.
            OSError: the output failed.
        """
        for later, part in parts(mapping, stretches, self._page):
            if later:
                self.put_off.append(part)
            else:
                self._capture(*part)

    def capture_parts(self, wanted: Iterable[Part]) -> None:
        """Parts of which none is to be read later than now.

        Raises:
            Stopped, OSError: as `capture`.
        """
        for part in wanted:
            self._capture(*part)

    def _capture(self, mapping: Mapping, part: Mapping, stretches: Sequence[Stretch]) -> None:
        tally = self._tally.begin(part, stretches)
        self._feed.add(
            part.start,
            part.protection,
            part.region_type,
            self._plan(part, stretches),
            self._reader(mapping, tally),
            page_size_log2=self._log2,
        )

    def _plan(self, mapping: Mapping, stretches: Sequence[Stretch]) -> Plan:
        if len(stretches) == 1 and stretches[0].action is Action.READ:
            return ((stretches[0].pages, READ),)
        return _Told(stretches, mapping, self._tally)

    def _reader(self, mapping: Mapping, tally: RegionTally) -> Read:
        target, whole = self._target, self._tally

        def read(address: int, view: memoryview) -> Sequence[tuple[int, str]] | None:
            if not whole.first_page:
                whole.read_at()
            size = target.read(mapping, address, view)
            if size == view.nbytes:
                whole.last_page = time_ns()
                return None
            return self._page_by_page(mapping, tally, address, view, size)

        return read

    def _page_by_page(
        self, mapping: Mapping, tally: RegionTally, address: int, view: memoryview, size: int
    ) -> Sequence[tuple[int, str]]:
        """Go on where a read stopped; bytes of captured pages are put side by side."""
        page = self._page
        outcome: list[tuple[int, str]] = []
        done = filled = 0
        while True:
            if size % page or size > view.nbytes - done:
                raise RuntimeError(f"a read of {view.nbytes - done} bytes brought {size}")
            if size:
                outcome.append((size // page, "captured"))
                done += size
                filled += size
            if done == view.nbytes:
                break
            left = (view.nbytes - done) // page
            failure = self._target.failure(mapping, address + done, left)
            pages = max(1, min(failure.pages, left))
            outcome.append((pages, failure.state))
            with self._tally.lock:
                tally.note(failure, pages)
            done += pages * page
            if done == view.nbytes:
                break
            rest = view.nbytes - done
            size = self._target.read(mapping, address + done, view[filled : filled + rest])
        self._tally.read_at()
        return outcome


class _Told(Sequence[tuple[int, str]]):
    """Stretches in the builder's words, made when they are asked for: there may be millions."""

    def __init__(self, stretches: Sequence[Stretch], mapping: Mapping, tally: Tally) -> None:
        self._stretches = stretches
        self._mapping = mapping
        self._tally = tally

    def _word(self, stretch: Stretch) -> tuple[int, str]:
        if stretch.action is Action.READ:
            return stretch.pages, READ
        state = self._tally.state_of(self._mapping, stretch)
        return stretch.pages, ZERO if state == "captured" else state

    def __len__(self) -> int:
        return len(self._stretches)

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return map(self._word, self._stretches)

    @overload
    def __getitem__(self, index: int) -> tuple[int, str]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[tuple[int, str]]: ...
    def __getitem__(self, index: int | slice) -> tuple[int, str] | Sequence[tuple[int, str]]:
        if isinstance(index, slice):
            return _Told(self._stretches[index], self._mapping, self._tally)
        return self._word(self._stretches[index])
