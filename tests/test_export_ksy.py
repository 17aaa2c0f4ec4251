"""The exported .ksy says what the drafts say: names, widths, codes, sections, bounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import facts
import pytest
from independent.layouts import Cursor, read_payload
from ksy_files import Node, attributes, fields, parsed

from msl_construct.drafts import DRAFTS
from msl_construct.errors import ExportError, MslError
from msl_construct.exports.ksy import export
from msl_construct.exports.ksy.words import checked_id, member_id
from msl_construct.schema import (
    BlockType,
    Draft,
    Enumeration,
    Field,
    FlagDefinition,
    Layout,
    Table,
    Value,
)
from msl_construct.schema.base import Vocabulary
from msl_construct.schema.choice import Choice
from msl_construct.schema.codes import Bit
from msl_construct.schema.vocabulary import U8, U32, Flags

KSY = {name: parsed(export(draft)) for name, draft in DRAFTS.items()}
both = pytest.mark.parametrize("name", list(KSY))


def payload_type(ksy: Node, code: int) -> str:
    return str(payload_cases(ksy)[code])


def payload_cases(ksy: Node) -> Node:
    """The types of payloads by what tells them apart."""
    cases: Node = ksy["types"]["block"]["instances"]["payload"]["type"]["cases"]
    return cases


# -- against the facts that were typed by hand ----------------------------------------------


@both
def test_headers_have_every_field_and_its_width(name: str) -> None:
    ksy = KSY[name]
    front = [(a["-orig-id"], len(a.get("contents", "x"))) for a in ksy["seq"] if "-orig-id" in a]
    assert front + fields(ksy, "file_header_fields") == facts.FILE_HEADER[name]
    assert fields(ksy, "block") == facts.BLOCK_HEADER


@both
def test_payloads_have_every_field_and_its_width(name: str) -> None:
    ksy = KSY[name]
    cases = payload_cases(ksy)
    assert set(cases) - {0x10000, "_"} == set(facts.PAYLOADS[name])
    for code, expected in facts.PAYLOADS[name].items():
        assert fields(ksy, cases[code]) == expected, f"{code:#06x}"


def test_encrypted_files_have_their_headers_described() -> None:
    assert fields(KSY[facts.DRAFT_10], "encryption_header") == facts.ENCRYPTION_HEADER
    seal = fields(KSY[facts.DRAFT_10], "seal_header")
    magic, *others = facts.SEAL_HEADER
    assert seal[1:] == others
    assert seal[0][0] == magic[0]
    assert KSY[facts.DRAFT_10]["types"]["seal_header"]["seq"][0]["contents"] == "MSLS"
    assert not {"encryption_header", "seal_header"} & set(KSY[facts.DRAFT_03]["types"])


@both
def test_codes_are_those_of_the_draft(name: str) -> None:
    enums = KSY[name]["enums"]
    for registry, codes in facts.CODES[name].items():
        key = {"Endianness": "endianness_value", "OSType": "os_type", "KDFType": "kdf_type"}.get(
            registry, "".join(f"_{c.lower()}" if c.isupper() else c for c in registry).strip("_")
        )
        found = {code: member["-orig-id"] for code, member in enums[key].items()}
        assert found == codes, registry
    assert {c: m["-orig-id"] for c, m in enums["page_state"].items()} == facts.PAGE_STATES[name]


@both
def test_flags_test_the_bits_of_the_draft(name: str) -> None:
    """Each word is found by the labels of its bits, and each bit by its mask."""
    for word, (_, bits) in facts.FLAGS[name].items():
        holders = [
            found
            for body in KSY[name]["types"].values()
            if (found := {i["-orig-id"]: i for i in body.get("instances", {}).values()
                          if "-orig-id" in i}).keys() >= set(bits.values())
        ]  # fmt: skip
        assert holders, word
        for bit, label in bits.items():
            value = holders[0][label]["value"]
            if label == "CompAlgo":
                assert value == "((flags >> 1) & 3).as<u1>"
            else:
                assert value.split(" ", 1)[1] == f"& {1 << bit:#x} != 0"


# -- against the decoder that imports nothing of ours -----------------------------------------

CHOSEN = {"page_size_log2": 12, "region_size": 0, "row_len": 200}
COUNTS = {"count", "entry_count", "row_count", "reg_count"}


class Recording(Cursor):
    """Notes what is read where, and says that there is one entry of every table."""

    def __init__(self, revised: bool, tag: int = 0) -> None:
        super().__init__(memoryview(bytes(2000)), "<", 0, revised)
        self.tag = tag
        self.notes: list[tuple[str, int]] = []
        self.first: Recording = self

    def take(self, size: int, what: str) -> bytes:
        out = super().take(size, what)
        if size:
            self.first.notes.append((what, size))
        return out

    def within(self, size: int, what: str) -> Cursor:
        inner = Recording(self.revised, self.tag)
        inner.first = self.first
        self.pos += size
        return inner

    def _int(self, code: str, size: int, what: str) -> int:
        super()._int(code, size, what)
        if what in COUNTS:
            return 1
        return self.tag if what == "row_type" else CHOSEN.get(what, 0)


def stored(ksy: Node, type_id: str, tag: int) -> Iterator[tuple[str, int]]:
    """What a type reads where all lengths are zero and every table has one entry."""
    for attribute in ksy["types"][type_id]["seq"]:
        kind = attribute.get("type")
        size = attribute.get("size")
        if "repeat" in attribute:
            yield from stored(ksy, kind, tag)
        elif isinstance(kind, dict):
            yield from stored(ksy, kind["cases"].get(tag, kind["cases"]["_"]), tag)
        elif isinstance(kind, str) and kind[1:].isdigit():
            yield attribute["id"].removesuffix("_code"), int(kind[1:])
        elif isinstance(size, int):
            yield attribute["id"], size


@both
def test_the_independent_decoder_reads_the_same_fields_at_the_same_offsets(name: str) -> None:
    ksy = KSY[name]
    for code in facts.PAYLOADS[name]:
        for tag in range(1, 8) if code == 0x0054 else (0,):
            cursor = Recording(revised=name == facts.DRAFT_10, tag=tag)
            read_payload(code, cursor)
            expected = cursor.notes
            found = list(stored(ksy, payload_type(ksy, code), tag))
            assert found == expected, f"{code:#06x}, row type {tag}"


# -- against the declaration ------------------------------------------------------------------


def layouts_of(layout: Layout) -> Iterator[Layout]:
    yield layout
    for one in layout.fields:
        inner: list[Layout] = []
        if isinstance(one.type, Table):
            inner = [one.type.entry]
        elif isinstance(one.type, Choice):
            inner = list(one.type.cases.values())
        for found in inner:
            yield from layouts_of(found)


@both
def test_every_field_has_its_sentence_its_rules_and_its_section(name: str) -> None:
    ksy = KSY[name]
    bound = DRAFTS[name].bound(DRAFTS[name].byte_orders[0])
    for top in bound.layouts.values():
        for layout in layouts_of(top):
            key = {"block_header": "block", "file_header": "file_header_fields"}.get(
                layout.key, layout.key
            )
            body = ksy["types"][key]
            found = {a.get("-orig-id"): a for a in body.get("instances", {}).values()}
            if key == "file_header_fields":
                found |= {a.get("-orig-id"): a for a in ksy["seq"]}
            found |= {a.get("-orig-id"): a for a in body["seq"]}
            for one in layout.fields:
                attribute = found[one.name]
                doc = " ".join(attribute["doc"].split())
                assert one.text in doc
                for note in one.notes:
                    assert note.text.removesuffix(".") in doc
                where = attribute.get("doc-ref", body["doc-ref"])
                assert where == f"Memory Slice {name}, {one.section}", f"{key}.{one.key}"


@both
def test_every_table_is_bounded_by_the_bytes_that_are_there(name: str) -> None:
    counted = 0
    for where, _, attribute in list(attributes(KSY[name])):
        if attribute.get("repeat") != "expr" or where.endswith("instances"):
            continue
        body = KSY[name]["types"][where.split(".")[0]]
        count = next(a for a in body["seq"] if a["id"] == attribute["repeat-expr"])
        entry = KSY[name]["types"][attribute["type"]]
        smallest = sum(size for _, size in stored(KSY[name], attribute["type"], -1))
        assert entry["seq"]
        assert count["valid"] == {
            "max": f"((_io.size.as<s8> - _io.pos.as<s8>).as<s8> / {smallest}).as<u4>"
        }
        assert smallest >= 2, "so no count is beyond C++'s int"
        counted += 1
    assert counted == sum(
        isinstance(size, list) for rows in facts.PAYLOADS[name].values() for _, size in rows
    )


@both
def test_no_structure_loses_bytes(name: str) -> None:
    """Whatever stands behind the known fields has an attribute: files can be written back."""
    ksy = KSY[name]
    types = ksy["types"]
    cases = payload_cases(ksy)
    sized = set(cases.values()) | {"file_header_fields", "padded_text"}
    for body in types.values():
        for attribute in body["seq"]:
            if "size" in attribute and isinstance(attribute.get("type"), dict):
                sized |= set(attribute["type"]["cases"].values())
    for key in sized:
        lasts = [types[key]["seq"][-1], *types[key].get("instances", {}).values()]
        assert any(one.get("size-eos") for one in lasts), key
    assert ksy["seq"][-1]["size-eos"]


# -- a change in the declaration changes the output -------------------------------------------


def with_block(fields_: tuple[Field, ...], draft: Draft = DRAFTS[facts.DRAFT_03]) -> Draft:
    block = BlockType(0x0099, "Odd Thing", "§9.9", "Odd.", Layout("Odd Thing", "§9.9", fields_))
    return draft.overlay("draft-odd", 0x0102, "made up", blocks=(block,))


def test_a_new_block_type_is_exported() -> None:
    ksy = parsed(export(with_block((Field("SomeCount", U32, "How many there are."),))))
    assert payload_type(ksy, 0x0099) == "odd_thing"
    assert fields(ksy, "odd_thing") == [("SomeCount", 4)]
    assert ksy["enums"]["block_type"][0x0099]["id"] == "odd_thing"
    assert ksy["types"]["odd_thing"]["doc-ref"] == "Memory Slice draft-odd, §9.9"


class Novel(Vocabulary):
    """A class of which no exporter has heard."""


REFUSED = {
    "a class without a .ksy": ((Field("Thing", Novel(), "New."),), "Novel"),
    "a reserved word": ((Field("Default", U8, "A default."),), "'default'.*reserved in C"),
    "one name for two things": (
        (Field("Body", U8, "One."), Field("body", U8, "Two.")), "another 'body'",
    ),
    "no identifier": ((Field("9Lives", U8, "Cat."),), "'9_lives'|'9lives'"),
}  # fmt: skip


@pytest.mark.parametrize("what", list(REFUSED))
def test_what_cannot_be_said_is_refused(what: str) -> None:
    fields_, message = REFUSED[what]
    with pytest.raises(ExportError, match=message) as caught:
        export(with_block(fields_))
    assert isinstance(caught.value, MslError)
    assert "Odd Thing" in str(caught.value)


def test_two_structures_of_one_name_are_refused() -> None:
    entry = Layout("Register", "§9.9", (Field("Body", U8, "One."),))
    table = (Field("Count", U32, "How many."), Field("Entries", Table("Count", entry), "They."))
    with pytest.raises(ExportError, match="another structure 'register'"):
        export(with_block(table, DRAFTS[facts.DRAFT_10]))


def test_a_flag_that_javascript_cannot_test_is_refused() -> None:
    word = FlagDefinition("OddFlags", 8, "§9.9", "Odd.", (Bit(31, "Far"),))
    draft = replace(with_block((Field("Odd", Flags("OddFlags"), "Odd."),)), flags=(
        *DRAFTS[facts.DRAFT_03].flags, word,
    ))  # fmt: skip
    with pytest.raises(ExportError, match=r"bit 31 \(Far\).*JavaScript"):
        export(draft)


# -- words ------------------------------------------------------------------------------------

# Measured: each broke the generated parser of at least one language.
BREAK_FIELDS = """
    type self ref in end until true read io root parent class default new final import package
    null export is from
"""
# Measured: fine as a field in all of them.
FINE_FIELDS = """
    value hash label method start count name version protocol flags time length reserved key
    state status note magic data reason domain address user width arch target object string
    module thread process path map index range region execute write id to next base none other
"""


@pytest.mark.parametrize("word", BREAK_FIELDS.split())
def test_words_that_break_a_language_are_refused(word: str) -> None:
    with pytest.raises(ExportError, match=f"Some Layout.*'{word}'.*reserved in"):
        checked_id(word, "Some Layout")


@pytest.mark.parametrize("word", FINE_FIELDS.split())
def test_words_that_break_none_pass(word: str) -> None:
    assert checked_id(word, "Some Layout") == word


@pytest.mark.parametrize("word", ["unknown", "self", "end", "in", "is", "class", "true", "false"])
def test_members_that_break_a_language_get_the_registry_behind_them(word: str) -> None:
    assert member_id(word, "os_type") == f"{word}_os_type"


@pytest.mark.parametrize("word", ["other", "none", "unmapped", "reserved", "x86"])
def test_other_members_keep_their_name(word: str) -> None:
    assert member_id(word, "os_type") == word


def test_a_renamed_member_keeps_the_specifications_word() -> None:
    assert KSY[facts.DRAFT_03]["enums"]["os_type"][0xFFFF] == {
        "id": "unknown_os_type", "-orig-id": "Unknown",
    }  # fmt: skip


def test_a_member_that_is_no_identifier_is_refused() -> None:
    registry = Enumeration("Odd", 1, "§9.9", "Odd.", (Value(1, "1st"),))
    draft = replace(DRAFTS[facts.DRAFT_03], enumerations=(
        *DRAFTS[facts.DRAFT_03].enumerations, registry,
    ))  # fmt: skip
    with pytest.raises(ExportError, match=r"enumeration odd.*'1st'"):
        export(draft)


def test_the_same_draft_gives_the_same_text() -> None:
    for draft in DRAFTS.values():
        assert export(draft) == export(draft)


def test_the_newest_file_is_msl_and_the_older_one_says_its_version() -> None:
    ids: dict[str, Any] = {name: ksy["meta"]["id"] for name, ksy in KSY.items()}
    assert ids == {facts.DRAFT_03: "msl_1_0", facts.DRAFT_10: "msl"}
