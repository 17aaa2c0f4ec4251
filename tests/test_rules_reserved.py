"""Nothing that a draft reserves, bytes or codes, is without a rule."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from test_rules_derived import DRAFT_NAMES, derived_findings, undamaged

import msl_construct
from msl_construct.drafts import DRAFTS
from msl_construct.rules import faults as rule_faults
from msl_construct.rules.defect_kinds import kinds_of_field, prohibited
from msl_construct.rules.derived import Derived, derived
from msl_construct.schema import ByteOrder, Field, Layout, Record, Table
from msl_construct.schema.choice import Body, Choice
from msl_construct.schema.codes import Enumeration, Span, Value
from msl_construct.schema.vocabulary import Coded, Reserved


def _structures(layout: Layout) -> Iterator[Layout]:
    yield layout
    for field in layout.fields:
        if isinstance(field.type, Table):
            yield from _structures(field.type.entry)
        elif isinstance(field.type, Choice):
            for case in field.type.cases.values():
                yield from _structures(case)


def _reserved(draft: str) -> set[tuple[str, str]]:
    """Structure and field of everything that a draft reserves."""
    schema = DRAFTS[draft].bound(ByteOrder.LITTLE)
    return {
        (part.key, field.key)
        for layout in schema.layouts.values()
        for part in _structures(layout)
        for field in part.fields
        if isinstance(field.type, Reserved)
    }


def _stored(layout: Layout, record: Record) -> Iterator[tuple[str, Field, int, int]]:
    """Structure, field, offset and length of the values that a structure stores."""
    for field in layout.fields:
        value = record.get(field.key)
        if isinstance(field.type, Table):
            for entry in value or ():
                yield from _stored(field.type.entry, entry)
        elif isinstance(value, Body):
            yield from _stored(value.layout, value)
        elif value is not None and record.offsets is not None:
            yield layout.key, field, *record.offsets[field.key]


def _reserved_bytes(data: bytes) -> Iterator[tuple[str, Field, int, int]]:
    """Where a file has what its draft reserves."""
    with msl_construct.open(data) as dump:
        schema = dump.schema
        stored = list(_stored(schema.file_header, dump.header.record))
        for block in dump.blocks:
            header, payload = block.with_offsets()
            stored += _stored(schema.block_header, header)
            if block.type is not None and block.type.layout is not None and not block.compression:
                stored += _stored(block.type.layout, payload)
    return (place for place in stored if isinstance(place[1].type, Reserved) and place[3])


def test_every_byte_that_is_reserved_has_a_rule_that_fires() -> None:
    """Of every structure; what encrypted files alone have has tests of its own."""
    done: dict[str, set[tuple[str, str]]] = {draft: set() for draft in DRAFT_NAMES}
    for _, data in undamaged():
        with msl_construct.open(data) as dump:
            draft = dump.draft
        for structure, field, start_at, length in _reserved_bytes(data):
            if (structure, field.key) in done[draft]:
                continue
            done[draft].add((structure, field.key))
            name = f"-{structure.upper().replace('_', '-')}-RESERVED-NOT-ZERO"
            for at in range(start_at, start_at + length):
                bad = data[:at] + b"\1" + data[at + 1 :]
                found_here = [
                    rule for rule, offset, _ in derived_findings(bad) if offset == start_at
                ]
                assert [rule for rule in found_here if rule.endswith(name)], (structure, field.key)
    for draft in DRAFT_NAMES:
        apart = ("encryption_header", "seal_header")
        own = {place for place in _reserved(draft) if place[0] not in apart}
        assert own - done[draft] == set(), draft


@pytest.mark.parametrize("spans", [(), (Span(4, 9, "reserved"),), (Span(4, 255, "vendor"),)])
def test_a_code_marked_as_reserved_has_a_rule_whatever_spans_there_are(
    spans: tuple[Span, ...],
) -> None:
    values = (Value(0, "None"), Value(3, "Later", reserved=True))
    registry = Enumeration("Kind", 1, "§1", "A kind.", values, spans)
    kind = Coded("Kind")
    kind.enumeration = registry
    kinds = list(kinds_of_field(Field("Kind", kind, "A kind.")))
    assert "RESERVED-CODE" in kinds
    assert next(prohibited(registry)) == "0x03"
    (problem,) = kind.problems(registry.decode(3), {})
    assert problem.kind == "unregistered-code"


@pytest.mark.parametrize("draft", DRAFT_NAMES)
def test_every_registry_that_reserves_codes_has_a_rule(draft: str) -> None:
    schema = DRAFTS[draft].bound(ByteOrder.LITTLE)
    keys = {rule.find.key for rule in derived(schema) if isinstance(rule.find, Derived)}
    seen = 0
    for layout in schema.layouts.values():
        for part in _structures(layout):
            for field in part.fields:
                kind = field.type
                written = (part.key, field.key) in rule_faults.WRITTEN
                if written or not isinstance(kind, Coded) or kind.valid is not None:
                    continue
                named = any(value.reserved for value in kind.registry.values)
                if named or any(span.use == "reserved" for span in kind.registry.spans):
                    seen += 1
                    assert (part.key, field.section, "RESERVED-CODE") in keys, field.key
    assert seen >= 3
