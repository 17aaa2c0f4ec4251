"""What a driver has to print, derived from the schema: one small JSON document a draft.

A driver knows its language and how the canonical document shows a kind of value; which
structures and fields there are, it learns from the plan. Every field of a structure is one
mapping with `key` (the document's name), `id` (the generated parser's name, in snake_case)
and `shown`, one of:

========== ======================================================================================
number     an integer
hex        an integer as ``0x…`` of at least `digits` digits
time       an integer as a decimal string
magic      bytes as text
bytes      bytes as hex
uuid       16 bytes as a UUID
code       `names` by value, else hex of `digits` digits; the number is at `code`, the generated
           enumeration's member, where there is one, at `id`
flags      names of the set bits: `bits` are ``[bit, name, id of the boolean]``; `numbers` are
           ``{bit, id, names}`` for a number inside of the word; other bits below `width` print
           as ``bit_N``
text       the text at `id`, or ``{text, raw}`` where the stored bytes don't follow from it; those
           are at `raw`: all of them in its `stored` where it is `terminated` by a NUL, else
           without the padding, which is at `padding`; `length` is the length field
blob       bytes as hex, or ``{bytes, raw}`` where the bytes at `padding` are not all zero
register   the same as a number in the file's byte order, or ``{value, raw}``
runs       page states as ``[first page, pages, name]``, with `names` by state; `raw` is the stored
           map, of which the padding shows as ``{runs, padding}`` where it is not zero
data       bytes as ``{offset, length, data}``
raw        the same where they are more than the plan's `raw_limit`, else hex
table      a list of `structure`
structure  a `structure` of its own
choice     the structure that `cases` gives for the number at `tag`, else `otherwise`
========== ======================================================================================

``optional`` marks a field before which a structure may end, ``hidden`` one that only shows
where it is not empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msl_construct.exports.ksy.attributes import OPAQUE, flag_id
from msl_construct.exports.ksy.type_builder import stored_id
from msl_construct.schema import BitRange, Draft, Enumeration, Field, FlagDefinition, Layout, Table
from msl_construct.schema.choice import Choice
from msl_construct.schema.layout import REST
from msl_construct.schema.pages import PageData, PageStateMap
from msl_construct.schema.raw import DOCUMENT_RAW_LIMIT
from msl_construct.schema.variable import Blob, RegisterValue, Rest, Utf8, Utf8Z
from msl_construct.schema.vocabulary import (
    Bytes,
    Coded,
    Flags,
    Magic,
    Timestamp,
    Uint,
    Uuid,
)

__all__ = ["COMPRESSED", "make_plan"]

Plan = dict[str, Any]

COMPRESSED = "compressed_payload"
_COMPRESSED_KIND = 0x10000  # beyond every BlockType
_LAST_OF_ROOT = "header_size"


def make_plan(draft: Draft) -> Plan:
    """The plan of one draft."""
    schema = draft.bound(draft.byte_orders[0])
    plan = _Structures()
    plan.add("file_header", schema.file_header)
    header = plan.found["file_header"]
    # What says how to read the rest stands in the generated parser's root.
    front = 1 + next(i for i, f in enumerate(header) if f["key"] == _LAST_OF_ROOT)
    plan.found["root"], header = header[:front], header[front:]
    plan.found["file_header"] = header
    if schema.encryption_header is not None:
        key = schema.encryption_header.key
        plan.add(key, schema.encryption_header)
        header.append(
            {"key": "encryption", "id": "encryption", "shown": "structure", "structure": key}
            | {"optional": True}
        )
    header.append({"key": "extension", "id": "extension", "shown": "bytes", "hidden": True})
    plan.add("block", schema.block_header)
    # The document leaves the block's magic out: it is what makes a block a block.
    plan.found["block"] = [f for f in plan.found["block"] if f["shown"] != "magic"]
    plan.add(COMPRESSED, schema.compressed_payload)
    plan.found[OPAQUE] = [{"key": "raw", "id": "data", "shown": "raw"}]
    payloads = {str(_COMPRESSED_KIND): COMPRESSED}
    for block in schema.blocks.values():
        if block.layout is not None:
            plan.add(block.key, block.layout, open_ended=True)
            payloads[str(block.code)] = block.key
    return {
        "draft": draft.name,
        "raw_limit": DOCUMENT_RAW_LIMIT,
        "structures": plan.found,
        "payloads": payloads,
        "other_payloads": OPAQUE,
    }


class _Structures:
    """Collects structures and those inside of them."""

    def __init__(self) -> None:
        self.found: dict[str, list[Plan]] = {}

    def add(self, key: str, layout: Layout, *, open_ended: bool = False) -> None:
        fields: list[Plan] = []
        self.found[key] = fields
        takes_all = False
        for field in layout.fields:
            fields.append(self._field(field, layout))
            takes_all = takes_all or isinstance(field.type, Rest)
            if isinstance(field.type, Table):
                entry = field.type.entry
                self.add(entry.key, entry, open_ended=bool(field.type.entry_size))
            elif isinstance(field.type, Choice):
                for case in field.type.cases.values():
                    self.add(case.key, case, open_ended=True)
        if open_ended and not takes_all:
            fields.append({"key": REST, "id": REST, "shown": "raw", "hidden": True})

    def _field(self, field: Field, layout: Layout) -> Plan:
        plan = {"key": field.key, "id": field.key, **dict(_how(field, layout))}
        if field.optional or field.omitted_by:
            plan["optional"] = True
        return plan


def _how(field: Field, layout: Layout) -> Iterator[tuple[str, Any]]:
    """What the plan says of a field beside its name."""
    key, kind = field.key, field.type
    if isinstance(kind, Timestamp):
        yield "shown", "time"
    elif isinstance(kind, Uint):
        yield "shown", "number" if kind.shown == "number" else "hex"
        if kind.shown != "number":
            yield "digits", 2 * kind.width if kind.shown == "version" else 1
    elif isinstance(kind, Coded):
        yield "shown", "code"
        yield "code", stored_id(field)
        yield "digits", 2 * kind.width
        yield "names", _names(kind.registry)
    elif isinstance(kind, Flags):
        yield "shown", "flags"
        yield from _bits(field, kind.word)
    elif isinstance(kind, (Magic, Uuid, Bytes)):
        yield "shown", {Magic: "magic", Uuid: "uuid"}.get(type(kind), "bytes")
    elif isinstance(kind, Utf8Z):
        yield "shown", "text"
        yield "raw", f"{key}_raw"
        yield "length", kind.length_key
        yield "terminated", not isinstance(kind, Utf8)
        if isinstance(kind, Utf8) and kind.padded:
            yield "padding", f"{key}_padding"
    elif isinstance(kind, Blob):
        yield "shown", "register" if isinstance(kind, RegisterValue) else "blob"
        yield "padding", f"{key}_padding"
    elif isinstance(kind, PageStateMap):
        assert kind.states is not None
        yield "shown", "runs"
        yield "id", "page_states"
        yield "raw", key
        yield "names", _names(kind.states)
    elif isinstance(kind, Rest):
        yield "shown", "data" if isinstance(kind, PageData) else "raw"
    elif isinstance(kind, Table):
        yield "shown", "table"
        yield "structure", kind.entry.key
    elif isinstance(kind, Choice):
        yield "shown", "choice"
        yield "tag", stored_id(layout.field(kind.tag_key))
        yield "cases", {str(tag): case.key for tag, case in kind.cases.items()}
        yield "otherwise", OPAQUE
    else:
        raise TypeError(f"{key}: the plan has no word for {type(kind).__name__}")


def _names(registry: Enumeration) -> dict[str, str]:
    return {str(value.code): value.name for value in registry.values}


def _bits(field: Field, word: FlagDefinition) -> Iterator[tuple[str, Any]]:
    bits, numbers = [], []
    for bit in word.bits:
        if isinstance(bit, BitRange):
            numbers.append(
                {
                    "bit": bit.bit,
                    "bits": bit.bits,
                    "id": bit.name,
                    "names": {v.code: f"{bit.name}_{v.name}" for v in bit.enumeration.values},
                }
            )
        else:
            bits.append([bit.bit, bit.name, flag_id(field, bit)])
    yield "width", 8 * word.width
    yield "bits", bits
    yield "numbers", numbers
