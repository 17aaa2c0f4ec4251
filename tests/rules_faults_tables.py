"""One fault each, of encryption headers, manifests, tables and times."""

from __future__ import annotations

from typing import Any

from independent import wire
from rules_faults import FORMAT_11, PAYLOAD, Where, fault
from rules_files import Plan, encrypted, investigation

# -- the header of encrypted files -----------------------------------------------------------------


def _encryption(plan: Plan, **fields: Any) -> None:
    plan.header["extension"] = wire.encryption_extension(plan.kind.order, **fields)


@fault("MSL-10-KEY-DERIVATION-TOO-WEAK", FORMAT_11, encrypted)
def two_passes(plan: Plan) -> Where:
    _encryption(plan, kdf_time=2)
    return "header", 0x44


@fault("MSL-10-KEY-DERIVATION-TOO-WEAK", FORMAT_11, encrypted)
def one_lane(plan: Plan) -> Where:
    _encryption(plan, kdf_lanes=1)
    return "header", 0x4C


@fault("MSL-3-ENCLOSED-KEY-LENGTH", FORMAT_11, encrypted)
def hybrid_without_its_half(plan: Plan) -> Where:
    _encryption(plan, key_encap=4, kem_ct_len=1088)
    return "header", 0x4E


# -- tables ----------------------------------------------------------------------------------------


@fault("MSLX-5.9-PHYSICAL-RANGE-INVERTED", FORMAT_11, investigation)
def range_backwards(plan: Plan) -> Where:
    plan.values("physical", rows=[{"start": 0x2000, "end": 0x1FFF, "label": None}])
    return "physical", PAYLOAD + 8 + 8
