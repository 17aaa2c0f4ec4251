"""Every block type alone: the least that a file with it needs to conform."""

from __future__ import annotations

from collections.abc import Callable

from ..drafts.draft_2026_10 import examples
from .base_plans import CONNECTIVITY, MANIFESTS, TABLES, imported, minimal, vas_map
from .payloads import key_hint, module, module_list, region, related, thread
from .plan import Form, Plan, PlannedBlock, Tail

__all__ = ["SUBJECT", "alone", "alone_name", "one_row", "row_name", "types_of"]

SUBJECT = "subject"
"""Name of the block that such a plan is about."""

_OPAQUE = bytes(range(0x10, 0x28)).hex()


def alone_name(key: str, form: Form) -> str:
    """Name of the sample with a block type alone."""
    return f"valid/alone-{key.replace('_', '-')}-{form.name}"


def types_of(form: Form) -> list[str]:
    """Keys of the block types that a producer may write."""
    return [kind.key for kind in form.schema.blocks.values() if not kind.forbidden]


def alone(key: str, form: Form) -> Plan:
    """A plan whose block of one type, called `SUBJECT`, matters."""
    plan = imported(form) if key == "import_provenance" else minimal(form)
    make = _MAKERS.get(key)
    if make is not None:
        make(plan)
    elif key in TABLES:
        _investigated(plan)
        plan.put(SUBJECT, key, TABLES[key], parent_uuid=plan.uuid("system"))
    elif key in MANIFESTS:
        plan.put(SUBJECT, key, MANIFESTS[key])
    else:
        plan.put(SUBJECT, key, form.schema.block(key).instance())
    return plan


def row_name(kind: str) -> str:
    """Name, without folder and form, of the sample with one row of the Connectivity Table."""
    return f"row-{kind.replace('_', '-')}"


def one_row(kind: str, form: Form) -> Plan:
    """A plan whose Connectivity Table, called `SUBJECT`, has one row of a kind."""
    plan = alone("connectivity_table", form)
    plan.values(SUBJECT, rows=[{"row_type": kind, "body": dict(CONNECTIVITY)[kind]}])
    return plan


def _rename(name: str) -> Callable[[Plan], None]:
    def renamed(plan: Plan) -> None:
        plan.blocks = {SUBJECT if n == name else n: b for n, b in plan.blocks.items()}

    return renamed


def _region(plan: Plan) -> None:
    plan.put(SUBJECT, "memory_region", region("CF"))


def _module(plan: Plan) -> None:
    """Both the list and the entry."""
    plan.blocks["index"].payload = module_list(SUBJECT)
    plan.fields("index", flags=["has_children"])
    plan.put(SUBJECT, "module_entry", module(0), parent_uuid=plan.uuid("index"))


def _list(plan: Plan) -> None:
    plan.blocks = {n: b for n, b in plan.blocks.items() if n != "index"}
    rows = module_list("module")
    plan.put(SUBJECT, "module_list_index", rows, flags=["has_children"])
    plan.put("module", "module_entry", module(0), parent_uuid=plan.uuid(SUBJECT))


def _hint(plan: Plan) -> None:
    plan.put("region", "memory_region", region("C"), flags=["has_key_hints"])
    plan.put(SUBJECT, "key_hint", key_hint("region"))


def _related(plan: Plan) -> None:
    """With the hash of the other file, if the draft has it, so that nothing may follow."""
    hashed = plan.form.has("related_dump", "target_hash")
    target = {"target_hash": bytes(range(0x60, 0x80)).hex()} if hashed else {}
    plan.put(SUBJECT, "related_dump", related(**target))


def _end(plan: Plan) -> None:
    """Nothing to add: every plan has it, under its own name."""


def _thread(plan: Plan) -> None:
    if plan.form.lays_out("thread_context"):
        plan.put(SUBJECT, "thread_context", thread(4242, flags=["current"]))
    else:
        plan.put(SUBJECT, "thread_context", {"raw": _OPAQUE})


def _vas_map(plan: Plan) -> None:
    plan.put(SUBJECT, "vas_map", vas_map() if plan.form.lays_out("vas_map") else {"raw": _OPAQUE})


def _extension(plan: Plan) -> None:
    plan.segments = [Tail({"added": PlannedBlock("related_dump", related())})]


def _graph(plan: Plan) -> None:
    block = PlannedBlock("pointer_graph", {"raw": _OPAQUE})
    if plan.form.schema.draft.segments:
        plan.segments = [Tail({SUBJECT: block})]
    else:
        plan.blocks[SUBJECT] = block


def _investigated(plan: Plan) -> None:
    plan.header["flags"] = ["investigation"]
    plan.put("system", "system_context", examples.SYSTEM_CONTEXT, flags=["has_children"])


def _system(plan: Plan) -> None:
    _investigated(plan)
    plan.blocks = {SUBJECT if n == "system" else n: b for n, b in plan.blocks.items()}
    plan.fields(SUBJECT, flags=[])


_MAKERS: dict[str, Callable[[Plan], None]] = {
    "memory_region": _region,
    "module_entry": _module,
    "module_list_index": _list,
    "key_hint": _hint,
    "import_provenance": _rename("import"),
    "process_identity": _rename("identity"),
    "related_dump": _related,
    "end_of_capture": _end,
    "thread_context": _thread,
    "vas_map": _vas_map,
    "end_of_extension": _extension,
    "pointer_graph": _graph,
    "system_context": _system,
}
