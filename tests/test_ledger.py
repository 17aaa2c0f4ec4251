"""What was published stays so, or is declared not to: the ledger, and a draft beside its base."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from commands import PLACE, run
from draft_changes.drafted import drafted, source_of
from draft_changes.seeded import BY_CLASS
from sampling import sampled

from msl_construct.breaking.history import against_base
from msl_construct.drafts import DRAFTS
from msl_construct.exports.consistency import findings
from msl_construct.exports.ledger import changed_since, ledger_of
from msl_construct.schema import BlockType, Draft, Field, Layout, Table, Value
from msl_construct.schema.choice import Choice
from msl_construct.schema.variable import Rest
from msl_construct.schema.vocabulary import U8, U16, U32, Bytes, Coded

NEW = DRAFTS["draft-2026-10"]
LEDGER = json.loads((PLACE / "schema" / "ledger.json").read_text("utf-8"))

KINDS = {
    "an offset counts from another place": "second-meaning",
    "two codes are exchanged": "renumbered",
    "a code is given away again": "second-meaning",
    "a bit means something else": "second-meaning",
    "a code of a block type is given away again": "second-meaning",
    "two fields of one width change places": "payload-version",
    "a field takes the reserved bytes behind it": "payload-version",
    "a field in front of page data is taken out": "payload-version",
    "a field is widened": "payload-version",
    "a field is put in front": "payload-version",
    "a field that must be there is appended": "payload-version",
    "a count of entries becomes a length": "payload-version",
    "a string is no longer padded": "payload-version",
    "a field is taken out": "payload-version",
    "a hash covers something else": "second-meaning",
    "a magic is another one": None,
    "two fields of a row change places": "payload-version",
    "two texts exchange their lengths": "payload-version",
    "two texts change places": "payload-version",
    "the codes of two kinds of rows are exchanged": "renumbered",
    "the byte orders are exchanged": "renumbered",
    "two page states are exchanged": "renumbered",
    "the end of the capture loses its time": "payload-version",
    "the end of a segment loses its time": "payload-version",
    "a field is put in front of a row's others": "payload-version",
    "two kinds of rows exchange their layouts": "payload-version",
    "two flags are exchanged": "second-meaning",
    "a flag of the same name says something else": "second-meaning",
    "a field in reserved bytes takes zero for a value": "payload-version",
    "a code is put between the others": "renumbered",
    "two texts in front no longer padded": "payload-version",
    "a register becomes bytes": "payload-version",
    "text becomes bytes of another encoding": "payload-version",
    "text becomes bytes at the end": "payload-version",
    "fields of a body exchanged": "payload-version",
    "a body's field is widened": "payload-version",
    "a body loses a field in the middle": "payload-version",
    "end of capture loses its time in the first draft": "payload-version",
    "entries get a size": "payload-version",
    "names of two fields exchanged": "payload-version",
    "a flag word becomes a number": "payload-version",
    "a field takes another registry": "payload-version",
    "a field takes another flag word": "payload-version",
    "text without NUL": "payload-version",
    "process table loses its last text": "reserved-shrank",
}
"""What is said of the seeded changes that no word declares; of all others nothing."""


@sampled("expected")
@pytest.mark.parametrize(("expected", "name"), BY_CLASS)
def test_what_is_not_declared_is_found(expected: str, name: str, tmp_path: Path) -> None:
    with drafted(name, tmp_path) as (_, new):
        found = {one.kind for one in against_base(new)}
    kind = KINDS.get(name)
    assert found == set() if kind is None else kind in found


def test_a_code_that_was_somebody_s_is_not_given_away_again() -> None:
    registry = next(one for one in NEW.enumerations if one.name == "RegionType")
    without = replace(registry, values=tuple(v for v in registry.values if v.code != 6))
    middle = NEW.overlay("middle", 0x0102, "x")
    enumerations = tuple(without if e is registry else e for e in middle.enumerations)
    middle = replace(middle, enumerations=enumerations)
    last = middle.overlay("last", 0x0103, "x", values={"RegionType": (Value(6, "GPU memory"),)})
    (found,) = against_base(last)
    assert (found.kind, found.where) == ("reused", "RegionType.0x06")
    assert "SharedMem in draft-2026-10" in found.text


def test_the_ledger_has_every_meaning_and_its_drafts() -> None:
    assert ledger_of(NEW) == LEDGER
    assert LEDGER["codes"]["OSType.0x0001"] == [
        {"drafts": ["draft-2026-03", "draft-2026-10"], "name": "Linux", "meaning": "Linux"}
    ]
    (late,) = LEDGER["codes"]["PageState.0x03"]
    assert (late["drafts"], late["name"]) == (["draft-2026-10"], "NotResident")
    assert LEDGER["flags"]["BlockFlags.1"][0]["bits"] == "2"
    assert LEDGER["block_types"]["0x0012"][0]["name"] == "File Descriptor"
    entry = LEDGER["fields"]["connection_table.entries[].local_port"][0]
    assert (entry["offset"], entry["stored_as"]) == ("0x18", "u16")
    assert list(changed_since(LEDGER, NEW)) == []


def edited() -> Iterator[tuple[str, Draft]]:
    """The newest draft with something published changed in place."""
    enumerations = [
        replace(e, values=(Value(0, "Linux"), *e.values[1:])) if e.name == "OSType" else e
        for e in NEW.enumerations
    ]
    yield "OSType.0x0000 with name 'Windows'", replace(NEW, enumerations=tuple(enumerations))
    blocks = [replace(b, code=0x21) if b.key == "key_hint" else b for b in NEW.blocks]
    yield "published 0x0020 (Key Hint), and has it no longer", replace(NEW, blocks=tuple(blocks))
    blocks = [
        replace(b, layout=b.layout.changing("KeyLen", text="Bits."))
        if b.layout and b.key == "key_hint"
        else b
        for b in NEW.blocks
    ]
    yield "key_hint.key_len with meaning", replace(NEW, blocks=tuple(blocks))


@pytest.mark.parametrize(("words", "draft"), list(edited()))
def test_what_was_published_does_not_change(words: str, draft: Draft) -> None:
    assert any(words in line for line in changed_since(LEDGER, draft))


def test_the_export_does_not_write_over_what_was_published(tmp_path: Path) -> None:
    ledger = json.loads(json.dumps(LEDGER))
    ledger["codes"]["OSType.0x0001"][0]["meaning"] = "Some Unix"
    path = tmp_path / "ledger.json"
    path.write_text(json.dumps(ledger), "utf-8")
    done = run("schema", "export", "--to", "ledger", "-o", tmp_path)
    assert done.returncode not in (0, 70), done.stderr
    assert b"what was published stays" in done.stderr
    assert json.loads(path.read_text("utf-8")) == ledger
    done = run("schema", "check", "draft-2026-10", "--ledger", path, "-q")
    assert done.returncode == 1
    assert b"published: draft-2026-10" in done.stdout


def test_the_command_says_what_is_not_declared(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(source_of("two codes are exchanged"), "utf-8")
    done = run("schema", "check", "own.py:CHANGED", "-q", folder=tmp_path)
    assert done.returncode == 1
    assert b"second-meaning: OSType.0x0000: an old reader takes the code for" in done.stdout
    (tmp_path / "no.json").write_text("[]", "utf-8")
    done = run("schema", "check", "draft-2026-10", "--ledger", "no.json", folder=tmp_path)
    assert (done.returncode, b"no ledger" in done.stderr) == (2, True)


ROW = Layout("Row", "§1", (Field("Kind", U8, "What it is."),))
WIDE = Layout("Wide", "§1", (Field("Data", Bytes(300), "What it holds."),))
LENGTHS = {
    "unbounded-count": (
        Field("Count", U32, "How many there are."),
        Field("Rows", Table("Count", Layout("Row", "§1", (Field("All", Rest(), "Any."),))), "Any."),
    ),
    "length-too-small": (
        Field("Len", U8, "Bytes of it."),
        Field("Kind", U8, "What it is."),
        Field("Body", Choice("Len", "Kind", {1: ROW, 2: WIDE}), "What it holds."),
    ),
    "unreachable": (
        Field("Len", U16, "Bytes of it."),
        Field("Kind", Coded("RowType"), "What it is."),
        Field("Body", Choice("Len", "Kind", {99: ROW}), "What it holds."),
    ),
}


@pytest.mark.parametrize("kind", LENGTHS)
def test_lengths_counts_and_tags(kind: str) -> None:
    layout = Layout("Measured", "§1", LENGTHS[kind])
    block = BlockType(0x1002, "Measured", "§1", "Something that is measured.", layout)
    found = [one.kind for one in findings(replace(NEW, blocks=(*NEW.blocks, block)))]
    assert kind in found
    size = Field("Size", U8, "Bytes of an entry.")
    count = Field("Count", U16, "How many there are.")
    rows = Field("Rows", Table("Count", WIDE, entry_size="Size"), "All of them.")
    block = replace(block, layout=Layout("Measured", "§1", (size, count, rows)))
    found = [one.kind for one in findings(replace(NEW, blocks=(*NEW.blocks, block)))]
    assert "length-too-small" in found
