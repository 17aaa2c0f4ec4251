"""Extension segments (draft 2026-10 §4.6)."""

from __future__ import annotations

from collections.abc import Iterator

from ..reader.segments import Reason
from .declare import rule, with_segments
from .facts import Facts
from .model import Found, Level, Role, Scope

_WHO = (Role.APPENDER,)
_BROKEN = (
    "What the appender wrote counts as trailing data from its first byte on: nobody may "
    "present it as verified."
)


def _broken(facts: Facts, reason: Reason) -> Iterator[Found]:
    """The reader's words, if this is its reason for not taking a segment as one."""
    ending = facts.dump.ending
    if ending.reason is reason:
        yield Found(ending.text, ending.offset, len(facts))


@rule(
    "MSL-4.6-SEGMENT-CHAIN",
    Level.MUST,
    Scope.WHOLE,
    drafts=with_segments,
    who=_WHO,
    requirement="The chain goes on through extension segments, from the End-of-Capture.",
    wrong="A PrevHash in an extension segment is not the hash of the block before.",
    why=_BROKEN,
)
def segment_chain(facts: Facts) -> Iterator[Found]:
    yield from _broken(facts, Reason.CHAIN)


@rule(
    "MSL-4.6-SEGMENT-HASH-MISMATCH",
    Level.MUST,
    Scope.WHOLE,
    drafts=with_segments,
    who=_WHO,
    requirement="SegmentHash is the hash of every byte of the segment before its End-of-Extension.",
    wrong="SegmentHash is not the hash of the segment's bytes.",
    why=_BROKEN,
)
def segment_hash_mismatch(facts: Facts) -> Iterator[Found]:
    yield from _broken(facts, Reason.HASH)


@rule(
    "MSL-4.6-SEGMENT-BLOCK-COUNT",
    Level.MUST,
    Scope.WHOLE,
    drafts=with_segments,
    who=_WHO,
    requirement="BlockCount of an End-of-Extension is the number of the segment's blocks, "
    "itself included, and never 0.",
    wrong="An End-of-Extension counts another number of blocks than its segment has.",
    why=_BROKEN,
)
def segment_block_count(facts: Facts) -> Iterator[Found]:
    yield from _broken(facts, Reason.COUNT)


@rule(
    "MSL-4.6-SEGMENT-NOT-CLOSED",
    Level.MUST,
    Scope.WHOLE,
    drafts=with_segments,
    who=_WHO,
    requirement="Blocks behind the End-of-Capture are followed by an End-of-Extension.",
    wrong="No End-of-Extension closes the blocks behind the End-of-Capture.",
    why=_BROKEN,
)
def segment_not_closed(facts: Facts) -> Iterator[Found]:
    walked = facts.dump.ending.walked
    # Where the blocks end before the file does, it may be in what can't be read.
    if walked is not None and walked.clean:
        yield from _broken(facts, Reason.UNCLOSED)


@rule(
    "MSL-4.6-SEGMENT-END-UNREADABLE",
    Level.MUST,
    Scope.WHOLE,
    drafts=with_segments,
    who=_WHO,
    requirement="An End-of-Extension has the payload that the draft describes.",
    wrong="An End-of-Extension can't be decoded.",
    why=_BROKEN,
)
def segment_end_unreadable(facts: Facts) -> Iterator[Found]:
    yield from _broken(facts, Reason.END)


@rule(
    "MSL-4.6-SEGMENT-TYPE-FORBIDDEN",
    Level.MUST,
    Scope.WHOLE,
    drafts=with_segments,
    who=_WHO,
    requirement="Extension segments hold only hints, related dumps, manifests and structural "
    "blocks, never what only the acquirer can know.",
    wrong="An extension segment holds a block of a type that belongs into the capture.",
    why="Somebody adds to the evidence: regions, modules or identities that were not captured.",
)
def segment_type_forbidden(facts: Facts) -> Iterator[Found]:
    allowed = {code for code, kind in facts.schema.blocks.items() if kind.in_segment}
    for block in range(facts.capture_count, len(facts)):
        kind = facts.schema.blocks.get(facts.types[block])
        if kind is None or kind.code in allowed or kind.forbidden:
            continue  # what nobody may write at all is another rule
        yield Found(
            f"{facts.describe(block)}: expected a type that extension segments may hold, found "
            f"{kind.code:#06x}",
            facts.at(block, "block_type"),
            block,
            "block_type",
        )


@rule(
    "MSL-4.3-POINTER-GRAPH-IN-CAPTURE",
    Level.MUST,
    Scope.WHOLE,
    drafts=with_segments,
    requirement="Pointer Graphs stand in extension segments only.",
    wrong="A Pointer Graph stands inside the capture.",
    why="It is the result of an analysis, and passes for something that was captured.",
)
def pointer_graph_in_capture(facts: Facts) -> Iterator[Found]:
    for block in facts.of_type("pointer_graph"):
        if block < facts.capture_count:
            yield Found(
                f"{facts.describe(block)}: expected it in an extension segment, behind the "
                "End-of-Capture",
                facts.at(block, "block_type"),
                block,
                "block_type",
            )


@rule(
    "MSL-4.6-SEGMENT-EMPTY",
    Level.MUST,
    Scope.WHOLE,
    drafts=with_segments,
    who=_WHO,
    requirement="A segment has at least one block before its End-of-Extension.",
    wrong="An extension segment is an End-of-Extension and nothing else.",
    why="It adds nothing, and says that somebody added something.",
)
def segment_empty(facts: Facts) -> Iterator[Found]:
    for segment in facts.dump.segments:
        if segment.count == 1:
            yield Found(
                f"segment {segment.index} at {segment.offset:#x}: expected a block before the "
                "End-of-Extension, found none",
                segment.offset,
                segment.first,
            )


@rule(
    "MSL-4.6-END-OF-EXTENSION-IN-CAPTURE",
    Level.MUST,
    Scope.WHOLE,
    drafts=with_segments,
    requirement="An End-of-Extension stands behind the End-of-Capture.",
    wrong="An End-of-Extension stands inside the capture.",
    why="Readers take what stands before it for something that was added later.",
)
def end_of_extension_in_capture(facts: Facts) -> Iterator[Found]:
    for block in facts.of_type("end_of_extension"):
        if block < facts.capture_count:
            yield Found(
                f"{facts.describe(block)}: expected it behind the End-of-Capture",
                facts.at(block, "block_type"),
                block,
                "block_type",
            )
