"""What files show of a change: the same as was said of it, of seeded ones and the public drafts."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest
from commands import PLACE, run
from draft_changes.drafted import drafted, source_of
from draft_changes.seeded import BY_CLASS, CHANGES, HIDDEN
from sampling import sampled

from msl_construct.breaking.classes import ChangeClass
from msl_construct.breaking.classify import classified
from msl_construct.breaking.decoders import decoding
from msl_construct.breaking.evidence import ReaderOutcome
from msl_construct.breaking.impact import Impact, impact
from msl_construct.breaking.making import samples_for
from msl_construct.drafts import DRAFTS
from msl_construct.drafts.authored import load

sys.path.append(str(PLACE / "tests" / "adapters"))

import readers

OLD, NEW = DRAFTS["draft-2026-03"], DRAFTS["draft-2026-10"]


def shown(found: Impact, where: str) -> set[str]:
    """The classes that files show of the changes at a path."""
    return {
        cls.value
        for index, change in enumerate(found.changes)
        if change.where == where and (cls := found.shown(index)) is not None
    }


@sampled("expected")
@pytest.mark.parametrize(("expected", "name"), BY_CLASS)
def test_files_show_the_class_of_a_seeded_change(expected: str, name: str, tmp_path: Path) -> None:
    with drafted(name, tmp_path) as (old, new):
        found = impact(old, new)
    assert list(found.contradictions) == []
    assert expected in shown(found, CHANGES[name].where)


@pytest.mark.parametrize("name", HIDDEN[:2])
def test_the_proof_has_a_file_a_place_and_both_values(name: str, tmp_path: Path) -> None:
    with drafted(name, tmp_path) as (old, new):
        found = impact(old, new)
    index = next(i for i, one in enumerate(found.changes) if one.where == CHANGES[name].where)
    worst = found.evidence[index][0]
    assert (worst.outcome, worst.cls) == (ReaderOutcome.WRONG, ChangeClass.SILENT_REINTERPRET)
    assert CHANGES[name].where in worst.paths
    assert worst.meant == worst.found  # the same number, and another meaning
    assert worst.sample.data.startswith(b"MEMSLICE")
    assert {one.reader for one in found.evidence[index]} == {old.name, new.name}


def test_a_wrong_class_is_a_contradiction(tmp_path: Path) -> None:
    with drafted("two codes are exchanged", tmp_path) as (old, new):
        found = impact(old, new)
    index = next(i for i, one in enumerate(found.changes) if one.where == "OSType.0x0000")
    change = found.changes[index]
    found.changes[index] = change.__class__(**{**vars(change), "cls": ChangeClass.ADDITIVE})
    (one,) = found.contradictions
    assert (one.change.where, one.shown.value) == ("OSType.0x0000", "SILENT_REINTERPRET")


def test_files_agree_with_what_is_said_of_the_public_drafts() -> None:
    found = impact(OLD, NEW)
    assert list(found.contradictions) == []
    assert (found.not_made, [i for i in range(len(found.changes)) if found.unproved(i)]) == ([], [])
    unshown = {one.where for i, one in enumerate(found.changes) if found.shown(i) is None}
    assert unshown == {"PageState"}  # the words about it alone
    assert not any(one.outcome is ReaderOutcome.WRONG for each in found.evidence for one in each)


@pytest.mark.parametrize("place", ["tests/authored", "spec-docs/examples"])
def test_files_agree_with_what_is_said_of_a_whole_draft(place: str, tmp_path: Path) -> None:
    """A block type, a field, codes and a forbidden type at once, with rules of its own."""
    text = (PLACE / place / "mine.py").read_text("utf-8")
    (tmp_path / "own.py").write_text(text.replace('"mine"', '"whole"'), "utf-8")
    known = dict(DRAFTS.values_by_name)
    try:
        new = load(f"{tmp_path / 'own.py'}:MINE")
        found = impact(NEW, new)
    finally:
        DRAFTS.values_by_name.clear()
        DRAFTS.values_by_name.update(known)
    assert list(found.contradictions) == []
    assert shown(found, "OSType.0x0000") == {"SILENT_REINTERPRET"}


def test_the_command_with_another_reader(tmp_path: Path) -> None:
    name = "two codes are exchanged"
    (tmp_path / "own.py").write_text(source_of(name), "utf-8")
    adapter = PLACE / "tests" / "adapters" / "independent_decoder.py"
    decoder = f"{sys.executable} {adapter} {{}}"
    both = ("draft-2026-10", "own.py:CHANGED", "--decoder", decoder)
    done = run("schema", "impact", *both, "--format", "json", folder=tmp_path)
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    (change,) = (one for one in found["changes"] if one["where"] == "OSType.0x0000")
    assert change["class"] == change["shown"] == "SILENT_REINTERPRET"
    readers = change["readers"]
    assert {key: one["outcome"] for key, one in readers.items()} == {
        "draft-2026-10": "wrong",
        "changed-6": "wrong",
        decoder: "wrong",
    }
    assert (readers[decoder]["meant"], readers[decoder]["found"]) == ('"linux"', '"windows"')
    one = readers["changed-6"]
    assert {one["meant"], one["found"]} == {"windows", "linux"}
    text = run("schema", "impact", *both[:2], folder=tmp_path).stdout.decode()
    assert "draft-2026-10: wrong in 'minimal' of changed-6" in text
    table = run("schema", "impact", *both[:2], "--format", "markdown", "-q", folder=tmp_path)
    assert "| SILENT_REINTERPRET | `OSType.0x0000` | wrong: `linux` as `windows` |" in (
        table.stdout.decode()
    )


def test_a_generated_parser_is_a_reader(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(source_of("two codes are exchanged"), "utf-8")
    words = ("schema", "impact", "draft-2026-10", "own.py:CHANGED", "--generated", "python")
    done = run(*words, "--format", "json", folder=tmp_path)
    if done.returncode == 3:
        pytest.skip(done.stderr.decode().strip())
    assert done.returncode == 1, done.stderr
    changes = json.loads(done.stdout)["changes"]
    (change,) = (one for one in changes if one["where"] == "OSType.0x0000")
    reader = change["readers"]["draft-2026-10 in python"]
    assert (reader["outcome"], reader["meant"], reader["found"]) == (
        "wrong",
        '"linux"',
        '"windows"',
    )


def test_a_draft_and_itself() -> None:
    done = run("schema", "impact", "draft-2026-10", "draft-2026-10")
    assert (done.returncode, b"0 wrong" in done.stdout) == (0, True)


# -- programs of others as readers of the newer files ----------------------------------------------

SHOWN = ("minimal", "related_dump", "end_of_capture", "process_table", "PageState 0x03", "vas_map")
"""Files of the newer draft that they get: one of each kind of change."""
OTHERS = [
    one
    for one in readers.READERS
    if one.key in ("independent", "memslicer", "memdiver", "kaitai-python")
]
"""The generated parsers of other languages say what that in Python says: see test_adapters.py."""


@pytest.mark.parametrize("reader", OTHERS, ids=lambda one: one.key)
def test_readers_of_others_take_nothing_for_something_else(
    reader: readers.Reader, tmp_path: Path
) -> None:
    """No change of the newer draft is silent: they say the same, less, or refuse the file."""
    try:
        command, _ = reader.locate(tmp_path)
    except readers.Missing as missing:
        pytest.skip(f"{reader.key}: {missing}")
    decode = decoding(shlex.join(command), 60)
    changes = classified(OLD, NEW)
    codes = {block.key: block.code for block in NEW.blocks}
    samples = [one for one in samples_for(NEW.name, changes, codes, print) if one.name in SHOWN]
    assert len(samples) == len(SHOWN)
    changed = {one.where for one in changes}
    for sample in samples:
        read = decode(sample)
        assert read is not None
        for one in read:
            if one.outcome is ReaderOutcome.WRONG:
                assert changed.isdisjoint(one.paths), one
