"""Regions and their pages, in columns."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

from ..document.place_names import NAMING, PlaceNames
from ..document.region_marks import UNBACKED, WRITTEN, marks_of, rights_of
from ..document.table_blocks import TableBlocks, regions_of
from ..reader.dump import Dump
from ..reader.regions import DAMAGED, TRUNCATED, Region
from .model import MemoryColumns

__all__ = ["BAD_STATES", "memory_columns", "regions_by_address"]

_MOST_REGIONS = 300_000
_MOST_RUNS = 1_000_000
_FEW_RUNS = 16
"""Runs of a region, once there are too many of them all together."""
_MOST = (1 << 64) - 1
_ORDER = ("captured", "not_resident", "unmapped", "reserved", TRUNCATED, "failed", DAMAGED)
"""From the best to the worst; where several share a pixel, the worst is seen."""
BAD_STATES = (TRUNCATED, "failed", DAMAGED)
"""Pages that should have bytes, and have none."""


def regions_by_address(dump: Dump) -> list[Region]:
    """The regions that `memory_columns` has, in its order."""
    found = (
        regions_of(TableBlocks(dump, ("memory_region",)))
        if dump.segments
        else dump.regions  # which others ask for as well
    )
    return sorted(found, key=lambda region: region.base_addr)


def memory_columns(dump: Dump, regions: list[Region]) -> MemoryColumns:
    """The columns of all regions.

    Args:
        regions: by address.
    """
    found = MemoryColumns()
    names = PlaceNames(*(TableBlocks(dump, (kind,)) for kind in NAMING))
    found.states = _states(dump)
    numbers = {state: number for number, state in enumerate(found.states)}
    found.counts = {state: array("Q") for state in found.states}
    texts: dict[str, int] = {}

    def number(text: str) -> int:
        return texts.setdefault(text, len(texts))

    for region in regions:
        found.regions += 1
        counts = dict(region.counts)
        runs: Iterable[tuple[int, str]] = _runs(region)
        for fragment in region.fragments:
            if fragment.damaged:
                pages = max(1, -(-fragment.size // fragment.page_size))
                counts[DAMAGED] = counts.get(DAMAGED, 0) + pages
        for state, count in counts.items():
            size = count * region.page_size
            found.totals[state] = found.totals.get(state, 0) + size
        if found.regions > _MOST_REGIONS:
            found.left_out += 1
            continue
        found.bases.append(region.base_addr)
        found.sizes.append(min(region.region_size, _MOST))
        found.page_sizes.append(region.page_size)
        found.rights.append(number(rights_of(region)))
        found.types.append(number(str(region.region_type.name)))
        base = region.base_addr
        found.names.append(number(names.mapping_of(base) or names.module_of(base) or ""))
        marks = marks_of(region)
        found.marks.append((WRITTEN in marks) | (UNBACKED in marks) << 1)
        for state in found.states:
            found.counts[state].append(min(counts.get(state, 0), _MOST))
        most = _FEW_RUNS if len(found.run_pages) > _MOST_RUNS else _MOST_RUNS
        kept = list(_worst_of_many(runs, most, numbers))
        if len(kept) >= most:
            found.coarse += 1
        found.run_counts.append(len(kept))
        found.run_pages.extend(min(count, _MOST) for count, _ in kept)
        found.run_states.extend(state for _, state in kept)
    found.texts = list(texts)
    return found


def _states(dump: Dump) -> tuple[str, ...]:
    """Names of states from the best to the worst; those of a draft of one's own are bad."""
    own = [str(state.name) for state in dump.schema.page_states.values]
    unknown = [state for state in own if state not in _ORDER]
    return (*_ORDER[:4], *unknown, *_ORDER[4:])


def _runs(region: Region) -> Iterator[tuple[int, str]]:
    """Pages and their state; what no fragment says anything of is a run of its own."""
    at = 0
    size = region.page_size
    for fragment in region.fragments:
        first = (fragment.base - region.base_addr) // size
        if first > at:
            yield first - at, "unmapped"
            at = first
        if fragment.damaged:
            pages = max(1, -(-fragment.size // size))
            yield pages, DAMAGED
            at = first + pages
            continue
        for page, count, state in fragment.states():
            yield count, state
            at = max(at, first + page + count)


def _worst_of_many(
    runs: Iterable[tuple[int, str]], most: int, numbers: dict[str, int]
) -> Iterator[tuple[int, int]]:
    """The first runs, and behind them one of all others with the worst of their states."""
    rest, worst = 0, 0
    for seen, (count, state) in enumerate(runs, 1):
        number = numbers.get(state, len(numbers) - 1)
        if seen < most:
            yield count, number
        else:
            rest += count
            worst = max(worst, number)
    if rest:
        yield rest, worst
