"""A process's memory as the regions of a Memory Slice: whole pages, and bytes that fill none.

Where the edges of what a file holds are no edges of pages, the region has pages of 1 KiB, the
smallest that there are (§5.1). Of a page that is not held whole no byte can be captured: it is
Failed, and its bytes are `Edge`s, which the note of the Import Provenance keeps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ..builder.region_plan import READ
from ..space import ABSENT, ADDRESSES_END, CAPTURED, Run
from .process import CapturedProcess, MappedRange

__all__ = ["LARGEST_LOG2", "Edge", "PlannedRegion", "planned"]

_SMALLEST_LOG2 = 10
_USUAL_LOG2 = 12
LARGEST_LOG2 = 40
"""Of the largest pages that the format has (§5.1)."""
_VAST = 1 << LARGEST_LOG2
_LARGEST = 1 << 63
_FAILED = "failed"
_STATES = ("failed", "unmapped", "not_resident")


class Edge(NamedTuple):
    """Bytes that are held of a page that is not held whole."""

    address: int
    length: int


@dataclass(frozen=True)
class PlannedRegion:
    """A region to be.

    Attributes:
        plan: its pages, one behind the other: how many, and what is to be done about them.
    """

    base: int
    page_size_log2: int
    mapping: MappedRange
    plan: tuple[tuple[int, str], ...]
    edges: tuple[Edge, ...]


def planned(process: CapturedProcess) -> Iterator[PlannedRegion]:
    """The regions of a process, by address; they share none."""
    behind = 0
    for mapping in process.stretches():
        runs = [_told(run) for run in process.space.states(mapping.start, mapping.end)]
        log2 = _log2(process, runs, behind)
        page = 1 << log2
        base = max(behind, mapping.start // page * page)
        end = min(ADDRESSES_END, -(-mapping.end // page) * page)
        if base < end:
            plan, edges = _paged(runs, base, end, log2)
            yield from _without_vast_stretches(
                PlannedRegion(base, log2, mapping, tuple(plan), tuple(edges))
            )
            behind = end
        else:
            # Its addresses share a page with the mapping before it.
            kept = [Edge(at, length) for at, length, state in runs if state == READ]
            if kept:
                yield PlannedRegion(base, log2, mapping, (), tuple(kept))


def _without_vast_stretches(region: PlannedRegion) -> Iterator[PlannedRegion]:
    """The region, in parts where it has terabytes without bytes: these get the largest pages.

    A header can claim the whole address space, whose map would be gigabytes.
    """
    log2, at, first = region.page_size_log2, region.base, region.base
    gathered: list[tuple[int, str]] = []
    edges = region.edges
    for pages, what in region.plan:
        stop = at + (pages << log2)
        low, high = -(-at // _VAST) * _VAST, stop // _VAST * _VAST
        if what == READ or high - low < 2 * _VAST:
            gathered.append((pages, what))
            at = stop
            continue
        if low > at:
            gathered.append(((low - at) >> log2, what))
        if gathered:
            yield PlannedRegion(first, log2, region.mapping, tuple(gathered), edges)
            edges = ()
        for start in range(low, high, _LARGEST):  # the whole space has one byte too many
            wide = (min(_LARGEST, high - start) >> LARGEST_LOG2, what)
            yield PlannedRegion(start, LARGEST_LOG2, region.mapping, (wide,), edges)
            edges = ()
        gathered = [((stop - high) >> log2, what)] if stop > high else []
        first, at = high, stop
    if gathered:
        yield PlannedRegion(first, log2, region.mapping, tuple(gathered), edges)


def _told(run: Run) -> Run:
    """What is to be done about a run."""
    address, length, state = run
    if state == CAPTURED:
        return address, length, READ
    return address, length, state if state in _STATES and state != ABSENT else _FAILED


def _log2(process: CapturedProcess, runs: list[Run], behind: int) -> int:
    """The largest size of pages of which all edges are edges."""
    edges = {run[0] for run in runs} | ({runs[-1][0] + runs[-1][1]} if runs else set())
    usual = max(_SMALLEST_LOG2, process.page_size.bit_length() - 1)
    for log2 in (usual, _USUAL_LOG2):
        mask = (1 << log2) - 1
        # It begins where the region before it ends, if that is within its first page.
        cut = bool(runs) and behind > runs[0][0] & ~mask and bool(behind & mask)
        if not cut and not any(edge & mask for edge in edges):
            return log2
    return _SMALLEST_LOG2


def _paged(
    runs: list[Run], base: int, end: int, log2: int
) -> tuple[list[tuple[int, str]], list[Edge]]:
    """Whole pages of runs that may begin and end anywhere, and the bytes that fill none."""
    page = 1 << log2
    plan: list[tuple[int, str]] = []
    edges: list[Edge] = []
    at = base

    def add(stop: int, what: str) -> None:
        nonlocal at
        if stop > at:
            pages = (stop - at) >> log2
            if plan and plan[-1][1] == what:
                plan[-1] = (plan[-1][0] + pages, what)
            else:
                plan.append((pages, what))
            at = stop

    for address, length, what in runs:
        stop = address + length
        if what != READ:
            # A page of which only a part is in this state is Failed, unless nothing else is in it.
            first = max(at, -(-address // page) * page)
            add(first, _FAILED)
            add(max(at, stop // page * page), what)
            continue
        first, last = max(at, -(-address // page) * page), stop // page * page
        if first >= last:
            edges.append(Edge(address, length))
            continue
        if address < first:
            edges.append(Edge(address, first - address))
        add(first, _FAILED)
        add(last, READ)
        if last < stop:
            edges.append(Edge(last, stop - last))
    add(end, _FAILED)
    return plan, edges
