"""What rules are asked of: captured memory in one piece, regions, images of modules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import merge

from ...errors import DamageError, LimitError
from ...reader.dump import Dump
from ...space import CAPTURED, AddressSpace
from ..islands import SearchedBytes, islands
from ..locations import Locations, rights
from .rule_texts import ATTRIBUTES

__all__ = ["OVERLAP", "WINDOW", "ScannedBuffer", "buffers", "images"]

WINDOW = 64 << 20
"""Bytes of captured memory that are asked as a whole; of more in one piece, such windows."""
OVERLAP = 1 << 20
"""Bytes that a window has in common with the next: a match has at most so many."""
_LARGEST_IMAGE = 256 << 20
_MAGIC = (b"MZ", b"\x7fELF")


@dataclass(frozen=True)
class ScannedBuffer:
    """Something that rules are asked of.

    Attributes:
        kind: ``island``, ``region`` or ``image``.
        start, end: addresses.
        stop: matches that begin from here on are found in the next window.
        values: of `ATTRIBUTES`.
        windowed: whether it is a part of what could not be asked as a whole.
        whole: of an image: whether all of it is there, or filled.
    """

    kind: str
    start: int
    end: int
    stop: int
    values: tuple[tuple[str, str], ...]
    windowed: bool = False
    whole: bool = True


def buffers(
    dump: Dump,
    places: Locations,
    *,
    within: Iterable[tuple[int, int]] | None,
    coverage: SearchedBytes,
    kinds: frozenset[str],
    fill: bool,
) -> Iterator[ScannedBuffer]:
    """All that rules are asked of, by address; an image goes before what it lies in.

    Args:
        kinds: some of the kinds that there are.
        fill: whether an image goes on behind a hole.
    """
    ranges = None if within is None else list(within)
    found: list[Iterator[ScannedBuffer]] = []
    if "image" in kinds:
        alone = kinds == {"image"}
        made = images(dump, places, ranges, fill, unreadable=alone)
        found.append(iter(sorted(made, key=lambda one: one.start)))
    found.append(_pieces(dump.memory, places, ranges, coverage, kinds))
    return merge(*found, key=lambda one: one.start)


def _pieces(
    space: AddressSpace,
    places: Locations,
    within: list[tuple[int, int]] | None,
    coverage: SearchedBytes,
    kinds: frozenset[str],
) -> Iterator[ScannedBuffer]:
    for start, end in islands(space, within, coverage):
        regions = _regions(places, start, end) if "region" in kinds else iter(())
        whole = iter(((start, end),)) if "island" in kinds else iter(())
        yield from merge(
            _windows("island", whole, places),
            _windows("region", regions, places),
            key=lambda one: one.start,
        )


def _regions(places: Locations, start: int, end: int) -> Iterator[tuple[int, int]]:
    at = start
    while at < end:
        behind = min(end, places.end_of(at))
        yield at, behind
        at = behind


def _windows(
    kind: str, ranges: Iterable[tuple[int, int]], places: Locations
) -> Iterator[ScannedBuffer]:
    for start, end in ranges:
        values = attributes(places, start) if kind == "region" else ()
        at = start
        while True:
            stop = min(end, at + WINDOW)
            behind = end if stop == end else min(end, stop + OVERLAP)
            windowed = stop != end or at != start
            yield ScannedBuffer(kind, at, behind, end if behind == end else stop, values, windowed)
            if behind == end:
                break
            at = stop


def attributes(places: Locations, address: int) -> tuple[tuple[str, str], ...]:
    """What a rule may ask of the region at an address."""
    where = places.at(address)
    region, module = where.region, where.module
    values = (
        "" if region is None else rights(region.protection),
        "" if region is None else region.region_type,
        ("" if region is None else region.name) or "",
        "" if module is None else module.path,
    )
    return tuple((name, str(value)) for name, value in zip(ATTRIBUTES, values))


def images(
    dump: Dump,
    places: Locations,
    within: list[tuple[int, int]] | None,
    fill: bool,
    *,
    unreadable: bool = False,
) -> Iterator[ScannedBuffer]:
    """Modules, and regions that begin like an image and belong to none.

    Args:
        unreadable: also regions that can't be read: they might be one, and nobody else says so.
    """
    seen: set[int] = set()
    for module in dump.modules:
        base, size = module.get("base_addr"), module.get("module_size")
        if base is None or not size or base in seen or not _wanted(base, within):
            continue
        seen.add(base)
        yield _image(dump, places, base, base + size, fill)
    for region in dump.regions:
        base = region.base_addr
        if base in seen or not _wanted(base, within) or places.at(base).module is not None:
            continue
        seen.add(base)
        first = _first_bytes(dump.memory, base)
        if unreadable if first is None else first.startswith(_MAGIC):
            yield _image(dump, places, base, region.end, fill)


def _wanted(address: int, within: list[tuple[int, int]] | None) -> bool:
    return within is None or any(start <= address < end for start, end in within)


def _first_bytes(space: AddressSpace, address: int) -> bytes | None:
    """None: they can't be read."""
    try:
        return bytes(space.read(address, 4).data)
    except (DamageError, LimitError):
        return None


def _image(dump: Dump, places: Locations, base: int, end: int, fill: bool) -> ScannedBuffer:
    limit = min(end, base + _LARGEST_IMAGE)
    stop = limit
    if not fill:
        for address, length, state in dump.memory.states(base, limit):
            stop = address if state != CAPTURED else address + length
            if state != CAPTURED:
                break
    return ScannedBuffer("image", base, stop, stop, attributes(places, base), whole=stop == end)
