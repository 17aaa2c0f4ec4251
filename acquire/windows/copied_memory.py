"""Memory of a target that runs on, as it was at one moment: from a copy, and from what was kept.

The copy is a process that never runs, see `guardian.TargetCopier`. Its private memory is what the
target's was; sections it shares with the target, and some it lacks (those of the page file, as
others have seen). So what may change with the target, and what the copy lacks, is read from the
target while that stands still, into memory of ours.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence, Set

from msl_construct.errors import TargetError

from ..model import COPY_ON_WRITE, WRITE, Action, Failure, Mapping, Stretch
from . import structures as win
from .calls import CallFailed, WindowsSystem
from .memory import WindowsMemory

__all__ = ["KEPT", "CopiedMemory"]

KEPT = "read_in_stop"
"""Says of captured pages that they come from the target itself, as it stood still."""
_PIECE = 1 << 20


class CopiedMemory:
    """The memory of one moment; offers what `WindowsMemory` does.

    Args:
        system: the calls.
        target: the target's memory; it stands still until `keep` is over.
        mappings: all of the target's.
        copy: a handle of the copy.
        page_size: bytes.
        devices: read device memory as well.
    """

    def __init__(
        self,
        system: WindowsSystem,
        target: WindowsMemory,
        mappings: Sequence[Mapping],
        copy: int,
        page_size: int,
        devices: bool,
    ) -> None:
        self._system = system
        self._handle = copy
        self._target = target
        self._mappings = list(mappings)
        self._page_size = page_size
        self._copy = WindowsMemory(system, copy, page_size, devices)
        self._plans: dict[int, list[Stretch]] = {}
        # Of each run of kept pages where it begins, and its bytes or why they are missing.
        self._starts: list[int] = []
        self._runs: list[memoryview | Failure] = []
        self.kept = self.nanoseconds = 0

    def keep(self, chosen: Sequence[Mapping], most: int) -> None:
        """Read from the target what the copy doesn't hold, or not as it is now.

        Args:
            chosen: mappings that are to be captured.
            most: bytes that may be kept.

        Raises:
            TargetError: there is more.
        """
        began = time.perf_counter_ns()
        written = {one.name for one in self._mappings if _is_written(one) and one.name}
        wanted = [one for one in chosen if _changes(one, written) or not self._copied(one)]
        plans = [self._target.stretches(one) for one in wanted]
        size = self._page_size * sum(
            stretch.pages for plan in plans for stretch in plan if stretch.action is Action.READ
        )
        if size > most:
            raise TargetError(
                f"{size >> 20} MiB of its memory are shared, or not in a copy, and would have to "
                f"be read while it stands still; at most {most >> 20} MiB may be, for the time "
                "that it may stand and the memory that is free",
                remedy="leave them out (--exclude type:shared_mem), allow a longer stop "
                "(--max-freeze), or use --freeze suspend",
            )
        for mapping, plan in zip(wanted, plans, strict=True):
            self._plans[mapping.start] = [*self._read_all(mapping, plan)]
        self.nanoseconds = time.perf_counter_ns() - began

    def _copied(self, mapping: Mapping) -> bool:
        """Whether all of it is in the copy."""
        address = mapping.start
        while address < mapping.end:
            try:
                info = self._system.query(self._handle, address)
            except CallFailed:
                return False
            if info.state != win.MEM_COMMIT:
                return False
            address = max(int(info.base_address) + int(info.region_size), address + self._page_size)
        return True

    def _read_all(self, mapping: Mapping, plan: Sequence[Stretch]) -> Iterator[Stretch]:
        at = mapping.start
        for stretch in plan:
            end = at + stretch.pages * self._page_size
            if stretch.action is Action.READ:
                self._read(at, end)
                stretch = Stretch(stretch.pages, Action.READ, KEPT)
            yield stretch
            at = end

    def _read(self, at: int, end: int) -> None:
        while at < end:
            piece = memoryview(bytearray(min(_PIECE, end - at)))
            got = self._target.read(at, piece)
            if got:
                self._starts.append(at)
                self._runs.append(piece[:got])
            self.kept += got
            at += got
            if got < len(piece):
                pages = (end - at) // self._page_size
                failure = self._target.failure(at, pages)
                failure = failure._replace(pages=max(1, min(failure.pages, pages)))
                self._starts.append(at)
                self._runs.append(failure)
                at += failure.pages * self._page_size

    def mappings(self, known: dict[int, str] | None = None) -> list[Mapping]:
        """What the target had mapped."""
        return list(self._mappings)

    def stretches(self, mapping: Mapping) -> Sequence[Stretch]:
        """What to do about the pages of a mapping."""
        kept = self._plans.get(mapping.start)
        return self._copy.stretches(mapping) if kept is None else kept

    def read(self, address: int, into: memoryview) -> int:
        """Read whole pages up to the first that can't be read; how many bytes came."""
        if self._run_at(address) is None:
            return self._copy.read(address, into)
        got = 0
        while got < len(into) and (found := self._run_at(address + got)) is not None:
            run, inside = found
            if isinstance(run, Failure):
                break
            size = min(len(run) - inside, len(into) - got)
            into[got : got + size] = run[inside : inside + size]
            got += size
        return got

    def _run_at(self, address: int) -> tuple[memoryview | Failure, int] | None:
        """The run of kept pages at an address, and how many bytes of it are in front of that."""
        index = bisect_right(self._starts, address) - 1
        if index < 0:
            return None
        run, inside = self._runs[index], address - self._starts[index]
        size = run.pages * self._page_size if isinstance(run, Failure) else len(run)
        return (run, inside) if inside < size else None

    def failure(self, address: int, pages: int) -> Failure:
        """Why the page at `address` can't be read."""
        found = self._run_at(address)
        if found is not None and isinstance(run := found[0], Failure):
            left = run.pages - found[1] // self._page_size
            return run._replace(pages=min(pages, left))
        if not self.alive():
            return Failure("failed", "snapshot_lost", 0, pages)
        return self._copy.failure(address, pages)

    def alive(self) -> bool:
        """Whether the copy is still there."""
        return not self._system.ended(self._handle)


def _is_written(mapping: Mapping) -> bool:
    """Whether what is written there goes where others may see it."""
    return bool(mapping.protection & WRITE) and not mapping.protection & COPY_ON_WRITE


def _changes(mapping: Mapping, written: Set[str]) -> bool:
    """Whether a copy would show what the target, or somebody else, writes later.

    Args:
        written: names of files that the target writes to through mappings.
    """
    kind = win.MemoryBasicInformation.from_buffer_copy(mapping.native).type
    if kind == win.MEM_PRIVATE:
        return False
    if kind == win.MEM_IMAGE:
        # What was written to is the process's own by then, unless the section is shared: alike.
        return _is_written(mapping)
    return not mapping.name or _is_written(mapping) or mapping.name in written
