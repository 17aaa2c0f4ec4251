"""Times that can't be right (§3, §4.5, §5.1)."""

from __future__ import annotations

from collections.abc import Iterator

from .declare import rule, since
from .facts import Facts
from .model import Found, Level, Role, Scope


def _start(facts: Facts) -> int:
    return int(facts.header.record["timestamp"])


@rule(
    "MSLX-4.5-ACQUISITION-ENDS-BEFORE-START",
    Level.OURS,
    Scope.WHOLE,
    requirement="AcqEnd is not earlier than the header's Timestamp.",
    wrong="The acquisition ended before it began.",
    why="One of the two times is wrong, or the clock was set in between.",
)
def acquisition_ends_before_start(facts: Facts) -> Iterator[Found]:
    start, end = _start(facts), facts.acq_end
    if start and end and end < start:
        closing = facts.closings[0]
        yield Found(
            f"{facts.describe(closing)}: AcqEnd: expected {start} or later, found {end}, "
            f"{(start - end) / 1e9:.3f} s before the header's Timestamp",
            facts.at(closing, "acq_end"),
            closing,
            "acq_end",
        )


@rule(
    "MSLX-5.1-REGION-TIME-OUTSIDE-ACQUISITION",
    Level.OURS,
    Scope.WHOLE,
    requirement="A region of a live acquisition was read between its start and its end.",
    wrong="A region's Timestamp is before the acquisition began or after it ended.",
    why="Whoever orders what was read by time gets it wrong.",
)
def region_time_outside_acquisition(facts: Facts) -> Iterator[Found]:
    start, end = _start(facts), facts.acq_end
    clock = facts.header.record["clock_source"].name
    if not facts.live or not start or clock not in ("clock_realtime", "unknown"):
        return  # other clocks do not count from the same moment as the header's wall clock
    if end is not None and end < start:
        return  # nothing is between the two
    for row, block in enumerate(facts.regions.blocks):
        when = facts.regions.timestamps[row]
        if when and (when < start or (end and when > end)):
            yield Found(
                f"{facts.describe(block)}: Timestamp: expected {start} to {end or 'later'}, "
                f"found {when}",
                facts.at(block, "timestamp"),
                block,
                "timestamp",
            )


@rule(
    "MSLX-5.4-PROCESS-STARTS-AFTER-ACQUISITION",
    Level.OURS,
    Scope.WHOLE,
    who=(Role.LIVE_ACQUIRER,),
    requirement="The process was started before its acquisition began.",
    wrong="StartTime of the Process Identity is later than the header's Timestamp.",
    why="The identity may be that of another process with the same ID.",
)
def process_starts_after_acquisition(facts: Facts) -> Iterator[Found]:
    start = _start(facts)
    for block, when in facts.starts.items():
        if facts.live and start and when > start:
            yield Found(
                f"{facts.describe(block)}: StartTime: expected {start} or earlier, found {when}",
                facts.at(block, "start_time"),
                block,
                "start_time",
            )


@rule(
    "MSLX-4.6-SEGMENT-WRITTEN-BEFORE-CAPTURE",
    Level.OURS,
    Scope.WHOLE,
    drafts=since("draft-2026-10"),
    who=(Role.APPENDER,),
    requirement="An extension segment was written after the capture ended.",
    wrong="WrittenAt of an End-of-Extension is earlier than AcqEnd.",
    why="One of the two clocks was wrong, or the segment was made for another file.",
)
def segment_written_before_capture(facts: Facts) -> Iterator[Found]:
    for block, when in facts.written.items():
        if facts.acq_end and when and when < facts.acq_end:
            yield Found(
                f"{facts.describe(block)}: WrittenAt: expected {facts.acq_end} or later, found "
                f"{when}",
                facts.at(block, "written_at"),
                block,
                "written_at",
            )
