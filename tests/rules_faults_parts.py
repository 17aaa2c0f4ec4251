"""One fault each, of threads, imports, extension segments and times."""

from __future__ import annotations

from independent import wire
from rules_faults import BLOCK_TYPE, FORMAT_11, PAYLOAD, Where, fault
from rules_files import (
    BASE,
    END,
    KIB,
    REGISTERS,
    START,
    Plan,
    Spec,
    Tail,
    bytes_of,
    imported,
    late_hint,
    raw_stream,
)

# -- threads ---------------------------------------------------------------------------------------


@fault("MSL-5.7-PROGRAM-COUNTER-MISSING", FORMAT_11)
def nowhere(plan: Plan) -> Where:
    plan.values("thread", registers=[{**REGISTERS[0], "flags": 0}, REGISTERS[1]])
    return "thread", PAYLOAD


@fault("MSL-5.7-STACK-POINTER-MISSING", FORMAT_11)
def stackless(plan: Plan) -> Where:
    plan.values("thread", registers=REGISTERS[:1])
    return "thread", PAYLOAD


@fault("MSL-5.7-REGISTER-NAME-NOT-LOWER-CASE", FORMAT_11)
def loud_register(plan: Plan) -> Where:
    plan.values("thread", registers=[{**REGISTERS[0], "name": "RIP"}, REGISTERS[1]])
    return "thread", PAYLOAD


@fault("MSL-5.7-NOT-ONE-CURRENT-THREAD", FORMAT_11)
def nobody_current(plan: Plan) -> Where:
    plan.values("thread", flags=0)
    return "thread", PAYLOAD


@fault("MSL-5.7-NOT-ONE-CURRENT-THREAD", FORMAT_11)
def two_current(plan: Plan) -> Where:
    plan.values("sleeper", flags=1)
    return "sleeper", PAYLOAD


@fault("MSLX-5.7-THREAD-ID-REPEATED", FORMAT_11)
def thread_twice(plan: Plan) -> Where:
    plan.values("sleeper", thread_id=4242)
    return "sleeper", PAYLOAD


# -- imports ---------------------------------------------------------------------------------------


@fault("MSL-9-IMPORTED-FLAG-MISSING", base=imported)
def not_marked(plan: Plan) -> Where:
    plan.header["flags"] = 0
    return "header", 0x0C


@fault("MSL-9-IMPORT-PROVENANCE-NOT-FIRST", base=imported)
def provenance_second(plan: Plan) -> Where:
    plan.move("identity", before="import")
    return "identity", BLOCK_TYPE


@fault("MSL-9-IMPORT-PROVENANCE-NOT-FIRST", base=imported)
def no_provenance(plan: Plan) -> Where:
    plan.drop("import")
    return "identity", BLOCK_TYPE


@fault("MSL-9-IMPORT-PROVENANCE-REPEATED", base=imported)
def two_provenances(plan: Plan) -> Where:
    plan.put("second", wire.IMPORT_PROVENANCE, wire.import_provenance, before="related")
    return "second", BLOCK_TYPE


@fault("MSL-9-PROCESS-IDENTITY-NOT-SECOND", base=imported)
def identity_third(plan: Plan) -> Where:
    plan.move("related", before="identity")
    return "identity", BLOCK_TYPE


@fault("MSL-9-RAW-STREAM-NOT-ONE-REGION", base=raw_stream)
def stream_in_two(plan: Plan) -> Where:
    values = {"page_size_log2": 10, "states": [0], "base_addr": 2 * KIB}
    plan.put("second", wire.MEMORY_REGION, wire.memory_region, **values)
    return "second", BLOCK_TYPE


@fault("MSL-9-RAW-STREAM-NOT-ONE-REGION", base=raw_stream)
def stream_elsewhere(plan: Plan) -> Where:
    plan.values("region", base_addr=BASE)
    return "region", PAYLOAD


@fault("MSL-9-RAW-STREAM-NOT-ONE-REGION", base=raw_stream)
def stream_of_nothing(plan: Plan) -> Where:
    plan.drop("region")
    return "import", BLOCK_TYPE


@fault("MSL-9-RAW-STREAM-NOT-CAPTURED", base=raw_stream)
def stream_with_a_hole(plan: Plan) -> Where:
    plan.values("region", states=[0, 1])
    return "region", PAYLOAD + 0x20


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


@fault("MSL-4.6-SEGMENT-HASH-MISMATCH", FORMAT_11)
def segment_hash_wrong(plan: Plan) -> Where:
    _segment(plan, segment_hash=b"\x5a" * 32)
    return "late", 0


@fault("MSL-4.6-SEGMENT-BLOCK-COUNT", FORMAT_11)
def segment_count_zero(plan: Plan) -> Where:
    _segment(plan, block_count=0)
    return "late", 0


@fault("MSL-4.6-SEGMENT-NOT-CLOSED", FORMAT_11)
def segment_open(plan: Plan) -> Where:
    _segment(plan)
    plan.segments[0].end = None
    return "late", 0


@fault("MSL-4.6-SEGMENT-END-UNREADABLE", FORMAT_11)
def segment_end_of_another_version(plan: Plan) -> Where:
    _segment(plan, block={"payload_version": 2})
    return "late", 0


@fault("MSL-4.6-SEGMENT-TYPE-FORBIDDEN", FORMAT_11)
def region_added_later(plan: Plan) -> Where:
    values = {"page_size_log2": 10, "states": [0], "base_addr": 2 * BASE}
    fields = {"block_uuid": plan.uuid("added")}
    added = Spec(wire.MEMORY_REGION, wire.memory_region, values, fields)
    plan.segments = [Tail({"added": added})]
    return "added", BLOCK_TYPE


@fault("MSL-4.3-POINTER-GRAPH-IN-CAPTURE", FORMAT_11)
def graph_that_was_captured(plan: Plan) -> Where:
    plan.put("graph", 0x1003, bytes_of, before="related")
    return "graph", BLOCK_TYPE


@fault("MSL-4.6-SEGMENT-EMPTY", FORMAT_11)
def segment_of_nothing(plan: Plan) -> Where:
    plan.segments = [Tail({})]
    return "end 1", 0


@fault("MSL-4.6-END-OF-EXTENSION-IN-CAPTURE", FORMAT_11)
def early_end_of_extension(plan: Plan) -> Where:
    plan.put("early", wire.END_OF_EXTENSION, wire.end_of_extension, before="related")
    return "early", BLOCK_TYPE


# -- times -----------------------------------------------------------------------------------------


@fault("MSLX-4.5-ACQUISITION-ENDS-BEFORE-START")
def back_in_time(plan: Plan) -> Where:
    plan.end = {"acq_end": START - 1}
    return "end", PAYLOAD + 0x20


@fault("MSLX-5.1-REGION-TIME-OUTSIDE-ACQUISITION")
def read_before_the_start(plan: Plan) -> Where:
    plan.values("region", timestamp=START - 1)
    return "region", PAYLOAD + 0x18


@fault("MSLX-5.1-REGION-TIME-OUTSIDE-ACQUISITION")
def read_after_the_end(plan: Plan) -> Where:
    plan.values("region", timestamp=END + 1)
    return "region", PAYLOAD + 0x18
