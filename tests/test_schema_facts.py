"""The schema against the drafts' facts: typed by hand, and read from their Markdown."""

from __future__ import annotations

import re
from typing import Any

import facts
import markdown_facts as markdown
import pytest
from facts import DRAFT_03, DRAFT_10

from msl_construct.drafts import DRAFTS, schema
from msl_construct.schema import BitRange, Layout, Table
from msl_construct.schema.choice import Choice
from msl_construct.schema.vocabulary import Fixed

drafts = pytest.mark.parametrize("draft", list(DRAFTS))
UNTYPED = "their facts are to be typed from the text: a block's in tests/independent/blocks/"


def rows(layout: Layout) -> list[Any]:
    """(name, width) of the fields; a table is followed by the rows of an entry."""
    found: list[Any] = []
    for field in layout.fields:
        kind = field.type
        if isinstance(kind, Table):
            found.append((field.name, rows(kind.entry)))
        elif isinstance(kind, Choice):
            found.append((field.name, {tag: rows(case) for tag, case in kind.cases.items()}))
        else:
            found.append((field.name, kind.width if isinstance(kind, Fixed) else None))
    return found


def payloads(draft: str) -> dict[int, list[Any]]:
    blocks = schema(draft).blocks.items()
    return {code: rows(block.layout) for code, block in blocks if block.layout is not None}


def codes(draft: str, registry: str) -> dict[int, str]:
    return {v.code: v.label for v in schema(draft).enumerations[registry].values}


def folded(values: dict[int, str]) -> dict[int, str]:
    return {code: label.casefold() for code, label in values.items()}


# -- the table typed by hand -----------------------------------------------------------------


@drafts
def test_headers(draft: str) -> None:
    assert rows(schema(draft).file_header) == facts.FILE_HEADER[draft]
    assert rows(schema(draft).block_header) == facts.BLOCK_HEADER
    encryption = schema(draft).encryption_header
    if draft == DRAFT_03:
        assert encryption is None
        assert schema(draft).seal_header is None
    else:
        seal = schema(draft).seal_header
        assert encryption is not None
        assert seal is not None
        assert rows(encryption) == facts.ENCRYPTION_HEADER
        assert rows(seal) == facts.SEAL_HEADER
        assert encryption.size == seal.size == 64
    assert rows(schema(draft).compressed_payload) == [("UncompressedSize", 8), ("Stream", None)]


@drafts
def test_payloads(draft: str) -> None:
    found = payloads(draft)
    expected = facts.PAYLOADS[draft]
    named = {hex(code): schema(draft).blocks[code].name for code in found.keys() - expected.keys()}
    assert not named, UNTYPED
    assert expected.keys() == found.keys()
    for code, fields in expected.items():
        assert found[code] == fields, hex(code)


@drafts
def test_offsets_and_sizes(draft: str) -> None:
    blocks = schema(draft).blocks
    for (code, name), offset in facts.OFFSETS.items():
        layout = blocks[code].layout
        assert layout is not None
        key = next(f.key for f in layout.fields if f.name == name)
        assert layout.offset_of(key) == offset, name
    for (which, code), size in facts.SIZES.items():
        if which == draft:
            assert schema(draft).layouts[blocks[code].key].size == size, hex(code)


@drafts
def test_codes(draft: str) -> None:
    found = {name: codes(draft, name) for name in schema(draft).enumerations}
    known = facts.CODES[draft]
    untyped = {
        name: {code: label for code, label in labels.items() if code not in known.get(name, {})}
        for name, labels in found.items()
    }
    assert not {name: codes for name, codes in untyped.items() if codes}, (
        f"{UNTYPED}, a code's in tests/facts.py"
    )
    assert found == known
    widths = {name: e.width for name, e in schema(draft).enumerations.items()}
    assert widths == {name: facts.CODE_WIDTHS[name] for name in facts.CODES[draft]}
    assert {v.code: v.label for v in schema(draft).page_states.values} == facts.PAGE_STATES[draft]


@drafts
def test_flags(draft: str) -> None:
    found = {
        name: (word.width, {bit.bit: bit.label for bit in word.bits})
        for name, word in schema(draft).flags.items()
    }
    assert found == facts.FLAGS[draft]


# -- the drafts themselves -------------------------------------------------------------------


def test_header_tables(draft_texts: dict[str, str]) -> None:
    text = draft_texts[DRAFT_03]
    for section, layout in (
        ("§3", schema(DRAFT_03).file_header),
        ("§4.1", schema(DRAFT_03).block_header),
        ("§5.1", schema(DRAFT_03).layouts["memory_region"]),
    ):
        table = [row for row in markdown.table(text, section) if row[1] != "Payload"]
        assert len(table) == len(layout.fields), section
        for (offset, name, size), field in zip(table, layout.fields):
            assert name == field.name
            assert size == (field.type.width if isinstance(field.type, Fixed) else None), name
            if offset is not None:
                assert layout.offset_of(field.key) == offset, name


LISTS = [
    (DRAFT_03, "§4.5", "", "end_of_capture"),
    (DRAFT_03, "§5.2", "", "module_entry"),
    (DRAFT_03, "§5.3", "", "module_list_index"),
    (DRAFT_03, "§5.4", "", "process_identity"),
    (DRAFT_03, "§5.5", "", "related_dump"),
    (DRAFT_03, "§5.6", "", "key_hint"),
    (DRAFT_03, "§9", "Block 0: ", "import_provenance"),
    (DRAFT_10, "§4.6", "End-of-Extension (0x0FFE): ", "end_of_extension"),
    (DRAFT_10, "§5.7", "", "thread_context"),
    (DRAFT_10, "§5.8", "", "vas_map"),
]


@pytest.mark.parametrize(("draft", "section", "after", "key"), LISTS)
def test_field_lists(
    draft_texts: dict[str, str], draft: str, section: str, after: str, key: str
) -> None:
    own, entry = markdown.fields(draft_texts[draft], section, after)
    if key == "thread_context":
        entry, _ = markdown.fields(draft_texts[draft], section, "Each register: ")
    layout = schema(draft).block(key).layout
    assert layout is not None
    check(own, layout)
    tables = [f.type.entry for f in layout.fields if isinstance(f.type, Table)]
    assert bool(tables) == bool(entry)
    for inner in tables:
        check(entry, inner)


def check(listed: list[markdown.Listed], layout: Layout) -> None:
    """A list of the draft against the fields of a layout, its table excepted."""
    fields = [f for f in layout.fields if not isinstance(f.type, Table)]
    assert [name for _, name, _ in listed] == [f.name for f in fields]
    for (offset, name, width), field in zip(listed, fields):
        assert width == (field.type.width if isinstance(field.type, Fixed) else None), name
        if offset is not None:
            assert layout.offset_of(field.key) == offset, name


def test_the_encryption_extension(draft_texts: dict[str, str]) -> None:
    """Every offset and width that the draft gives of it."""
    text = markdown.section(draft_texts[DRAFT_10], "§3").split("Encryption extension")[1]
    layout = schema(DRAFT_10).encryption_header
    assert layout is not None
    found = re.findall(r"\+0x([0-9A-F]{2}) (\w+)(?: u(\d+)|\[(\d+)\])?", text)
    assert len(found) == len(layout.fields)
    for (offset, name, bits, count), field in zip(found, layout.fields):
        assert field.name.removesuffix("2") == name
        assert layout.offset_of(field.key) == int(offset, 16), name
        assert field.type.minimum == (int(bits) // 8 if bits else int(count or 1)), name


def test_what_the_later_draft_says_of_older_structures(draft_texts: dict[str, str]) -> None:
    text, new = draft_texts[DRAFT_10], schema(DRAFT_10)
    for section, layout in (
        ("§3", new.file_header),
        ("§4.5", new.layouts["end_of_capture"]),
    ):
        found = markdown.placed(markdown.section(text, section).split("Encryption extension")[0])
        new_fields = [f for f in layout.fields if f.since == DRAFT_10]
        assert [name for _, name, _ in found] == [f.name for f in new_fields]
        for (offset, _, width), field in zip(found, new_fields):
            assert layout.offset_of(field.key) == offset
            assert field.type.minimum == width
    assert "then TargetHash[32]" in markdown.section(text, "§5.5")


@pytest.mark.parametrize(
    ("draft", "section", "after", "registry"),
    [
        (DRAFT_03, "§3", "OSType: ", "OSType"),
        (DRAFT_03, "§3", "ArchType: ", "ArchType"),
        (DRAFT_03, "§3", "| ClockSource | ", "ClockSource"),
        (DRAFT_03, "§5.1", "| RegionType | ", "RegionType"),
        (DRAFT_03, "§5.5", "Relationship u16 (", "Relationship"),
        (DRAFT_03, "§5.6", "KeyType: ", "KeyType"),
        (DRAFT_03, "§5.6", "Protocol: ", "Protocol"),
        (DRAFT_03, "§5.6", "Confidence u8 (", "Confidence"),
        (DRAFT_03, "§5.6", "KeyState u8 (", "KeyState"),
        (DRAFT_03, "§9", "SourceFormat: ", "SourceFormat"),
        (DRAFT_10, "§3", "HashAlgo u8: ", "HashAlgo"),
        (DRAFT_10, "§5.7", "ThreadState u8 (", "ThreadState"),
        (DRAFT_10, "§5.8", "NameSource u8 (", "NameSource"),
        (DRAFT_10, "§3", "KDFType u8 (", "KDFType"),
        (DRAFT_10, "§3", "EncAlgo u8 (", "EncAlgo"),
        (DRAFT_10, "§5.9-§5.11", "BuildIdSource u8 (", "BuildIdSource"),
        (DRAFT_10, "§5.9-§5.11", "Reason u8 (", "OmissionReason"),
    ],
)
def test_code_lists(
    draft_texts: dict[str, str], draft: str, section: str, after: str, registry: str
) -> None:
    values, spans = markdown.codes(draft_texts[draft], section, after)
    assert folded(codes(draft, registry)) == folded(values)
    declared = [(s.first, s.last, s.use) for s in schema(draft).enumerations[registry].spans]
    assert declared == spans


def test_block_type_lists(draft_texts: dict[str, str]) -> None:
    first = markdown.block_types(draft_texts[DRAFT_03])
    assert {k: v for k, v in codes(DRAFT_03, "BlockType").items() if k} == first
    assert set(codes(DRAFT_03, "BlockType")) - set(first) == {0}  # "Invalid, MUST NOT appear"
    later = markdown.block_types(draft_texts[DRAFT_10])
    assert codes(DRAFT_10, "BlockType") == {0: "Invalid"} | first | later


@pytest.mark.parametrize(
    ("draft", "section", "after", "word"),
    [
        (DRAFT_03, "§8", "", "CapBitmap"),
        (DRAFT_10, "§3", "Flags: ", "HeaderFlags"),
        (DRAFT_10, "§5.7", "Flags u16 (", "ThreadFlags"),
        (DRAFT_10, "§5.7", "Width u8 · Flags u16 (", "RegisterFlags"),
    ],
)
def test_flag_lists(
    draft_texts: dict[str, str], draft: str, section: str, after: str, word: str
) -> None:
    found = markdown.bits(draft_texts[draft], section, after)
    assert {bit.bit: bit.label for bit in schema(draft).flags[word].bits} == found


def test_block_flags_and_protection(draft_texts: dict[str, str]) -> None:
    text = draft_texts[DRAFT_03]
    flags = markdown.section(text, "§4.2")
    for bit in schema(DRAFT_03).flags["BlockFlags"].bits:
        last = bit.bit + bit.bits - 1 if isinstance(bit, BitRange) else bit.bit
        where = f"bits {bit.bit}-{last}" if last > bit.bit else f"bit {bit.bit}"
        assert f"{where} {bit.label}" in flags
    expected = "bit 0 R, 1 W, 2 X, 3 Guard, 4 CopyOnWrite"
    assert expected in markdown.section(text, "§5.1")
    labels = [bit.label for bit in schema(DRAFT_03).flags["Protection"].bits]
    assert labels == ["Read", "Write", "Execute", "Guard", "CopyOnWrite"]


def test_cap_bitmap_of_block_types(draft_texts: dict[str, str]) -> None:
    """The bits whose block types the draft names in brackets."""
    for label, listed in markdown.capabilities(draft_texts[DRAFT_03]).items():
        blocks = schema(DRAFT_03).blocks.values()
        assert {b.code for b in blocks if b.capability == label} == listed, label
    later = markdown.section(draft_texts[DRAFT_10], "§6").split("CapBitmap: ")[1]
    bits = {b.bit: b.label for b in schema(DRAFT_10).flags["CapBitmap"].bits if b.bit > 10}
    assert later.split(".")[0].split(", ") == [f"{k} {v}" for k, v in bits.items()]
