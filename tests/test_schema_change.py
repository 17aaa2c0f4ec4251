"""One declaration: a field's width is changed in a scratch copy, and everything follows.

The copy is made by editing the source, as somebody who works on the format would; nothing of
the test knows how an exporter works.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from commands import PLACE

from msl_construct.exports import EXPORTS, SCHEMA

DECLARATION = Path("msl_construct", "drafts", "draft_2026_03", "payloads.py")
BEFORE = 'Field("SessionID", U32, "Session of the process; 0: unknown.", default=0),'
AFTER = BEFORE.replace("U32", "U64")
LANGUAGES = Path("tests", "languages", "run.py")

SHOWS = {
    "ksy": (r"- id: session_id\n(?: {8,}.*\n)*? +type: (u\d)", "u4", "u8"),
    "json": (r'"session_id": \{[^{}]*?"maximum": (\d+)', str(2**32 - 1), str(2**64 - 1)),
    "pyi": (r"SessionID \((u\d+)\): ", "u32", "u64"),
    "rst": (r"- (u\d+)\n +- SessionID\n", "u32", "u64"),
}
"""How some forms say how wide the field is: a pattern, what it finds before and after."""

CHANGED = tuple(form for form in EXPORTS if form != "json-entry")
"""The forms in which the width must show: all but the one that has no field in it."""


@dataclass
class Copies:
    """The package as it is, and with one line changed."""

    before: Path
    after: Path

    def run(self, which: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a Python program of one of the copies, with nothing but that copy to import."""
        place = self.before if which == "before" else self.after
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=place,
            env={**os.environ, "PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=600,
        )

    def exported(self, which: str, name: str) -> str:
        return (getattr(self, which) / "exported" / name).read_text("utf-8")


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Copies:
    base = tmp_path_factory.mktemp("change")
    found = Copies(base / "before", base / "after")
    skipped = shutil.ignore_patterns("__pycache__")
    for place in (found.before, found.after):
        for part in ("msl_construct", "samples"):
            shutil.copytree(PLACE / part, place / part, ignore=skipped)
    source = found.after / DECLARATION
    text = source.read_text("utf-8")
    assert text.count(BEFORE) == 1, f"{DECLARATION} no longer has the line to change"
    source.write_text(text.replace(BEFORE, AFTER), "utf-8")
    for which in ("before", "after"):
        words = ("-m", "msl_construct", "schema", "export", "-o", "exported")
        for form in ("", *(one.name for one in EXPORTS.values() if one.home != SCHEMA)):
            done = found.run(which, *words, *(["--to", form] if form else []))
            assert done.returncode == 0, done.stderr
    return found


def test_the_unchanged_copy_gives_the_files_of_the_repository(copies: Copies) -> None:
    for one in EXPORTS.values():
        for file, _ in one.files:
            assert copies.exported("before", file) == (PLACE / one.home / file).read_text("utf-8")


@pytest.mark.parametrize("form", CHANGED)
def test_every_file_of_the_form_changes(form: str, copies: Copies) -> None:
    for file, _ in EXPORTS[form].files:
        assert copies.exported("before", file) != copies.exported("after", file), (
            f"{file} shows no wider field; CHANGED leaves out what has no field in it"
        )


@pytest.mark.parametrize("form", list(SHOWS))
def test_the_new_width_is_in_the_text(form: str, copies: Copies) -> None:
    pattern, narrow, wide = SHOWS[form]
    for file, _ in EXPORTS[form].files:
        assert set(re.findall(pattern, copies.exported("before", file))) == {narrow}, file
        assert set(re.findall(pattern, copies.exported("after", file))) == {wide}, file


def test_what_follows_the_field_moves_in_the_tables(copies: Copies) -> None:
    """Four bytes more in front of StartTime and all that has an offset behind it."""
    places = [
        re.findall(r"\* - (\S+)\n +- .*\n +- (SessionID|StartTime|ExePathLen|ExePath)\n", text)
        for text in (
            section(copies.exported(which, "fields-draft-2026-03.rst"))
            for which in ("before", "after")
        )
    ]
    names = ("SessionID", "StartTime", "ExePathLen", "ExePath")
    assert places == [
        list(zip(("+0x04", "+0x08", "+0x10", "+0x18"), names)),
        list(zip(("+0x04", "+0x0c", "+0x14", "+0x1c"), names)),
    ]


def section(text: str) -> str:
    """The part of the tables about the structure that changed."""
    return (
        text.partition("Process Identity (0x0040)")[2].partition("\n---")[2].partition("\n---")[0]
    )


def test_the_change_is_what_the_other_commands_show_too(copies: Copies) -> None:
    for which, wide in (("before", "u32"), ("after", "u64")):
        words = ("schema", "show", "draft-2026-03", "process_identity")
        done = copies.run(which, "-m", "msl_construct", *words)
        lines = done.stdout.splitlines()
        (line,) = [one for one in lines if " SessionID " in one and "|" not in one]
        assert wide in line.split()


@dataclass
class Samples:
    """The samples before and after the change, and the comparison to run over them."""

    old: Path
    new: Path
    copies: Copies

    def compared(self, which: str, samples: Path) -> subprocess.CompletedProcess[str]:
        """The Python parser of the changed .ksy over samples, compared by one of the copies."""
        ksy = self.copies.after / "exported" / "msl-1.0.ksy"
        words = ("--languages", "python", "--ksy", ksy, "--draft", "draft-2026-03")
        done = self.copies.run(which, LANGUAGES, *words, "--samples", samples)
        if "skipped: python" in done.stdout:
            pytest.skip(done.stdout.strip())
        assert "python: 2 files, " in done.stdout, done.stdout + done.stderr
        return done


@pytest.fixture(scope="module")
def samples(copies: Copies, tmp_path_factory: pytest.TempPathFactory) -> Samples:
    if not (PLACE / LANGUAGES).is_file():
        pytest.skip(f"needs {LANGUAGES}")
    skipped = shutil.ignore_patterns("__pycache__", "data", "golden", "fakes", "targets")
    for place in (copies.before, copies.after):
        shutil.copytree(PLACE / "tests", place / "tests", ignore=skipped)
    made = copies.run("after", "samples/make.py")
    assert made.returncode == 0, made.stderr
    base = tmp_path_factory.mktemp("samples")
    found = Samples(base / "old", base / "new", copies)
    found.old.mkdir()
    found.new.mkdir()
    for path in (PLACE / "samples").glob("live-*"):
        shutil.copy(path, found.old)
        shutil.copy(copies.after / "samples" / path.name, found.new)
    assert (found.old / "live-le.msl").read_bytes() != (found.new / "live-le.msl").read_bytes()
    return found


def test_the_changed_parser_does_not_read_the_old_samples(samples: Samples) -> None:
    done = samples.compared("before", samples.old)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "session_id" in done.stdout


def test_the_languages_pass_once_the_samples_are_regenerated(samples: Samples) -> None:
    done = samples.compared("after", samples.new)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "python: 2 files, 0 differences" in done.stdout


def test_the_languages_fail_until_the_samples_are_regenerated(samples: Samples) -> None:
    """Reader and generated parser agree, wrongly: only what the sample states can tell."""
    done = samples.compared("after", samples.old)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "live-le.msl" in done.stdout
