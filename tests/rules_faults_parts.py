"""One fault each, of threads, imports, extension segments and times."""

from __future__ import annotations

from independent import wire
from rules_faults import BLOCK_TYPE, FORMAT_11, PAYLOAD, Where, fault
from rules_files import (
    KIB,
    REGISTERS,
    START,
    Plan,
    Tail,
    imported,
    late_hint,
    raw_stream,
)

# -- threads ---------------------------------------------------------------------------------------


@fault("MSL-5.7-PROGRAM-COUNTER-MISSING", FORMAT_11)
def nowhere(plan: Plan) -> Where:
    plan.values("thread", registers=[{**REGISTERS[0], "flags": 0}, REGISTERS[1]])
    return "thread", PAYLOAD


@fault("MSL-5.7-NOT-ONE-CURRENT-THREAD", FORMAT_11)
def nobody_current(plan: Plan) -> Where:
    plan.values("thread", flags=0)
    return "thread", PAYLOAD


# -- imports ---------------------------------------------------------------------------------------


@fault("MSL-9-IMPORTED-FLAG-MISSING", base=imported)
def not_marked(plan: Plan) -> Where:
    plan.header["flags"] = 0
    return "header", 0x0C


@fault("MSL-9-RAW-STREAM-NOT-ONE-REGION", base=raw_stream)
def stream_in_two(plan: Plan) -> Where:
    values = {"page_size_log2": 10, "states": [0], "base_addr": 2 * KIB}
    plan.put("second", wire.MEMORY_REGION, wire.memory_region, **values)
    return "second", BLOCK_TYPE


@fault("MSL-6-SYSTEM-CONTEXT-ABSENT", FORMAT_11, imported)
def converted_without_context(plan: Plan) -> Where:
    plan.header["flags"] = 1 | 2
    return "header", 0x0C


# -- extension segments ----------------------------------------------------------------------------


def _segment(plan: Plan, **end: object) -> None:
    plan.segments = [Tail({"late": late_hint(plan, "late")}, dict(end))]


@fault("MSL-4.6-SEGMENT-CHAIN", FORMAT_11)
def segment_of_another_file(plan: Plan) -> Where:
    _segment(plan)
    plan.segments[0].blocks["late"].fields["prev_hash"] = bytes(32)
    return "late", 0


# -- times -----------------------------------------------------------------------------------------


@fault("MSLX-4.5-ACQUISITION-ENDS-BEFORE-START")
def back_in_time(plan: Plan) -> Where:
    plan.end = {"acq_end": START - 1}
    return "end", PAYLOAD + 0x20
