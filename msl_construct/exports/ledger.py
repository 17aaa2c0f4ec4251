"""The ledger: every published code, bit, field and block type, and what it means in which draft.

What a draft published says nothing else ever after. A later draft may say otherwise, and has to
declare that, with a reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..schema import BitRange, ByteOrder, Draft, Enumeration, Layout, Schema
from ..schema.vocabulary import Reserved
from .description import case_place, offset_of, registries
from .kinds import stored_as

__all__ = ["changed_since", "export", "ledger_of", "published"]

_VERSION = 1
_PARTS = ("block_types", "fields", "codes", "flags")

Entry = dict[str, Any]


def export(draft: Draft) -> str:
    """The ledger of a draft and of those that it follows from, as JSON."""
    return json.dumps(ledger_of(draft), indent=1, ensure_ascii=False) + "\n"


def ledger_of(draft: Draft) -> dict[str, Any]:
    """What everything means in a draft and in those that it follows from.

    Of each thing there is an entry for each meaning that it had, with the drafts that give it.
    """
    drafts = list(draft.lineage)[::-1]
    found: dict[str, Any] = {"ledger": _VERSION, "drafts": [one.name for one in drafts]}
    for part in _PARTS:
        found[part] = {}
    for one in drafts:
        for part, entries in published(one).items():
            for path, entry in entries.items():
                known = found[part].setdefault(path, [])
                if known and {**known[-1], "drafts": 0} == {**entry, "drafts": 0}:
                    known[-1]["drafts"].append(one.name)
                else:
                    known.append({"drafts": [one.name], **entry})
    return found


def published(draft: Draft) -> dict[str, dict[str, Entry]]:
    """What a draft says of each thing, by part and path."""
    schema = draft.bound(ByteOrder.LITTLE)
    found: dict[str, dict[str, Entry]] = {part: {} for part in _PARTS}
    for block in schema.blocks.values():
        entry = {"name": block.name, "meaning": block.meaning}
        found["block_types"][f"0x{block.code:04x}"] = entry
    for where, layout in _layouts(schema):
        for field in layout.fields:
            if not isinstance(field.type, Reserved):
                offset = offset_of(layout, field.key)
                found["fields"][f"{where}.{field.key}"] = {
                    "name": field.name,
                    "offset": None if offset is None else f"{offset:#x}",
                    "stored_as": stored_as(field.type),
                    "meaning": field.meaning,
                }
    for name, registry in registries(schema).items():
        if registry.name == draft.block_type_registry.name:
            continue
        if isinstance(registry, Enumeration):
            for value in registry.values:
                if not value.reserved:
                    path = f"{name}.0x{value.code:0{2 * registry.width}x}"
                    found["codes"][path] = {"name": value.label, "meaning": value.meaning}
        else:
            for bit in registry.bits:
                entry = {"name": bit.label, "meaning": bit.meaning}
                if isinstance(bit, BitRange):
                    entry["bits"] = str(bit.bits)
                found["flags"][f"{name}.{bit.bit}"] = entry
    return found


def _layouts(schema: Schema) -> Iterator[tuple[str, Layout]]:
    for key, layout in schema.layouts.items():
        yield from _inner(key, layout)


def _inner(where: str, layout: Layout) -> Iterator[tuple[str, Layout]]:
    yield where, layout
    for field, tag, inner in layout.inside():
        name = "" if tag is None else case_place(field, tag, layout)
        yield from _inner(f"{where}.{field.key}[{name}]", inner)


def changed_since(ledger: dict[str, Any], draft: Draft) -> Iterator[str]:
    """What a ledger says of a draft, or of one that it follows from, and is no longer so."""
    drafts = {one.name: published(one) for one in draft.lineage}
    for part in _PARTS:
        for path, entries in ledger.get(part, {}).items():
            for entry in entries:
                for name in entry["drafts"]:
                    if name not in drafts:
                        continue
                    now = drafts[name][part].get(path)
                    was = {key: value for key, value in entry.items() if key != "drafts"}
                    if now is None:
                        yield f"{name} published {path} ({was['name']}), and has it no longer"
                        continue
                    for key, value in was.items():
                        if now.get(key) != value:
                            yield (
                                f"{name} published {path} with {key} {value!r}, "
                                f"and says {now.get(key)!r} now"
                            )
