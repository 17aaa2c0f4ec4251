"""One fault each, of the investigation's tables and the manifests (draft 2026-10 §5.9 to §6)."""

from __future__ import annotations

from typing import Any

from .assemble import payload_of
from .base_plans import MANIFESTS, TABLES, investigation
from .faults import fault
from .plan import Plan, PlannedBlock, since
from .recipe import Where, payload_at


def _entry(plan: Plan, key: str, entries: list[dict[str, Any]], row: int, field: str) -> Where:
    """Give a table other entries; where a field of one of them stands."""
    plan.values(key, entries=entries)
    schema = plan.form.schema
    layout = schema.block(key).layout
    assert layout is not None
    before = PlannedBlock(key, {**plan.block(key).payload, "entries": entries[:row]})
    start = len(payload_of(schema, before, {}))
    return payload_at(plan, key, start + layout.fields[-1].type.entry.offset_of(field))


_BUILD_IDS = MANIFESTS["module_build_id_manifest"]["entries"]
_PROCESSES = TABLES["process_table"]["entries"]


@fault("MSLX-5.9-PHYSICAL-RANGE-INVERTED", since("draft-2026-10"), investigation)
def range_backwards(plan: Plan) -> Where:
    """A physical range that ends before it starts."""
    rows = [{"start": "0x2000", "end_addr": "0x1fff", "label": None}]
    return _entry(plan, "physical_memory_map", rows, 0, "end_addr")


@fault("MSLX-5.10-BUILD-ID-WITHOUT-SOURCE", since("draft-2026-10"), investigation)
def build_id_from_nowhere(plan: Plan) -> Where:
    """A build ID whose source is None."""
    rows = [_BUILD_IDS[1], {**_BUILD_IDS[0], "build_id_source": "none"}]
    return _entry(plan, "module_build_id_manifest", rows, 1, "build_id_source")


@fault("MSLX-5.10-BUILD-ID-WITHOUT-SOURCE", since("draft-2026-10"), investigation)
def no_build_id_from_somewhere(plan: Plan) -> Where:
    """A source of a build ID that is not there."""
    rows = [{**_BUILD_IDS[0], "build_id_len": 0, "build_id": bytes(20).hex()}]
    return _entry(plan, "module_build_id_manifest", rows, 0, "build_id_source")


@fault("MSLX-5.10-BUILD-ID-TAIL-NOT-ZERO", since("draft-2026-10"), investigation)
def build_id_longer_than_it_is(plan: Plan) -> Where:
    """A build ID of 16 bytes with something behind them."""
    rows = [{**_BUILD_IDS[0], "build_id_len": 16}]
    return _entry(plan, "module_build_id_manifest", rows, 0, "build_id")


@fault("MSLX-6-PROCESS-TABLE-WITHOUT-TARGET", since("draft-2026-10"), investigation)
def nobody_is_the_target(plan: Plan) -> Where:
    """A Process Table in which no process is the target."""
    rows = [{**row, "is_target": 0} for row in _PROCESSES]
    return _entry(plan, "process_table", rows, 0, "is_target")


@fault("MSLX-6-PROCESS-TABLE-WITHOUT-TARGET", since("draft-2026-10"), investigation)
def two_are_the_target(plan: Plan) -> Where:
    """A Process Table in which two processes are the target."""
    rows = [{**row, "is_target": 1} for row in _PROCESSES]
    return _entry(plan, "process_table", rows, 1, "is_target")
