"""Memory regions: their addresses, and how fragments fit together (§5.1)."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from .declare import rule
from .facts import Facts
from .model import Found, Level, Scope
from .parents import circles, first_fragment, unmarked_parent
from .uuid_table import NIL

_ADDRESSES = 1 << 64


def _found(facts: Facts, row: int, field: str, text: str) -> Found:
    block = facts.regions.blocks[row]
    return Found(f"{facts.describe(block)}: {text}", facts.at(block, field), block, field)


def _aligned(facts: Facts, row: int) -> bool:
    return not facts.regions.bases[row] & (1 << facts.regions.exponents[row]) - 1


def _range(facts: Facts, row: int) -> str:
    base = facts.regions.bases[row]
    return f"{base:#x}-{base + facts.regions.sizes[row]:#x}"


@rule(
    "MSL-5.1-REGION-SIZE-NOT-PAGES",
    Level.MUST,
    Scope.WHOLE,
    requirement="RegionSize is a multiple of the page size.",
    wrong="A region ends in the middle of a page.",
    why="The page map has no state for its last bytes.",
)
def region_size_not_pages(facts: Facts) -> Iterator[Found]:
    regions = facts.regions
    for row, (size, exponent) in enumerate(zip(regions.sizes, regions.exponents)):
        if size & (1 << exponent) - 1:
            text = f"RegionSize: expected a multiple of {1 << exponent:#x}, found {size:#x}"
            yield _found(facts, row, "region_size", text)


@rule(
    "MSLX-5.1-REGION-EMPTY",
    Level.OURS,
    Scope.WHOLE,
    requirement="A region spans at least one page.",
    wrong="A region has RegionSize 0.",
    why="It says nothing about any address.",
)
def region_empty(facts: Facts) -> Iterator[Found]:
    for row, size in enumerate(facts.regions.sizes):
        if not size:
            yield _found(facts, row, "region_size", "RegionSize: expected a page or more, found 0")


@rule(
    "MSLX-5.1-REGION-NOT-ALIGNED",
    Level.OURS,
    Scope.WHOLE,
    requirement="BaseAddr is a multiple of the page size.",
    wrong="A region begins in the middle of a page.",
    why="Its page states are not those of the target's pages.",
)
def region_not_aligned(facts: Facts) -> Iterator[Found]:
    regions = facts.regions
    for row, (base, exponent) in enumerate(zip(regions.bases, regions.exponents)):
        if not _aligned(facts, row):
            text = f"BaseAddr: expected a multiple of {1 << exponent:#x}, found {base:#x}"
            yield _found(facts, row, "base_addr", text)


@rule(
    "MSLX-5.1-REGION-BEYOND-ADDRESSES",
    Level.OURS,
    Scope.WHOLE,
    requirement="A region ends within the 64-bit address space.",
    wrong="BaseAddr and RegionSize together exceed 2^64.",
    why="Readers that add them in 64 bits place the region's end before its beginning.",
)
def region_beyond_addresses(facts: Facts) -> Iterator[Found]:
    for row, (base, size) in enumerate(zip(facts.regions.bases, facts.regions.sizes)):
        if base + size > _ADDRESSES and facts.regions.known(row):
            text = f"expected an end of at most 2^64, found {_range(facts, row)}"
            yield _found(facts, row, "region_size", text)


@rule(
    "MSLX-5.1-REGIONS-OVERLAP",
    Level.OURS,
    Scope.WHOLE,
    requirement="No address is in two regions.",
    wrong="Two regions share addresses.",
    why="Memory at these addresses has two contents, and readers differ in which they show.",
)
def regions_overlap(facts: Facts) -> Iterator[Found]:
    roots = _roots(facts)
    for row, earlier in _overlaps(facts):
        if roots[row] != roots[earlier]:
            yield _overlap(facts, row, earlier)


@rule(
    "MSLX-5.1-FRAGMENTS-OVERLAP",
    Level.OURS,
    Scope.WHOLE,
    requirement="The fragments of a region share no address.",
    wrong="Two fragments of a region share addresses.",
    why="Put together by address, as readers must, they give more memory than the region has.",
)
def fragments_overlap(facts: Facts) -> Iterator[Found]:
    roots = _roots(facts)
    for row, earlier in _overlaps(facts):
        if roots[row] == roots[earlier] and _aligned(facts, row):
            yield _overlap(facts, row, earlier)


def _overlap(facts: Facts, row: int, earlier: int) -> Found:
    other = facts.describe(facts.regions.blocks[earlier])
    text = f"{_range(facts, row)} overlaps {_range(facts, earlier)} of {other}"
    return _found(facts, row, "base_addr", text)


def _overlaps(facts: Facts) -> Iterator[tuple[int, int]]:
    """Rows that begin inside an earlier one, with the earlier one that reaches furthest."""
    regions = facts.regions
    furthest, end = -1, 0
    for row in sorted(range(len(regions)), key=regions.bases.__getitem__):
        base, size = regions.bases[row], regions.sizes[row]
        if not size or not regions.known(row):
            continue
        if furthest >= 0 and base < end:
            yield row, furthest
        if base + size > end:
            furthest, end = row, base + size


def _heads(facts: Facts) -> Iterator[tuple[int, int]]:
    """``(row, row of the first fragment)`` of each continuation that has a proper one."""
    for block in facts.with_flag("continuation"):
        row = facts.regions.row_of(block)
        if row is None:
            continue
        parent = facts.uuids.find(facts.parent(block))
        head = facts.regions.row_of(parent)
        if parent is not None and head is not None and not facts.has_flag(parent, "continuation"):
            yield row, head


def _roots(facts: Facts) -> array[int]:
    """The first fragment of each row's region; a region in one piece is its own."""
    roots = array("I", range(len(facts.regions)))
    for row, head in _heads(facts):
        roots[row] = head
    return roots


@rule(
    "MSL-5.1-CONTINUATION-WITHOUT-FIRST",
    Level.MUST,
    Scope.WHOLE,
    requirement="ParentUUID of a Continuation is the region's first fragment.",
    wrong="A Continuation's parent is none, no region, or itself a Continuation.",
    why="Nobody can tell which region the fragment belongs to.",
)
def continuation_without_first(facts: Facts) -> Iterator[Found]:
    for block in facts.with_flag("continuation"):
        if facts.key(block) != "memory_region":
            continue
        uuid = facts.parent(block)
        parent = facts.uuids.find(uuid)
        if parent is None and uuid != NIL:
            continue  # that there is no such block is another rule
        if parent is None:
            found = "zeros"
        elif facts.key(parent) != "memory_region":
            found = facts.describe(parent)
        elif facts.has_flag(parent, "continuation"):
            if first_fragment(facts, parent) is None:
                continue  # it is the parent's own parent that is wrong
            found = f"{facts.describe(parent)}, a Continuation itself"
        else:
            continue
        yield Found(
            f"{facts.describe(block)}: ParentUUID: expected the first fragment, found {found}",
            facts.at(block, "parent_uuid"),
            block,
            "parent_uuid",
        )


@rule(
    "MSL-5.1-CONTINUATION-MISSING",
    Level.MUST,
    Scope.WHOLE,
    requirement="A Memory Region whose parent is a Memory Region sets Continuation.",
    wrong="A Memory Region has another one as its parent and does not set Continuation.",
    why="Readers take the fragment for a region of its own, and show the region without it.",
)
def continuation_missing(facts: Facts) -> Iterator[Found]:
    around = {block for circle in circles(facts) for block in circle}  # those are another rule
    for block, _ in facts.parents():
        parent = unmarked_parent(facts, block)
        if parent is None or block in around:
            continue
        yield Found(
            f"{facts.describe(block)}: expected Continuation, as its parent is "
            f"{facts.describe(parent)}",
            facts.at(block, "flags"),
            block,
            "flags",
        )


@rule(
    "MSLX-5.1-FRAGMENT-PAGE-SIZE",
    Level.OURS,
    Scope.WHOLE,
    requirement="All fragments of a region have pages of the same size.",
    wrong="A Continuation has another page size than the first fragment.",
    why="Their pages can't be counted together.",
)
def fragment_page_size(facts: Facts) -> Iterator[Found]:
    exponents = facts.regions.exponents
    for row, head in _heads(facts):
        if exponents[row] != exponents[head]:
            text = f"PageSizeLog2: expected {exponents[head]} as in {_of(facts, head)}, found "
            yield _found(facts, row, "page_size_log2", f"{text}{exponents[row]}")


@rule(
    "MSLX-5.1-FRAGMENT-BEFORE-FIRST",
    Level.OURS,
    Scope.WHOLE,
    requirement="The first fragment of a region comes first, in the file and by address.",
    wrong="A Continuation stands before its first fragment, or has a lower address.",
    why="A reader that goes from front to back meets a piece of a region it knows nothing of.",
)
def fragment_before_first(facts: Facts) -> Iterator[Found]:
    regions = facts.regions
    for row, head in _heads(facts):
        if row < head or regions.bases[row] < regions.bases[head]:
            text = f"{_range(facts, row)}: expected it behind {_of(facts, head)}, "
            yield _found(facts, row, "base_addr", text + _range(facts, head))


@rule(
    "MSLX-5.1-FRAGMENTS-APART",
    Level.OURS,
    Scope.WHOLE,
    requirement="The fragments of a region follow each other without a gap.",
    wrong="Addresses between two fragments of a region are in neither.",
    why="They belong to the region, and nothing is said of their pages.",
)
def fragments_apart(facts: Facts) -> Iterator[Found]:
    regions = facts.regions
    members: dict[int | None, list[int]] = {}
    for row, head in _heads(facts):
        if regions.bases[row] >= regions.bases[head]:  # or else that is another rule
            members.setdefault(head, [head]).append(row)
    for block, _ in facts.parents():  # a fragment without its flag may be what fills the gap
        if members and regions.row_of(block) is not None:
            members.pop(_row_of_parent(facts, block), None)
    for rows in members.values():
        # Where a size is not clear, or a base is odd, so is where the next should begin.
        if not all(regions.known(row) and _aligned(facts, row) for row in rows):
            continue
        rows.sort(key=regions.bases.__getitem__)
        end = regions.bases[rows[0]] + regions.sizes[rows[0]]
        for row in rows[1:]:
            if regions.bases[row] > end:
                text = f"{_range(facts, row)}: expected it to begin at {end:#x}, where "
                yield _found(facts, row, "base_addr", f"{text}the fragment before ends")
            end = max(end, regions.bases[row] + regions.sizes[row])


def _row_of_parent(facts: Facts, block: int) -> int | None:
    """The row of the region that a fragment without Continuation may belong to."""
    return facts.regions.row_of(unmarked_parent(facts, block))


def _of(facts: Facts, row: int) -> str:
    return facts.describe(facts.regions.blocks[row])
