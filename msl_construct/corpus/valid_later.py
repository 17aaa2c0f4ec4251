"""Samples that a reader must get through although it does not know all that is in them.

They break rules: those of no MUST, or such that a later version would not break. A consumer
skips, keeps or tolerates what it does not know.
"""

from __future__ import annotations

from .base_plans import late_hint, live, minimal, with_regions
from .payloads import BASE, identity, region, related
from .plan import Form, Plan, before, since
from .valid import valid

_OPAQUE = {"raw": bytes(range(40)).hex()}


@valid("unkblk", rules=("MSLX-4.3-BLOCK-TYPE-UNREGISTERED",) * 3)
def later_block_types(form: Form) -> Plan:
    """Blocks of types that nobody registered, one in each range, skipped by their BlockLength."""
    plan = live(form)
    for code in (0x0042, 0x1FFF, 0xFFFF):
        plan.put(f"later {code}", code, _OPAQUE, before="related")
    return plan


@valid("pv2", rules=("MSL-4.1-BLOCK-HEADER-VALUE-NOT-PERMITTED",) * 2)
def later_payload_versions(form: Form) -> Plan:
    """Known types with PayloadVersions 2 and 0xFFFF: their payloads are not what they were."""
    plan = minimal(form)
    plan.put("region", "memory_region", _OPAQUE, payload_version=2)
    plan.put("related", "related_dump", related(), payload_version=0xFFFF)
    return plan


@valid("unkenum", rules=("MSLX-5.1-MEMORY-REGION-UNREGISTERED-CODE",))
def later_region_type(form: Form) -> Plan:
    """A RegionType that the draft does not list."""
    return with_regions(form, region("CF", region_type="0x2a"))


@valid("minor", forms=since("draft-2026-10"), rules=("MSL-3-FILE-HEADER-VALUE-NOT-PERMITTED",))
def later_minor_version(form: Form) -> Plan:
    """Version 0x01FF: another minor of the known major, which consumers parse."""
    plan = live(form)
    plan.header["version"] = "0x01ff"
    return plan


@valid("hdr128", forms=before("draft-2026-10"), rules=("MSL-3-FILE-HEADER-VALUE-NOT-PERMITTED",))
def later_header_size(form: Form) -> Plan:
    """HeaderSize 128: Block 0 begins there, whatever stands in between."""
    plan = minimal(form)
    plan.header["header_size"] = 128
    return plan


@valid(
    "reserved-nonzero",
    forms=before("draft-2026-10"),
    rules=("MSL-3-FILE-HEADER-RESERVED-NOT-ZERO",),
)
def later_header_fields(form: Form) -> Plan:
    """The header's reserved bytes are in use, as later versions and some producers have it."""
    plan = minimal(form)
    plan.header["reserved"] = "03000000000000"
    return plan


@valid("noeoc", rules=("MSL-4.5-END-OF-CAPTURE-ABSENT",), exit=4)
def end_absent(form: Form) -> Plan:
    """No End-of-Capture: possibly incomplete, and to be read as far as it goes."""
    plan = with_regions(form, region("CF"))
    plan.end = None
    return plan


@valid("noeoc", rules=("MSL-4.5-END-OF-CAPTURE-ABSENT",), exit=4)
def header_alone(form: Form) -> Plan:
    """A file header and nothing else: an acquisition that was stopped at once."""
    plan = Plan(form)
    plan.end = None
    return plan


@valid("aftereoc", forms=before("draft-2026-10"), rules=("MSL-4.5-END-OF-CAPTURE-NOT-LAST",))
def blocks_behind_end(form: Form) -> Plan:
    """A hint and an analysis tool's block behind the End-of-Capture: the chain goes on."""
    plan = live(form)
    plan.fields("first", flags=["has_children", "has_key_hints"])
    plan.behind["late"] = late_hint(plan)
    plan.behind["graph"] = type(late_hint(plan))("pointer_graph", _OPAQUE)
    return plan


@valid("short-end", forms=since("draft-2026-10"), rules=("MSL-4.5-BLOCK-COUNT-ABSENT",))
def end_of_40_bytes(form: Form) -> Plan:
    """An End-of-Capture of 40 bytes: the count of blocks is unknown."""
    plan = minimal(form)
    layout = form.schema.block("end_of_capture").layout
    assert layout is not None
    plan.block("end").keep = layout.offset_of("block_count")
    return plan


@valid("vendor")
def vendor_codes(form: Form) -> Plan:
    """Codes of the vendors' ranges, and Other where there is one."""
    plan = with_regions(form, region("F", BASE, region_type="other"))
    plan.header.update(os_type="0x8765", arch_type="0x0100", clock_source="other")
    plan.block("identity").payload = identity()
    plan.put("related", "related_dump", related(relationship="other"))
    return plan
