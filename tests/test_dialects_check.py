"""What `msl check` makes of other producers' files: dialects explain it, nothing is hidden."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from commands import PLACE, run
from conftest import shared
from independent import wire, wire_dialects
from test_dialects_foreign import EXPECTED, path_of
from test_rules_foreign import (
    ALIGNED,
    BITS,
    BLOB,
    CHILDREN,
    CONTEXT,
    EMPTY_KEY,
    HINTS,
    MAP,
    NO_BLOB,
    NO_REGISTERS,
    ORPHAN,
    RESERVED,
    SOURCE_HASH,
    UNKNOWN,
    WRITTEN_AT,
)
from test_rules_foreign import EXPECTED as DEVIATIONS

import msl_construct
from msl_construct.rules import check, rules_for
from msl_construct.rules.engine import Check

VERSION = "MSL-3-FILE-HEADER-VALUE-NOT-PERMITTED"
PAYLOAD_VERSION = "MSL-4.1-BLOCK-HEADER-VALUE-NOT-PERMITTED"
FLAG = "MSL-4.2-COMPRESSED-WITHOUT-COMP-ALGO"
NO_IDENTITY = "MSL-5.4-PROCESS-IDENTITY-NOT-FIRST"
INDEX = "MSL-5.3-MODULE-LIST-INDEX-NOT-SECOND"
UNFOUNDED = "MSL-4.2-HAS-CHILDREN-UNFOUNDED"
ANNOUNCED = "MSL-8-CAP-BITMAP-BIT-WITHOUT-BLOCK"
NO_REGION = "MSL-5.6-KEY-HINT-WITHOUT-REGION"
UNREGISTERED = "MSLX-5.6-KEY-HINT-UNREGISTERED-CODE"
NO_PAGES = "MSLX-5.1-REGION-EMPTY"
OLDER = "api-investigation-all-tables.msl"

EXPLAINED = {
    "memdiver-1.0": {
        NO_BLOB,
        CHILDREN,
        HINTS,
        BITS,
        SOURCE_HASH,
        UNKNOWN,
        CONTEXT,
        ORPHAN,
        INDEX,
        NO_PAGES,
        EMPTY_KEY,
        WRITTEN_AT,
        "MSLX-4.5-ACQUISITION-ENDS-BEFORE-START",
        *NO_REGISTERS,
        *MAP,
        *ALIGNED,
    },
    "memslicer-0.5": {
        UNKNOWN,
        CHILDREN,
        ORPHAN,
        HINTS,
        NO_REGION,
        EMPTY_KEY,
        BLOB,
        ANNOUNCED,
        *NO_REGISTERS,
        *MAP,
    },
    "memslicer-0.2": {
        BITS,
        UNKNOWN,
        CHILDREN,
        UNFOUNDED,
        RESERVED,
        HINTS,
        UNREGISTERED,
        NO_REGION,
        EMPTY_KEY,
        NO_PAGES,
    },
    "radare2": {
        NO_BLOB,
        INDEX,
        "MSL-3-FILE-HEADER-UUID-NIL",
        "MSL-4.1-BLOCK-HEADER-UUID-NIL",
        "MSL-4.5-BLOCK-COUNT-ABSENT",
        "MSL-8-CAP-BITMAP-BLOCK-WITHOUT-BIT",
    },
    "early": {
        VERSION,
        PAYLOAD_VERSION,
        FLAG,
        NO_IDENTITY,
        INDEX,
        BLOB,
        "MSLX-5.1-REGION-TIME-OUTSIDE-ACQUISITION",
    },
}
"""All that each dialect has to explain in these files, by what is known of its producer."""

EDITED_SINCE = "samples/early/chrome_min"
"""Its header says another version than it did when it was hashed."""

IN_DIALECTS = [name for name, dialect in EXPECTED.items() if dialect is not None]


def checked(name: str, *words: str) -> tuple[int, dict[str, Any]]:
    path = path_of(name)
    done = run("check", str(path), "--format", "json", *words)
    return done.returncode, json.loads(done.stdout)["files"][0]


@pytest.mark.parametrize("name", IN_DIALECTS)
def test_what_a_dialect_explains_is_no_failure_and_is_told_apart(name: str) -> None:
    code, file = checked(name)
    assert code == 0
    assert file["dialect"] == EXPECTED[name]
    assert file["producer"]
    told = {row["rule"] for row in file["findings"] if row.get("explained_by")}
    assert told == {rule for rules in file["explained"].values() for rule in rules}
    assert told <= EXPLAINED[file["dialect"]]
    assert file["counts"] == {}
    for row in file["findings"]:
        assert row["rule"] not in told or row["explanation"].endswith(".")


@pytest.mark.parametrize("name", IN_DIALECTS)
def test_whoever_asks_is_told_every_deviation(name: str) -> None:
    for words in (["--strict"], ["--role", "producer", "--role", "live-acquirer"]):
        code, file = checked(name, *words)
        rules = {row["rule"] for row in file["findings"]}
        assert set(file["counts"]) == rules
        assert file["explained"] == {}
        assert code == (1 if rules else 0)
        short = name.split("/", 1)[1]
        if words == ["--strict"] and short in DEVIATIONS:
            # As the draft alone has it; inside of blocks that it does not lay out there is more.
            assert set(DEVIATIONS[short]) <= rules


def test_a_header_that_was_changed_since_is_told_and_is_no_damage() -> None:
    """One byte of the one public capture was raised; with the old one every hash fits."""
    data = path_of(EDITED_SINCE).read_bytes()
    for source in ("-", str(path_of(EDITED_SINCE))):
        done = run("verify", "--json", source, data=data if source == "-" else b"")
        verdict = json.loads(done.stdout)
        assert (done.returncode, verdict["intact"], verdict["file_hash"]) == (4, True, "match")
        (gap,) = verdict["gaps"]
        assert gap["kind"] == "header_changed"
        assert "Version says 01 01 and said 01 00 then" in gap["text"]
    with msl_construct.open(data[:11] + b"\0" + data[12:]) as dump:
        verdict = dump.verify()
        assert (verdict.findings, verdict.gaps) == ([], [])
    for position in (10, 12, 16, 25, 50, 5000):  # nothing else of it may be another
        changed = bytearray(data)
        changed[position] ^= 2
        with msl_construct.open(bytes(changed), draft="draft-2026-03", dialect="early") as dump:
            assert dump.verify().findings, position
    with msl_construct.open(data, draft="draft-2026-03", dialect="none") as dump:
        assert {one.kind for one in dump.verify().findings} == {"chain"}


def test_every_explanation_is_needed_somewhere() -> None:
    found: dict[str, set[str]] = {name: set() for name in EXPLAINED}
    for name in IN_DIALECTS:
        with msl_construct.open(path_of(name)) as dump:
            assert dump.dialect is not None
            rules = {one.rule.id for one in check(dump) if one.explained_by is not None}
            found[dump.dialect] |= rules
    assert found == EXPLAINED


def test_the_text_groups_what_is_explained() -> None:
    path = shared("samples", "memdiver-1.0.2", "api-basic-none.msl")
    text = run("check", str(path)).stdout.decode()
    assert "no findings, 3 explained by its dialect (draft-2026-10 (memdiver-1.0)" in text
    assert "explained by dialect memdiver-1.0, as MemDiver 1.0 writes it (--strict" in text
    assert "Module Entries end behind DiskHash." in text
    strict = run("check", "--strict", str(path)).stdout.decode()
    assert "explained by its dialect" not in strict
    assert "so in dialect memdiver-1.0: Module Entries end behind DiskHash." in strict


def test_a_wound_is_no_dialect() -> None:
    """A module entry cut shorter than MemDiver writes it is found, in a file of MemDiver."""
    data = bytearray(shared("samples", "memdiver-1.0.2", "api-basic-none.msl").read_bytes())
    with msl_construct.open(bytes(data)) as dump:
        (first, _) = dump.blocks.of_type("module_entry")
        path_len = first.stored.offset + 16
    data[path_len : path_len + 2] = b"\xff\x0f"
    with msl_construct.open(bytes(data)) as dump:
        assert dump.dialect == "memdiver-1.0"
        left = [one for one in check(dump) if one.explained_by is None]
        assert "MSL-5.2-MODULE-ENTRY-LENGTH-TOO-LARGE" in {one.rule.id for one in left}
        assert not dump.verify().intact


@pytest.mark.parametrize("command", ["inspect", "verify", "check"])
def test_every_command_names_the_dialect_and_takes_one(command: str) -> None:
    path = str(shared("samples", "memdiver-1.0.2", "api-basic-none.msl"))
    assert b"memdiver-1.0" in run(command, path).stdout
    assert b"MemDiver 1.0" in run(command, path).stdout
    assert b"memdiver" not in run(command, path, "--dialect", "none").stdout.replace(
        path.encode(), b""
    )
    wrong = run(command, path, "--dialect", "memslicer-0.2")
    assert wrong.returncode == 2
    assert b"is one of draft-2026-03" in wrong.stderr


def test_rules_that_are_given_are_explained_no_more_than_all_of_them() -> None:
    """What a dialect finds as well is no less wrong because few rules were asked about."""
    data = bytearray(path_of("samples/memdiver-1.0.2/api-related-dump-with-hash").read_bytes())
    with msl_construct.open(bytes(data)) as dump:
        (related,) = dump.blocks.of_type("related_dump")
        reserved = related.stored.offset + 22
    data[reserved] = 7
    rule = "MSL-5.5-RELATED-DUMP-RESERVED-NOT-ZERO"
    for chosen in (None, [one for one in rules_for("draft-2026-10") if one.id == rule]):
        with msl_construct.open(bytes(data)) as dump:
            found = [one for one in check(dump, rules=chosen) if one.rule.id == rule]
        assert [(one.rule.id, one.explained_by) for one in found] == [(rule, None)]


@pytest.mark.parametrize("form", ["text", "json", "ndjson", "sarif", "junit"])
def test_a_rule_that_only_the_dialect_has_is_told_in_every_format(
    tmp_path: Path, form: str
) -> None:
    """Its draft has no HashAlgo, so that no rule of the draft is about one."""
    data = bytearray((PLACE / "tests/data/memslicer-0.2.7" / OLDER).read_bytes())
    data[0x3D] = 0x51
    path = tmp_path / "a.msl"
    path.write_bytes(data)
    done = run("check", "--format", form, path)
    assert done.returncode == 4, done.stderr
    assert b"MSLX-3-FILE-HEADER-UNREGISTERED-CODE" in done.stdout


ROWS = {
    "a tag that nobody knows": (
        0x7777,
        b"1234",
        "MSLX-6-TARGET-INTROSPECTION-ROW-UNREGISTERED-CODE",
    ),
    "a number that is too short": (7, b"abc", "MSL-6-TARGET-INTROSPECTION-TOO-SHORT"),
    "a number that is too long": (7, b"abcdefghi", "MSL-6-TARGET-INTROSPECTION-ROW-BODY-TOO-LONG"),
    "a text that is none": (4, b"a\xff", "MSL-6-SELINUX-CONTEXT-STRING-NOT-UTF-8"),
}


@pytest.mark.parametrize("name", ROWS)
def test_what_is_wrong_within_rows_that_nothing_counts(name: str) -> None:
    tag, value, rule_id = ROWS[name]
    rows = [
        wire_dialects.tagged("<", 0x11, b"\2"),
        wire_dialects.tagged("<", tag, value),
    ]
    builder = wire.FileBuilder(wire.file_header("<", version=wire.V11))
    builder.add(wire_dialects.TARGET_INTROSPECTION, wire_dialects.introspection("<", rows))
    with msl_construct.open(builder.data(), dialect="memslicer-0.5") as dump:
        found = [one for one in check(dump) if one.rule.id == rule_id]
    assert [one.found.field.startswith("rows[1].") for one in found] == [True]


def test_rows_that_nobody_looked_at_are_a_gap() -> None:
    rows = [wire_dialects.tagged("<", 0x11, b"\2")] * 40_000
    stored = wire_dialects.introspection("<", rows)
    builder = wire.FileBuilder(wire.file_header("<", version=wire.V11))
    builder.add(wire_dialects.TARGET_INTROSPECTION, stored, compression="zstd")
    with msl_construct.open(builder.data(), dialect="memslicer-0.5") as dump:
        under_way = Check(dump)
        assert not [one for one in under_way if "TOO-SHORT" in one.rule.id]
        assert len(under_way.unchecked) == 1
        assert "entries from so small a compressed stream" in under_way.unchecked[0]
