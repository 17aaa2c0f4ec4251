"""What became of every page: counts, and why for all that were not captured."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, overload

from .model import Action, Failure, Mapping, Stretch

__all__ = ["MappingRows", "RegionTally", "Tally"]


class RegionTally:
    """The pages of one mapping.

    Attributes:
        mapping: the mapping.
        plan: what was to be done about its pages.
        surprises: pages that came otherwise than planned, by state, cause and errno.
    """

    __slots__ = ("mapping", "plan", "surprises")

    def __init__(self, mapping: Mapping, plan: Sequence[Stretch]) -> None:
        self.mapping = mapping
        self.plan = plan
        self.surprises: Counter[tuple[str, str, int]] | None = None

    def note(self, failure: Failure, pages: int) -> None:
        """Take note of pages that could not be read; for use by one thread at a time."""
        if self.surprises is None:
            self.surprises = Counter()
        self.surprises[failure.state, failure.cause, failure.errno] += pages


class Tally:
    """All mappings of a target.

    Args:
        untouched: the page state of pages that were never touched: ``captured`` (as zeros),
            ``failed`` or ``not_resident``.
        no_access: the same for those of mappings without any access rights.
        error_name: gives the symbol of an error number.

    Attributes:
        regions: one for each mapping that was begun, in order.
        first_page, last_page: nanoseconds since the Unix epoch: when the first read began and
            the last one ended; 0 if nothing was read.
    """

    def __init__(self, untouched: str, no_access: str, error_name: Callable[[int], str]) -> None:
        self._error_name = error_name
        self.untouched = untouched
        self.no_access = no_access
        self.regions: list[RegionTally] = []
        self.first_page = 0
        self.last_page = 0
        self.lock = threading.Lock()

    def begin(self, mapping: Mapping, plan: Sequence[Stretch]) -> RegionTally:
        """Begin the next mapping."""
        found = RegionTally(mapping, plan)
        self.regions.append(found)
        return found

    def state_of(self, mapping: Mapping, stretch: Stretch) -> str:
        """The page state that a stretch has by plan."""
        if stretch.action is Action.READ:
            return "captured"
        if stretch.action is Action.SKIP:
            return "failed"
        return self.untouched if mapping.protection & 7 else self.no_access

    def read_at(self) -> None:
        """Take note that pages were read just now."""
        now = time.time_ns()
        if not self.first_page:
            self.first_page = now
        self.last_page = now

    def by_cause(self, region: RegionTally) -> Counter[tuple[str, str, int]]:
        """Pages of one mapping by state, cause and errno.

        Captured pages have a cause only where they did not come from the target's memory.
        """
        found: Counter[tuple[str, str, int]] = Counter()
        readable: dict[tuple[str, str, int], None] = {}
        for stretch in region.plan:
            key = self.state_of(region.mapping, stretch), stretch.cause, stretch.errno
            found[key] += stretch.pages
            if stretch.action is Action.READ:
                readable[key] = None
        for key, pages in (region.surprises or {}).items():
            found[key] += pages
            for captured in readable:
                taken = min(pages, found[captured])
                found[captured] -= taken
                pages -= taken
        return +found

    def finished(self, stored: int, page_size: int) -> int:
        """How many of the regions are in the file to their end.

        Args:
            stored: pages that the file holds, in the order of the regions.
        """
        for index, region in enumerate(self.regions):
            stored -= region.mapping.size // page_size
            if stored < 0:
                return index
        return len(self.regions)

    def totals(self, finished: int) -> Counter[tuple[str, str, int]]:
        """The same for all mappings that are in the file to their end."""
        plain = 0
        found: Counter[tuple[str, str, int]] = Counter()
        for region in self.regions[:finished]:
            if _plain(region):
                plain += region.plan[0].pages
            else:
                found.update(self.by_cause(region))
        found["captured", "", 0] += plain
        return +found

    def zeros(self, finished: int) -> int:
        """Captured pages of these mappings that are known to be zero, and were not read."""
        if self.untouched != "captured":
            return 0
        return sum(
            stretch.pages
            for region in self.regions[:finished]
            for stretch in region.plan
            if stretch.action is Action.UNTOUCHED
            and self.state_of(region.mapping, stretch) == "captured"
        )

    def cause_rows(self, causes: Counter[tuple[str, str, int]]) -> list[dict[str, Any]]:
        """Counts by cause, as the report lists them."""
        return [
            {
                "state": state,
                "cause": cause,
                "errno": self._error_name(number) if number else None,
                "pages": pages,
            }
            for (state, cause, number), pages in sorted(causes.items())
            if cause or number or state != "captured"
        ]

    def row(self, region: RegionTally) -> dict[str, Any]:
        """One mapping, for the report."""
        mapping = region.mapping
        row: dict[str, Any] = {
            "base_addr": f"{mapping.start:#x}",
            "region_size": mapping.size,
            "protection": protection_text(mapping.protection),
            "region_type": mapping.region_type,
            "name": mapping.name,
        }
        if _plain(region):
            row["pages"] = {"captured": region.plan[0].pages}
            return row
        causes = self.by_cause(region)
        pages: Counter[str] = Counter()
        for (state, _, _), count in causes.items():
            pages[state] += count
        row["pages"] = dict(pages)
        row["causes"] = self.cause_rows(causes)
        return row


class MappingRows(Sequence[dict[str, Any]]):
    """One row a mapping, made when it is asked for: there may be very many.

    Args:
        tally: of all mappings.
        finished: how many of them are in the file to their end; of the others nothing is
            said but which they are.
    """

    def __init__(self, tally: Tally, finished: int) -> None:
        self._tally = tally
        self._finished = finished

    def __len__(self) -> int:
        return len(self._tally.regions)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        row = self._tally.row(self._tally.regions[index])
        if range(len(self))[index] >= self._finished:
            row.pop("causes", None)
            row["pages"] = {}
            row["finished"] = False
        return row


def _plain(region: RegionTally) -> bool:
    """Whether all of its pages were read from memory, and came."""
    plan = region.plan
    return (
        region.surprises is None
        and len(plan) == 1
        and plan[0].action is Action.READ
        and not plan[0].cause
    )


@cache
def protection_text(protection: int) -> str:
    """``rwx``, with ``g`` for a guard and ``c`` for copy-on-write behind it where they are."""
    letters = "rwx"
    text = "".join(letter if protection >> bit & 1 else "-" for bit, letter in enumerate(letters))
    return text + ("g" if protection & 8 else "") + ("c" if protection & 16 else "")
