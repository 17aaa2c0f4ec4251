"""The exported .ksy keeps the conventions of Kaitai's format gallery and what all targets need.

The conventions are written down here once more, from the gallery's style guide and from what
was measured, and not taken from the exporter. Every check is shown to find something.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from ksy_files import Node, attributes, parsed
from languages import toolchains
from languages.toolchains import Missing

from msl_construct.drafts import DRAFTS
from msl_construct.exports.ksy import export, gallery
from msl_construct.exports.ksy.style import Hex, Prose, Quoted, emitted

TEXTS = {name: export(draft) for name, draft in DRAFTS.items()}
NEWEST = list(TEXTS)[-1]
TEXTS["gallery"] = gallery.export(DRAFTS[NEWEST])
KSY = {name: parsed(text) for name, text in TEXTS.items()}

DOCUMENT = ["meta", "doc", "doc-ref", "seq", "instances", "types", "enums"]
_META = """
    id title application file-extension xref tags license ks-version imports encoding endian
    bit-endian
"""
META = _META.split()
TYPE = ["meta", "doc", "doc-ref", "to-string", "seq", "instances", "types", "enums"]
_ATTRIBUTE = """
    id -orig-id size size-eos type enum terminator include consume eos-error pad-right encoding
    process valid contents repeat repeat-expr repeat-until if doc doc-ref
"""
ATTRIBUTE = _ATTRIBUTE.split()
INSTANCE = ["-orig-id", "io", "pos", "value", *ATTRIBUTE[2:]]
MEMBER = ["id", "doc", "doc-ref", "-orig-id"]
IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")
NEVER = {"imports", "process", "params", "ks-debug", "ks-opaque-types", "encoding", "bit-endian"}


def ordered(keys: Iterator[str] | Node, order: list[str], where: str) -> Iterator[str]:
    found = list(keys)
    unknown = [key for key in found if key not in order]
    if unknown:
        yield f"{where}: no key of the gallery: {unknown}"
    elif found != sorted(found, key=order.index):
        yield f"{where}: {found} is not in the gallery's order"


# -- the text ---------------------------------------------------------------------------------


def plain_text(text: str, _: Node) -> Iterator[str]:
    if "\r" in text or "\t" in text:
        yield "line ends or tabs"
    if not text.endswith("\n") or text.endswith("\n\n"):
        yield "not one newline at the end"
    for number, line in enumerate(text.splitlines(), 1):
        if line != line.rstrip():
            yield f"{number}: trailing blanks"
        if line.startswith(("---", "...", "%")):
            yield f"{number}: more than one document"
        if (len(line) - len(line.lstrip())) % 2:
            yield f"{number}: indentation is not in twos"
        if line.lstrip().startswith("#") or " #" in line.split("'")[0]:
            yield f"{number}: a comment, which no parser shows"


def sequences_stand_under_their_key(text: str, _: Node) -> Iterator[str]:
    lines = text.splitlines()
    for number, (above, line) in enumerate(pairwise(lines), 2):
        if line.lstrip().startswith("- ") and above.endswith(":"):
            indent = len(above) - len(above.lstrip())
            if above.lstrip().startswith("- "):
                indent += 2
            if len(line) - len(line.lstrip()) != indent + 2:
                yield f"{number}: not indented under {above.strip()}"


def prose_fits_80_columns(text: str, _: Node) -> Iterator[str]:
    inside = -1
    for number, line in enumerate(text.splitlines(), 1):
        indent = len(line) - len(line.lstrip())
        if inside >= 0 and line and indent <= inside:
            inside = -1
        starts = re.match(r"( *)(?:- )?doc: ", line)
        if starts and line.endswith("doc: |"):
            inside = indent
        elif starts and re.search(r"doc: [^|'\"]*: ", line):
            yield f"{number}: not plain"
        if (inside >= 0 or starts) and len(line) > 80:
            yield f"{number}: {len(line)} columns"


def codes_are_hexadecimal(text: str, _: Node) -> Iterator[str]:
    enums = text[text.index("\nenums:\n") :]
    for line in enums.splitlines():
        if re.match(r" {4}\S", line) and not re.fullmatch(r" {4}0x[0-9a-f]+:", line):
            yield f"{line.strip()}: not hexadecimal in lower case"


def the_version_of_the_compiler_is_text(text: str, _: Node) -> Iterator[str]:
    if "\n  ks-version: '0.11'\n" not in text:
        yield "ks-version is not quoted: YAML makes a number of it"


# -- the document -----------------------------------------------------------------------------


def keys_are_in_order(_: str, ksy: Node) -> Iterator[str]:
    yield from ordered(ksy, DOCUMENT, "document")
    yield from ordered(ksy["meta"], META, "meta")
    for key, body in ksy["types"].items():
        yield from ordered(body, TYPE, key)
        if set(body.get("meta", {})) - {"endian"}:
            yield f"{key}: meta of a type says only its byte order"
    for where, key, attribute in attributes(ksy):
        order = INSTANCE if where.endswith("instances") else ATTRIBUTE
        yield from ordered(attribute, order, f"{where}.{key}")
    for key, members in ksy["enums"].items():
        for code, member in members.items():
            yield from ordered(member, MEMBER, f"{key}[{code:#x}]")
        if list(members) != sorted(members):
            yield f"{key}: codes are not in order"


def the_file_says_what_it_is(_: str, ksy: Node) -> Iterator[str]:
    wanted = {"id", "title", "application", "file-extension", "license", "ks-version"}
    if missing := wanted - set(ksy["meta"]):
        yield f"meta lacks {missing}"
    if ksy["meta"].get("license") != "CC0-1.0":
        yield "the licence is that of a transcription"
    says_why = "one name for one thing" in " ".join(ksy["doc"].split())
    if says_why == any(name.startswith("len_") for name in (one["id"] for one in ksy["seq"])):
        yield "the doc does not say why fields are not called len_*"


def the_web_ide_can_take_it(_: str, ksy: Node) -> Iterator[str]:
    def keys(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            yield from map(str, node)
            for inner in node.values():
                yield from keys(inner)
        elif isinstance(node, list):
            for inner in node:
                yield from keys(inner)

    if found := NEVER & set(keys(ksy)):
        yield f"uses {found}"


def names_are_identifiers(_: str, ksy: Node) -> Iterator[str]:
    names = [ksy["meta"]["id"], *ksy["types"], *ksy["enums"]]
    names += [key for _, key, _ in attributes(ksy)]
    names += [m["id"] for members in ksy["enums"].values() for m in members.values()]
    for name in names:
        if not IDENTIFIER.fullmatch(name):
            yield f"{name!r} is no identifier"


def names_are_taken_once(_: str, ksy: Node) -> Iterator[str]:
    classes = [*ksy["types"], *ksy["enums"]]
    root = [a["id"] for a in ksy["seq"]]
    if twice := {n for n in classes + root if (classes + root).count(n) > 1}:
        yield f"{twice}: C# has one name for two things"
    for key, body in ksy["types"].items():
        here = [a["id"] for a in body["seq"]] + list(body.get("instances", {}))
        if len(here) != len(set(here)) or key in here:
            yield f"{key}: a name stands twice"
    for key, members in ksy["enums"].items():
        ids = [m["id"] for m in members.values()]
        if len(ids) != len(set(ids)):
            yield f"{key}: a member stands twice"


def byte_order_where_it_matters(_: str, ksy: Node) -> Iterator[str]:
    """A switch where nothing needs it breaks Rust and Nim, and one that is missing breaks all."""
    for key, body in ksy["types"].items():
        kinds = [a.get("type") for a in (*body["seq"], *body.get("instances", {}).values())]
        needs = any(kind in ("u2", "u4", "u8") for kind in kinds)
        if needs != ("endian" in body.get("meta", {})):
            yield f"{key}: byte order {'missing' if needs else 'without need'}"
        if not body["seq"]:
            yield f"{key}: an empty seq"


def switches_have_a_way_out(_: str, ksy: Node) -> Iterator[str]:
    for where, key, attribute in attributes(ksy):
        kind = attribute.get("type")
        if isinstance(kind, dict):
            if kind["cases"].get("_") not in ksy["types"]:
                yield f"{where}.{key}: C++ has no common field for what no case takes"
            if list(kind["cases"])[-1] != "_":
                yield f"{where}.{key}: the other cases stand behind `_`"


def registries_keep_unknown_codes(_: str, ksy: Node) -> Iterator[str]:
    """An `enum` on a stored field loses the value in Java and Lua, and kills the parse in Nim."""
    for where, key, attribute in attributes(ksy):
        if "enum" in attribute and "value" not in attribute:
            closed = "any-of" in attribute.get("valid", {}) or attribute["type"] == "b2"
            if not closed:
                yield f"{where}.{key}: an unregistered code is lost"
        if "enum" in attribute and attribute["enum"] not in ksy["enums"]:
            yield f"{where}.{key}: no such enumeration"


def text_never_ends_the_parse(_: str, ksy: Node) -> Iterator[str]:
    for where, key, attribute in attributes(ksy):
        if attribute.get("type") in ("str", "strz"):
            yield f"{where}.{key}: Python, C++ and Lua abort on what is not UTF-8"


def values_are_checked_only_as_all_targets_can(_: str, ksy: Node) -> Iterator[str]:
    for where, key, attribute in attributes(ksy):
        if set(attribute.get("valid", {})) - {"min", "max", "any-of"}:
            yield f"{where}.{key}: `valid: expr` does not compile for Nim"
        for value in attribute.values():
            if isinstance(value, str) and " >> " in value and not value.endswith(".as<u1>"):
                yield f"{where}.{key}: C# needs a cast behind a shift"


def documentation_is_safe(_: str, ksy: Node) -> Iterator[str]:
    docs = [ksy["doc"], *(body["doc"] for body in ksy["types"].values())]
    docs += [a["doc"] for _, _, a in attributes(ksy) if "doc" in a]
    docs += [m["doc"] for e in ksy["enums"].values() for m in e.values() if "doc" in m]
    for doc in docs:
        if re.search(r'\*/|\\|"""|"\s*$', doc):
            yield f"{doc!r} ends a comment in some language"


def fields_are_documented(_: str, ksy: Node) -> Iterator[str]:
    for where, key, attribute in attributes(ksy):
        if where.endswith("seq") and "-orig-id" in attribute and "doc" not in attribute:
            yield f"{where}.{key}: no doc"
    for key, body in ksy["types"].items():
        if "doc" not in body:
            yield f"{key}: no doc"


Check = Callable[[str, Node], Iterator[str]]

# Each check, and an edit of the text that it must find.
CHECKS: dict[Check, tuple[str, str]] = {
    plain_text: ("seq:\n", "seq: \n"),
    sequences_stand_under_their_key: ("\nseq:\n  - id: magic", "\nseq:\n- id: magic"),
    prose_fits_80_columns: ("doc: Properties of the whole file.", "doc: " + "word " * 16 + "end"),
    codes_are_hexadecimal: ("\n    0x0001:\n", "\n    1:\n"),
    the_version_of_the_compiler_is_text: ("'0.11'", "0.11"),
    keys_are_in_order: (
        "        -orig-id: BlockUUID\n        size: 16\n",
        "        size: 16\n        -orig-id: BlockUUID\n",
    ),
    the_file_says_what_it_is: ("CC0-1.0", "MIT"),
    the_web_ide_can_take_it: ("  license:", "  imports: [other]\n  license:"),
    names_are_identifiers: ("- id: block_uuid", "- id: blockUuid"),
    names_are_taken_once: ("- id: block_uuid", "- id: prev_hash"),
    byte_order_where_it_matters: (
        "  opaque_payload:\n",
        "  opaque_payload:\n    meta:\n      endian: le\n",
    ),
    switches_have_a_way_out: ("            _: opaque_payload\n", ""),
    registries_keep_unknown_codes: (
        "        -orig-id: PayloadVersion\n        type: u2\n",
        "        -orig-id: PayloadVersion\n        type: u2\n        enum: os_type\n",
    ),
    text_never_ends_the_parse: ("        type: padded_text\n", "        type: strz\n"),
    values_are_checked_only_as_all_targets_can: ("      min: 64\n", "      expr: _ > 63\n"),
    documentation_is_safe: ("doc: Access rights.", "doc: Access rights */ and more."),
    fields_are_documented: ("        doc: Access rights.\n", ""),
}


@pytest.mark.parametrize("name", list(TEXTS))
@pytest.mark.parametrize("check", list(CHECKS), ids=lambda check: check.__name__)
def test_convention(check: Check, name: str) -> None:
    assert list(check(TEXTS[name], KSY[name])) == []


@pytest.mark.parametrize("check", list(CHECKS), ids=lambda check: check.__name__)
def test_the_check_finds_something(check: Check) -> None:
    before, after = CHECKS[check]
    assert before in TEXTS[NEWEST]
    text = TEXTS[NEWEST].replace(before, after, 1)
    try:
        ksy = parsed(text)
    except Exception:  # only a check of the text itself may be shown with broken YAML
        ksy = {}
    assert list(check(text, ksy)) != []


def test_the_compiler_has_nothing_against_the_names_of_the_gallery(tmp_path: Path) -> None:
    try:
        java, jars = toolchains.program("java"), toolchains.jars()
    except Missing as missing:
        pytest.skip(str(missing))

    def warnings(name: str) -> int:
        source = tmp_path / f"{KSY[name]['meta']['id']}.ksy"
        source.write_text(TEXTS[name], encoding="utf-8")
        quick = "-XX:TieredStopAtLevel=1"
        command = [java, quick, "-cp", f"{jars}/*", "io.kaitai.struct.JavaMain", "-t", "python"]
        done = subprocess.run(
            [*command, "-d", tmp_path / "out", source], capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return (done.stdout + done.stderr).count("warning: ")

    assert warnings(NEWEST) > 0, "the compiler checks no names"
    assert warnings("gallery") == 0


def test_the_gallery_has_the_same_fields_by_other_names() -> None:
    plain, other = KSY[NEWEST], KSY["gallery"]
    assert (other["meta"]["id"], other["meta"]["application"]) == ("msl", "memslicer")
    assert list(plain["types"]) == list(other["types"])
    renamed = gallery.renamed_fields(DRAFTS[NEWEST])
    for name, node in plain["types"].items():
        own = renamed.get(name, {})
        ids = [own.get(one["id"], one["id"]) for one in node["seq"]]
        assert ids == [one["id"] for one in other["types"][name]["seq"]]
        assert len({*ids}) == len(ids)
    assert other["types"]["block"]["seq"][-2]["size"] == "len_block - 80"
    assert not [i for n in other["types"].values() for i in n["seq"] if i["id"].endswith("_len")]


# -- the emitter ------------------------------------------------------------------------------

SCALARS = [
    "plain", "a: b", "a #b", "a#b", "it's", "'quoted'", "true", "no", "NULL", "~", "12", "0x1f",
    "1.0", "0.11", "1e3", "-", "- a", "-orig-id", "?", "? a", ": a", "a:", "@a", "`a", "&a", "*a",
    "!a", "|", ">", "%a", "[a]", "{a}", ",", "a, b", "§5.1", "endian::little", "(a + 7) / 8 * 8",
    "x ? 1 : 2", "not _io.eof", "", " a", "a ", "1_000", "2001-01-01", "1:30", "=", "<<", "y", "é",
]  # fmt: skip


@pytest.mark.parametrize("text", SCALARS)
def test_text_is_read_back_as_the_same_text(text: str) -> None:
    assert parsed(emitted({"key": text, "seq": [text, {"id": text}]})) == {
        "key": text,
        "seq": [text, {"id": text}],
    }
    assert parsed(emitted({"key": Quoted(text)})) == {"key": text}
    if text:
        assert parsed(emitted({text: 1})) == {text: 1}


def test_numbers_and_prose_are_written_as_they_are_meant() -> None:
    long = " ".join(["words"] * 30)
    text = emitted({Hex(5, 4): True, "count": 12, "a": {"doc": Prose(long + "\n\nsecond: one.")}})
    assert text.startswith("0x0005: true\ncount: 12\na:\n  doc: |\n    words words")
    doc = parsed(text)["a"]["doc"]
    first, second = doc.rstrip("\n").split("\n\n")
    assert first.replace("\n", " ") == long
    assert second == "second: one."
