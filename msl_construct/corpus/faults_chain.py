"""One fault each, of hashes and counts, and of how a file ends (§2, §4.1, §4.4, §4.5)."""

from __future__ import annotations

from .assemble import assemble
from .base_plans import late_hint, minimal
from .faults import fault
from .manifest import Consumer
from .payloads import KIB
from .plan import Plan, PlannedBlock, before, since
from .recipe import HEADER, Where, field_of, payload_at


@fault("MSL-4.4-PREV-HASH-MISMATCH")
def link_missing(plan: Plan) -> Where:
    """A PrevHash of zeros in the middle of the file."""
    plan.fields("related", prev_hash=bytes(32).hex())
    return field_of(plan, "related", "prev_hash")


@fault("MSL-4.4-PREV-HASH-MISMATCH", base=minimal)
def first_link_wrong(plan: Plan) -> Where:
    """Block 0 holds another hash than that of the file header."""
    plan.fields("identity", prev_hash="11" * 32)
    return field_of(plan, "identity", "prev_hash")


@fault("MSL-4.5-FILE-HASH-MISMATCH", base=minimal)
def file_hash_wrong(plan: Plan) -> Where:
    """FileHash is not the hash of what precedes the End-of-Capture."""
    plan.values("end", file_hash="ee" * 32)
    return payload_at(plan, "end", "file_hash")


@fault("MSL-3-BLOCK-COUNT-MISMATCH", since("draft-2026-10"))
def one_block_announced_too_many(plan: Plan) -> Where:
    """BlockCount of the header is one more than there are blocks."""
    plan.header["block_count"] = len(plan.blocks) + 2
    return field_of(plan, HEADER, "block_count")


@fault("MSL-4.5-BLOCK-COUNT-MISMATCH", since("draft-2026-10"))
def one_block_counted_too_few(plan: Plan) -> Where:
    """BlockCount of the End-of-Capture leaves itself out."""
    plan.values("end", block_count=len(plan.blocks))
    return payload_at(plan, "end", "block_count")


@fault("MSL-4.5-BLOCK-COUNT-ABSENT", since("draft-2026-10"))
def count_zero(plan: Plan) -> Where:
    """BlockCount of the End-of-Capture is 0, unknown."""
    plan.values("end", block_count=0)
    return Where("end")


@fault(
    "MSL-4.5-BLOCK-COUNT-ABSENT",
    since("draft-2026-10"),
    features=("short-end",),
    consumer=Consumer.ACCEPT,
)
def end_without_count(plan: Plan) -> Where:
    """An End-of-Capture of 40 bytes, as older producers write it."""
    end = plan.block("end")
    layout = plan.form.schema.block("end_of_capture").layout
    assert layout is not None
    end.keep = layout.offset_of("block_count")
    return Where("end")


@fault("MSL-4.1-BLOCK-LENGTH-TOO-SMALL", exit=4)
def length_79(plan: Plan) -> Where:
    """BlockLength is 79, less than the block header itself."""
    plan.block("related").lies["block_length"] = 79
    return field_of(plan, "related", "block_length")


@fault("MSLX-4.1-BLOCK-TRUNCATED", features=("trunc",), exit=4)
def end_cut(plan: Plan) -> Where:
    """The file's last byte is missing."""
    plan.cut = 1
    return field_of(plan, "end", "block_length")


@fault("MSLX-4.1-BLOCK-TRUNCATED", features=("trunc",), exit=4)
def length_beyond_the_file(plan: Plan) -> Where:
    """BlockLength of a hint is all ones, far beyond the file."""
    plan.block("hint").lies["block_length"] = 0xFFFF_FFFF
    return field_of(plan, "hint", "block_length")


@fault("MSLX-4.1-BLOCK-TRUNCATED", features=("trunc",), exit=4)
def page_data_cut(plan: Plan) -> Where:
    """The file ends inside the last region's page data."""
    behind = len(assemble(plan).data) - assemble(plan).offsets["hint"]
    plan.cut = behind + KIB // 2
    return field_of(plan, "next", "block_length")


@fault("MSLX-2-TRAILING-BYTES", features=("trail",), exit=4, consumer=Consumer.ACCEPT)
def a_few_bytes_more(plan: Plan) -> Where:
    """Four bytes behind the last block, too few for a block header."""
    plan.tail = b"tail"
    return Where("tail")


@fault("MSLX-2-TRAILING-BYTES", features=("trail",), exit=4, consumer=Consumer.ACCEPT)
def many_bytes_more(plan: Plan) -> Where:
    """Zeros behind the last block, as many as several block headers have."""
    plan.tail = bytes(500)
    return Where("tail")


@fault("MSLX-2-TRAILING-BYTES", features=("magic", "trail"), exit=4, consumer=Consumer.ACCEPT)
def magic_damaged(plan: Plan) -> Where:
    """One bit of a block's magic is flipped: the blocks end there."""
    plan.block("related").lies["magic"] = "MSLB"
    return Where("related")


@fault("MSL-4.5-END-OF-CAPTURE-ABSENT", features=("noeoc",), exit=4, consumer=Consumer.ACCEPT)
def no_end(plan: Plan) -> Where:
    """No End-of-Capture: the acquirer did not finish."""
    plan.end = None
    return Where("tail")


@fault(
    "MSL-4.5-END-OF-CAPTURE-NOT-LAST",
    before("draft-2026-10"),
    features=("aftereoc",),
    consumer=Consumer.ACCEPT,
)
def hint_behind_the_end(plan: Plan) -> Where:
    """A Key Hint behind the End-of-Capture; chain and FileHash are right."""
    plan.fields("first", flags=["has_children", "has_key_hints"])
    plan.behind = {"late": late_hint(plan)}
    return Where("late")


@fault("MSL-4.5-END-OF-CAPTURE-REPEATED", before("draft-2026-10"), features=("aftereoc",))
def two_ends(plan: Plan) -> Where:
    """A second End-of-Capture behind the first, with a FileHash of all that precedes it."""
    plan.behind = {"again": PlannedBlock("end_of_capture")}
    return Where("again")
