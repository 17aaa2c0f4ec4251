"""A draft as plain values: what tables, comparisons and ``msl schema show`` are made from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..schema import (
    Bit,
    BitRange,
    BlockType,
    ByteOrder,
    Draft,
    Enumeration,
    FlagDefinition,
    Schema,
    Value,
)
from ..schema.base import DocumentOptions
from ..schema.choice import Choice
from ..schema.fields import Field, Note
from ..schema.layout import Layout, inner_layouts
from ..schema.names import snake_case
from ..schema.pages import PageStateMap
from ..schema.renamed import REFERENCES
from ..schema.vocabulary import Coded, Fixed, Magic
from .kinds import stored_as

__all__ = [
    "bit_place",
    "case_place",
    "case_title",
    "describe",
    "offset_of",
    "registries",
    "version_text",
]


def case_title(field: Field, tag: int | None, inside: Layout) -> str:
    """What to call a layout inside a field of `inside`: ``Each entry``, ``Kind 2`` …"""
    if tag is None:
        return "Each entry"
    assert isinstance(field.type, Choice)
    chooser = inside.field(field.type.tag_key).type
    name = chooser.registry.decode(tag).name if isinstance(chooser, Coded) else str(tag)
    return f"{field.type.tag} {name}"


def case_place(field: Field, tag: int, inside: Layout) -> str:
    """What a layout inside a field is called in paths, whatever its code is: ``Kind 0x02``."""
    assert isinstance(field.type, Choice)
    chooser = inside.field(field.type.tag_key).type
    digits = 2 * chooser.width if isinstance(chooser, Fixed) else 0
    return f"{field.type.tag} 0x{tag:0{digits}x}"


def offset_of(layout: Layout, key: str) -> int | None:
    """Where a field begins in its structure, or None where that varies."""
    try:
        return layout.offset_of(key)
    except KeyError:
        return None


def registries(schema: Schema) -> dict[str, Enumeration | FlagDefinition]:
    """Every enumeration and flag word of a draft by the specification's name."""
    found: dict[str, Enumeration | FlagDefinition] = {**schema.enumerations, **schema.flags}
    found[schema.page_states.name] = schema.page_states
    for word in schema.flags.values():
        for bit in word.bits:
            if isinstance(bit, BitRange):
                found.setdefault(bit.enumeration.name, bit.enumeration)
    return found


def version_text(version: int) -> str:
    """A format version for people: ``1.1``."""
    return f"{version >> 8}.{version & 0xFF}"


# -- the whole draft -----------------------------------------------------------------------


def describe(draft: Draft) -> dict[str, Any]:
    """A draft as mappings, lists, text and numbers; the same for every byte order."""
    schema = draft.bound(ByteOrder.LITTLE)
    blocks = {b.key: b for b in schema.blocks.values()}
    structures: dict[str, Any] = {}
    for key, layout in schema.layouts.items():
        if key not in blocks:
            structures[key] = _structure(layout)
    for key, block in blocks.items():
        structures[key] = {
            "name": block.name,
            "code": f"{block.code:#06x}",
            "section": block.section,
            "since": block.since,
            "text": block.text,
            "capability": block.capability,
            "in_segment": block.in_segment,
            "in_capture": block.in_capture,
            "parent": block.parent or None,
            "forbidden": block.forbidden,
            "notes": _notes(block.notes),
            **_deprecated(block),
            "fields": None if block.layout is None else _fields(block.layout),
        }
    return {
        "draft": draft.name,
        "version": f"{draft.version:#06x}",
        "status": draft.status,
        "base": draft.base.name if draft.base else None,
        "byte_orders": [order.value for order in draft.byte_orders],
        "payload_version": draft.payload_version,
        "segments": draft.segments,
        "notes": _notes(draft.notes),
        "structures": structures,
        "registries": {name: _registry(one) for name, one in registries(schema).items()},
        "chain": {
            f"{link.structure}.{link.field}": {
                "from": link.start.value,
                "section": link.section,
                "text": link.text,
            }
            for link in draft.chain
        },
    }


def _structure(layout: Layout) -> dict[str, Any]:
    return {"name": layout.title, "section": layout.section, "fields": _fields(layout)}


def _fields(layout: Layout) -> dict[str, Any]:
    return {field.key: _field(layout, field) for field in layout.fields}


def _field(layout: Layout, field: Field) -> dict[str, Any]:
    kind = field.type
    offset = offset_of(layout, field.key)
    shown: dict[str, Any] = {
        "name": field.name,
        "offset": None if offset is None else f"{offset:#x}",
        "width": kind.width if isinstance(kind, Fixed) else None,
        "stored_as": stored_as(kind),
        "type": snake_case(type(kind).__name__),
        "section": field.section,
        "since": field.since,
        "text": field.text,
    }
    states = kind.states if isinstance(kind, PageStateMap) else None
    registry = kind.registry_name if states is None else states.name
    if registry is not None:
        shown["registry"] = registry
    for name in REFERENCES:
        other = getattr(kind, name, None)
        if isinstance(other, str) and other:
            shown[name] = other
    if isinstance(kind, Magic):
        shown["magic"] = kind.to_document(kind.magic, DocumentOptions())
    if (form := getattr(kind, "shown", "")) in ("address", "version"):
        shown["shown_as"] = form
    valid = getattr(kind, "valid", None)
    if valid is not None:
        shown["permitted"] = str(valid)
    if field.optional:
        shown["optional"] = True
    if field.omitted_by:
        shown["omitted_by"] = field.omitted_by
    if field.default is not None:
        shown["default"] = _default(field)
    shown.update(_deprecated(field))
    if field.notes:
        shown["notes"] = _notes(field.notes)
    for tag, inner in inner_layouts(kind).items():
        if tag is None:
            shown["entry"] = _structure(inner)
        else:
            place = case_place(field, tag, layout)
            shown.setdefault("cases", {})[place] = _structure(inner)
    return shown


def _deprecated(thing: BlockType | Field | Value | Bit) -> dict[str, str]:
    return {"deprecated": thing.deprecated} if thing.deprecated else {}


def _default(field: Field) -> Any:
    kind, value = field.type, field.default
    if isinstance(kind, Fixed):
        value = kind.load(kind.store(value))
    shown = kind.to_document(value, DocumentOptions())
    if isinstance(shown, list):
        return [str(name) for name in shown]
    return str(shown) if isinstance(shown, str) else shown  # names are a class of their own


def _notes(notes: tuple[Note, ...]) -> list[str]:
    return [
        f"{note.level} ({note.who}): {note.text}{f' ({note.section})' if note.section else ''}"
        for note in notes
    ]


def _registry(registry: Enumeration | FlagDefinition) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": registry.name,
        "width": registry.width,
        "section": registry.section,
        "text": registry.text,
    }
    if isinstance(registry, Enumeration):
        digits = 2 * registry.width
        shown["codes"] = {
            f"0x{value.code:0{digits}x}": {
                "name": value.name,
                "label": value.label,
                "text": value.text,
                "since": value.since,
                "reserved": value.reserved,
                **_deprecated(value),
            }
            for value in registry.values
        }
        shown["spans"] = [
            f"0x{span.first:0{digits}x} to 0x{span.last:0{digits}x}: {span.use}"
            for span in registry.spans
        ]
    else:
        shown["bits"] = dict(_bits(registry))
    return shown


def bit_place(bit: Bit | BitRange) -> str:
    """Which bits of its word a flag has: ``3``, or ``1 to 2``."""
    if isinstance(bit, BitRange):
        return f"{bit.bit} to {bit.bit + bit.bits - 1}"
    return str(bit.bit)


def _bits(word: FlagDefinition) -> Iterator[tuple[str, dict[str, Any]]]:
    for bit in word.bits:
        yield (
            bit_place(bit),
            {
                "name": bit.name,
                "label": bit.label,
                "text": bit.text,
                "since": bit.since,
                **({"registry": bit.enumeration.name} if isinstance(bit, BitRange) else {}),
                **({} if isinstance(bit, BitRange) else _deprecated(bit)),
            },
        )
