"""One fault each, of threads, imports and times (§4.5, §5.4, §5.7, §9)."""

from __future__ import annotations

from .assemble import START
from .base_plans import imported, raw_stream
from .faults import fault
from .payloads import BASE, KIB, REGISTERS, provenance, region
from .plan import Plan, since
from .recipe import HEADER, Where, field_of, payload_at


@fault("MSL-5.7-PROGRAM-COUNTER-MISSING", since("draft-2026-10"))
def nowhere(plan: Plan) -> Where:
    """No register of a thread is the program counter."""
    plan.values("thread", registers=[{**REGISTERS[0], "flags": []}, REGISTERS[1]])
    return payload_at(plan, "thread")


@fault("MSL-5.7-STACK-POINTER-MISSING", since("draft-2026-10"))
def stackless(plan: Plan) -> Where:
    """No register of a thread is the stack pointer."""
    plan.values("thread", registers=list(REGISTERS[:1]))
    return payload_at(plan, "thread")


@fault("MSL-5.7-REGISTER-NAME-NOT-LOWER-CASE", since("draft-2026-10"))
def loud_register(plan: Plan) -> Where:
    """A register called RIP."""
    plan.values("thread", registers=[{**REGISTERS[0], "name": "RIP"}, REGISTERS[1]])
    return payload_at(plan, "thread")


@fault("MSL-5.7-NOT-ONE-CURRENT-THREAD", since("draft-2026-10"))
def nobody_current(plan: Plan) -> Where:
    """No thread is Current."""
    plan.values("thread", flags=[])
    return payload_at(plan, "thread")


@fault("MSL-5.7-NOT-ONE-CURRENT-THREAD", since("draft-2026-10"))
def two_current(plan: Plan) -> Where:
    """Two threads are Current."""
    plan.values("sleeper", flags=["current"])
    return payload_at(plan, "sleeper")


@fault("MSLX-5.7-THREAD-ID-REPEATED", since("draft-2026-10"))
def thread_twice(plan: Plan) -> Where:
    """Two Thread Contexts with one ThreadID."""
    plan.values("sleeper", thread_id=4242)
    return payload_at(plan, "sleeper")


@fault("MSL-9-IMPORTED-FLAG-MISSING", base=imported)
def not_marked(plan: Plan) -> Where:
    """An Import Provenance in a file that is not marked as Imported."""
    plan.header["flags"] = []
    return field_of(plan, HEADER, "flags")


@fault("MSL-9-IMPORT-PROVENANCE-NOT-FIRST", base=imported)
def provenance_second(plan: Plan) -> Where:
    """The Process Identity stands in front of the Import Provenance."""
    plan.move("identity", before="import")
    return field_of(plan, "identity", "block_type")


@fault("MSL-9-IMPORT-PROVENANCE-NOT-FIRST", base=imported)
def no_provenance(plan: Plan) -> Where:
    """A file marked as Imported without an Import Provenance."""
    plan.drop("import")
    return field_of(plan, "identity", "block_type")


@fault("MSL-9-IMPORT-PROVENANCE-REPEATED", base=imported)
def two_provenances(plan: Plan) -> Where:
    """A second Import Provenance."""
    plan.put("second", "import_provenance", provenance(), before="related")
    return field_of(plan, "second", "block_type")


@fault("MSL-9-PROCESS-IDENTITY-NOT-SECOND", base=imported)
def identity_third(plan: Plan) -> Where:
    """A Related Dump between Import Provenance and Process Identity."""
    plan.move("related", before="identity")
    return field_of(plan, "identity", "block_type")


@fault("MSL-9-RAW-STREAM-NOT-ONE-REGION", base=raw_stream)
def stream_in_two(plan: Plan) -> Where:
    """A raw byte stream as two regions."""
    plan.put("second", "memory_region", region("C", 2 * KIB, timestamp="0"))
    return field_of(plan, "second", "block_type")


@fault("MSL-9-RAW-STREAM-NOT-ONE-REGION", base=raw_stream)
def stream_elsewhere(plan: Plan) -> Where:
    """A raw byte stream that does not begin at address 0."""
    plan.values("region", base_addr=hex(BASE))
    return payload_at(plan, "region", "base_addr")


@fault("MSL-9-RAW-STREAM-NOT-ONE-REGION", base=raw_stream)
def stream_of_nothing(plan: Plan) -> Where:
    """A raw byte stream without a region."""
    plan.drop("region")
    return field_of(plan, "import", "block_type")


@fault("MSL-9-RAW-STREAM-NOT-CAPTURED", base=raw_stream)
def stream_with_a_hole(plan: Plan) -> Where:
    """A raw byte stream with a page that failed."""
    plan.block("region").payload = region("CF", 0, timestamp="0")
    return payload_at(plan, "region", "page_state_map")


@fault("MSLX-9-RAW-STREAM-SIZE", base=raw_stream)
def stream_cut(plan: Plan) -> Where:
    """A raw byte stream that was one byte larger than the region made of it."""
    plan.values("import", orig_file_size=2 * KIB + 1)
    return payload_at(plan, "import", "orig_file_size")


@fault("MSLX-4.5-ACQUISITION-ENDS-BEFORE-START")
def back_in_time(plan: Plan) -> Where:
    """AcqEnd is a nanosecond before the header's Timestamp."""
    plan.values("end", acq_end=str(START - 1))
    return payload_at(plan, "end", "acq_end")


@fault("MSLX-5.4-PROCESS-STARTS-AFTER-ACQUISITION")
def dumped_before_it_began(plan: Plan) -> Where:
    """StartTime of the process is a nanosecond after the header's Timestamp."""
    plan.values("identity", start_time=str(START + 1))
    return payload_at(plan, "identity", "start_time")
