"""Page by page: what two dumps have in common, what changed, and what nobody can know."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import closing
from dataclasses import astuple, dataclass, field
from functools import cache
from itertools import islice
from typing import Any

from ..errors import DamageError, LimitError
from ..reader.dump import Dump
from ..schema import ByteOrder
from ..space import ABSENT, CAPTURED, AddressSpace, CapturedReader, Run
from .addresses import pointer_width
from .aligning import AlignedStretch, Alignment
from .forked import can_fork, in_order
from .islands import held

__all__ = ["PAGE", "ComparedPages", "MemoryChange", "compare"]

PAGE = 4096
"""Bytes that are counted as a page, whatever the dumps' own pages."""
_PIECE = 1 << 18
"""What a processor holds close to itself, of both."""
_STEP = 16 * PAGE
"""Bytes that are compared at a time where some of more differ."""
_UNIT = 4 << 20
"""Bytes that a process compares before it says what came of it."""
_BATCH = 1 << 29
"""Bytes that are compared by processes that are made once."""
_MOST_RUNS = 1 << 16
_WORTH_PROCESSES = 8
"""Units."""

Unit = list[tuple[AlignedStretch, int, int]]
"""What both have captured: offsets within stretches, and bytes."""


@dataclass(frozen=True)
class MemoryChange:
    """Bytes side by side of which some differ.

    Attributes:
        address: in the first dump.
        other: in the second.
        size: bytes, from the first that differs to the last.
        rebased: whether each word that differs is a pointer that moved with its target.
    """

    address: int
    other: int
    size: int
    rebased: bool


@dataclass
class ComparedPages:
    """Pages by what became of them; complete when the comparison has ended.

    Attributes:
        same, changed: of those that both have.
        rebased: of those that changed: only pointers that moved with their targets.
        unknown: both have something there, and one or both have no bytes.
        only_a, only_b: only one dump says anything of them.
        failed: captured bytes that could not be had, each with where and why.
    """

    same: int = 0
    changed: int = 0
    rebased: int = 0
    unknown: int = 0
    only_a: int = 0
    only_b: int = 0
    failed: list[str] = field(default_factory=list)

    def add(self, more: ComparedPages) -> None:
        """Count what was compared elsewhere."""
        self.same += more.same
        self.changed += more.changed
        self.rebased += more.rebased
        self.unknown += more.unknown
        self.only_a += more.only_a
        self.only_b += more.only_b
        self.failed += more.failed


def compare(
    a: Dump, b: Dump, alignment: Alignment, told: ComparedPages, processes: int = 1
) -> Iterator[MemoryChange]:
    """What changed, by address; of each page at least one change, runs over pages are put together.

    Args:
        told: counts pages.
        processes: how many copies of this process compare, where there is much to compare and
            no thread would be missing in a copy.
    """
    held: MemoryChange | None = None
    for change in _changes(a, b, alignment, told, processes):
        if (
            held is not None
            and held.address + held.size == change.address
            and held.other + held.size == change.other
            and held.rebased == change.rebased
        ):
            held = MemoryChange(held.address, held.other, held.size + change.size, held.rebased)
            continue
        if held is not None:
            yield held
        held = change
    if held is not None:
        yield held
    told.only_a += _beside(a.memory, [(one.a, one.a + one.size) for one in alignment.stretches])
    told.only_b += _beside(
        b.memory, sorted((one.b, one.b + one.size) for one in alignment.stretches)
    )


def _changes(
    a: Dump, b: Dump, alignment: Alignment, told: ComparedPages, processes: int
) -> Iterator[MemoryChange]:
    nearby = CapturedReader(a.memory), CapturedReader(b.memory)

    def one(unit: Unit) -> tuple[list[MemoryChange], ComparedPages]:
        some = ComparedPages()
        found = [
            change
            for stretch, offset, size in unit
            for change in _captured(a, b, nearby, alignment, stretch, offset, size, some)
        ]
        return found, some

    for batch in _batches(_units(a, b, alignment, told)):

        def work(number: int, batch: list[Unit] = batch) -> list[Any]:
            found, some = one(batch[number])
            return [[astuple(change) for change in found], astuple(some)]

        if processes > 1 and len(batch) >= _WORTH_PROCESSES and can_fork():
            with closing(in_order(work, len(batch), processes)) as results:
                for rows, pages in results:
                    told.add(ComparedPages(*pages))
                    yield from (MemoryChange(*row) for row in rows)
            continue
        for unit in batch:
            found, some = one(unit)
            told.add(some)
            yield from found


def _batches(units: Iterator[Unit]) -> Iterator[list[Unit]]:
    while batch := list(islice(units, _BATCH // _UNIT)):
        yield batch


def _units(a: Dump, b: Dump, alignment: Alignment, told: ComparedPages) -> Iterator[Unit]:
    """All that both have captured; of the rest the pages are counted."""
    unit: Unit = []
    filled = 0
    for stretch in alignment.stretches:
        states = _common(
            a.memory.states(stretch.a, stretch.a + stretch.size),
            b.memory.states(stretch.b, stretch.b + stretch.size),
            stretch,
        )
        for offset, size, one, other in states:
            if ABSENT in (one, other):
                told.only_a += 0 if one == ABSENT else -(-size // PAGE)
                told.only_b += 0 if other == ABSENT else -(-size // PAGE)
                continue
            if not one == other == CAPTURED:
                told.unknown += -(-size // PAGE)
                continue
            done = 0
            while done < size:
                # Units end where pages of the first do.
                at = stretch.a + offset + done
                count = min(size - done, _UNIT - at % PAGE)
                unit.append((stretch, offset + done, count))
                filled += count
                done += count
                if filled >= _UNIT or len(unit) >= _MOST_RUNS:
                    yield unit
                    unit, filled = [], 0
    if unit:
        yield unit


def _common(
    a: Iterator[Run], b: Iterator[Run], stretch: AlignedStretch
) -> Iterator[tuple[int, int, str, str]]:
    """Offset, size and both states, over the whole stretch."""
    at = 0
    one = other = (0, 0, ABSENT)
    while at < stretch.size:
        while one[0] + one[1] - stretch.a <= at:
            one = next(a)
        while other[0] + other[1] - stretch.b <= at:
            other = next(b)
        end = min(one[0] + one[1] - stretch.a, other[0] + other[1] - stretch.b, stretch.size)
        yield at, end - at, one[2], other[2]
        at = end


def _captured(
    a: Dump,
    b: Dump,
    nearby: tuple[CapturedReader, CapturedReader],
    alignment: Alignment,
    stretch: AlignedStretch,
    offset: int,
    size: int,
    told: ComparedPages,
) -> Iterator[MemoryChange]:
    done = 0
    while done < size:
        # Pieces end where pages of the first do.
        at = stretch.a + offset + done
        count = min(size - done, _PIECE - at % PAGE)
        try:
            left = nearby[0].read(at, count)
            right = nearby[1].read(stretch.b + offset + done, count)
        except (DamageError, LimitError) as error:
            told.failed.append(f"{size - done} bytes at {at:#x} were not compared: {error}")
            told.unknown += -(-(size - done) // PAGE)
            return
        for begin, end in _unequal(left, right, -(at % PAGE), told):
            one, other = bytes(left[begin:end]), bytes(right[begin:end])
            told.changed += 1
            low, high = _edges(one, other)
            rebased = _rebased(a, b, alignment, at + begin, one, other)
            told.rebased += rebased
            yield MemoryChange(
                at + begin + low,
                stretch.b + offset + done + begin + low,
                high - low,
                rebased,
            )
        done += count


@cache
def _numpy() -> Any:
    """The module; None: it is not installed."""
    try:
        import numpy  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return None
    return numpy


def _unequal(
    left: memoryview, right: memoryview, first: int, told: ComparedPages
) -> Iterator[tuple[int, int]]:
    """Pages that differ; of those beside them that do not, the number is told.

    Args:
        first: where the page begins that the bytes begin in.
    """
    count = len(left)
    numpy = _numpy()
    if numpy is not None and not first and not count % PAGE:
        words = [numpy.frombuffer(data, numpy.uint64) for data in (left, right)]
        differ = words[0] != words[1]
        pages = []
        if differ.any():
            pages = numpy.flatnonzero(differ.reshape(count // PAGE, -1).any(axis=1)).tolist()
        told.same += count // PAGE - len(pages)
        for page in pages:
            yield page * PAGE, (page + 1) * PAGE
        return
    one, other = held(left), held(right)
    if one == other:
        told.same += -(-(count - first) // PAGE)
        return
    for start in range(first, count, _STEP):
        begin, stop = max(0, start), min(count, start + _STEP)
        if one[begin:stop] == other[begin:stop]:
            told.same += -(-(stop - start) // PAGE)
            continue
        for page in range(start, stop, PAGE):
            begin, end = max(0, page), min(count, page + PAGE)
            if one[begin:end] == other[begin:end]:
                told.same += 1
            else:
                yield begin, end


def _edges(one: bytes, other: bytes) -> tuple[int, int]:
    """The first byte that differs, and the one behind the last."""
    x = int.from_bytes(one, "big") ^ int.from_bytes(other, "big")
    size = len(one)
    low = size - (x.bit_length() + 7) // 8
    y = int.from_bytes(one, "little") ^ int.from_bytes(other, "little")
    return low, (y.bit_length() + 7) // 8


def _rebased(
    a: Dump, b: Dump, alignment: Alignment, address: int, one: bytes, other: bytes
) -> bool:
    """Whether all words that differ point to what moved."""
    if alignment.how != "module":
        return False
    width = pointer_width(a)
    if width != pointer_width(b):
        return False
    skip = -address % width
    count = (len(one) - skip) // width
    behind = skip + width * count
    if one[:skip] != other[:skip] or one[behind:] != other[behind:]:
        return False
    marks = ["<" if dump.schema.byte_order is ByteOrder.LITTLE else ">" for dump in (a, b)]
    code = "Q" if width == 8 else "I"
    left = struct.unpack_from(f"{marks[0]}{count}{code}", one, skip)
    right = struct.unpack_from(f"{marks[1]}{count}{code}", other, skip)
    return all(x == y or alignment.moved(x) == y for x, y in zip(left, right))


def _beside(space: AddressSpace, covered: list[tuple[int, int]]) -> int:
    """Pages of which a dump says something and that were not compared.

    Args:
        covered: what was, ascending.
    """
    found = 0
    index = 0
    for start, end in space.ranges():
        at = start
        while index < len(covered) and covered[index][1] <= at:
            index += 1
        position = index
        while at < end:
            if position < len(covered) and covered[position][0] <= at:
                at = max(at, covered[position][1])
                position += 1
                continue
            stop = min(end, covered[position][0]) if position < len(covered) else end
            found += sum(-(-n // PAGE) for _, n, state in space.states(at, stop) if state != ABSENT)
            at = stop
    return found
