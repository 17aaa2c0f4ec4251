"""``msl schema check``: a declaration that contradicts itself is found, in every way there is."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import facts
import pytest

from msl_construct.drafts import DRAFTS
from msl_construct.exports import consistency
from msl_construct.exports.consistency import findings
from msl_construct.exports.difference import differences
from msl_construct.schema import Bit, Draft, Field, Layout, Note, Span, Table, Value
from msl_construct.schema.variable import Rest, Utf8Z
from msl_construct.schema.vocabulary import U8, U16, U32, Coded, Reserved

OLD, NEW = DRAFTS[facts.DRAFT_03], DRAFTS[facts.DRAFT_10]


def _layout(draft: Draft) -> Layout:
    layout = next(b.layout for b in draft.blocks if b.key == "process_identity")
    assert layout is not None
    return layout


def with_layout(draft: Draft, layout: Layout) -> Draft:
    """A draft with another layout of the Process Identity."""
    blocks = (replace(b, layout=layout) if b.key == layout.key else b for b in draft.blocks)
    return replace(draft, blocks=tuple(blocks))


def with_fields(*fields: Field) -> Draft:
    """A draft whose Process Identity has these fields in front of its own."""
    layout = _layout(OLD)
    return with_layout(OLD, Layout(layout.title, layout.section, (*fields, *layout.fields)))


def with_word(name: str, *bits: Any) -> Draft:
    """A draft with more bits in one of its flag words."""
    flags = tuple(
        replace(word, bits=(*word.bits, *bits)) if word.name == name else word for word in OLD.flags
    )
    return replace(OLD, flags=flags)


def with_registry(name: str, *values: Value, spans: tuple[Span, ...] = ()) -> Draft:
    """A draft with more codes and spans in one of its enumerations."""
    return replace(
        OLD,
        enumerations=tuple(
            replace(e, values=(*e.values, *values), spans=(*e.spans, *spans))
            if e.name == name
            else e
            for e in OLD.enumerations
        ),
    )


def broken() -> Iterator[tuple[str, str, Draft]]:
    """(kind of the finding, where, draft) for every way to go wrong."""
    text = "Something or other."
    first = OLD.blocks[1]
    twin = replace(first, name="Another Name", layout=None)
    yield "duplicate-code", "BlockType", replace(OLD, blocks=(*OLD.blocks, twin))
    twin = replace(first, code=0x77, layout=None)
    yield "duplicate-key", "BlockType", replace(OLD, blocks=(*OLD.blocks, twin))
    blocks = (*OLD.blocks[:1], replace(first, layout=_layout(OLD)), *OLD.blocks[2:])
    yield "two-names", first.name, replace(OLD, blocks=blocks)
    blocks = (*OLD.blocks[:1], replace(first, capability="Telepathy"), *OLD.blocks[2:])
    yield "no-such-flag", first.name, replace(OLD, blocks=blocks)
    blocks = (*OLD.blocks[:1], replace(first, in_segment=True), *OLD.blocks[2:])
    yield "no-segments", first.name, replace(OLD, blocks=blocks)
    blocks = (*OLD.blocks[:1], replace(first, in_capture=False), *OLD.blocks[2:])
    yield "no-place", first.name, replace(OLD, blocks=blocks)
    blocks = (*OLD.blocks[:1], replace(first, parent="nobody"), *OLD.blocks[2:])
    yield "no-such-parent", first.name, replace(OLD, blocks=blocks)
    note = Note("OUGHT", "producer", text)
    blocks = (*OLD.blocks[:1], replace(first, notes=(note,)), *OLD.blocks[2:])
    yield "no-level", first.name, replace(OLD, blocks=blocks)
    yield "duplicate-code", "KeyState", with_registry("KeyState", Value(1, "Awake"))
    yield "duplicate-key", "OSType", with_registry("OSType", Value(0x42, "MAC os", "macos"))
    yield "out-of-range", "KeyState.Awake", with_registry("KeyState", Value(256, "Awake"))
    yield "no-identifier", "KeyState.2 fast", with_registry("KeyState", Value(9, "2 fast"))
    yield "code-in-span", "OSType, span", with_registry("OSType", Value(0x0101, "Plan 9"))
    span = Span(0x0050, 0x0200, "vendor")
    yield "overlapping-spans", "OSType", with_registry("OSType", spans=(span,))
    span = Span(0x100, 0x300, "vendor")
    yield "out-of-range", "KeyState, span", with_registry("KeyState", spans=(span,))
    yield "overlapping-bits", "Protection.Fetch", with_word("Protection", Bit(2, "Fetch"))
    yield "overlapping-bits", "BlockFlags.Fetch", with_word("BlockFlags", Bit(2, "Fetch"))
    yield "out-of-range", "Protection.Fetch", with_word("Protection", Bit(8, "Fetch"))
    yield "duplicate-key", "Protection", with_word("Protection", Bit(6, "Read"))
    unused = replace(OLD.enumerations[0], name="Weather")
    yield (
        "unused-registry",
        "Weather",
        replace(OLD, enumerations=(*OLD.enumerations, unused)),
    )
    yield (
        "duplicate-name",
        "registries",
        replace(OLD, enumerations=(*OLD.enumerations, OLD.enumerations[0])),
    )
    states = replace(OLD.page_states, values=(*OLD.page_states.values, Value(9, "Frozen")))
    yield "out-of-range", "PageState.Frozen", replace(OLD, page_states=states)
    yield "no-hash", "chain", replace(OLD, chain=())
    yield "no-hash", "chain", replace(NEW, chain=NEW.chain[:-1])
    link = replace(OLD.chain[0], field="no_such_field")
    yield "no-such-hash", "block_header.no_such_field", replace(OLD, chain=(link,))
    link = replace(OLD.chain[0], field="block_uuid")
    yield "no-such-hash", "block_header.block_uuid", replace(OLD, chain=(link,))
    for kind, name, field in (
        ("duplicate-key", "", Field("ppid", U32, text)),
        ("taken-key", ".rest", Field("Rest", U32, text)),
        ("taken-key", ".items", Field("Items", U32, text)),
        ("no-identifier", ".class", Field("Class", U32, text)),
        ("no-sentence", ".odd", Field("Odd", U32, "odd")),
        ("no-section", ".odd", Field("Odd", U32, text, section="chapter 3")),
        ("no-such-registry", ".odd", Field("Odd", Coded("Weather"), text)),
        ("reference", ".odd", Field("Odd", Utf8Z("OddLen"), text)),
        ("reference", ".odd", Field("Odd", Utf8Z("CmdLineLen"), text)),
        ("rest-not-last", ".odd", Field("Odd", Rest(), text)),
        ("optional-not-last", ".ppid", Field("Odd", U32, text, optional=True)),
        ("default", ".odd", Field("Odd", U8, text, default=256)),
        ("default", ".odd", Field("Odd", Reserved(4), text, default=bytes(3))),
        ("unaligned", ".exe_path", Field("Odd", U16, text)),
    ):
        yield kind, f"process_identity{name}", with_fields(field)
    entry = Layout("Odd Entry", "§1", (Field("Odd", Utf8Z("OddLen"), text),))
    table = Table("PPID", entry)
    layout = _layout(OLD)
    inside = Layout(layout.title, "§1", (*layout.fields, Field("Odds", table, text)))
    yield "reference", "process_identity.odds[].odd", with_layout(OLD, inside)


BROKEN = list(broken())


@pytest.mark.parametrize(
    ("kind", "where", "draft"), BROKEN, ids=[f"{kind}-{where}" for kind, where, _ in BROKEN]
)
def test_every_way_to_go_wrong_is_found(kind: str, where: str, draft: Draft) -> None:
    before = set(findings(OLD))
    fresh = [one for one in findings(draft) if one not in before]
    assert (kind, True) in {(one.kind, one.where.startswith(where)) for one in fresh}, fresh


def test_every_kind_of_finding_is_shown_by_a_case() -> None:
    source = inspect.getsource(consistency)
    kinds = set(re.findall(r'(?:Inconsistency|_unique)\(\s*"([a-z-]+)"', source))
    assert kinds == {kind for kind, _, _ in BROKEN}


@pytest.mark.parametrize("draft", list(DRAFTS))
def test_the_drafts_themselves_are_consistent(draft: str) -> None:
    found = findings(DRAFTS[draft])
    assert [one for one in found if not one.remark] == []
    # A Key Hint's note begins at 0x2c: so the drafts say.
    assert [one.where for one in found] == ["key_hint.note"]


def test_an_order_that_changed_is_a_difference() -> None:
    layout = _layout(NEW)
    turned = Layout(layout.title, layout.section, (*layout.fields[:-2], *layout.fields[:-3:-1]))
    changes = differences(NEW, with_layout(NEW, turned))
    (order,) = (c for c in changes if c.kind == "structure")
    assert (order.change, order.where) == ("changed", "process_identity")
    assert order.before["fields"][-2:] == ["exe_path", "cmd_line"]
    assert order.after["fields"][-2:] == ["cmd_line", "exe_path"]
    # The one that comes first begins at a constant offset.
    moved = ["process_identity.cmd_line", "process_identity.exe_path"]
    assert [c.where for c in changes if c.kind == "field"] == moved
