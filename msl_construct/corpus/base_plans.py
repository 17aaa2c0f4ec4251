"""Plans of files that conform, from which most samples follow by one change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..drafts.draft_2026_10 import examples
from .payloads import (
    BASE,
    KIB,
    identity,
    key_hint,
    module,
    module_list,
    provenance,
    region,
    related,
    thread,
)
from .plan import Form, Plan, PlannedBlock, Tail

__all__ = [
    "Make",
    "base_name",
    "encrypted",
    "extended",
    "imported",
    "investigation",
    "late_hint",
    "live",
    "minimal",
    "raw_stream",
    "with_regions",
]

Make = Callable[[Form], Plan]

KEY = bytes(range(32))
"""Of the encrypted samples: bytes 00 to 1f."""


def base_name(make: Make, form: Form) -> str:
    """Name of the sample that a plan is when nothing bends it."""
    return f"valid/{make.__name__.replace('_', '-')}-{form.name}"


def minimal(form: Form) -> Plan:
    """The smallest live acquisition: an identity and an empty list of modules."""
    plan = Plan(form)
    plan.put("identity", "process_identity", identity())
    plan.put("index", "module_list_index", module_list())
    return plan


def with_regions(form: Form, *regions: dict[str, Any]) -> Plan:
    """A live acquisition of some regions, called ``region``, ``region 1`` and so on."""
    plan = minimal(form)
    for number, payload in enumerate(regions):
        plan.put(f"region {number}" if number else "region", "memory_region", payload)
    return plan


def live(form: Form) -> Plan:
    """Two modules, a region with a hint, one in two fragments, a related dump.

    In 1.1 two threads and a VAS Map as well.
    """
    plan = Plan(form)
    plan.put("identity", "process_identity", identity())
    names = ("module", "other")
    plan.put("index", "module_list_index", module_list(*names), flags=["has_children"])
    for number, name in enumerate(names):
        plan.put(name, "module_entry", module(number), parent_uuid=plan.uuid("index"))
    if form.lays_out("thread_context"):
        plan.put("thread", "thread_context", thread(4242, flags=["current"]))
        plan.put("sleeper", "thread_context", thread(4243, thread_name=None))
    plan.put("region", "memory_region", region("CFCU"), flags=["has_key_hints"])
    at = BASE + 16 * KIB
    plan.put("first", "memory_region", region("CC", at), flags=["has_children"])
    fragment = region("CF", at + 2 * KIB, first=2)
    plan.put(
        "next",
        "memory_region",
        fragment,
        parent_uuid=plan.uuid("first"),
        flags=["continuation"],
    )
    plan.put("hint", "key_hint", key_hint("region"))
    plan.put("related", "related_dump", related())
    if form.lays_out("vas_map"):
        plan.put("map", "vas_map", vas_map())
    return plan


def vas_map(**others: Any) -> dict[str, Any]:
    """A VAS Map of what `live` has."""
    return {**examples.VAS_MAP, **others}


def imported(form: Form) -> Plan:
    """A converted ELF core with a Process Identity."""
    plan = Plan(form, flags=["imported"])
    plan.put("import", "import_provenance", provenance())
    plan.put("identity", "process_identity", identity())
    plan.put("region", "memory_region", region("CF"))
    plan.put("related", "related_dump", related())
    return plan


def raw_stream(form: Form) -> Plan:
    """A converted raw byte stream: one region at 0, whose last page is filled up."""
    plan = Plan(form, flags=["imported"], os_type="unknown", arch_type="unknown", pid=0)
    size = 2 * KIB - 100
    origin = provenance(source_format="raw_byte_stream", orig_file_size=size)
    plan.put("import", "import_provenance", origin)
    plan.put("region", "memory_region", region("CC", 0, timestamp="0"))
    return plan


def investigation(form: Form) -> Plan:
    """A live acquisition in investigation mode, with the system's tables (1.1)."""
    plan = live(form)
    plan.header["flags"] = ["investigation"]
    context = examples.SYSTEM_CONTEXT
    plan.put("system", "system_context", context, before="module", flags=["has_children"])
    for name, payload in TABLES.items():
        plan.put(name, name, payload, before="module", parent_uuid=plan.uuid("system"))
    for name, payload in MANIFESTS.items():
        plan.put(name, name, payload, before="map")
    return plan


def encrypted(form: Form) -> Plan:
    """A live acquisition encrypted with a raw key (1.1)."""
    plan = minimal(form)
    plan.header["flags"] = ["encrypted"]
    nonce = bytes(range(0xA0, 0xAC)) + bytes(12)
    plan.encryption = {"enc_algo": "aes_256_gcm", "nonce": nonce.hex(), "cipher_len": 0}
    plan.key, plan.opens = KEY, ("raw", KEY.hex())
    return plan


def late_hint(plan: Plan) -> PlannedBlock:
    """A Key Hint that somebody adds after the capture."""
    return PlannedBlock("key_hint", key_hint("first"))


def extended(form: Form) -> Plan:
    """A live acquisition with two extension segments (1.1)."""
    plan = live(form)
    plan.fields("first", flags=["has_children", "has_key_hints"])
    plan.segments = [Tail({"late": late_hint(plan)})]
    graph = PlannedBlock("pointer_graph", {"raw": bytes(range(24)).hex()})
    plan.segments.append(Tail({"graph": graph}))
    return plan


CONNECTIVITY: tuple[tuple[str, dict[str, Any]], ...] = tuple(
    (row["row_type"], row["body"]) for row in examples.CONNECTIVITY_TABLE["rows"]
)
"""A row of each kind."""

TABLES: dict[str, dict[str, Any]] = {
    "process_table": examples.PROCESS_TABLE,
    "connection_table": examples.CONNECTION_TABLE,
    "handle_table": examples.HANDLE_TABLE,
    "connectivity_table": examples.CONNECTIVITY_TABLE,
}
"""What System Context is the parent of."""

MANIFESTS: dict[str, dict[str, Any]] = {
    "physical_memory_map": examples.PHYSICAL_MEMORY_MAP,
    "module_build_id_manifest": examples.MODULE_BUILD_ID_MANIFEST,
    "region_omission_manifest": examples.REGION_OMISSION_MANIFEST,
}
"""What may stand in a capture and in an extension segment."""
