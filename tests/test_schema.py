"""The schema against itself: nothing missing, ambiguous, out of range or changeable."""

from __future__ import annotations

import dataclasses
import importlib
import itertools
import keyword
import re
from collections import Counter
from collections.abc import Iterator

import pytest
from construct import Construct

from msl_construct.drafts import DEFAULT_DRAFT, DRAFTS, schema
from msl_construct.schema import (
    BitRange,
    Draft,
    Enumeration,
    Field,
    FlagDefinition,
    Layout,
    Record,
    Schema,
    Start,
    Table,
)
from msl_construct.schema.choice import Choice
from msl_construct.schema.pages import PageData, PageStateMap
from msl_construct.schema.variable import Measured
from msl_construct.schema.vocabulary import Coded, Fixed, Flags, Magic, Reserved, Uint

ID = re.compile(r"[a-z][a-z0-9_]*")
SECTION = re.compile(r"§\d+(\.\d+)*")
LEVELS = {"MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY"}
ACTORS = {"producer", "live acquirer", "importer", "consumer"}


@pytest.fixture(params=[(d, o) for d in DRAFTS for o in ("little", "big")], ids="-".join)
def bound(request: pytest.FixtureRequest) -> Schema:
    return schema(*request.param)


@pytest.fixture(params=list(DRAFTS))
def draft(request: pytest.FixtureRequest) -> Draft:
    return DRAFTS[request.param]


def layouts_of(schema_: Schema) -> Iterator[Layout]:
    """Every layout, those of table entries included."""
    waiting = list(schema_.layouts.values())
    while waiting:
        layout = waiting.pop()
        yield layout
        waiting += [f.type.entry for f in layout.fields if isinstance(f.type, Table)]
        choices = [f.type.cases for f in layout.fields if isinstance(f.type, Choice)]
        waiting += [case for cases in choices for case in cases.values()]


def enumerations_of(schema_: Schema) -> Iterator[Enumeration]:
    yield from schema_.enumerations.values()
    yield schema_.page_states
    for word in schema_.flags.values():
        yield from (bit.enumeration for bit in word.bits if isinstance(bit, BitRange))


def registries_of(schema_: Schema) -> Iterator[Enumeration | FlagDefinition]:
    yield from enumerations_of(schema_)
    yield from schema_.flags.values()


def is_sentence(text: str) -> bool:
    return len(text) > 5 and text[0].isupper() and text.endswith(".") and text == text.strip()


# -- names, sections, sentences --------------------------------------------------------------


def test_every_key_is_legal_in_python_and_ksy(bound: Schema) -> None:
    keys = list(bound.layouts) + [block.key for block in bound.blocks.values()]
    for layout in layouts_of(bound):
        keys += [layout.key, *(f.key for f in layout.fields)]
    for enumeration in enumerations_of(bound):
        keys += [enumeration.key, *(v.name for v in enumeration.values)]
    for word in bound.flags.values():
        keys += [word.key, *(bit.name for bit in word.bits)]
    assert len(keys) > 250
    wrong = [k for k in keys if not ID.fullmatch(k) or keyword.iskeyword(k) or not k.isidentifier()]
    assert wrong == []


def test_field_keys_are_unique_and_leave_room_for_ours(bound: Schema) -> None:
    taken = {"rest", "raw", "offsets", "damage", "extension"}
    for layout in layouts_of(bound):
        keys = [f.key for f in layout.fields]
        assert [k for k, n in Counter(keys).items() if n > 1] == [], layout.title
        assert not taken & set(keys), layout.title
        hidden = [k for k in keys if hasattr(Record(), k)]
        assert hidden == [], f"{layout.title}: not readable as attributes"
        assert all(layout.field(f.key) is f for f in layout.fields)


def test_layout_and_block_keys_agree(bound: Schema) -> None:
    keys = [block.key for block in bound.blocks.values()]
    assert len(keys) == len(set(keys))
    for code, block in bound.blocks.items():
        assert block.code == code
        assert bound.block(code) is block
        assert bound.block(block.key) is block
        if block.layout is not None:
            assert bound.layouts[block.key] is block.layout
            assert block.layout.key == block.key
    with pytest.raises(KeyError):
        bound.block("no_such_block")


def test_everything_has_a_section_and_a_sentence(bound: Schema) -> None:
    missing: list[str] = []

    def look(where: str, section: str, text: str) -> None:
        if not SECTION.fullmatch(section) or not is_sentence(text):
            missing.append(f"{where}: {section!r} {text!r}")

    for layout in layouts_of(bound):
        for field in layout.fields:
            look(f"{layout.title}.{field.name}", field.section, field.text)
    for block in bound.blocks.values():
        look(block.name, block.section, block.text)
    for registry in registries_of(bound):
        look(registry.name, registry.section, registry.text)
    for coverage in bound.draft.chain:
        look(coverage.structure, coverage.section, coverage.text)
    assert missing == []


def test_optional_texts_and_notes_are_well_formed(bound: Schema) -> None:
    texts = [v.text for e in enumerations_of(bound) for v in e.values]
    texts += [bit.text for word in bound.flags.values() for bit in word.bits]
    assert [t for t in texts if t and not is_sentence(t)] == []
    notes = [*bound.draft.notes]
    notes += [n for b in bound.blocks.values() for n in b.notes]
    notes += [n for layout in layouts_of(bound) for f in layout.fields for n in f.notes]
    assert len(notes) > 20
    for note in notes:
        assert note.level in LEVELS, note
        assert note.who in ACTORS, note
        assert is_sentence(note.text), note
        assert not note.section or SECTION.fullmatch(note.section), note


def test_sections_exist_in_the_drafts(bound: Schema, draft_texts: dict[str, str]) -> None:
    text = "".join(draft_texts.values())
    known = set(re.findall(r"§\d+(?:\.\d+)*", text)) | {"§5.9", "§5.10", "§5.11"}
    used = {f.section for layout in layouts_of(bound) for f in layout.fields}
    used |= {registry.section for registry in registries_of(bound)}
    used |= {b.section for b in bound.blocks.values()}
    used |= {n.section for b in bound.blocks.values() for n in b.notes if n.section}
    used |= {n.section for la in layouts_of(bound) for f in la.fields for n in f.notes if n.section}
    assert used <= known


# -- codes and bits --------------------------------------------------------------------------


def test_codes_are_unique_and_in_range(bound: Schema) -> None:
    for enumeration in enumerations_of(bound):
        codes = [v.code for v in enumeration.values]
        names = [v.name for v in enumeration.values]
        assert len(codes) == len(set(codes)), enumeration.name
        assert len(names) == len(set(names)), enumeration.name
        assert codes == sorted(codes), enumeration.name
        assert all(0 <= code < 1 << 8 * enumeration.width for code in codes), enumeration.name


def test_spans_are_in_range_and_hold_no_registered_code(bound: Schema) -> None:
    for enumeration in enumerations_of(bound):
        spans = enumeration.spans
        for span in spans:
            assert 0 <= span.first <= span.last < 1 << 8 * enumeration.width, enumeration.name
            if enumeration.name != "BlockType":  # there a span says what a range is for
                inside = [v for v in enumeration.values if span.first <= v.code <= span.last]
                assert inside == [], enumeration.name
        for before, after in itertools.pairwise(spans):
            assert before.last < after.first, enumeration.name


def test_flag_bits_are_disjoint_and_in_range(bound: Schema) -> None:
    for word in bound.flags.values():
        covered: list[int] = []
        for bit in word.bits:
            width = bit.bits if isinstance(bit, BitRange) else 1
            covered += range(bit.bit, bit.bit + width)
            if isinstance(bit, BitRange):
                assert all(v.code < 1 << width for v in bit.enumeration.values)
        assert len(covered) == len(set(covered)), word.name
        assert all(0 <= number < 8 * word.width for number in covered), word.name
        assert word.defined == sum(1 << number for number in covered), word.name
        names = [bit.name for bit in word.bits]
        assert len(names) == len(set(names)), word.name


def test_two_bit_fields_have_all_four_values(bound: Schema) -> None:
    assert [v.code for v in bound.page_states.values] == [0, 1, 2, 3]
    algorithm = bound.flags["BlockFlags"].field("CompAlgo")
    assert (algorithm.bit, algorithm.bits, algorithm.mask) == (1, 2, 0b110)
    assert [v.code for v in algorithm.enumeration.values] == [0, 1, 2, 3]
    assert not algorithm.enumeration.permits(3)
    assert bound.page_states.permits(3) == (bound.name != "draft-2026-03")


def test_vendor_codes_are_permitted_and_reserved_ones_are_not(bound: Schema) -> None:
    for name in ("OSType", "ArchType"):
        registry = bound.enumerations[name]
        answers = [registry.permits(v) for v in (0, 9, 0xFF, 0x100, 0x1234, 0xFFFE, 0xFFFF)]
        assert answers == [True, True, False, True, True, True, True]
    assert not bound.enumerations["ClockSource"].permits(5)
    assert not bound.enumerations["BlockType"].permits(0)


def test_every_registry_is_used_by_a_field(bound: Schema) -> None:
    kinds = [f.type for layout in layouts_of(bound) for f in layout.fields]
    coded = {kind.enumeration_name for kind in kinds if isinstance(kind, Coded)}
    flagged = {kind.definition_name for kind in kinds if isinstance(kind, Flags)}
    assert coded == set(bound.enumerations)
    assert flagged == set(bound.flags)


# -- layouts ---------------------------------------------------------------------------------


def referenced(field: Field) -> list[tuple[str, type]]:
    """Keys of earlier fields that a field's type reads."""
    kind = field.type
    if isinstance(kind, Choice):
        return [(kind.length_key, Uint), (kind.tag_key, Coded)]
    if isinstance(kind, Measured):
        return [(kind.length_key, Uint)]
    if isinstance(kind, Table):
        sized = [(kind.entry_size_key, Uint)] if kind.entry_size_key else []
        return [(kind.count_key, Uint), *sized]
    if isinstance(kind, PageStateMap):
        return [(kind.size_key, Uint), (kind.log2_key, Uint)]
    if isinstance(kind, PageData):
        return [(kind.map_key, PageStateMap), (kind.log2_key, Uint)]
    return []


def test_what_a_field_refers_to_stands_before_it(bound: Schema) -> None:
    seen = 0
    for layout in layouts_of(bound):
        for index, field in enumerate(layout.fields):
            before = {f.key: f for f in layout.fields[:index]}
            for key, kind in referenced(field):
                assert key in before, f"{layout.title}.{field.name}"
                assert isinstance(before[key].type, kind), f"{layout.title}.{field.name}"
                seen += 1
    assert seen >= 12


def test_every_length_field_measures_exactly_one_field(bound: Schema) -> None:
    for layout in layouts_of(bound):
        used = Counter(key for f in layout.fields for key, _ in referenced(f))
        lengths = [f.key for f in layout.fields if re.search(r"(?<=[a-z])(Len|Count)$", f.name)]
        of_others = ("block_count", "key_len", "kem_ct_len", "build_id_len", "cipher_len")
        of_others += ("target_count", "seg_cipher_len")
        lengths = [k for k in lengths if k not in of_others]
        assert {k: used[k] for k in lengths} == dict.fromkeys(lengths, 1), layout.title


def test_fixed_fields_are_contiguous(bound: Schema) -> None:
    for layout in layouts_of(bound):
        offset = 0
        for field in layout.fields:
            if not isinstance(field.type, Fixed):
                break
            assert layout.offset_of(field.key) == offset, f"{layout.title}.{field.name}"
            offset += field.type.width
    assert (
        bound.file_header.offset_of("reserved") + bound.file_header.field("reserved").type.minimum
        == 64
    )


def test_sizes(bound: Schema) -> None:
    assert bound.file_header.size == bound.file_header_size == 64
    assert bound.block_header.size == bound.block_header_size == 80
    assert bound.layouts["end_of_capture"].size == 48
    assert bound.layouts["related_dump"].size == (24 if bound.name[-2:] == "03" else 56)
    assert bound.layouts["related_dump"].minimum == 24
    with pytest.raises(TypeError):
        _ = bound.layouts["module_entry"].size
    with pytest.raises(KeyError):
        bound.layouts["module_entry"].offset_of("version")
    with pytest.raises(KeyError):
        bound.layouts["module_entry"].offset_of("nothing")


def test_constant_structures_tell_construct_their_size(bound: Schema) -> None:
    assert bound.file_header.sizeof() == 64
    assert bound.block_header.sizeof() == 80


def test_magics_and_construct_classes(bound: Schema) -> None:
    assert (bound.file_magic, bound.block_magic) == (b"MEMSLICE", b"MSLC")
    for layout in layouts_of(bound):
        assert isinstance(layout, Construct)
        assert all(isinstance(f.type, Construct) for f in layout.fields)
        for field in layout.fields:
            if isinstance(field.type, Magic):
                assert layout.offset_of(field.key) == 0
            assert field.name.startswith("Reserved") == isinstance(field.type, Reserved)


def test_optional_fields_end_their_layout(bound: Schema) -> None:
    for layout in layouts_of(bound):
        flags = [f.optional for f in layout.fields]
        assert flags == sorted(flags), layout.title


def test_defaults_can_be_stored_and_are_permitted(bound: Schema) -> None:
    for layout in layouts_of(bound):
        for field in layout.fields:
            if field.default is None or not isinstance(field.type, Fixed):
                continue
            raw = field.type.encode(field.default, {})
            assert len(raw) == field.type.width
            value = field.type.load(field.type.store(field.default))
            assert list(field.type.problems(value, {})) == [], f"{layout.title}.{field.name}"


def test_capabilities_and_chain_name_what_exists(bound: Schema) -> None:
    bits = {bit.label for bit in bound.flags["CapBitmap"].bits}
    named = {b.capability for b in bound.blocks.values()} - {None}
    assert named <= bits
    assert bits - named <= {"SharedMemory"}  # a property of regions, no block type of its own
    for coverage in bound.draft.chain:
        layout = bound.layouts[coverage.structure]
        assert layout.field(coverage.field).type.minimum == 32
        assert bound.coverage(coverage.structure) is coverage
    starts = {c.structure: c.start for c in bound.draft.chain}
    expected = {"block_header": Start.PREVIOUS, "end_of_capture": Start.FILE}
    if bound.draft.segments:
        expected["end_of_extension"] = Start.SEGMENT
    assert starts == expected


# -- the schema as an object -----------------------------------------------------------------


def test_schema_is_made_once() -> None:
    assert schema() is schema(DEFAULT_DRAFT, "little") is schema(byte_order="little")
    assert schema(DEFAULT_DRAFT, "big") is not schema()
    assert DEFAULT_DRAFT == "draft-2026-03"
    assert schema().byte_order.prefix == "<"
    assert schema(byte_order="big").byte_order.prefix == ">"


@pytest.mark.parametrize("arguments", [("draft-1999-01",), ("2026-03",), (DEFAULT_DRAFT, "middle")])
def test_unknown_draft_or_byte_order(arguments: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=re.escape(arguments[-1])):
        schema(*arguments)


def test_schema_cannot_be_changed(bound: Schema) -> None:
    layout = bound.layouts["memory_region"]
    frozen: list[tuple[object, str]] = [
        (bound, "draft"), (bound, "file_header"), (bound.draft, "name"),
        (bound.block("memory_region"), "code"), (layout.field("base_addr"), "type"),
        (bound.enumerations["OSType"], "values"), (bound.enumerations["OSType"].values[0], "code"),
        (bound.flags["CapBitmap"], "bits"), (bound.flags["CapBitmap"].bits[0], "bit"),
        (layout, "fields"), (layout.field("base_addr").type, "width"),
        (layout.field("page_state_map").type, "low"), (layout, "anything_new"),
    ]  # fmt: skip
    for owner, name in frozen:
        with pytest.raises((AttributeError, dataclasses.FrozenInstanceError, TypeError)):
            setattr(owner, name, 1)
    for mapping in (bound.blocks, bound.enumerations, bound.flags, bound.layouts):
        with pytest.raises(TypeError):
            mapping["new"] = None  # type: ignore[index]


def test_registered_codes_cannot_be_renamed(bound: Schema) -> None:
    code = bound.enumerations["OSType"].decode(1)
    try:
        with pytest.raises(AttributeError):
            code.name = "other"
    finally:
        if code.name != "linux":
            code.name = "linux"  # one object serves the whole process


def test_public_names_exist() -> None:
    package = importlib.import_module("msl_construct.schema")
    for name in package.__all__:
        assert hasattr(package, name)
    assert isinstance(schema().flags["BlockFlags"], FlagDefinition)
