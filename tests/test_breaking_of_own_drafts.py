"""Changes between two drafts of one's own, and what no file shows of a change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from commands import PLACE, run
from independent import wire
from independent.specimens import LE11, finish, start

from msl_construct.breaking.classify import Classified
from msl_construct.breaking.decoders import OtherReader
from msl_construct.breaking.evidence import ImpactEvidence
from msl_construct.breaking.impact import impact
from msl_construct.breaking.making import ImpactSample
from msl_construct.drafts import DRAFTS
from msl_construct.drafts.authored import load
from msl_construct.schema import Draft
from msl_construct.specification.page import specification

BASE = """\
from dataclasses import replace
from msl_construct.author import *
from msl_construct.schema.codes import BitRange
from msl_construct.schema.variable import Rest, Utf8, Utf8Z

BASE = DRAFTS["draft-2026-10"]
GRADE = Enumeration("Grade", 1, "§lab", "How much.", tuple(
    Value(code, label) for code, label in enumerate(("none", "low", "mid", "high"))))
COMPRESSION = next(bit for word in BASE.flags if word.name == "BlockFlags" for bit in word.bits
                   if isinstance(bit, BitRange))

SHADES = Enumeration("Shade", 1, "§lab", "Which.", tuple(
    Value(code, label) for code, label in enumerate(("dark", "light", "mid"))))
TONES = Enumeration("Tone", 1, "§lab", "Which.", tuple(
    Value(code, label) for code, label in enumerate(("dark", "light"))))
MARKS = FlagDefinition("Marks", 1, "§lab", "Which.", (Bit(0, "Old"), Bit(1, "New")))
SIGNS = FlagDefinition("Signs", 1, "§lab", "Which.", (Bit(0, "Old"),))

def probe(*fields, **example):
    return BlockType(0x1004, "Probe", "§lab", "A probe.", Layout("Probe", "§lab", fields),
        example=example)

def shade(kind):
    return probe(Field("Shade", kind, "The shade."), reserved(7), shade=1)

def text(kind, **example):
    return probe(Field("Length", U32, "Bytes of Text."), reserved(4),
        Field("Text", kind, "A text."), **example)

def noted(text):
    return BlockType(0x1003, "Noted", "§lab", "Notes, and what stands behind them.",
        Layout("Noted", "§lab", (
            Field("Count", U32, "Number of notes."),
            reserved(4),
            Field("Notes", Table("Count", Layout("Note", "§lab", text)), "The notes."),
            Field("Others", Rest(), "Whatever follows."),
        )), example={"notes": [{"address": "0x400000"}], "others": "11" * 32})

ADDRESS_ONLY = (Field("Address", ADDRESS, "Where it belongs."),)
"""
CODE_OF_A_VENDOR = "values={'OSType': (Value(0x0200, 'Plan 9'),)}"
NOTE = "Note('MUST', 'producer', 'It is even.'),"
DEMAND = f"layouts={{'process_identity': lambda one: one.changing('PPID', notes=({NOTE}))}}"


@contextmanager
def drafts(folder: Path, old: str, new: str) -> Iterator[tuple[Draft, Draft]]:
    """Two overlays of the current draft, known by name for as long as it takes."""
    known = dict(DRAFTS.values_by_name)
    path = folder / "own.py"
    path.write_text(source(old, new), "utf-8")
    try:
        yield load(f"{path}:OLD"), load(f"{path}:NEW")
    finally:
        DRAFTS.values_by_name.clear()
        DRAFTS.values_by_name.update(known)


def source(old: str, new: str) -> str:
    """The file that an author would write."""
    overlays = (("OLD", 0x0102, old), ("NEW", 0x0103, new))
    return BASE + "".join(
        f"{name} = BASE.overlay('own-{name.lower()}', version={version:#06x}, "
        f"status='a try', {what})\n"
        for name, version, what in overlays
    )


def classes(changes: list[Classified]) -> dict[str, str]:
    """By their paths."""
    return {one.where: one.cls.value for one in changes}


@pytest.mark.parametrize(
    ("old", "new", "silent"),
    [
        pytest.param("", CODE_OF_A_VENDOR, ["OSType.0x0200"], id="a vendor's code"),
        pytest.param(
            "bits={'Protection': (Bit(6, 'Sealed'),)}",
            "bits={'Protection': (BitRange(5, 2, 'Grade', GRADE, 'How good.'),)}",
            ["Protection.5 to 6", "Protection.6"],
            id="a flag becomes a part of a number",
        ),
        pytest.param(
            "bits={'Protection': (BitRange(5, 2, 'Grade', GRADE, 'How good.'),)}",
            "bits={'Protection': (BitRange(5, 2, 'Grade', GRADE, 'How bad.'),)}",
            ["Protection.5 to 6"],
            id="a number in a word means something else",
        ),
        pytest.param(
            "blocks=[noted(ADDRESS_ONLY)]",
            "blocks=[noted((*ADDRESS_ONLY, Field('Weight', U64, 'How much it counts.')))]",
            ["noted.notes[].weight"],
            id="entries grow in front of what takes the rest",
        ),
        pytest.param(
            "blocks=[text(Utf8Z('Length'), text='ab')]",
            "blocks=[text(Utf8('Length'), text='ab')]",
            ["probe.text"],
            id="a text loses its NUL",
        ),
        pytest.param(
            "blocks=[shade(U8)]",
            "blocks=[probe(Field('Shade', U8, 'The shade.'), "
            "Field('Rank', U8, 'The rank.', default=1), reserved(6), shade=1)]",
            ["probe.rank"],
            id="zeros become a value",
        ),
    ],
)
def test_what_nobody_notices_is_silent(
    tmp_path: Path, old: str, new: str, silent: list[str]
) -> None:
    with drafts(tmp_path, old, new) as both:
        found = impact(*both)
    said = classes(found.changes)
    assert {where: said[where] for where in silent} == dict.fromkeys(silent, "SILENT_REINTERPRET")
    assert list(found.contradictions) == []
    shown = {one.where for i, one in enumerate(found.changes) if found.shown(i) is one.cls}
    assert set(silent) <= shown


@pytest.mark.parametrize(
    ("new", "where"),
    [(DEMAND, "process_identity.ppid"), (f"notes=(*BASE.notes, {NOTE})", "")],
    ids=["of a field", "of the whole draft"],
)
def test_a_demand_in_words_is_no_defect(tmp_path: Path, new: str, where: str) -> None:
    """No rule asks for it, so that no file shows that an old one breaks it."""
    with drafts(tmp_path, "", new) as both:
        found = impact(*both)
    assert classes(found.changes)[where] == "OLD_FILE_INVALID"
    assert list(found.contradictions) == []


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (
            "blocks=[shade(Coded('Shade'))], enumerations=[SHADES]",
            "blocks=[shade(Coded('Tone'))], enumerations=[TONES]",
            "probe.shade",
        ),
        (
            "blocks=[shade(Flags('Marks'))], flags=[MARKS]",
            "blocks=[shade(Flags('Signs'))], flags=[SIGNS]",
            "probe.shade",
        ),
        (
            "blocks=[shade(U8)], enumerations=[SHADES]",
            "blocks=[shade(Coded('Shade'))], enumerations=[SHADES]",
            "probe.shade",
        ),
        ("blocks=[shade(U8)]", "blocks=[replace(shade(U8), parent='process_identity')]", "probe"),
    ],
    ids=["fewer codes", "fewer flags", "a number becomes a code", "a parent"],
)
def test_what_old_files_may_have_and_may_not_is_no_defect(
    tmp_path: Path, old: str, new: str, path: str
) -> None:
    with drafts(tmp_path, old, new) as both:
        found = impact(*both)
    assert classes(found.changes)[path] == "OLD_FILE_INVALID"
    assert list(found.contradictions) == []


class _Nobody(OtherReader):
    """One that can be asked of no file."""

    def read(self, sample: ImpactSample) -> list[ImpactEvidence] | None:
        return None


def test_a_reader_that_was_not_asked_says_nothing(tmp_path: Path) -> None:
    with drafts(tmp_path, "", CODE_OF_A_VENDOR) as both:
        found = impact(*both, [_Nobody("nobody", 1.0)])
    assert not any(found.others)
    assert all("is not shown to nobody" in line for line in found.not_made)
    assert len(found.not_made) == len(found.samples)


def test_a_change_that_no_file_shows_is_a_gap(tmp_path: Path) -> None:
    """Flags of the block header stand in every block, and no document has them otherwise."""
    other = "bits={'BlockFlags': (replace(COMPRESSION, text='Counted from the end.'),)}"
    (tmp_path / "own.py").write_text(source("", other), "utf-8")
    done = run("schema", "impact", "own.py:OLD", "own.py:NEW", "-q", folder=tmp_path)
    assert done.returncode == 4, done.stdout
    assert b"none shows 1 change BlockFlags.1 to 2" in done.stderr
    assert done.stderr.count(b"\n") == 1
    assert run("schema", "impact", "own.py:OLD", "own.py:OLD", folder=tmp_path).returncode == 0


def test_what_an_author_writes_ends_no_row_and_no_property(tmp_path: Path) -> None:
    text = "amendments=[redefine('OSType', 'Linux', 'One | two.\\nThree.', reason='a try')]"
    (tmp_path / "own, mine.py").write_text(source("", text), "utf-8")
    both = ("own, mine.py:OLD", "own, mine.py:NEW", "--breaking", "-q", "--format")
    rows = run("schema", "diff", *both, "markdown", folder=tmp_path).stdout.decode().splitlines()
    (row,) = (one for one in rows if "OSType" in one)
    assert row.startswith("| SILENT_REINTERPRET |")
    assert row.endswith(" |")
    assert r"One \| two. Three." in row
    lines = run("schema", "diff", *both, "github", folder=tmp_path).stdout.decode().splitlines()
    assert any(line.startswith("::error file=own%2C mine.py,line=") for line in lines)
    assert all(line.startswith("::") for line in lines)


def test_states_of_a_draft_of_ones_own_are_in_the_tree(tmp_path: Path) -> None:
    state = "amendments=[rename('PageState', 'NotResident', 'Elsewhere')]"
    (tmp_path / "own.py").write_text(source("", state), "utf-8")
    builder = start(LE11)
    payload = wire.memory_region(
        "<", [0, 3, 3, 0], base_addr=0x400000, region_type=3, page_data=bytes(8192)
    )
    builder.add(wire.MEMORY_REGION, payload)
    (tmp_path / "made.msl").write_bytes(finish(builder, LE11))
    done = run("inspect", "made.msl", "--draft", "own.py:NEW", "--all", folder=tmp_path)
    assert b"Traceback" not in done.stderr
    assert done.returncode in (0, 4), done.stderr
    assert b"8.0 KiB elsewhere" in done.stdout


def test_a_text_ends_no_script_of_the_specification(tmp_path: Path) -> None:
    text = "<!--<script> & </script>"
    new = f"amendments=[redefine('OSType', 'Linux', {text!r}, reason='a try')]"
    with drafts(tmp_path, "", new) as (_, changed):
        page = specification(changed)
    index = page.partition('id="index">')[2].partition("</script>")[0]
    assert any(text.lower() in one["text"] for one in json.loads(index))
    assert "<!--" not in page
    assert page.count("<script") == page.count("</script") == 2


def test_a_rule_that_does_not_fit_is_a_gap(tmp_path: Path) -> None:
    """It asks for a number where the draft has bytes: nobody is told that all is well."""
    new = "amendments=[retype('key_hint', 'KeyLen', Bytes(4), reason='network order')]"
    (tmp_path / "own.py").write_text(source("", new), "utf-8")
    dump = PLACE / "samples" / "valid" / "live-11-le.msl"
    done = run("check", dump, "--draft", "own.py:NEW", folder=tmp_path)
    assert b"defect of ours" not in done.stderr
    assert b"is not checked: it was written for a base of" in done.stdout + done.stderr
    assert done.returncode in (1, 4)
