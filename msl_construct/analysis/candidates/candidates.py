"""Candidates in one dump or several: found, placed, weighed, and put side by side."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ...reader.dump import Dump
from ..aligning import Alignment, align
from ..locations import Location, Locations
from .alignments import Correspondence
from .checking import sightings
from .chunks import AllocatedChunk, chunk_around
from .classes import CLASSES, ByteClasses
from .measures import BLOCK, dense_blocks, entropy
from .pointers import KEPT, PointerPlaces, pointers_to
from .pool import Pool
from .scanning import DumpScan, scan
from .shapes import MemoryShape
from .sightings import ShapeSighting
from .ssh_keys import session_key_words

__all__ = ["CandidateSearch", "DumpCoverage", "FoundCandidate", "find_candidates"]

_POINTERS = 16
"""Addresses of pointers that are told of a candidate."""
_MOST_WEIGHED = 1 << 10
"""Sightings of a shape in a dump that are looked at closely, unless more are asked for."""
_DENSE = 0.75


@dataclass(frozen=True)
class FoundCandidate:
    """Something that may be what its shape says.

    Attributes:
        dump: number of the dump that it was found in, from 0.
        address, length: its bytes.
        shape: name of the shape.
        parts: points for what speaks for it; `score` is their sum.
        facts: what the points are given for.
        checked: whether a computation says that it is what it looks like.
        location: where it is.
        chunk: the allocator's chunk around it; None: none can be told.
        pointed_from: addresses of words that point to it or to its chunk; of many the first.
        elsewhere: its address in each dump; None: it has no place there that is known.
    """

    dump: int
    address: int
    length: int
    shape: str
    parts: dict[str, float]
    facts: dict[str, object]
    checked: bool
    location: Location
    chunk: AllocatedChunk | None
    pointed_from: tuple[int, ...]
    elsewhere: tuple[int | None, ...]

    @property
    def score(self) -> float:
        """What speaks for it, all together."""
        return round(sum(self.parts.values()), 3)


@dataclass(frozen=True)
class DumpCoverage:
    """What was looked at of a dump.

    Attributes:
        captured: bytes that were.
        unknown: bytes of which it says that they were mapped, and holds none, by state.
        compared: bytes that the first dump has, too, at the place that is the same.
        alignment: ``address`` or ``module``, see `align`; None: it is the first.
    """

    captured: int
    unknown: dict[str, int]
    compared: int
    alignment: str | None


@dataclass
class CandidateSearch:
    """What was found.

    Attributes:
        candidates: best first.
        classes: bytes of the first dump by what they are, see `ByteClasses`.
        coverage: of each dump.
        more: candidates that were left out, by shape: those with the lowest scores.
        gaps: what could not be looked at, each with why.
        limits: computations that were not made with all that they might have been made with, since
            that takes too long, each with how many were.
    """

    candidates: list[FoundCandidate]
    classes: dict[str, int]
    coverage: list[DumpCoverage]
    more: dict[str, int]
    gaps: list[str]
    limits: list[str]


def find_candidates(
    np: Any,
    dumps: Sequence[Dump],
    shapes: Sequence[MemoryShape],
    *,
    how: str = "auto",
    most: int = 100,
    within: Sequence[Sequence[tuple[int, int]] | None] | None = None,
    processes: int = 1,
) -> CandidateSearch:
    """Look for shapes in dumps of one process, or of one program.

    What is found in a dump does not depend on the others: they only add to it. So nothing that is
    found in some dumps is lost with more of them.

    Args:
        np: numpy.
        dumps: one or more; bytes are counted of the first.
        shapes: what is looked for.
        how: see `align`.
        most: candidates of each shape in each dump.
        within: of each dump address ranges, ascending and apart; None: everything.
        processes: how many copies of this process look, where they would be whole.
    """
    result = CandidateSearch([], {}, [], {}, [], [])
    alignments = [align(dumps[0], other, how) for other in dumps[1:]]
    places = Correspondence(alignments)
    ranges = list(within) if within is not None else [None] * len(dumps)
    classes = ByteClasses(np, dumps[1:], alignments, dumps[0].schema.byte_order)
    found: list[list[_Weighed]] = []
    for number, dump in enumerate(dumps):
        told = scan(
            np,
            dump,
            shapes,
            within=ranges[number],
            look=None if number else classes.count,
            processes=processes,
        )
        _account(result, number, told, alignments)
        one = _OneDump(np, number, dump, told, shapes, ranges[number], processes, result)
        found.append(one.weighed(most))
    result.candidates = _together(np, dumps, found, places)
    return result


def _account(
    result: CandidateSearch, number: int, told: DumpScan, alignments: Sequence[Alignment]
) -> None:
    compared: list[int] = []
    if not number:
        width = len(CLASSES) + len(alignments)
        sums = [sum(told.counted[at::width]) for at in range(width)]
        result.classes = dict(zip(CLASSES, sums))
        result.classes["unknown"] += sum(told.coverage.unknown.values())
        compared = sums[len(CLASSES) :]
        result.coverage.append(DumpCoverage(told.coverage.captured, told.coverage.unknown, 0, None))
        result.coverage += [
            DumpCoverage(0, {}, size, one.how) for size, one in zip(compared, alignments)
        ]
    else:
        held = result.coverage[number]
        result.coverage[number] = DumpCoverage(
            told.coverage.captured, told.coverage.unknown, held.compared, held.alignment
        )
    result.gaps += [f"dump {number + 1}: {line}" for line in told.failed]


@dataclass
class _Weighed:
    """A sighting with what it is worth in its own dump."""

    sighting: ShapeSighting
    data: bytes
    chunk: AllocatedChunk | None
    pointed_from: tuple[int, ...]
    location: Location
    parts: dict[str, float]

    @property
    def score(self) -> float:
        return round(sum(self.parts.values()), 3)


@dataclass
class _OneDump:
    """What is looked for in one dump."""

    np: Any
    number: int
    dump: Dump
    told: DumpScan
    shapes: Sequence[MemoryShape]
    within: Sequence[tuple[int, int]] | None
    processes: int
    result: CandidateSearch

    def weighed(self, most: int) -> list[_Weighed]:
        """The best of each shape."""
        pool = Pool(self.np, self.dump, self.told)
        gaps: list[str] = []
        weighed = max(most, _MOST_WEIGHED)
        told = sightings(pool, self.told, self.shapes, gaps, weighed, self.result.more)
        seen = self._best(told, weighed)
        self.result.gaps += [f"dump {self.number + 1}: {line}" for line in gaps]
        self.result.limits += [f"dump {self.number + 1}: {line}" for line in pool.limits]
        chunks = {one.address: chunk_around(pool, one.address) for one in seen}
        targets = {one.address for one in seen}
        targets |= {chunk.address for chunk in chunks.values() if chunk is not None}
        pointers = pointers_to(
            self.np, self.dump, targets, within=self.within, processes=self.processes
        )
        seen += self._by_pointers(pool, seen, pointers)
        locations = Locations(self.dump)
        held: dict[str, list[_Weighed]] = {}
        for one in seen:
            chunk = chunks[one.address]
            start = chunk.address if chunk is not None else one.address
            whence = [
                pointers.get(at, PointerPlaces()) for at in dict.fromkeys((one.address, start))
            ]
            data = pool.bytes_at(one.address, one.length)
            if data is None:
                continue
            held.setdefault(one.shape, []).append(
                _Weighed(
                    one,
                    data,
                    chunk,
                    tuple(address for some in whence for address in some.addresses),
                    locations.at(one.address),
                    _points(one, data, chunk, sum(some.count for some in whence)),
                )
            )
        best = []
        for shape, some in held.items():
            some.sort(key=lambda one: (-one.score, one.sighting.address))
            best += some[:most]
            if len(some) > most:
                self.result.more[shape] = self.result.more.get(shape, 0) + len(some) - most
        return best

    def _best(self, seen: Iterable[ShapeSighting], most: int) -> list[ShapeSighting]:
        """Those that are looked at closely: of very many of a shape, what has a run of its own."""
        shapes: dict[str, list[ShapeSighting]] = {}
        for one in seen:
            shapes.setdefault(one.shape, []).append(one)
        best = []
        for shape, some in shapes.items():
            if len(some) > most:
                some.sort(key=lambda one: (not one.checked, one.slack, one.address % 16))
                self.result.more[shape] = self.result.more.get(shape, 0) + len(some) - most
            best += some[:most]
        return best

    def _by_pointers(
        self, pool: Pool, seen: Sequence[ShapeSighting], pointers: dict[int, PointerPlaces]
    ) -> list[ShapeSighting]:
        """What is known by the structure that points to it."""
        found = []
        for shape in self.shapes:
            if shape.check != "ssh_session_key":
                continue
            for address in dict.fromkeys(one.address for one in seen):
                places = pointers.get(address, PointerPlaces())
                if places.count > KEPT:
                    self.result.limits.append(
                        f"dump {self.number + 1}: of {places.count} pointers to {address:#x} the "
                        f"first {KEPT} were followed"
                    )
                for pointer in places.addresses:
                    for length in shape.lengths:
                        words = session_key_words(pool, address, length, pointer)
                        if words is not None:
                            found.append(
                                ShapeSighting(
                                    address,
                                    length,
                                    shape.name,
                                    shape.weight,
                                    True,
                                    {"check": words},
                                )
                            )
        return found


def _points(
    one: ShapeSighting, data: bytes, chunk: AllocatedChunk | None, pointers: int
) -> dict[str, float]:
    """What speaks for a sighting in its own dump; the facts that say why go into it."""
    parts = {"shape": one.weight, "check": 0.2 if one.checked else 0.0}
    bits = entropy(data)
    one.facts["entropy_bits"] = round(bits, 2)
    most = math.log2(min(len(data), 256))
    parts["entropy"] = round(0.05 * bits / most, 3) if most else 0.0
    step = next((step for step in (16, 8, 4) if one.address % step == 0), 1)
    one.facts["alignment"] = step
    parts["alignment"] = {16: 0.03, 8: 0.02, 4: 0.01, 1: 0.0}[step]
    one.facts["run_length"] = one.length + one.slack
    parts["length"] = round(0.05 * one.length / (one.length + one.slack), 3)
    parts["chunk"] = 0.0
    if chunk is not None:
        one.facts["chunk_offset"] = one.address - chunk.address
        if chunk.address == one.address:
            parts["chunk"] = 0.04 if chunk.size - one.length < 24 else 0.02
    one.facts["pointers"] = pointers
    parts["pointed_from"] = 0.03 if pointers else 0.0
    return parts


def _together(
    np: Any,
    dumps: Sequence[Dump],
    found: Sequence[Sequence[_Weighed]],
    places: Correspondence,
) -> list[FoundCandidate]:
    """All of all dumps; what stands at the same place in several, once."""
    known: dict[tuple[int, int, int, str], _Weighed] = {}
    for number, some in enumerate(found):
        for one in some:
            sighting = one.sighting
            known[number, sighting.address, sighting.length, sighting.shape] = one
    merged = set()
    result = []
    for key, one in known.items():
        if key in merged:
            continue
        number, address, length, shape = key
        elsewhere: list[int | None] = []
        alike = dense = same = other = 0
        for target, dump in enumerate(dumps):
            if target == number:
                elsewhere.append(address)
                continue
            place = places.moved(number, target, address)
            data = None if place is None else _read(dump, place, length)
            elsewhere.append(place if data is not None else None)
            if data is None or place is None:
                continue
            twin = target, place, length, shape
            if twin in known and target > number:
                merged.add(twin)
            alike += twin in known
            same += data == one.data
            other += data != one.data
            dense += data != one.data and _is_dense(np, data)
        parts = dict(one.parts)
        facts = dict(one.sighting.facts)
        if len(dumps) > 1:
            facts["same_bytes_in"], facts["other_bytes_in"] = same, other
            facts["dense_other_bytes_in"], facts["found_in_other_dumps"] = dense, alike
        parts["class"] = 0.03 if dense else 0.02 if same else 0.0
        parts["dumps"] = round(0.01 * min(5, alike), 3)
        result.append(
            FoundCandidate(
                number,
                address,
                length,
                shape,
                parts,
                facts,
                one.sighting.checked,
                one.location,
                one.chunk,
                one.pointed_from[:_POINTERS],
                tuple(elsewhere),
            )
        )
    result.sort(key=lambda one: (-one.score, one.dump, one.address, one.shape))
    return result


def _read(dump: Dump, address: int, size: int) -> bytes | None:
    from ...errors import DamageError, LimitError, MemoryAccessError

    try:
        return bytes(dump.memory.read(address, size))
    except (DamageError, LimitError, MemoryAccessError):
        return None


def _is_dense(np: Any, data: bytes) -> bool:
    """Whether most blocks of it are dense."""
    count = len(data) // BLOCK
    if not count:
        return False
    flags = dense_blocks(np, np.frombuffer(data, np.uint8)[: count * BLOCK])
    return bool(flags.mean() >= _DENSE)
