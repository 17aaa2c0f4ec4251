"""What draft 2026-10 changes in draft 2026-03, and nothing else."""

from __future__ import annotations

import facts
import pytest
from facts import DRAFT_03, DRAFT_10
from independent import blocks

from msl_construct.drafts import DRAFTS, PUBLIC, schema
from msl_construct.exports import description
from msl_construct.schema import Layout, Schema, Table, Value
from msl_construct.schema.choice import Choice

OLD, NEW = schema(DRAFT_03), schema(DRAFT_10)
CHANGED = {"file_header", "end_of_capture", "related_dump"}
ADDED = {
    "encryption_header",
    "seal_header",
    "thread_context",
    "process_table",
    "connection_table",
    "connectivity_table",
    "physical_memory_map",
    "module_build_id_manifest",
    "region_omission_manifest",
    "vas_map",
    "end_of_extension",
    *(one.key for one in blocks.ADDED),
}


def shape(layout: Layout) -> list[object]:
    """Names, types and widths of a layout's fields."""
    found: list[object] = []
    for field in layout.fields:
        kind = field.type
        inner = shape(kind.entry) if isinstance(kind, Table) else None
        found.append((field.name, type(kind).__name__, kind.minimum, field.optional, inner))
    return found


def test_identity() -> None:
    assert PUBLIC == (DRAFT_03, DRAFT_10)
    assert (OLD.draft.version, NEW.draft.version) == (0x0100, 0x0101)
    assert (OLD.draft.base, NEW.draft.base) == (None, OLD.draft)
    assert (OLD.draft.segments, NEW.draft.segments) == (False, True)
    assert [o.value for o in OLD.draft.byte_orders] == ["little", "big"]
    assert [o.value for o in NEW.draft.byte_orders] == ["little"]
    assert OLD.draft.payload_version == NEW.draft.payload_version == 1


def test_layouts_change_where_the_draft_says_so_and_nowhere_else() -> None:
    added = set(NEW.layouts) - set(OLD.layouts)
    assert added - ADDED == set(), "say what is known of them in tests/independent/blocks/"
    assert added == ADDED
    assert set(OLD.layouts) - set(NEW.layouts) == set()
    different = {k for k in OLD.layouts if shape(OLD.layouts[k]) != shape(NEW.layouts[k])}
    assert different == CHANGED


@pytest.mark.parametrize(
    ("structure", "gained"),
    [
        ("file_header", {"block_count": False, "hash_algo": False, "reserved": False}),
        ("end_of_capture", {"block_count": True, "reserved": True}),
        ("related_dump", {"target_hash": True}),
    ],
)
def test_since_marks_just_the_new_fields(structure: str, gained: dict[str, bool]) -> None:
    layout = NEW.layouts[structure]
    new = {f.key: f.optional for f in layout.fields if f.since == DRAFT_10}
    assert new == gained
    assert all(f.since == DRAFT_03 for f in layout.fields if f.key not in gained)


def test_since_and_until_are_filled_in_everywhere() -> None:
    def fields(layout: Layout) -> list[tuple[str, str, str]]:
        found: list[tuple[str, str, str]] = []
        for field in layout.fields:
            found.append((layout.title, field.name, field.since))
            if isinstance(field.type, Table):
                found += fields(field.type.entry)
            elif isinstance(field.type, Choice):
                found += [f for case in field.type.cases.values() for f in fields(case)]
        return found

    empty = [f for s in (OLD, NEW) for la in s.layouts.values() for f in fields(la) if not f[2]]
    assert empty == []
    for key, layout in OLD.layouts.items():
        assert {f.since for f in layout.fields} == {DRAFT_03}, key
        assert {f.until for f in layout.fields} == {""}, key
    for key in ADDED:
        assert {f.since for f in NEW.layouts[key].fields} == {DRAFT_10}, key
    assert all(f.until == "" for la in NEW.layouts.values() for f in la.fields)
    assert all(f.until == DRAFT_10 for f in NEW.draft.removed)
    for s in (OLD, NEW):
        assert all(b.since for b in s.blocks.values())
        assert all(v.since for e in s.enumerations.values() for v in e.values)
        assert all(bit.since for w in s.flags.values() for bit in w.bits)


def test_block_types_keep_the_draft_that_registered_them() -> None:
    for code, block in NEW.blocks.items():
        assert block.since == (DRAFT_03 if code in OLD.blocks else DRAFT_10), block.name
        if code in OLD.blocks:
            assert block.name == OLD.blocks[code].name
            assert block.capability == OLD.blocks[code].capability


def test_values_and_bits_change_as_listed() -> None:
    def values(registry: str, s: Schema) -> set[tuple[int, str]]:
        return {(v.code, v.name) for v in s.enumerations[registry].values}

    for registry in OLD.enumerations:
        added = values(registry, NEW) - values(registry, OLD)
        assert values(registry, OLD) <= values(registry, NEW), registry
        if registry == "KeyType":
            assert added == {(0x0C, "ml_kem_private_key")}
        elif registry == "BlockType":
            assert {code for code, _ in added} == set(NEW.blocks) - set(OLD.blocks)
        else:
            assert added == set(), registry
    new_value = next(v for v in NEW.enumerations["KeyType"].values if v.code == 0x0C)
    assert new_value.since == DRAFT_10
    for word in OLD.flags:
        before = {b.bit: b.name for b in OLD.flags[word].bits}
        after = {b.bit: b.name for b in NEW.flags[word].bits}
        assert {k: v for k, v in after.items() if k in before} == before, word
        if word not in ("HeaderFlags", "CapBitmap"):
            assert after == before, word


def test_page_state_3_changes_its_meaning() -> None:
    def state(s: Schema) -> Value:
        return s.page_states.values[3]

    assert (state(OLD).name, state(OLD).reserved, state(OLD).since) == ("reserved", True, DRAFT_03)
    assert (state(NEW).name, state(NEW).reserved, state(NEW).since) == (
        "not_resident", False, DRAFT_10,
    )  # fmt: skip
    assert OLD.page_states.values[:3] == NEW.page_states.values[:3]


@pytest.mark.parametrize("draft", list(DRAFTS))
def test_segments_and_forbidden_blocks(draft: str) -> None:
    blocks = schema(draft).blocks.values()
    assert {b.code for b in blocks if b.in_segment} == facts.IN_SEGMENT[draft]
    assert {b.code for b in blocks if b.forbidden} == facts.FORBIDDEN[draft]
    described = description.describe(DRAFTS[draft])["structures"]
    told = {int(one["code"], 16): one for one in described.values() if "code" in one}
    assert {code for code, one in told.items() if not one["in_capture"]} == (
        facts.NOT_IN_CAPTURE[draft]
    )
    codes = {key: int(one["code"], 16) for key, one in described.items() if "code" in one}
    children = {code: codes[one["parent"]] for code, one in told.items() if one["parent"]}
    assert children == facts.CHILDREN[draft]


@pytest.mark.parametrize(
    ("field", "draft", "permitted", "refused"),
    [
        ("header_size", DRAFT_03, [64], [0, 63, 72, 128]),
        ("header_size", DRAFT_10, [64, 128], [0, 72, 255]),
        ("version", DRAFT_03, [0x0100], [0x0101, 0x0200]),
        ("version", DRAFT_10, [0x0101], [0x0102, 0x0200]),
        ("endianness", DRAFT_03, [1, 2], [0, 3]),
        ("endianness", DRAFT_10, [1], [0, 2, 3]),
    ],
)
def test_permitted_header_values(
    field: str, draft: str, permitted: list[int], refused: list[int]
) -> None:
    kind = schema(draft).file_header.field(field).type
    assert [v for v in permitted if list(kind.problems(v, {}))] == []
    assert [v for v in refused if not list(kind.problems(v, {}))] == []


def test_an_overlay_of_something_unknown_is_refused() -> None:
    base = DRAFTS[DRAFT_03]
    with pytest.raises(ValueError, match="NoSuchRegistry"):
        base.overlay("x", 1, "test", values={"NoSuchRegistry": (Value(1, "One"),)})
    with pytest.raises(ValueError, match="no_such_layout"):
        base.overlay("x", 1, "test", layouts={"no_such_layout": lambda layout: layout})
    assert base.name == DRAFT_03


def test_an_overlay_has_no_headers_where_it_says_that_there_are_none() -> None:
    base = DRAFTS["draft-2026-10"]
    assert base.encryption_header is not None
    plain = base.overlay("plain", 0x01FF, "draft", encryption_header=None, seal_header=None)
    assert (plain.encryption_header, plain.seal_header) == (None, None)
    assert plain.block_header is base.block_header
