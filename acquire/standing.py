"""Reading quickly while the target stands still, and writing when it runs again.

To write a page takes several times as long as to read it: blocks are laid out, hashed, and handed
over. Nobody has to stand still for that. So what is read last is read into memory of ours that was
made before, as much as fits, and becomes part of the dump when the target has been let go. Where
all of it fits, nothing at all is written in the stop.
"""

from __future__ import annotations

import contextlib
import mmap
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

from .backend import Pageable
from .model import Action, Failure, Mapping, Stretch
from .pages import Part, parts

__all__ = ["LEAST", "MOST", "HeldPages", "StopPlan"]

MOST = 40 << 20
"""Bytes that are held at most."""
_MOST_PARTS = 16384
_MOST_STRETCHES = 65536
"""Of so many mappings and stretches the plans are kept at most; they are made on the way else."""
LEAST = 2 << 20
"""Bytes for which it is worth it, and to cut a mapping in two."""

Look = Callable[[int], None]
"""Asked before so many bytes are read whether to go on; raises `Stopped` if not."""


class HeldPages:
    """Pages that were read as the target stood still; offers what it does.

    Args:
        room: bytes of memory for them, which is taken at once.

    Attributes:
        page_size: bytes of a page.
        room: bytes that can be held; 0 where there is no memory for it.
        size: bytes that are held.
        taken_at: nanoseconds since the Unix epoch when reading them began.
        parts: those that were read, in order.
    """

    def __init__(self, room: int, page_size: int) -> None:
        self.page_size = page_size
        self.room = self.size = 0
        self.taken_at = 0
        self.parts: list[Part] = []
        self._memory: mmap.mmap | None = None
        self._addresses: list[int] = []
        self._sizes: list[int] = []
        self._places: list[int] = []
        self._failed: list[int] = []
        self._failures: dict[int, Failure] = {}
        with contextlib.suppress(OSError, ValueError):
            self._memory = mmap.mmap(-1, room)
            self.room = room
            for start in range(0, room, mmap.PAGESIZE):
                self._memory[start] = 0  # provided now, and not while it is being filled

    def take(self, target: Pageable, wanted: Sequence[Part], look: Look) -> None:
        """Read these parts; they fit.

        Raises:
            Stopped: `look` says so; `parts` are those that were read.
        """
        assert self._memory is not None
        self.taken_at = time.time_ns()
        runs: list[tuple[int, int, int]] = []
        place = 0
        try:
            with memoryview(self._memory) as memory:
                for part in wanted:
                    look(part.part.size)
                    address = part.part.start
                    for pages, action, *_ in part.plan:
                        end = address + pages * self.page_size
                        if action is Action.READ:
                            place = self._read(
                                target, part.mapping, address, end, memory, place, runs
                            )
                        address = end
                    self.parts.append(part)
        finally:
            self.size = sum(size for _, size, _ in runs)
            runs.sort()
            for found, where in ((self._addresses, 0), (self._sizes, 1), (self._places, 2)):
                found[:] = (run[where] for run in runs)
            self._failed = sorted(self._failures)

    def _read(
        self,
        target: Pageable,
        mapping: Mapping,
        at: int,
        end: int,
        memory: memoryview,
        place: int,
        runs: list[tuple[int, int, int]],
    ) -> int:
        """Read pages from `at` to `end` to a place; the place behind them."""
        while True:
            wanted = end - at
            got = target.read(mapping, at, memory[place : place + wanted])
            if got:
                runs.append((at, got, place))
                place += got
            if got == wanted:
                return place
            at += got
            left = (end - at) // self.page_size
            failure = target.failure(mapping, at, left)
            pages = max(1, min(failure.pages, left))
            self._failures[at] = failure._replace(pages=pages)
            at += pages * self.page_size
            if at == end:
                return place

    def plans(self, mappings: Sequence[Mapping]) -> Iterator[Sequence[Stretch]]:
        """Nothing is planned anew."""
        raise NotImplementedError

    def read(self, mapping: Mapping, address: int, into: memoryview) -> int:
        """Whole pages from `address` on; see `Pageable`."""
        assert self._memory is not None
        index = bisect_right(self._addresses, address) - 1
        got = 0
        while got < into.nbytes and 0 <= index < len(self._addresses):
            inside = address + got - self._addresses[index]
            size = min(self._sizes[index] - inside, into.nbytes - got)
            if inside < 0 or size <= 0:
                break
            place = self._places[index] + inside
            with memoryview(self._memory) as memory:
                into[got : got + size] = memory[place : place + size]
            got += size
            index += 1
        return got

    def failure(self, mapping: Mapping, address: int, pages: int) -> Failure:
        """Why the page at `address` could not be read; see `Pageable`."""
        start = self._failed[bisect_right(self._failed, address) - 1]
        failure = self._failures[start]
        left = failure.pages - (address - start) // self.page_size
        return failure._replace(pages=min(pages, left))

    def close(self) -> None:
        """Free the memory; more than once does no harm."""
        if self._memory is not None:
            self._memory.close()
            self._memory = None


class StopPlan:
    """What has to be read while the target stands still.

    Args:
        target: it stands still.
        chosen: its mappings, in the order in which they are read.
        held: where some of it can be kept.

    Attributes:
        first: what is to be written at once, in the stop.
        last: what is to be held, and written behind that.
        put_off: what can be read when the target runs.
        rest: mappings behind those, with their plans, where there are too many to know them all
            beforehand; nothing is held then. None: there are none.
    """

    def __init__(self, target: Pageable, chosen: Sequence[Mapping], held: HeldPages) -> None:
        self.first: list[Part] = []
        self.last: list[Part] = []
        self.put_off: list[Part] = []
        page = target.page_size
        self.rest: Iterator[tuple[Mapping, Sequence[Stretch]]] | None = None
        plans = zip(chosen, target.plans(chosen))
        stretches = 0
        for mapping, plan in plans:
            stretches += len(plan)
            for later, part in parts(mapping, plan, page):
                (self.put_off if later else self.first).append(part)
            if stretches > _MOST_STRETCHES or len(self.first) > _MOST_PARTS:
                self.rest = plans
                return
        self._split(held.room, page)

    def _split(self, room: int, page: int) -> None:
        """Hold as much of the end as there is room for."""
        first, last = self.first, self.last
        while first:
            size = _to_read(first[-1]) * page
            if size > room:
                if room >= LEAST:
                    front, back = _cut(first.pop(), room // page, page)
                    first.append(front)
                    last.append(back)
                break
            room -= size
            last.append(first.pop())
        last.reverse()


def _to_read(part: Part) -> int:
    """Pages of it that are to be read."""
    return sum(one.pages for one in part.plan if one.action is Action.READ)


def _cut(part: Part, most: int, page: int) -> tuple[Part, Part]:
    """Cut so that the second one has at most so many pages to be read."""
    back: list[Stretch] = []
    front = list(part.plan)
    while True:
        one = front.pop()
        if one.action is Action.READ:
            if one.pages > most:
                front.append(one._replace(pages=one.pages - most))
                if most:
                    back.append(one._replace(pages=most))
                break
            most -= one.pages
        back.append(one)
    back.reverse()
    border = part.part.end - sum(one.pages for one in back) * page
    return (
        Part(part.mapping, part.part._replace(end=border), front),
        Part(part.mapping, part.part._replace(start=border), back),
    )
