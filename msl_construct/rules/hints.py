"""Key Hints and Related Dumps: whether what they point at is there (§5.5, §5.6)."""

from __future__ import annotations

import uuid as uuids
from array import array
from bisect import bisect_right
from collections.abc import Iterator

from ..page_map import PageMap
from .declare import rule
from .facts import Facts, Hint
from .model import Found, Level, Role, Scope
from .parents import unmarked_parent
from .region_facts import UNKNOWN

_WHO = (Role.PRODUCER, Role.APPENDER)


@rule(
    "MSL-5.6-KEY-HINT-WITHOUT-REGION",
    Level.MUST,
    Scope.WHOLE,
    who=_WHO,
    requirement="RegionUUID of a Key Hint is the BlockUUID of a Memory Region in the file.",
    wrong="A Key Hint refers to no Memory Region.",
    why="The key that it promises can't be found.",
)
def key_hint_without_region(facts: Facts) -> Iterator[Found]:
    if any(facts.key(block) == "memory_region" for block in facts.nameless):
        return  # that one is meant; that its UUID identifies nothing is another rule
    for hint in facts.hints:
        target = facts.uuids.find(hint.region)
        if target is None or facts.key(target) != "memory_region":
            found = "no such block" if target is None else facts.describe(target)
            text = f"RegionUUID {uuids.UUID(bytes=hint.region)}: expected a Memory Region, found "
            yield _found(facts, hint, "region_uuid", text + found)


@rule(
    "MSL-5.6-KEY-HINT-OUTSIDE-REGION",
    Level.MUST,
    Scope.WHOLE,
    who=_WHO,
    requirement="RegionOffset and KeyLen of a Key Hint stay within the region's PageData.",
    wrong="A Key Hint points behind the end of its region.",
    why="The key that it promises can't be there.",
)
def key_hint_outside_region(facts: Facts) -> Iterator[Found]:
    for hint, data, size in _places(facts):
        if hint.offset + hint.length > max(data, size):
            yield _outside(facts, hint, data)


@rule(
    "MSL-5.6-KEY-HINT-WITHOUT-DATA",
    Level.MUST,
    Scope.WHOLE,
    who=_WHO,
    requirement="RegionOffset of a Key Hint counts the captured pages' bytes only, so the key "
    "is within PageData.",
    wrong="A Key Hint points behind its region's PageData, though not behind the region's end.",
    why="Most likely pages without data were counted: the key is somewhere else.",
)
def key_hint_without_data(facts: Facts) -> Iterator[Found]:
    for hint, data, size in _places(facts):
        if data < hint.offset + hint.length <= size:
            yield _outside(facts, hint, data)


@rule(
    "MSLX-5.6-KEY-HINT-EMPTY",
    Level.OURS,
    Scope.WHOLE,
    who=_WHO,
    requirement="A key has at least one byte.",
    wrong="A Key Hint has KeyLen 0.",
    why="It says that there is a key, and nothing of it.",
)
def key_hint_empty(facts: Facts) -> Iterator[Found]:
    for hint in facts.hints:
        if not hint.length:
            yield _found(facts, hint, "key_len", "KeyLen: expected 1 or more, found 0")


@rule(
    "MSLX-5.6-KEY-HINT-ACROSS-HOLE",
    Level.OURS,
    Scope.WHOLE,
    who=_WHO,
    requirement="A key lies on pages that follow each other in memory.",
    wrong="Between the captured pages that a key lies on is one without data.",
    why="PageData joins what is apart in memory: the bytes there are no key.",
)
def key_hint_across_hole(facts: Facts) -> Iterator[Found]:
    regions = facts.regions
    crossing: dict[int, list[Hint]] = {}
    for hint in facts.hints:
        row = regions.row_of(facts.uuids.find(hint.region))
        if (
            row is not None
            and regions.known(row)
            and 0 < hint.length <= regions.data[row] - hint.offset
        ):
            first, last = _ranks(hint, regions.exponents[row])
            if first != last:
                crossing.setdefault(row, []).append(hint)
    for row, hints in crossing.items():
        starts = _starts(facts.dump.blocks[regions.blocks[row]].payload["page_state_map"])
        for hint in hints:
            first, last = _ranks(hint, regions.exponents[row])
            if bisect_right(starts, first) != bisect_right(starts, last):
                text = f"{hint.length} bytes at RegionOffset {hint.offset:#x}: expected captured "
                text += f"pages in a row, found a gap between the {first + 1}. and {last + 1}."
                yield _found(facts, hint, "region_offset", text)


def _ranks(hint: Hint, exponent: int) -> tuple[int, int]:
    """The first and the last captured page of a key, counted from 0."""
    return hint.offset >> exponent, hint.offset + hint.length - 1 >> exponent


def _starts(pages: PageMap) -> array[int]:
    """Which captured pages, counted from 0, stand behind a page without data, or first."""
    starts = array("Q")
    rank = 0
    for _, count, state in pages.runs():
        if not state:
            starts.append(rank)
            rank += count
    return starts


def _places(facts: Facts) -> Iterator[tuple[Hint, int, int]]:
    """Each hint with the bytes of its region's PageData and of its address range."""
    regions = facts.regions
    data: dict[int, int] = {}
    sizes: dict[int, int] = {}
    for hint in facts.hints:
        target = facts.uuids.find(hint.region)
        row = regions.row_of(target)
        if target is not None and row is not None:
            data[target], sizes[target] = regions.data[row], regions.sizes[row]
    if data:
        for row, block in enumerate(regions.blocks):
            # A hint that names the first fragment means the region.
            parent = unmarked_parent(facts, block)
            if facts.has_flag(block, "continuation"):
                parent = facts.uuids.find(facts.parent(block))
            if parent is not None and parent in data:
                data[parent] += regions.data[row]  # at least UNKNOWN, if one of them is
                sizes[parent] += regions.sizes[row]
    for hint in facts.hints:
        target = facts.uuids.find(hint.region)
        if target is not None and data.get(target, UNKNOWN) < UNKNOWN:
            yield hint, data[target], sizes[target]


def _outside(facts: Facts, hint: Hint, data: int) -> Found:
    target = facts.uuids.find(hint.region)
    assert target is not None
    text = (
        f"RegionOffset {hint.offset:#x} and KeyLen {hint.length}: expected an end of at most "
        f"{data:#x}, the PageData of {facts.describe(target)}, found {hint.offset + hint.length:#x}"
    )
    return _found(facts, hint, "region_offset", text)


def _found(facts: Facts, hint: Hint, field: str, text: str) -> Found:
    where = facts.at(hint.block, field)
    return Found(f"{facts.describe(hint.block)}: {text}", where, hint.block, field)


@rule(
    "MSLX-5.5-RELATED-DUMP-IS-ITSELF",
    Level.OURS,
    Scope.WHOLE,
    who=_WHO,
    requirement="A Related Dump names another file.",
    wrong="A Related Dump names the DumpUUID of the file that it is in.",
    why="A tool that follows related dumps comes back to where it was.",
)
def related_dump_is_itself(facts: Facts) -> Iterator[Found]:
    for block in facts.selves:
        uuid = facts.header.record["dump_uuid"]
        yield Found(
            f"{facts.describe(block)}: RelatedDumpUUID {uuid} is this file's own DumpUUID",
            facts.at(block, "related_dump_uuid"),
            block,
            "related_dump_uuid",
        )
