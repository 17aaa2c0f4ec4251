"""One fault each, of modules, hints and related dumps (§5.2, §5.3, §5.5, §5.6)."""

from __future__ import annotations

from typing import Any

from .assemble import NIL, payload_of
from .faults import fault
from .payloads import KIB, key_hint
from .plan import Plan, uuid_of
from .recipe import Where, field_of, payload_at


def _rows(plan: Plan) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = plan.block("index").payload["entries"]
    return rows


def _second_row(plan: Plan) -> Where:
    """Where the second row of the Module List Index begins."""
    schema = plan.form.schema
    whole = plan.block("index").payload
    first = {**whole, "entries": whole["entries"][:1]}
    kind = schema.block("module_list_index")
    block = plan.block("index")
    size = len(payload_of(schema, type(block)(kind.key, first), {}))
    return payload_at(plan, "index", size)


@fault("MSL-5.3-MODULE-UUID-REPEATED")
def two_rows_for_one_module(plan: Plan) -> Where:
    """The list has two rows for one ModuleUUID."""
    rows = _rows(plan)
    again = {**rows[0], "base_addr": "0x30000000"}
    plan.values("index", entries=[rows[0], again, rows[1]])
    return _second_row(plan)


@fault("MSL-5.3-MODULE-WITHOUT-ENTRY")
def module_left_out(plan: Plan) -> Where:
    """A listed module without a Module Entry."""
    plan.drop("other")
    return _second_row(plan)


@fault("MSL-5.2-MODULE-ENTRY-NOT-LISTED")
def module_unknown_before(plan: Plan) -> Where:
    """A Module Entry that the list does not have."""
    plan.values("index", entries=_rows(plan)[:1])
    return field_of(plan, "other", "block_uuid")


@fault("MSL-5.2-MODULE-ENTRY-PARENT")
def module_of_nobody(plan: Plan) -> Where:
    """A Module Entry without a parent."""
    plan.fields("other", parent_uuid=NIL)
    return field_of(plan, "other", "parent_uuid")


@fault("MSLX-5.2-MODULE-ENTRY-DIFFERS")
def module_elsewhere(plan: Plan) -> Where:
    """A Module Entry with another BaseAddr than its row in the list."""
    plan.values("other", base_addr="0x7f4a3c001000")
    return payload_at(plan, "other", "base_addr")


@fault("MSLX-5.2-MODULE-ENTRY-DIFFERS")
def module_larger(plan: Plan) -> Where:
    """A Module Entry with another ModuleSize than its row in the list."""
    plan.values("other", module_size=0x4000)
    return payload_at(plan, "other", "module_size")


@fault("MSLX-5.2-MODULE-ENTRY-DIFFERS")
def module_of_another_file(plan: Plan) -> Where:
    """A Module Entry with another Path than its row in the list."""
    plan.values("other", path="/lib/d.so")
    return payload_at(plan, "other", "path")


@fault("MSL-5.2-NATIVE-BLOB-NOT-TEXT")
def line_without_end(plan: Plan) -> Where:
    """A line of maps without its NUL."""
    line = bytes.fromhex(plan.block("other").payload["native_blob"]).rstrip(b"\0")
    plan.values("other", native_blob=line.hex())
    return payload_at(plan, "other")


@fault("MSLX-5.3-MODULE-ADDRESS-REPEATED")
def modules_in_one_place(plan: Plan) -> Where:
    """Two modules with one BaseAddr."""
    rows = _rows(plan)
    base = rows[0]["base_addr"]
    plan.values("index", entries=[rows[0], {**rows[1], "base_addr": base}])
    plan.values("other", base_addr=base)
    return _second_row(plan)


@fault("MSL-5.6-KEY-HINT-WITHOUT-REGION")
def hint_at_nothing(plan: Plan) -> Where:
    """A Key Hint at a block that is not there."""
    hint = key_hint("region", region_uuid=uuid_of("nobody"))
    plan.put("lost", "key_hint", hint, before="related")
    return payload_at(plan, "lost", "region_uuid")


@fault("MSL-5.6-KEY-HINT-WITHOUT-REGION")
def hint_at_nil(plan: Plan) -> Where:
    """A Key Hint at the UUID of zeros."""
    plan.put("lost", "key_hint", key_hint("region", region_uuid=NIL), before="related")
    return payload_at(plan, "lost", "region_uuid")


@fault("MSL-5.6-KEY-HINT-WITHOUT-REGION")
def hint_at_a_module(plan: Plan) -> Where:
    """A Key Hint at a Module Entry."""
    plan.put("lost", "key_hint", key_hint("other"), before="related")
    plan.fields("other", flags=["has_key_hints"])
    return payload_at(plan, "lost", "region_uuid")


@fault("MSL-5.6-KEY-HINT-OUTSIDE-REGION")
def hint_behind_the_region(plan: Plan) -> Where:
    """A key whose last byte lies behind the region's address space."""
    plan.values("hint", region_offset=hex(4 * KIB - 31))
    return payload_at(plan, "hint", "region_offset")


@fault("MSL-5.6-KEY-HINT-WITHOUT-DATA")
def hint_counts_pages_without_data(plan: Plan) -> Where:
    """A RegionOffset that counts pages without data: its key ends behind the PageData."""
    plan.values("hint", region_offset=hex(2 * KIB - 31))
    return payload_at(plan, "hint", "region_offset")


@fault("MSLX-5.6-KEY-HINT-EMPTY")
def hint_at_no_byte(plan: Plan) -> Where:
    """A key of no bytes."""
    plan.values("hint", key_len=0)
    return payload_at(plan, "hint", "key_len")


@fault("MSLX-5.6-KEY-HINT-ACROSS-HOLE")
def hint_on_pages_apart(plan: Plan) -> Where:
    """A key that begins on one page and ends on another that does not follow it in memory."""
    plan.values("hint", region_offset=hex(KIB - 16))
    return payload_at(plan, "hint", "region_offset")


@fault("MSLX-5.5-RELATED-DUMP-IS-ITSELF")
def related_to_itself(plan: Plan) -> Where:
    """A Related Dump that names the file that it is in."""
    plan.values("related", related_dump_uuid=uuid_of("dump"))
    return payload_at(plan, "related", "related_dump_uuid")
