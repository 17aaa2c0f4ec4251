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
from functools import singledispatch
from typing import Any

from msl_construct.exports.ksy.attributes import OPAQUE, flag_id
from msl_construct.exports.ksy.type_builder import stored_id
from msl_construct.schema import BitRange, Draft, Enumeration, Field, FlagDefinition, Layout, Table
from msl_construct.schema.base import Vocabulary
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
from msl_construct.schema.words import no_words

__all__ = ["COMPRESSED", "make_plan", "shown"]

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
        plan = {"key": field.key, "id": field.key, **dict(shown(field.type, field, layout))}
        if field.optional or field.omitted_by:
            plan["optional"] = True
        return plan


@singledispatch
def shown(kind: Vocabulary, field: Field, layout: Layout) -> Iterator[tuple[str, Any]]:
    """What the plan says of a field beside its name."""
    raise no_words(kind, f"tests.{__name__}")


@shown.register
def _(kind: Uint, field: Field, layout: Layout) -> Iterator[tuple[str, Any]]:
    yield "shown", "number" if kind.shown == "number" else "hex"
    if kind.shown != "number":
        yield "digits", 2 * kind.width if kind.shown == "version" else 1


@shown.register
def _(kind: Timestamp, field: Field, layout: Layout) -> Iterator[tuple[str, Any]]:
    yield "shown", "time"


@shown.register
def _(kind: Coded, field: Field, layout: Layout) -> Iterator[tuple[str, Any]]:
    yield "shown", "code"
    yield "code", stored_id(field)
    yield "digits", 2 * kind.width
    yield "names", _names(kind.registry)


@shown.register
def _(kind: Flags, field: Field, layout: Layout) -> Iterator[tuple[str, Any]]:
    yield "shown", "flags"
    yield from _bits(field, kind.word)


@shown.register
def _(kind: Bytes, field: Field, layout: Layout) -> Iterator[tuple[str, Any]]:
    yield "shown", "bytes"


@shown.register
def _(kind: Magic, field: Field, layout: Layout) -> Iterator[tuple[str, Any]]:
    yield "shown", "magic"


@shown.register
def _(kind: Uuid, field: Field, layout: Layout) -> Iterator[tuple[str, Any]]:
    yield "shown", "uuid"


@shown.register
def _(kind: Utf8Z, field: Field, layout: Layout) -> Iterator[tuple[str, Any]]:
    yield from _text(kind, field, terminated=True)


@shown.register
def _(kind: Utf8, field: Field, layout: Layout) -> Iterator[tuple[str, Any]]:
    yield from _text(kind, field, terminated=False)
    if kind.padded:
        yield "padding", f"{field.key}_padding"


@shown.register
def _(kind: Blob, field: Field, layout: Layout) -> Iterator[tuple[str, Any]]:
    yield "shown", "blob"
    yield "padding", f"{field.key}_padding"


@shown.register
def _(kind: RegisterValue, field: Field, layout: Layout) -> Iterator[tuple[str, Any]]:
    yield "shown", "register"
    yield "padding", f"{field.key}_padding"


@shown.register
def _(kind: PageStateMap, field: Field, layout: Layout) -> Iterator[tuple[str, Any]]:
    assert kind.states is not None
    yield "shown", "runs"
    yield "id", "page_states"
    yield "raw", field.key
    yield "names", _names(kind.states)


@shown.register
def _(kind: Rest, field: Field, layout: Layout) -> Iterator[tuple[str, Any]]:
    yield "shown", "raw"


@shown.register
def _(kind: PageData, field: Field, layout: Layout) -> Iterator[tuple[str, Any]]:
    yield "shown", "data"


@shown.register
def _(kind: Table, field: Field, layout: Layout) -> Iterator[tuple[str, Any]]:
    yield "shown", "table"
    yield "structure", kind.entry.key


@shown.register
def _(kind: Choice, field: Field, layout: Layout) -> Iterator[tuple[str, Any]]:
    yield "shown", "choice"
    yield "tag", stored_id(layout.field(kind.tag_key))
    yield "cases", {str(tag): case.key for tag, case in kind.cases.items()}
    yield "otherwise", OPAQUE


def _text(kind: Utf8Z, field: Field, *, terminated: bool) -> Iterator[tuple[str, Any]]:
    yield "shown", "text"
    yield "raw", f"{field.key}_raw"
    yield "length", kind.length_key
    yield "terminated", terminated


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
