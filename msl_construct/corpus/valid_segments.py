"""Valid samples of extension segments (draft 2026-10 §4.6)."""

from __future__ import annotations

from .base_plans import MANIFESTS, late_hint, live, minimal, vas_map
from .payloads import related
from .plan import Form, Plan, PlannedBlock, Tail, since
from .valid import valid

_OPAQUE = {"raw": bytes(range(0x20, 0x38)).hex()}


@valid("ext", forms=since("draft-2026-10"))
def segment_of_every_type(form: Form) -> Plan:
    """A segment with one block of each type that it may hold."""
    plan = live(form)
    plan.fields("first", flags=["has_children", "has_key_hints"])
    blocks = {"late": late_hint(plan), "dump": PlannedBlock("related_dump", related())}
    blocks |= {name: PlannedBlock(name, payload) for name, payload in MANIFESTS.items()}
    blocks["late map"] = PlannedBlock("vas_map", vas_map())
    blocks["graph"] = PlannedBlock("pointer_graph", _OPAQUE)
    plan.segments = [Tail(blocks)]
    return plan


@valid("ext", forms=since("draft-2026-10"))
def segments_three(form: Form) -> Plan:
    """Three segments by different producers, each chained to the one before."""
    plan = minimal(form)
    for number, producer in enumerate(("first", "", "dritt\u00e9r"), start=1):
        dump = PlannedBlock("related_dump", related(related_pid=number))
        end = PlannedBlock("end_of_extension", {"producer": producer or None})
        plan.segments.append(Tail({f"added {number}": dump}, end))
    return plan


@valid("ext", "trail", forms=since("draft-2026-10"), rules=("MSLX-2-TRAILING-BYTES",), exit=4)
def segment_and_trailing(form: Form) -> Plan:
    """A whole segment, and bytes behind it that belong to nothing."""
    plan = minimal(form)
    plan.segments = [Tail({"added": PlannedBlock("related_dump", related())})]
    plan.tail = b"\x00\x01\x02\x03\x04"
    return plan


@valid("ext", "hash-sha256", forms=since("draft-2026-10"))
def segment_sha256(form: Form) -> Plan:
    """A segment whose SegmentHash is made with the file's HashAlgo."""
    plan = minimal(form)
    plan.hash_algo = "sha_256"
    plan.segments = [Tail({"added": PlannedBlock("related_dump", related())})]
    return plan


@valid("ext", "zst", forms=since("draft-2026-10"))
def segment_compressed(form: Form) -> Plan:
    """A segment whose block is compressed."""
    plan = minimal(form)
    block = PlannedBlock("region_omission_manifest", MANIFESTS["region_omission_manifest"])
    block.codec = "zstd"
    plan.segments = [Tail({"omitted": block})]
    return plan
