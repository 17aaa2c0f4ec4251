"""One fault each, of the order of blocks, of references, and of CapBitmap (§2, §4, §8)."""

from __future__ import annotations

from .assemble import NIL
from .base_plans import TABLES, imported, investigation, late_hint
from .faults import fault
from .payloads import identity, module_list
from .plan import Plan, Tail, since, uuid_of
from .recipe import HEADER, Where, field_of


@fault("MSL-5.4-PROCESS-IDENTITY-NOT-FIRST")
def another_block_first(plan: Plan) -> Where:
    """A live acquisition without a Process Identity, begun by a Related Dump."""
    plan.drop("identity")
    plan.move("related", before="index")
    return field_of(plan, "related", "block_type")


@fault("MSL-5.3-MODULE-LIST-INDEX-NOT-SECOND")
def another_block_second(plan: Plan) -> Where:
    """A Related Dump between the Process Identity and the Module List Index."""
    plan.move("related", before="index")
    return field_of(plan, "related", "block_type")


@fault("MSL-5.3-MODULE-LIST-INDEX-NOT-SECOND")
def no_index(plan: Plan) -> Where:
    """A live acquisition without a Module List Index."""
    plan.drop("index", "module", "other")
    return field_of(plan, "thread" if "thread" in plan.blocks else "region", "block_type")


@fault("MSLX-5.4-PROCESS-IDENTITY-REPEATED")
def two_identities(plan: Plan) -> Where:
    """A second Process Identity."""
    plan.put("second", "process_identity", identity(), before="related")
    return Where("second")


@fault("MSLX-5.3-MODULE-LIST-INDEX-REPEATED")
def two_indexes(plan: Plan) -> Where:
    """A second Module List Index, an empty one."""
    plan.put("second", "module_list_index", module_list(), before="related")
    return Where("second")


@fault("MSL-5.7-THREAD-CONTEXT-BEHIND-REGION", since("draft-2026-10"))
def late_thread(plan: Plan) -> Where:
    """A Thread Context behind the regions."""
    plan.move("sleeper", before="related")
    return Where("sleeper")


@fault("MSLX-5.8-VAS-MAP-MISPLACED", since("draft-2026-10"))
def early_map(plan: Plan) -> Where:
    """A VAS Map in front of the regions."""
    plan.move("map", before="region")
    return Where("map")


@fault("MSL-6-SYSTEM-CONTEXT-NOT-THIRD", since("draft-2026-10"), investigation)
def late_context(plan: Plan) -> Where:
    """A Related Dump in front of the System Context."""
    plan.move("related", before="system")
    return field_of(plan, "related", "block_type")


@fault("MSL-6-SYSTEM-CONTEXT-NOT-THIRD", since("draft-2026-10"))
def no_context(plan: Plan) -> Where:
    """The flag Investigation in a file without a System Context."""
    plan.header["flags"] = ["investigation"]
    return field_of(plan, "module", "block_type")


@fault("MSL-6-SYSTEM-CONTEXT-ABSENT", since("draft-2026-10"), imported)
def converted_without_context(plan: Plan) -> Where:
    """The flag Investigation in a converted dump without a System Context."""
    plan.header["flags"] = ["imported", "investigation"]
    return field_of(plan, HEADER, "flags")


@fault("MSLX-6-SYSTEM-CONTEXT-REPEATED", since("draft-2026-10"), investigation)
def two_contexts(plan: Plan) -> Where:
    """A second System Context."""
    plan.put("second", "system_context", plan.block("system").payload, before="module")
    return Where("second")


@fault("MSL-6-INVESTIGATION-FLAG-MISSING", since("draft-2026-10"), investigation)
def flag_missing(plan: Plan) -> Where:
    """A System Context in a file that is not marked as an investigation."""
    plan.header["flags"] = []
    return field_of(plan, HEADER, "flags")


@fault("MSL-6-TABLE-WITHOUT-SYSTEM-CONTEXT", since("draft-2026-10"), investigation)
def table_of_nobody(plan: Plan) -> Where:
    """A Process Table without a parent."""
    plan.fields("process_table", parent_uuid=NIL)
    return field_of(plan, "process_table", "parent_uuid")


@fault("MSL-6-TABLE-WITHOUT-SYSTEM-CONTEXT", since("draft-2026-10"))
def table_alone(plan: Plan) -> Where:
    """A Process Table in a file without a System Context."""
    plan.put("processes", "process_table", TABLES["process_table"], before="module")
    return field_of(plan, "processes", "parent_uuid")


@fault("MSL-4.1-BLOCK-UUID-REPEATED")
def uuid_of_another(plan: Plan) -> Where:
    """A Related Dump with the BlockUUID of the Key Hint before it."""
    plan.fields("related", block_uuid=plan.uuid("hint"))
    return field_of(plan, "related", "block_uuid")


@fault("MSL-4.1-PARENT-NOT-FOUND")
def parent_elsewhere(plan: Plan) -> Where:
    """A ParentUUID that no block has."""
    plan.fields("related", parent_uuid=uuid_of("nobody"))
    return field_of(plan, "related", "parent_uuid")


@fault("MSLX-4.1-PARENT-IS-ITSELF")
def ones_own_parent(plan: Plan) -> Where:
    """A block that is its own parent."""
    plan.fields("related", parent_uuid=plan.uuid("related"), flags=["has_children"])
    return field_of(plan, "related", "parent_uuid")


@fault("MSLX-4.1-PARENT-IS-ITSELF")
def ones_own_grandparent(plan: Plan) -> Where:
    """Two blocks that are each other's parent."""
    fields = {"parent_uuid": plan.uuid("related"), "flags": ["has_children"]}
    plan.put("child", "related_dump", plan.block("related").payload, before="related", **fields)
    plan.fields("related", parent_uuid=plan.uuid("child"), flags=["has_children"])
    return field_of(plan, "child", "parent_uuid")


@fault("MSL-4.2-HAS-CHILDREN-MISSING")
def secret_parent(plan: Plan) -> Where:
    """The Module List Index is a parent and does not say so."""
    plan.fields("index", flags=[])
    return field_of(plan, "index", "flags")


@fault("MSL-4.2-HAS-CHILDREN-UNFOUNDED")
def parent_of_nobody(plan: Plan) -> Where:
    """HasChildren on a block that no ParentUUID names."""
    plan.fields("related", flags=["has_children"])
    return field_of(plan, "related", "flags")


@fault("MSL-4.2-HAS-KEY-HINTS-MISSING")
def secret_keys(plan: Plan) -> Where:
    """A Key Hint points to a region that does not say so."""
    plan.fields("region", flags=[])
    return field_of(plan, "region", "flags")


@fault("MSL-4.2-HAS-KEY-HINTS-UNFOUNDED")
def keys_of_nobody(plan: Plan) -> Where:
    """HasKeyHints on a region that no Key Hint points to."""
    plan.fields("next", flags=["continuation", "has_key_hints"])
    return field_of(plan, "next", "flags")


@fault("MSL-8-CAP-BITMAP-BIT-WITHOUT-BLOCK")
def promise_broken(plan: Plan) -> Where:
    """CapBitmap announces related dumps, and there is none."""
    plan.header["cap_bitmap"] = plan.capabilities
    plan.drop("related")
    return field_of(plan, HEADER, "cap_bitmap")


@fault("MSL-8-CAP-BITMAP-BIT-WITHOUT-BLOCK", since("draft-2026-10"))
def promise_kept_by_an_appender(plan: Plan) -> Where:
    """CapBitmap announces hints, and the only one was appended later."""
    plan.header["cap_bitmap"] = plan.capabilities
    plan.drop("hint")
    plan.fields("region", flags=[])
    plan.fields("first", flags=["has_children", "has_key_hints"])
    plan.segments = [Tail({"late": late_hint(plan)})]
    return field_of(plan, HEADER, "cap_bitmap")


@fault("MSL-8-CAP-BITMAP-BLOCK-WITHOUT-BIT")
def related_dump_unannounced(plan: Plan) -> Where:
    """CapBitmap says nothing of the Related Dump."""
    plan.header["cap_bitmap"] = [n for n in plan.capabilities if n != "related_dumps"]
    return field_of(plan, HEADER, "cap_bitmap")


@fault("MSL-8-CAP-BITMAP-BLOCK-WITHOUT-BIT")
def regions_unannounced(plan: Plan) -> Where:
    """CapBitmap says nothing of the memory regions."""
    plan.header["cap_bitmap"] = [n for n in plan.capabilities if n != "memory_regions"]
    return field_of(plan, HEADER, "cap_bitmap")
