"""Who is whose parent, and who should have been: so that one wrong UUID is one finding.

A child that names a wrong parent leaves the right one without a child, and gives one to a block
that should have none. Only the first is said of such a file.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from .facts import Facts

__all__ = ["circles", "dangling", "first_fragment", "misplaced", "tables", "unmarked_parent"]


def tables(facts: Facts) -> Iterator[int]:
    """The blocks whose parent is the System Context; none where the draft has no such tables."""
    yield from _children(facts, "system_context")


def _children(facts: Facts, parent: str) -> Iterator[int]:
    for kind in facts.schema.blocks.values():
        if kind.parent == parent:
            yield from facts.of_type(kind.key)


def first_fragment(facts: Facts, block: int) -> int | None:
    """The Memory Region that a Continuation belongs to; None where its parent is none."""
    parent = facts.uuids.find(facts.parent(block))
    if parent is None or facts.key(parent) != "memory_region":
        return None
    return None if facts.has_flag(parent, "continuation") else parent


def unmarked_parent(facts: Facts, block: int) -> int | None:
    """The region that a Memory Region without Continuation has as its parent; None: no region.

    Either the flag is missing or the ParentUUID is wrong. Nobody can tell which, so neither the
    fragments of that region nor its flags are judged by it.
    """
    if facts.key(block) != "memory_region" or facts.has_flag(block, "continuation"):
        return None
    parent = facts.uuids.find(facts.parent(block))
    if parent is None or parent == block or facts.key(parent) != "memory_region":
        return None
    return parent


def misplaced(facts: Facts) -> dict[int, str]:
    """Blocks with another parent than their type demands, and the type that it demands."""
    found = {
        block: facts.key(block) for block, uuid in facts.parents() if uuid == facts.uuids[block]
    }
    for kind in facts.schema.blocks.values():
        for block in facts.of_type(kind.key) if kind.parent else ():
            parent = facts.uuids.find(facts.parent(block))
            if parent is None or facts.key(parent) != kind.parent:
                found[block] = kind.parent
    for block in facts.with_flag("continuation"):
        if facts.key(block) == "memory_region" and first_fragment(facts, block) is None:
            found[block] = "memory_region"
    return found


def dangling(facts: Facts) -> Iterator[tuple[int, bytes]]:
    """``(block, ParentUUID)`` where no block has that UUID."""
    return ((b, uuid) for b, uuid in facts.parents() if facts.uuids.find(uuid) is None)


def circles(facts: Facts) -> Iterator[list[int]]:
    """The blocks of each circle of parents, from child to parent."""
    climbed = array("I", bytes(4 * len(facts)))  # by which climb a block was met first
    for number, (start, _) in enumerate(facts.parents(), start=1):
        block: int | None = start
        while block is not None and not climbed[block]:
            climbed[block] = number
            block = facts.uuids.find(facts.parent(block))
        if block is None or climbed[block] != number:
            continue
        around = [block]
        while (last := facts.uuids.find(facts.parent(around[-1]))) not in (None, block):
            assert last is not None
            around.append(last)
        yield around
