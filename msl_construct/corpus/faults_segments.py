"""One fault each, of extension segments (draft 2026-10 §4.6)."""

from __future__ import annotations

from .assemble import END
from .base_plans import late_hint
from .faults import fault
from .manifest import Consumer
from .payloads import BASE, region
from .plan import Plan, PlannedBlock, Tail, since
from .recipe import Where, field_of, payload_at


def _append(plan: Plan, **end: object) -> Tail:
    """A segment with one hint, which the region says that it has."""
    plan.fields("first", flags=["has_children", "has_key_hints"])
    closing = PlannedBlock("end_of_extension", dict(end))
    segment = Tail({"late": late_hint(plan)}, closing)
    plan.segments = [segment]
    return segment


def _unverified(plan: Plan) -> None:
    """What nobody can verify refers to nothing."""
    plan.fields("first", flags=["has_children"])


@fault("MSL-4.3-POINTER-GRAPH-IN-CAPTURE", since("draft-2026-10"), consumer=Consumer.ACCEPT)
def graph_that_was_captured(plan: Plan) -> Where:
    """A Pointer Graph inside the capture, where only appenders know of one."""
    plan.put("graph", "pointer_graph", {"raw": bytes(24).hex()}, before="related")
    return field_of(plan, "graph", "block_type")


@fault(
    "MSL-4.6-SEGMENT-CHAIN",
    since("draft-2026-10"),
    features=("ext",),
    exit=4,
    consumer=Consumer.ACCEPT,
)
def segment_of_another_file(plan: Plan) -> Where:
    """The first PrevHash of a segment is not the hash of the End-of-Capture."""
    _append(plan).blocks["late"].fields["prev_hash"] = bytes(32).hex()
    _unverified(plan)
    return Where("late")


@fault(
    "MSL-4.6-SEGMENT-HASH-MISMATCH",
    since("draft-2026-10"),
    features=("ext",),
    exit=4,
    consumer=Consumer.ACCEPT,
)
def segment_hash_wrong(plan: Plan) -> Where:
    """SegmentHash is not the hash of the segment."""
    _append(plan, segment_hash="5a" * 32)
    _unverified(plan)
    return Where("late")


@fault(
    "MSL-4.6-SEGMENT-BLOCK-COUNT",
    since("draft-2026-10"),
    features=("ext",),
    exit=4,
    consumer=Consumer.ACCEPT,
)
def segment_count_zero(plan: Plan) -> Where:
    """BlockCount of an End-of-Extension is 0, which is never right."""
    _append(plan, block_count=0)
    _unverified(plan)
    return Where("late")


@fault(
    "MSL-4.6-SEGMENT-BLOCK-COUNT",
    since("draft-2026-10"),
    features=("ext",),
    exit=4,
    consumer=Consumer.ACCEPT,
)
def segment_count_without_itself(plan: Plan) -> Where:
    """BlockCount of an End-of-Extension leaves itself out."""
    _append(plan, block_count=1)
    _unverified(plan)
    return Where("late")


@fault(
    "MSL-4.6-SEGMENT-NOT-CLOSED",
    since("draft-2026-10"),
    features=("ext",),
    exit=4,
    consumer=Consumer.ACCEPT,
)
def segment_open(plan: Plan) -> Where:
    """No End-of-Extension closes the segment."""
    _append(plan).end = None
    _unverified(plan)
    return Where("late")


@fault(
    "MSL-4.6-SEGMENT-END-UNREADABLE",
    since("draft-2026-10"),
    features=("ext",),
    exit=4,
    consumer=Consumer.ACCEPT,
)
def segment_end_of_another_version(plan: Plan) -> Where:
    """An End-of-Extension with an unknown PayloadVersion."""
    segment = _append(plan)
    assert segment.end is not None
    segment.end.fields["payload_version"] = 2
    _unverified(plan)
    return Where("late")


@fault("MSL-4.6-SEGMENT-TYPE-FORBIDDEN", since("draft-2026-10"), features=("ext",))
def region_added_later(plan: Plan) -> Where:
    """A Memory Region in an extension segment."""
    plan.segments = [Tail({"added": PlannedBlock("memory_region", region("C", BASE << 1))})]
    return field_of(plan, "added", "block_type")


@fault("MSL-4.6-SEGMENT-EMPTY", since("draft-2026-10"), features=("ext",))
def segment_of_nothing(plan: Plan) -> Where:
    """A segment that is its End-of-Extension and nothing else."""
    plan.segments = [Tail({})]
    return Where("end 1")


@fault("MSL-4.6-END-OF-EXTENSION-IN-CAPTURE", since("draft-2026-10"))
def early_end_of_extension(plan: Plan) -> Where:
    """An End-of-Extension inside the capture."""
    payload = {"segment_hash": bytes(32).hex(), "written_at": str(END), "block_count": 1}
    plan.put("early", "end_of_extension", {**payload, "producer": "corpus"}, before="related")
    return field_of(plan, "early", "block_type")


@fault("MSLX-4.6-SEGMENT-WRITTEN-BEFORE-CAPTURE", since("draft-2026-10"), features=("ext",))
def appended_before_the_end(plan: Plan) -> Where:
    """WrittenAt is a nanosecond before AcqEnd."""
    _append(plan, written_at=str(END - 1))
    return payload_at(plan, "end 1", "written_at")
