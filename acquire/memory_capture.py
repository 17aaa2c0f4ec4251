"""The memory of one target, on its way to the dump: in the stop, and behind it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence

from . import room
from .backend import Pageable, Target
from .background import Later
from .bounds import Bounds, Stopped
from .dumping import Dumping, Progress, Shown
from .estimate import Estimate
from .model import Limit, Mapping
from .needs import to_hold
from .selection import reading_order
from .standing import LEAST, MOST, HeldPages, StopPlan
from .tally import Tally

__all__ = ["MemoryCapture"]


class MemoryCapture:
    """Reads what has to stand still for it, then writes what was held, then reads the rest.

    Args:
        dumping: where it goes.
        tally: what became of each page.
        bounds: what may end it early.
        progress: told how far it is.
    """

    def __init__(
        self, dumping: Dumping, tally: Tally, bounds: Bounds, progress: Progress | None
    ) -> None:
        self._dumping = dumping
        self._tally = tally
        self._bounds = bounds
        self._progress = progress
        self._standing: list[Mapping] = []
        self._later: Sequence[Mapping] = ()
        self._later_reader: Pageable | None = None
        self._held: HeldPages | None = None

    @property
    def mappings(self) -> int:
        """How many are read."""
        return len(self._standing) + len(self._later)

    def prepare_to_hold(self, expected: Estimate, limits: Sequence[Limit], several: int) -> None:
        """Take memory to read into while the target stands still, where there is enough.

        Args:
            expected: what there is to read.
            limits: those that hold for us.
            several: targets that are stopped together.
        """
        wanted = expected.read * expected.page_size * 5 // 4 + LEAST  # it may grow until then
        most = min(
            wanted,
            to_hold(MOST, several, expected.mappings, expected.threads),
            room.room_to_hold(limits, expected),
        )
        if most >= LEAST:
            self._held = HeldPages(most, expected.page_size)

    def choose(self, target: Target, chosen: Sequence[Mapping], *, alone: bool) -> None:
        """Say what is to be read; the target stands still, if it does at all.

        Args:
            alone: nobody stands still who has some of its memory mapped as well.
        """
        later: Sequence[Mapping] = ()
        with contextlib.suppress(OSError):
            later, self._later_reader = target.readable_later(chosen, alone=alone)
        left = set(later)
        self._later = reading_order(later)
        self._standing = reading_order([one for one in chosen if one not in left])

    def read(self, target: Target, tail: int, begin: Callable[[], None]) -> None:
        """Read what has to stand still; what can't be held is written at once.

        Args:
            tail: bytes that must still fit the dump behind the regions.
            begin: writes what stands in front of the regions.

        Raises:
            Stopped: a bound was reached, or the target is another one now, or gone.
            OSError: the output failed.
        """
        held, dumping = self._held, self._dumping
        if held is None:
            begin()
            plans = zip(self._standing, target.plans(self._standing))
            dumping.add_regions(target, plans, self._tally, tail, self._shown())
        else:
            standing = StopPlan(target, self._standing, held)
            dumping.put_off += standing.put_off
            self._read_held(target, tail, begin, standing, held)
        if another := target.another_program():
            raise Stopped(
                "target_replaced",
                f"the target executed another program ({another}) while it was being read",
            )
        if not target.alive():
            raise target.ending()

    def _read_held(
        self,
        target: Target,
        tail: int,
        begin: Callable[[], None],
        standing: StopPlan,
        held: HeldPages,
    ) -> None:
        """Write what can't be held, and meanwhile read what can."""
        dumping, tally, look = self._dumping, self._tally, self._bounds.look
        try:
            if standing.first or standing.rest:
                taking = Later(lambda: held.take(target, standing.last, look))
                try:
                    begin()
                    dumping.add_parts(target, standing.first, tally, tail, self._shown())
                    if standing.rest:
                        dumping.add_regions(target, standing.rest, tally, tail, self._shown())
                except BaseException:
                    with contextlib.suppress(Exception):  # one is told, that came first
                        taking.result()
                    raise
                taking.result()
            else:
                held.take(target, standing.last, look)
        finally:
            if held.size:
                begun = tally.first_page or held.taken_at
                tally.first_page = min(begun, held.taken_at)
                tally.last_page = time.time_ns()

    def write_held(self, tail: int) -> None:
        """Write what was held; the target need not stand still any more.

        Args:
            tail: as for `read`.

        Raises:
            Stopped, OSError: as by `read`.
        """
        held = self._held
        if held is not None and held.parts:
            with self._same_times():
                self._dumping.add_parts(
                    held, held.parts, self._tally, tail, self._shown(), read_at=held.taken_at
                )

    def read_later(self, tail: int) -> None:
        """Read what need not be read in the stop.

        Args:
            tail: as for `read`.

        Raises:
            Stopped, OSError: as by `read`.
        """
        reader, dumping = self._later_reader, self._dumping
        if not (self._later or dumping.put_off):
            return
        assert reader is not None
        put_off, dumping.put_off = dumping.put_off, []
        with self._same_times():
            dumping.add_parts(reader, put_off, self._tally, tail, self._shown())
            plans = zip(self._later, reader.plans(self._later))
            dumping.add_regions(reader, plans, self._tally, tail, self._shown())

    @contextlib.contextmanager
    def _same_times(self) -> Iterator[None]:
        """What is written then is what the target held when it stood still."""
        times = self._tally.last_page
        try:
            yield
        finally:
            self._tally.last_page = times or self._tally.first_page

    def _shown(self) -> Shown | None:
        """Tells the user's progress of what is read next."""
        progress = self._progress
        if progress is None:
            return None
        done = sum(row.mapping.size for row in self._tally.regions)
        whole = sum(mapping.size for mapping in (*self._standing, *self._later))
        return lambda size: progress(done + size, whole)

    def close(self) -> None:
        """Free the memory; more than once does no harm."""
        if self._held is not None:
            self._held.close()
