"""BlockUUIDs, ParentUUIDs, and the flags that announce references (§4.1, §4.2)."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Iterable, Iterator

from .declare import rule
from .facts import Facts, well_formed
from .model import Found, Level, Scope
from .parents import circles, dangling, misplaced, unmarked_parent


@rule(
    "MSL-4.1-BLOCK-UUID-REPEATED",
    Level.MUST,
    Scope.WHOLE,
    requirement="Every block has a BlockUUID of its own.",
    wrong="Two blocks have the same BlockUUID.",
    why="Whatever refers to one of them by its UUID may mean the other.",
)
def block_uuid_repeated(facts: Facts) -> Iterator[Found]:
    for block, earlier in facts.repeated:
        yield Found(
            f"{facts.describe(block)}: BlockUUID {_text(facts.uuids[block])} is also that of "
            f"{facts.describe(earlier)}",
            facts.at(block, "block_uuid"),
            block,
            "block_uuid",
        )


@rule(
    "MSL-4.1-PARENT-NOT-FOUND",
    Level.MUST,
    Scope.WHOLE,
    requirement="ParentUUID is zeros or the BlockUUID of a block in the file.",
    wrong="A ParentUUID is no block's UUID.",
    why="What the block belongs to is not in the file, or was cut out of it.",
)
def parent_not_found(facts: Facts) -> Iterator[Found]:
    if any(facts.has_flag(block, "has_children") for block in facts.nameless):
        return  # that one is the parent; that its UUID identifies nothing is another rule
    children: dict[bytes, list[int]] = {}
    for block, parent in dangling(facts):
        if well_formed(uuids.UUID(bytes=parent)):
            children.setdefault(parent, []).append(block)
    for parent, (block, *others) in children.items():
        also = f"; {len(others)} more blocks name it" if others else ""
        yield Found(
            f"{facts.describe(block)}: ParentUUID {_text(parent)}: expected the UUID of a "
            f"block, found no such block{also}",
            facts.at(block, "parent_uuid"),
            block,
            "parent_uuid",
        )


@rule(
    "MSLX-4.1-PARENT-IS-ITSELF",
    Level.OURS,
    Scope.WHOLE,
    requirement="No block is its own parent, nor the parent of its parent, and so on.",
    wrong="A block's ParentUUID leads back to the block itself.",
    why="A reader that climbs to the root never gets there.",
)
def parent_is_itself(facts: Facts) -> Iterator[Found]:
    for around in circles(facts):
        block, steps = min(around), len(around)
        uuid = _text(facts.parent(block))
        text = "is its own BlockUUID" if steps == 1 else f"leads back to it after {steps} steps"
        yield Found(
            f"{facts.describe(block)}: ParentUUID {uuid} {text}",
            facts.at(block, "parent_uuid"),
            block,
            "parent_uuid",
        )


@rule(
    "MSL-4.2-HAS-CHILDREN-MISSING",
    Level.MUST,
    Scope.WHOLE,
    requirement="HasChildren is set in a block that a ParentUUID refers to.",
    wrong="A block is another one's parent and does not set HasChildren.",
    why="A reader that trusts the flag never looks for the children.",
)
def has_children_missing(facts: Facts) -> Iterator[Found]:
    astray = misplaced(facts)
    children = (
        (block, uuid)
        for block, uuid in facts.parents()
        if block not in astray and unmarked_parent(facts, block) is None
    )
    yield from _unannounced(facts, "has_children", "HasChildren", children)


@rule(
    "MSL-4.2-HAS-CHILDREN-UNFOUNDED",
    Level.MUST,
    Scope.WHOLE,
    requirement="HasChildren is set only in a block that a ParentUUID refers to.",
    wrong="A block sets HasChildren, and no block has it as its parent.",
    why="Its children are not in the file, or were cut out of it.",
)
def has_children_unfounded(facts: Facts) -> Iterator[Found]:
    if next(dangling(facts), None) is not None:
        return  # a child of it may be the one whose ParentUUID leads nowhere
    wanted = set(misplaced(facts).values())
    for found in _unfounded(facts, "has_children", "HasChildren", "ParentUUID", facts.parents()):
        if found.block is not None and facts.key(found.block) not in wanted:
            yield found


@rule(
    "MSL-4.2-HAS-KEY-HINTS-MISSING",
    Level.MUST,
    Scope.WHOLE,
    requirement="HasKeyHints is set in a Memory Region that a Key Hint of the capture refers to.",
    wrong="A Key Hint refers to a Memory Region that does not set HasKeyHints.",
    why="A reader that trusts the flag never looks for the keys.",
)
def has_key_hints_missing(facts: Facts) -> Iterator[Found]:
    for found in _unannounced(facts, "has_key_hints", "HasKeyHints", _hints(facts)):
        if found.block is not None and facts.key(found.block) == "memory_region":
            yield found  # a hint at any other block is wrong itself


@rule(
    "MSL-4.2-HAS-KEY-HINTS-UNFOUNDED",
    Level.MUST,
    Scope.WHOLE,
    requirement="HasKeyHints is set only in a block that a Key Hint refers to.",
    wrong="A block sets HasKeyHints, and no Key Hint refers to it.",
    why="The hints are not in the file, or were cut out of it.",
)
def has_key_hints_unfounded(facts: Facts) -> Iterator[Found]:
    regions = (facts.uuids.find(hint.region) for hint in facts.hints)
    astray = any(block is None or facts.key(block) != "memory_region" for block in regions)
    if astray or "key_hint" in facts.unread:
        return  # a hint at it may be the one that leads nowhere, or that can't be read
    yield from _unfounded(facts, "has_key_hints", "HasKeyHints", "Key Hint", _hints(facts))


def _hints(facts: Facts) -> Iterator[tuple[int, bytes]]:
    return ((hint.block, hint.region) for hint in facts.hints)


def _unannounced(
    facts: Facts, flag: str, name: str, references: Iterable[tuple[int, bytes]]
) -> Iterator[Found]:
    """Blocks that something refers to and that don't say so; each once."""
    told = bytearray(len(facts))
    for block, uuid in references:
        # Who appends to a finished capture must not change the flags of its blocks.
        if block >= facts.capture_count:
            continue
        target = facts.uuids.find(uuid)
        if target is None or told[target] or facts.has_flag(target, flag):
            continue
        told[target] = 1
        yield Found(
            f"{facts.describe(target)}: expected {name}, as {facts.describe(block)} refers to it",
            facts.at(target, "flags"),
            target,
            "flags",
        )


def _unfounded(
    facts: Facts, flag: str, name: str, what: str, references: Iterable[tuple[int, bytes]]
) -> Iterator[Found]:
    """Blocks that announce references which nothing makes."""
    if not facts.finished:
        return  # they may have been about to be written
    meant = bytearray(len(facts))
    for _, uuid in references:
        target = facts.uuids.find(uuid)
        if target is not None:
            meant[target] = 1
    for block in facts.nameless:
        meant[block] = 1  # nothing can refer to it; that is another rule
    for block in facts.with_flag(flag):
        if not meant[block]:
            yield Found(
                f"{facts.describe(block)}: {name}: expected a {what} that refers to it, found none",
                facts.at(block, "flags"),
                block,
                "flags",
            )


def _text(uuid: bytes) -> str:
    return str(uuids.UUID(bytes=uuid))
