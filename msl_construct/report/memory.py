"""Regions and their pages, in columns."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

from ..document.manifest_tables import omission_rows
from ..document.place_names import NAMING, PlaceNames
from ..document.region_marks import UNBACKED, WRITTEN, marks_of, rights_of
from ..document.table_blocks import TableBlocks, regions_of
from ..reader.dump import Dump
from ..reader.regions import ABSENT, DAMAGED, TRUNCATED, Fragment, Region
from .damage import ALTERED
from .model import MemoryColumns

__all__ = ["memory_columns", "regions_by_address"]

_MOST_REGIONS = 300_000
_MOST_RUNS = 1_000_000
_FEW_RUNS = 16
"""Runs of a region, once there are too many of them all together."""
_MOST = (1 << 64) - 1
_ORDER = ("not_resident", "captured", "unmapped", ABSENT, "reserved", TRUNCATED, "failed", DAMAGED)
"""What is to be seen more, where several share a pixel: that there is something rather than that
nothing is there, and above all that something is missing, gone ones included."""


def regions_by_address(dump: Dump) -> list[Region]:
    """The regions that `memory_columns` has, in its order."""
    found = (
        regions_of(TableBlocks(dump, ("memory_region",)))
        if dump.segments
        else dump.regions  # which others ask for as well
    )
    return sorted(found, key=lambda region: region.base_addr)


def memory_columns(
    dump: Dump, regions: list[Region], altered: frozenset[int] = frozenset()
) -> MemoryColumns:
    """The columns of all regions.

    Args:
        regions: by address.
        altered: indexes of blocks that do not agree with their hashes.
    """
    found = MemoryColumns()
    names = PlaceNames(*(TableBlocks(dump, (kind,)) for kind in NAMING))
    found.states = _states(dump)
    numbers = {state: number for number, state in enumerate(found.states)}
    shown = min(len(regions), _MOST_REGIONS)
    found.counts = {state: array("Q", bytes(8 * shown)) for state in found.states}
    codes = [numbers.get(state, len(numbers) - 1) for state in dump.schema.page_state_names]
    texts: dict[str, int] = {}

    def number(text: str) -> int:
        return texts.setdefault(text, len(texts))

    described: dict[tuple[int, int], tuple[int, int, bool]] = {}
    for region in regions:
        place = found.regions
        found.regions += 1
        found.blocks += len(region.fragments)
        most = _FEW_RUNS if len(found.run_pages) > _MOST_RUNS else _MOST_RUNS
        counts: dict[str, int] = {}
        kept = _plain_runs(region, most, codes) or []
        for count, state_number in kept:
            state = found.states[state_number]
            counts[state] = counts.get(state, 0) + count
        if not kept:
            kept = list(_worst_of_many(_runs(region), most, numbers, counts))
            _correct(counts, region)
        for state, count in counts.items():
            found.totals[state] = found.totals.get(state, 0) + count * region.page_size
        mark = 0
        if altered:
            for fragment in region.fragments:
                if fragment.block.index in altered:
                    mark = ALTERED
                    found.altered += fragment.captured * fragment.page_size
        if found.regions > _MOST_REGIONS:
            found.left_out += 1
            continue
        base = region.base_addr
        found.bases.append(base)
        found.sizes.append(min(region.region_size, _MOST))
        found.page_sizes.append(min(region.page_size, _MOST))
        kind = int(region.protection), int(region.region_type)
        if kind not in described:
            code = "execute" in region.protection
            type_name = str(region.region_type.name)
            described[kind] = number(rights_of(region)), number(type_name), code
        rights, type_, code = described[kind]
        found.rights.append(rights)
        found.types.append(type_)
        marks = marks_of(region, names) if code else ()
        found.marks.append((WRITTEN in marks) | (UNBACKED in marks) << 1 | mark)
        found.names.append(number(names.mapping_of(base) or names.module_of(base) or ""))
        for state, count in counts.items():
            if state in found.counts:
                found.counts[state][place] = count if count < _MOST else _MOST
        if len(kept) >= most:
            found.coarse += 1
        found.run_counts.append(len(kept))
        for count, state_number in kept:
            found.run_pages.append(count if count < _MOST else _MOST)
            found.run_states.append(state_number)
    found.texts = list(texts)
    left_out = _left_out(dump)
    found.omissions, found.omitted = len(left_out), sum(size for _, size in left_out)
    further = ((region.base_addr, region.region_size) for region in regions[_MOST_REGIONS:])
    covered = [*zip(found.bases, found.sizes), *further, *left_out]
    found.unlisted = _uncovered(names.mappings, covered)
    return found


def _left_out(dump: Dump) -> list[tuple[int, int]]:
    """Addresses and sizes of what was left out on purpose."""
    rows = omission_rows(TableBlocks(dump, ("region_omission_manifest",)))
    return [(int(row["base_addr"], 16), row["region_size"]) for row in rows if row["base_addr"]]


def _uncovered(mappings: Iterable[tuple[int, int]], covered: list[tuple[int, int]]) -> int:
    """Bytes of mappings, from first to behind the last, in no range of address and size."""
    total, place, reached = 0, 0, 0
    covered.sort()
    for start, end in mappings:
        at = max(start, reached)  # they may overlap
        reached = max(reached, end)
        while at < end:
            while place < len(covered) and sum(covered[place]) <= at:
                place += 1
            first, size = covered[place] if place < len(covered) else (end, 0)
            total += max(0, min(first, end) - at)
            at = max(at, first + size) if first < end else end
    return total


def _states(dump: Dump) -> tuple[str, ...]:
    """Names of states in the order that they are seen in; those of a draft of one's own are bad."""
    own = [str(state.name) for state in dump.schema.page_states.values]
    unknown = [state for state in own if state not in _ORDER]
    return (*_ORDER[:5], *unknown, *_ORDER[5:])


def _runs(region: Region) -> Iterator[tuple[int, str]]:
    """Pages and their state; what no page map says anything of is a run of its own."""
    at = 0
    size = region.page_size
    for fragment in region.fragments:
        first = (fragment.base - region.base_addr) // size
        if first > at:
            yield first - at, ABSENT
            at = first
        if fragment.damaged:
            yield _pages(fragment), DAMAGED
            at = first + _pages(fragment)
            continue
        for page, count, state in fragment.states():
            yield count, state
            at = max(at, first + page + count)
    if at * size < region.region_size:  # is no multiple of the page size
        yield -(-(region.region_size - at * size) // size), ABSENT


def _plain_runs(region: Region, most: int, codes: list[int]) -> list[tuple[int, int]] | None:
    """Pages and numbers of states of a region in one piece that is what its page map says.

    None: it is another, as few are.

    Args:
        codes: the numbers by the codes that are stored.
    """
    fragment = region.first
    if (
        len(region.fragments) > 1
        or fragment.damaged
        or fragment.missing
        or fragment.pages.pages * fragment.page_size != fragment.size
    ):
        return None
    found = [(count, codes[state]) for _, count, state in fragment.pages.runs()]
    return found if len(found) < most else None


def _correct(counts: dict[str, int], region: Region) -> None:
    """Make counts of runs those of the page maps: fragments may overlap."""
    if len(region.fragments) > 1:
        known = {state: counts[state] for state in (ABSENT, DAMAGED) if state in counts}
        counts.clear()
        counts.update(region.counts | known)


def _pages(fragment: Fragment) -> int:
    """Pages of a fragment whose page map is damaged."""
    return max(1, -(-fragment.size // fragment.page_size))


def _worst_of_many(
    runs: Iterable[tuple[int, str]], most: int, numbers: dict[str, int], counts: dict[str, int]
) -> Iterator[tuple[int, int]]:
    """The first runs, and behind them one of all others with the worst of their states.

    Args:
        counts: what the pages of each state are added to.
    """
    rest, worst = 0, 0
    for seen, (count, state) in enumerate(runs, 1):
        counts[state] = counts.get(state, 0) + count
        number = numbers.get(state, len(numbers) - 1)
        if seen < most:
            yield count, number
        else:
            rest += count
            worst = max(worst, number)
    if rest:
        yield rest, worst
