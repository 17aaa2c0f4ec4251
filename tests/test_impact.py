"""What files show of a change: the same as was said of it, of seeded ones and the public drafts."""

from __future__ import annotations

import json
import re
import shlex
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import generated_parsers
import pytest
from commands import PLACE, run
from draft_changes.drafted import drafted, source_of
from draft_changes.seeded import BY_CLASS, CHANGES, HIDDEN
from languages.toolchains import Missing
from sampling import sampled

from msl_construct.breaking.classes import ChangeClass
from msl_construct.breaking.classify import Classified, classified
from msl_construct.breaking.decoders import OtherReader
from msl_construct.breaking.evidence import ReaderOutcome
from msl_construct.breaking.impact import Impact, impact
from msl_construct.breaking.making import samples_for
from msl_construct.breaking.places import DocumentPlace, LookedAt
from msl_construct.corpus.assemble import assemble
from msl_construct.corpus.base_plans import live
from msl_construct.corpus.plan import Form
from msl_construct.document import Renderer
from msl_construct.drafts import DRAFTS
from msl_construct.drafts.authored import load
from msl_construct.harness.levels import ComparisonLevel
from msl_construct.reader import open_dump

sys.path.append(str(PLACE / "tests" / "adapters"))

import readers

GENERATED = ("javascript", "java", "go", "rust", "cpp")
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


@pytest.fixture(scope="module", name="folders")
def set_up_parsers() -> dict[str, Path]:
    """Folders of parsers of draft-2026-10 that are set up, of the languages that are here."""
    found: dict[str, Path] = {}
    for language in GENERATED:
        with suppress(Missing):
            found[language] = generated_parsers.ready(language)
    return found


def test_parsers_that_are_set_up_are_readers(folders: dict[str, Path], tmp_path: Path) -> None:
    """Each says of the exchanged codes what the reader of its draft says, and no more."""
    if not folders:
        pytest.skip("no compiler for Kaitai Struct, or no language to build its parsers with")
    (tmp_path / "own.py").write_text(source_of("two codes are exchanged"), "utf-8")
    words = [word for folder in folders.values() for word in ("--generated", str(folder))]
    both = ("draft-2026-10", "own.py:CHANGED")
    done = run("schema", "impact", *both, *words, "--format", "json", folder=tmp_path)
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    (change,) = (one for one in found["changes"] if one["where"] == "OSType.0x0000")
    (other,) = (one for one in found["changes"] if one["where"] == "OSType.0x0001")
    for folder in folders.values():
        reader = f"draft-2026-10 in {folder}"
        said = {key: change["readers"][reader][key] for key in ("outcome", "meant", "found")}
        assert said == {"outcome": "wrong", "meant": '"linux"', "found": '"windows"'}
        assert other["readers"][reader]["outcome"] == "wrong"
    assert found["unexplained"] == []


def test_a_folder_must_have_a_parser_of_the_draft(tmp_path: Path) -> None:
    both = ("draft-2026-10", "draft-2026-10")
    (tmp_path / "empty").mkdir()
    done = run("schema", "impact", *both, "--generated", "empty", folder=tmp_path)
    assert done.returncode == 3
    assert b"expected what msl generate LANG -o DIR writes" in done.stderr
    done = run("schema", "impact", *both, "--generated", "cobol", folder=tmp_path)
    assert done.returncode == 2
    assert b"'cobol' is no folder and none of python, javascript, java, go, rust" in done.stderr
    made = run("generate", "perl", "--draft", "draft-2026-03", "-o", "other", folder=tmp_path)
    if made.returncode == 3:
        pytest.skip(made.stderr.decode().strip())
    done = run("schema", "impact", *both, "--generated", "other", folder=tmp_path)
    assert done.returncode == 3
    assert b"msl generate perl --draft draft-2026-10 -o DIR" in done.stderr


def other_decoder(folder: Path, change: str) -> str:
    """The command of a decoder that prints what the independent one does, with some change."""
    adapter = PLACE / "tests" / "adapters" / "independent_decoder.py"
    (folder / "other.py").write_text(
        "import subprocess, sys\n"
        f"done = subprocess.run([sys.executable, {str(adapter)!r}, sys.argv[1]], "
        "capture_output=True, text=True)\n"
        f"print(done.stdout.replace({change}))\n"
        "sys.exit(done.returncode)\n",
        "utf-8",
    )
    return f"{sys.executable} {folder / 'other.py'} {{}}"


def test_what_no_change_explains_is_said(tmp_path: Path) -> None:
    """A reader with a defect of its own: nothing that it reads otherwise is a change's."""
    (tmp_path / "own.py").write_text(source_of("a code is added"), "utf-8")
    decoder = other_decoder(tmp_path, """'"pid": 4242', '"pid": 4243'""")
    both = ("draft-2026-10", "own.py:CHANGED", "--decoder", decoder)
    done = run("schema", "impact", *both, "--format", "json", folder=tmp_path)
    assert done.returncode == 1, done.stderr
    odd = json.loads(done.stdout)["unexplained"]
    assert {(one["reader"], *one["paths"], one["meant"], one["found"]) for one in odd} == {
        (decoder, "file_header.pid", "4242", "4243")
    }
    assert b"otherwise where nothing changed, as file_header.pid of" in done.stderr
    # What it leaves out is not read otherwise.
    decoder = other_decoder(tmp_path, """'"pid": 4242, ', ''""")
    done = run("schema", "impact", *both[:3], decoder, "--format", "json", folder=tmp_path)
    assert json.loads(done.stdout)["unexplained"] == []


def test_a_reader_that_is_silently_wrong_disputes_the_class(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(source_of("a code is added"), "utf-8")
    both = ("draft-2026-10", "own.py:CHANGED", "--decoder")
    decoder = other_decoder(tmp_path, """'"0x07"', '"heap"'""")
    done = run("schema", "impact", *both, decoder, folder=tmp_path)
    assert done.returncode == 1
    assert b"reads RegionType.0x07 of 'RegionType 0x07' as \"heap\" without a word" in done.stderr
    assert b"the reader or the class has a defect" in done.stderr
    decoder = other_decoder(tmp_path, "'', ''")
    done = run("schema", "impact", *both, decoder, folder=tmp_path)
    assert b"without a word" not in done.stderr


@pytest.mark.parametrize(
    ("level", "same", "unasked"),
    [
        ("regions", "file_header.pid", "process_identity.ppid"),
        ("payloads", "process_identity.ppid", "memory_region.page_state_map"),
        ("full", "memory_region.page_state_map", "block_header.prev_hash"),
    ],
)
def test_of_what_is_not_compared_nothing_is_said(level: str, same: str, unasked: str) -> None:
    """Not that it is the same: what was not looked at is not called fine."""
    document = Renderer().document(open_dump(assemble(live(Form("x", NEW.name, "little"))).data))
    looked_at = LookedAt(document, NEW.name, ComparisonLevel(level))

    def change(where: str) -> Classified:
        kind = "hash" if where.endswith("_hash") else "field"
        return Classified(ChangeClass.COSMETIC, "changed", kind, where, "", "", "", {}, {})

    assert looked_at.has(change(same))
    assert not looked_at.has(change(unasked))


@pytest.mark.parametrize(
    ("key", "path", "meant", "found", "paths", "less"),
    [
        ("", "$.header.pid", 1, 2, ["file_header.pid"], False),
        ("", "$.header.flags", ["a"], ["bit_1"], ["file_header.flags"], True),
        (
            *("", "$.header.os_type", "linux", "0x0001"),
            *(["file_header.os_type", "OSType.0x0001"], True),
        ),
        (
            *("", "$.header.cap_bitmap", ["module_list"], ["memory_regions"]),
            *(["file_header.cap_bitmap", "CapBitmap.1"], False),
        ),
        ("key_hint", "$.blocks[0].flags", ["compressed"], [], ["block_header.flags"], True),
        ("key_hint", "$.blocks[0].block_type", "key_hint", "0x0020", ["key_hint.block_type"], True),
        ("key_hint", "$.blocks[0].payload.key_len", 1, 2, ["key_hint.key_len"], False),
        (
            *("connectivity_table", "$.blocks[0].payload.rows[0].body.iface", "a", "b"),
            *(["connectivity_table.rows[].body<RowType 0x03>.iface"], False),
        ),
        ("", "$.blocks", [1], [], [], False),
    ],
)
def test_places_have_the_paths_of_changes(
    key: str, path: str, meant: Any, found: Any, paths: list[str], less: bool
) -> None:
    def document(value: Any) -> dict[str, Any]:
        block: dict[str, Any] = {"block_type": key, "payload": {}}
        if "rows" in path:
            block["payload"]["rows"] = [{"row_type": "arp", "body": {}}]
        whole: dict[str, Any] = {"header": {}, "blocks": [block] if key else [], "segments": []}
        *steps, last = re.findall(r"\w+", path)
        at: Any = whole
        for step in steps:
            at = at[int(step)] if step.isdigit() else at[step]
        at[last] = value
        return whole

    place = DocumentPlace.of(path, document(meant), document(found), NEW.name)
    assert (list(place.paths)[: len(paths)], place.is_less) == (paths, less)
    assert bool(paths) == bool(place.paths)


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
    other = OtherReader(shlex.join(command), 60)
    changes = classified(OLD, NEW)
    codes = {block.key: block.code for block in NEW.blocks}
    samples = [one for one in samples_for(NEW.name, changes, codes, print) if one.name in SHOWN]
    assert len(samples) == len(SHOWN)
    changed = {one.where for one in changes}
    for sample in samples:
        read = other.read(sample)
        assert read is not None
        for one in read:
            if one.outcome is ReaderOutcome.WRONG:
                assert changed.isdisjoint(one.paths), one
