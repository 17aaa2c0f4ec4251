"""How the capture ends, and what stands behind it (§2, §4.1, §4.5)."""

from __future__ import annotations

from collections.abc import Iterator

from ..reader.segments import Reason
from .declare import before, rule
from .facts import Facts
from .model import Found, Level, Role, Scope


def _ending(facts: Facts, *kinds: str, field: str = "") -> Iterator[Found]:
    """The walk's own words, if it ended in one of these ways; `field` of a block is at fault."""
    ending = facts.dump.ending
    trailing = facts.dump.trailing
    if ending.reason is Reason.UNCLOSED and ending.walked is not None:
        ending = ending.walked  # what keeps the segment from being closed
    if ending.kind in kinds and trailing is not None:
        length = trailing.offset + trailing.length - ending.offset
        yield Found(
            f"{ending.text}; {length} bytes from {ending.offset:#x} on belong to no block",
            ending.offset + (facts.schema.block_header.offset_of(field) if field else 0),
            field=field,
        )


@rule(
    "MSL-4.1-BLOCK-LENGTH-TOO-SMALL",
    Level.MUST,
    Scope.WHOLE,
    requirement="BlockLength covers the block header, so it is at least 80.",
    wrong="A BlockLength is less than the block header's own size.",
    why="Nobody can tell where the next block begins: the rest of the file is lost.",
)
def block_length_too_small(facts: Facts) -> Iterator[Found]:
    yield from _ending(facts, "length", field="block_length")


@rule(
    "MSLX-4.1-BLOCK-TRUNCATED",
    Level.OURS,
    Scope.WHOLE,
    requirement="The file holds all BlockLength bytes of every block.",
    wrong="The file ends inside its last block.",
    why="The last block, and whatever was to follow, is lost.",
)
def block_truncated(facts: Facts) -> Iterator[Found]:
    yield from _ending(facts, "truncated", field="block_length")


@rule(
    "MSLX-2-TRAILING-BYTES",
    Level.OURS,
    Scope.WHOLE,
    requirement="The file ends where its last block ends.",
    wrong="Bytes that are no block stand behind the last block.",
    why="No hash covers them. If a block's magic was damaged, they are the rest of the dump.",
)
def trailing_bytes(facts: Facts) -> Iterator[Found]:
    yield from _ending(facts, "short", "magic")


@rule(
    "MSL-4.5-END-OF-CAPTURE-ABSENT",
    Level.SHOULD,
    Scope.WHOLE,
    requirement="The last block of a capture is an End-of-Capture.",
    wrong="No End-of-Capture closes the capture.",
    why="The acquirer did not finish: regions may be missing, and no FileHash covers the file.",
)
def end_of_capture_absent(facts: Facts) -> Iterator[Found]:
    # Where the blocks end before the file does, it may be in what can't be read.
    if not facts.finished and facts.dump.ending.clean:
        yield Found(
            f"expected an End-of-Capture as the last block, found "
            f"{facts.describe(len(facts) - 1) if len(facts) else 'no block at all'}",
            facts.dump.ending.offset,
        )


@rule(
    "MSL-4.5-END-OF-CAPTURE-NOT-LAST",
    Level.SHOULD,
    Scope.WHOLE,
    drafts=before("draft-2026-10"),
    requirement="The End-of-Capture is the last block, but for structural ones (0x1000 to 0x1FFF), "
    "which analysis tools append.",
    wrong="Blocks that acquirers write stand behind the End-of-Capture.",
    why="FileHash does not cover them: they were added to the capture later.",
)
def end_of_capture_not_last(facts: Facts) -> Iterator[Found]:
    closings = set(facts.closings)
    spans = facts.schema.draft.block_type_spans
    structural = [range(s.first, s.last + 1) for s in spans if s.use == "structural"]
    for block in range(facts.capture_count, len(facts)):
        if block not in closings and not any(facts.types[block] in s for s in structural):
            yield Found(
                f"{facts.describe(block)}: expected nothing behind the End-of-Capture, "
                f"{facts.describe(facts.closings[0])}",
                facts.offsets[block],
                block,
            )


@rule(
    "MSL-4.5-END-OF-CAPTURE-REPEATED",
    Level.MUST,
    Scope.WHOLE,
    drafts=before("draft-2026-10"),
    who=(Role.PRODUCER, Role.APPENDER),
    requirement="A file has one End-of-Capture.",
    wrong="A second End-of-Capture stands behind the first.",
    why="There are two FileHashes, and nobody can tell which one the acquirer vouched for.",
)
def end_of_capture_repeated(facts: Facts) -> Iterator[Found]:
    for block in facts.closings[1:]:
        yield Found(
            f"{facts.describe(block)}: expected one End-of-Capture, "
            f"{facts.describe(facts.closings[0])} is one already",
            facts.offsets[block],
            block,
        )
