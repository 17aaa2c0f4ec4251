"""Samples of what producers write otherwise than their draft: one plan a dialect."""

from __future__ import annotations

from typing import Any

from ..drafts import dialect_schema
from ..drafts.draft_2026_10 import examples
from .assemble import payload_of
from .base_plans import minimal, vas_map
from .payloads import KIB, identity, module, module_list, region, thread
from .plan import Form, Plan, PlannedBlock

__all__ = [
    "before_first_draft",
    "module_without_blob_len",
    "thread_and_no_modules",
    "threads_of_later_layouts",
    "vendor_tables",
]


def _stored(form: Form, dialect: str, key: str, payload: dict[str, Any]) -> dict[str, str]:
    """A payload as a dialect lays it out, for a plan that knows the draft alone."""
    schema = dialect_schema(dialect, form.schema.byte_order)
    return {"raw": payload_of(schema, PlannedBlock(key, payload), {}).hex()}


def module_without_blob_len(form: Form) -> Plan:
    """A Module Entry that ends behind DiskHash, as MemDiver writes it."""
    plan = minimal(form)
    index = plan.block("index")
    index.payload.update(module_list("module"))
    plan.fields("index", flags=["has_children"])
    entry = module(0)
    for key in ("native_blob", "blob_len", "reserved2"):
        entry.pop(key, None)
    raw = _stored(form, "memdiver-1.0", "module_entry", entry)
    plan.put("module", "module_entry", raw, parent_uuid=plan.uuid("index"))
    return plan


_ROWS: dict[str, dict[str, Any]] = {
    "kernel_symbol_bundle": {
        "rows": [
            {"tag": "page_size", "value": {"value": 4096}},
            {"tag": "kernel_build_id", "value": {"raw": bytes(range(20)).hex()}},
            {"tag": "clocksource", "value": {"value": "tsc"}},
        ]
    },
    "persistence_manifest": {
        "rows": [
            {
                "found_in": "systemd_system",
                "path": "/etc/systemd/system/backup.service",
                "modified": "1773400000000000000",
                "file_size": 211,
                "mode": 0o100644,
            }
        ]
    },
    "kernel_module_list": {
        "rows": [
            {"name": "ext4", "module_size": 1003520, "ref_count": 2, "state": 1},
            {"name": "odd", "module_size": 16384, "state": 1, "flags": 1},
        ]
    },
    "target_introspection": {
        "target_pid": 4242,
        "rows": [
            {"tag": "seccomp_mode", "value": {"value": 2}},
            {"tag": "working_directory", "value": {"value": "/srv"}},
        ],
    },
}


def vendor_tables(form: Form) -> Plan:
    """Blocks 0x0055 to 0x0058 as memslicer writes them."""
    plan = minimal(form)
    plan.header["flags"] = ["investigation"]
    plan.put("system", "system_context", examples.SYSTEM_CONTEXT, flags=["has_children"])
    schema = dialect_schema("memslicer-0.5", form.schema.byte_order)
    for key, payload in _ROWS.items():
        raw = _stored(form, "memslicer-0.5", key, payload)
        plan.put(key, schema.block(key).code, raw, parent_uuid=plan.uuid("system"))
    return plan


_EARLY_REGION = {
    **{
        key: value
        for key, value in region("CFCU").items()
        if key not in ("page_size_log2", "timestamp")
    },
    "page_size": KIB,
    "num_pages": 4,
    "timestamp": region("C")["timestamp"],
}
"""As a region of the drafts, but that its pages are counted."""

_EARLY_CHILDREN = "compressed"
"""What the drafts call the bit that said then that a block has children."""


def threads_of_later_layouts(form: Form) -> Plan:
    """Thread Context and VAS Map in a file of the first draft, as the second one lays them out."""
    plan = minimal(form)
    row = thread(4242, flags=["current"])
    raw = _stored(form, "layouts-2026-10", "thread_context", row)
    plan.put("thread", "thread_context", raw)
    plan.put("pages", "memory_region", region("CF"))
    plan.put("map", "vas_map", _stored(form, "layouts-2026-10", "vas_map", vas_map()))
    return plan


def thread_and_no_modules(form: Form) -> Plan:
    """SHA-256, the current thread as Block 1, no list of modules, no count of blocks: radare2."""
    plan = Plan(form)
    plan.hash_algo = "sha_256"
    plan.header["block_count"] = 0
    plan.put("identity", "process_identity", identity())
    plan.put("thread", "thread_context", thread(4242, flags=["current"], thread_name=None))
    plan.put("region", "memory_region", region("CC"))
    assert plan.end is not None
    plan.end.payload["block_count"] = 0
    return plan


def before_first_draft(form: Form) -> Plan:
    """A file from before the first draft: regions, a count of modules, a module, and the end."""
    plan = Plan(form, version=hex(int.from_bytes(bytes((1, 0)), "little")))
    plan.put("region", "memory_region", _stored(form, "early", "memory_region", _EARLY_REGION))
    count = _stored(form, "early", "module_list_index", {"entry_count": 1})
    plan.put("index", "module_list_index", count, flags=[_EARLY_CHILDREN])
    entry = module(0)
    raw = _stored(form, "early", "module_entry", entry)
    plan.put("module", "module_entry", raw, parent_uuid=plan.uuid("index"))
    assert plan.end is not None
    for block in (*plan.blocks.values(), plan.end):
        block.fields["payload_version"] = 0
    return plan
