"""One fault each, of encryption headers, manifests, tables and times."""

from __future__ import annotations

from typing import Any

from independent import wire
from rules_faults import FORMAT_11, PAYLOAD, Where, fault
from rules_files import END, KIB, START, Plan, Tail, encrypted, investigation, late_hint, raw_stream

# -- the header of encrypted files -----------------------------------------------------------------


def _encryption(plan: Plan, **fields: Any) -> None:
    plan.header["extension"] = wire.encryption_extension(plan.kind.order, **fields)


@fault("MSL-10-KEY-DERIVATION-TOO-WEAK", FORMAT_11, encrypted)
def two_passes(plan: Plan) -> Where:
    _encryption(plan, kdf_time=2)
    return "header", 0x44


@fault("MSL-10-KEY-DERIVATION-TOO-WEAK", FORMAT_11, encrypted)
def little_memory(plan: Plan) -> Where:
    _encryption(plan, kdf_memory=65535)
    return "header", 0x48


@fault("MSL-10-KEY-DERIVATION-TOO-WEAK", FORMAT_11, encrypted)
def one_lane(plan: Plan) -> Where:
    _encryption(plan, kdf_lanes=1)
    return "header", 0x4C


@fault("MSL-3-ENCLOSED-KEY-LENGTH", FORMAT_11, encrypted)
def key_of_no_scheme(plan: Plan) -> Where:
    _encryption(plan, kem_ct_len=32)
    return "header", 0x4E


@fault("MSL-3-ENCLOSED-KEY-LENGTH", FORMAT_11, encrypted)
def hybrid_without_its_half(plan: Plan) -> Where:
    _encryption(plan, key_encap=4, kem_ct_len=1088)
    return "header", 0x4E


@fault("MSL-3-NONCE-TAIL-NOT-ZERO", FORMAT_11, encrypted)
def long_nonce(plan: Plan) -> Where:
    _encryption(plan, nonce=bytes(range(24)))
    return "header", 0x50 + 12


@fault("MSLX-3-NONCE-ZERO", FORMAT_11, encrypted)
def no_nonce(plan: Plan) -> Where:
    _encryption(plan, nonce=bytes(24))
    return "header", 0x50


@fault("MSLX-10-KEY-DERIVATION-WITHOUT-SALT", FORMAT_11, encrypted)
def no_salt(plan: Plan) -> Where:
    _encryption(plan, kdf_salt=bytes(16))
    return "header", 0x68


# -- tables ----------------------------------------------------------------------------------------


@fault("MSLX-5.9-PHYSICAL-RANGE-INVERTED", FORMAT_11, investigation)
def range_backwards(plan: Plan) -> Where:
    plan.values("physical", rows=[{"start": 0x2000, "end": 0x1FFF, "label": None}])
    return "physical", PAYLOAD + 8 + 8


@fault("MSLX-5.10-BUILD-ID-WITHOUT-SOURCE", FORMAT_11, investigation)
def build_id_from_nowhere(plan: Plan) -> Where:
    plan.values("build ids", rows=[{}, {"build_id_source": 0}])
    return "build ids", PAYLOAD + 8 + 64 + 9


@fault("MSLX-5.10-BUILD-ID-WITHOUT-SOURCE", FORMAT_11, investigation)
def no_build_id_from_somewhere(plan: Plan) -> Where:
    plan.values("build ids", rows=[{"build_id_len": 0, "build_id": bytes(20)}])
    return "build ids", PAYLOAD + 8 + 9


@fault("MSLX-5.10-BUILD-ID-TAIL-NOT-ZERO", FORMAT_11, investigation)
def build_id_longer_than_it_is(plan: Plan) -> Where:
    plan.values("build ids", rows=[{"build_id_len": 16}])
    return "build ids", PAYLOAD + 8 + 12


@fault("MSLX-6-PROCESS-TABLE-WITHOUT-TARGET", FORMAT_11, investigation)
def nobody_is_the_target(plan: Plan) -> Where:
    plan.values("processes", targets=[0, 0])
    return "processes", PAYLOAD + 8 + 12


@fault("MSLX-6-PROCESS-TABLE-WITHOUT-TARGET", FORMAT_11, investigation)
def two_are_the_target(plan: Plan) -> Where:
    plan.values("processes", targets=[1, 1])
    return "processes", PAYLOAD + 8 + 0x28 + 16 + 16 + 8 + 12


# -- imports and times -----------------------------------------------------------------------------


@fault("MSLX-9-RAW-STREAM-SIZE", base=raw_stream)
def stream_cut(plan: Plan) -> Where:
    plan.values("import", size=2 * KIB + 1)
    return "import", PAYLOAD + 0x10


@fault("MSLX-5.4-PROCESS-STARTS-AFTER-ACQUISITION")
def dumped_before_it_began(plan: Plan) -> Where:
    plan.values("identity", start_time=START + 1)
    return "identity", PAYLOAD + 8


@fault("MSLX-4.6-SEGMENT-WRITTEN-BEFORE-CAPTURE", FORMAT_11)
def appended_before_the_end(plan: Plan) -> Where:
    plan.segments = [Tail({"late": late_hint(plan, "late")}, {"written_at": END - 1})]
    return "end 1", PAYLOAD + 32
