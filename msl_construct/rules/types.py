"""Block types and block flags, block by block (§4.1 to §4.3)."""

from __future__ import annotations

from collections.abc import Iterator

from ..reader import Block
from ..schema import Code
from .declare import rule, since, with_flags, without_payload
from .model import Found, Level, Scope


def _at(block: Block, field: str) -> int:
    return block.offset + block.schema.block_header.offset_of(field)


def _type(block: Block, text: str) -> Found:
    return Found(f"{block.describe()}: {text}", _at(block, "block_type"), block.index, "block_type")


def _flags(block: Block, text: str) -> Found:
    return Found(f"{block.describe()}: {text}", _at(block, "flags"), block.index, "flags")


def _algorithm(block: Block) -> Code | None:
    """CompAlgo; None in a block without flags, as most are."""
    if not block.flags:
        return None
    word = block.schema.flags["BlockFlags"]
    return word.field("CompAlgo").of(block.flags) if word.has("comp_algo") else None


@rule(
    "MSL-4.3-BLOCK-TYPE-INVALID",
    Level.MUST,
    Scope.BLOCK,
    concerns=without_payload,
    requirement="No block has the type 0x0000.",
    wrong="A block has the type that marks zeroed storage.",
    why="Readers must refuse it: what should stand here was never written.",
)
def block_type_invalid(block: Block) -> Iterator[Found]:
    if block.type is not None and block.type.forbidden and not block.type.code:
        yield _type(block, f"BlockType: expected anything but 0x0000, found {block.type.code:#06x}")


@rule(
    "MSL-4.3-BLOCK-TYPE-FORBIDDEN",
    Level.MUST,
    Scope.BLOCK,
    concerns=without_payload,
    drafts=since("draft-2026-10"),
    requirement="The types that are reserved without a payload (0x0012 to 0x0015) are not written.",
    wrong="A block has a type that producers of this version must not emit.",
    why="No payload is defined for it, so nobody else can read what the block holds.",
)
def block_type_forbidden(block: Block) -> Iterator[Found]:
    if block.type is not None and block.type.forbidden and block.type.code:
        yield _type(
            block,
            f"BlockType {block.type.code:#06x}: {block.schema.name} reserves it without a "
            "payload, so no block may have it",
        )


@rule(
    "MSLX-4.3-BLOCK-TYPE-UNREGISTERED",
    Level.OURS,
    Scope.BLOCK,
    concerns=without_payload,
    requirement="Block types are the ones that the draft registers.",
    wrong="A block has a type that the draft does not register.",
    why="Only readers that know its producer can read it; all others skip it.",
)
def block_type_unregistered(block: Block) -> Iterator[Found]:
    if block.type is None:
        code = int(block.header["block_type"])
        yield _type(block, f"BlockType {code:#06x} is not registered in {block.schema.name}")


@rule(
    "MSL-4.2-COMP-ALGO-WITHOUT-COMPRESSED",
    Level.MUST,
    Scope.BLOCK,
    concerns=with_flags,
    requirement="CompAlgo is 00 in a block that is not Compressed.",
    wrong="A block names a codec and is not marked as compressed.",
    why="A reader that looks at the codec first inflates what was never compressed.",
)
def comp_algo_without_compressed(block: Block) -> Iterator[Found]:
    found = _algorithm(block)
    if found and "compressed" not in block.flags:
        yield _flags(
            block, f"CompAlgo without Compressed: expected 0, found {int(found)} ({found.name})"
        )


@rule(
    "MSL-4.2-COMPRESSED-WITHOUT-COMP-ALGO",
    Level.MUST,
    Scope.BLOCK,
    concerns=with_flags,
    requirement="A Compressed block names its codec.",
    wrong="A block is marked as compressed and names no codec.",
    why="Its payload can't be read.",
)
def compressed_without_comp_algo(block: Block) -> Iterator[Found]:
    algorithm = _algorithm(block)
    if algorithm is not None and not algorithm and "compressed" in block.flags:
        yield _flags(block, "Compressed with CompAlgo 0 (none): expected a codec")


@rule(
    "MSL-4.2-COMP-ALGO-RESERVED",
    Level.MUST,
    Scope.BLOCK,
    concerns=with_flags,
    requirement="CompAlgo is not the reserved value 3.",
    wrong="A block names a codec that does not exist.",
    why="Its payload can't be read.",
)
def comp_algo_reserved(block: Block) -> Iterator[Found]:
    algorithm = _algorithm(block)
    if not algorithm or "compressed" not in block.flags:
        return
    if not block.schema.flags["BlockFlags"].field("CompAlgo").enumeration.permits(algorithm):
        yield _flags(block, f"CompAlgo: expected a codec, found {int(algorithm)} (reserved)")


@rule(
    "MSL-4.2-CONTINUATION-OUTSIDE-REGION",
    Level.MUST,
    Scope.BLOCK,
    concerns=with_flags,
    requirement="Only Memory Regions are Continuations.",
    wrong="A block that is no Memory Region is marked as the continuation of one.",
    why="A reader that puts fragments together takes its payload for memory.",
)
def continuation_outside_region(block: Block) -> Iterator[Found]:
    if "continuation" in block.flags and block.key != "memory_region":
        yield _flags(block, "Continuation: expected it on Memory Regions only")
