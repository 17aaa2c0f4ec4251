"""Which addresses of one dump are which of another: the same, or as far as modules moved."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..reader.dump import Dump
from ..reader.regions import Region

__all__ = ["ALIGNMENTS", "AlignedStretch", "Alignment", "RegionPair", "align", "numbered"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

ALIGNMENTS = ("auto", "address", "module")


@dataclass(frozen=True)
class AlignedStretch:
    """Addresses of both that are compared with each other.

    Attributes:
        a, b: first addresses.
        size: bytes.
    """

    a: int
    b: int
    size: int


@dataclass(frozen=True)
class RegionPair:
    """A region of one dump and what it is in the other; None: it is in one only."""

    a: Region | None
    b: Region | None


class Alignment:
    """How two dumps are compared.

    Attributes:
        how: ``address`` or ``module``.
        pairs: all regions of both.
        stretches: what is compared, by the address in the first; they don't overlap there.
    """

    def __init__(self, how: str, pairs: list[RegionPair], stretches: list[AlignedStretch]) -> None:
        self.how = how
        self.pairs = pairs
        self.stretches = stretches
        self._starts = [one.a for one in stretches]

    def moved(self, address: int) -> int | None:
        """Where an address of the first is in the second; None where that is not known."""
        index = bisect_right(self._starts, address) - 1
        if index < 0 or address >= self._starts[index] + self.stretches[index].size:
            return None
        one = self.stretches[index]
        return address - one.a + one.b


def numbered(rows: Iterable[tuple[K, V]]) -> dict[tuple[K, int], V]:
    """Rows by key and number from 0, in their order: what has one key is told apart, not lost."""
    found: dict[tuple[K, int], V] = {}
    seen: defaultdict[K, int] = defaultdict(int)
    for key, row in rows:
        found[key, seen[key]] = row
        seen[key] += 1
    return found


def align(a: Dump, b: Dump, how: str = "auto") -> Alignment:
    """Find out which regions belong together.

    ``address``: what stands at the same address. ``module``: what stands at the same offset in
    the same module; of other regions, those of the same name, type and rights, in their order, and
    where there are more of them in one dump, those of the same size before all others.
    ``auto`` is ``module`` if a module of one path stands at another address.
    """
    if how == "auto":
        how = "module" if _modules_moved(a, b) else "address"
    if how == "address":
        return Alignment(how, _same_start(a.regions, b.regions), _same_addresses(a, b))
    pairs = _same_place(a, b)
    return Alignment(how, pairs, _without_overlap(pairs))


def _modules_moved(a: Dump, b: Dump) -> bool:
    bases = [
        {one["path"]: one["base_addr"] for one in dump.modules if one.get("path")}
        for dump in (a, b)
    ]
    return any(bases[1].get(path, base) != base for path, base in bases[0].items())


def _same_start(a: Sequence[Region], b: Sequence[Region]) -> list[RegionPair]:
    return _paired(*(numbered((one.base_addr, one) for one in regions) for regions in (a, b)))


def _paired(a: dict[tuple[K, int], Region], b: dict[tuple[K, int], Region]) -> list[RegionPair]:
    found = [RegionPair(region, b.get(key)) for key, region in a.items()]
    found += [RegionPair(None, region) for key, region in b.items() if key not in a]
    return sorted(found, key=_place)


def _place(pair: RegionPair) -> tuple[int, int]:
    one = pair.a or pair.b
    assert one is not None
    return one.base_addr, pair.a is None


def _same_addresses(a: Dump, b: Dump) -> list[AlignedStretch]:
    """Addresses of which both say something."""
    found = []
    others = list(b.memory.ranges())
    index = 0
    for start, end in a.memory.ranges():
        while index < len(others) and others[index][1] <= start:
            index += 1
        at = index
        while at < len(others) and others[at][0] < end:
            low, high = max(start, others[at][0]), min(end, others[at][1])
            found.append(AlignedStretch(low, low, high - low))
            at += 1
    return found


def _same_place(a: Dump, b: Dump) -> list[RegionPair]:
    rows = list(_keyed(a)), list(_keyed(b))
    counts = [Counter(key for key, _ in some) for some in rows]
    # Where one has more of a kind, as many threads have stacks, those of one size belong together.
    sized = [
        numbered(
            ((key, region.region_size if counts[0][key] != counts[1][key] else 0), region)
            for key, region in some
        )
        for some in rows
    ]
    pairs = [RegionPair(sized[0][key], sized[1][key]) for key in sized[0] if key in sized[1]]
    others = [
        numbered((key[0][0], region) for key, region in some.items() if key not in other)
        for some, other in (sized, sized[::-1])
    ]
    return sorted([*pairs, *_paired(*others)], key=_place)


def _keyed(dump: Dump) -> Iterator[tuple[Hashable, Region]]:
    """Regions by what they are, whatever their address."""
    from .locations import Locations

    locations = Locations(dump)
    for region in sorted(dump.regions, key=lambda one: (one.base_addr, one.head.order)):
        where = locations.at(region.base_addr)
        key: Hashable
        if where.module is not None:
            key = "module", where.module.path, where.module.offset
        else:
            name = where.region.name if where.region is not None else None
            key = "region", name, region.region_type.name, tuple(region.protection.names)
        yield key, region


def _without_overlap(pairs: Sequence[RegionPair]) -> list[AlignedStretch]:
    found: list[AlignedStretch] = []
    behind = 0
    for pair in pairs:
        if pair.a is None or pair.b is None:
            continue
        shift = max(0, behind - pair.a.base_addr)
        size = min(pair.a.region_size, pair.b.region_size) - shift
        if size > 0:
            found.append(AlignedStretch(pair.a.base_addr + shift, pair.b.base_addr + shift, size))
            behind = pair.a.base_addr + shift + size
    return found
