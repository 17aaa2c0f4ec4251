"""The files of schema/ are what the declaration gives, and nobody's hand was on them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import PLACE, run

from msl_construct.drafts import DRAFTS, NEWEST_DRAFT, PUBLIC
from msl_construct.exports import EXPORTS, SCHEMA, exported

FOLDER = PLACE / SCHEMA
REFRESH = "run msl schema export -o schema"
FILES = [file for one in EXPORTS.values() if one.home == SCHEMA for file, _ in one.files]


@pytest.mark.parametrize("form", list(EXPORTS))
def test_the_files_are_current(form: str) -> None:
    home = EXPORTS[form].home
    refresh = REFRESH if home == SCHEMA else f"run msl schema export --to {form} -o {home}"
    for file, text in exported(form).items():
        path = PLACE / home / file
        assert path.is_file(), f"{home}/{file} is missing: {refresh}"
        assert path.read_bytes() == text.encode(), f"{home}/{file} is not of this schema: {refresh}"


def test_nothing_else_is_in_the_folder() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {*FILES, "README.md"}, REFRESH
    assert len(FILES) == len(set(FILES))
    text = (FOLDER / "README.md").read_text("utf-8")
    unnamed = [file for file in FILES if f"`{file}`" not in text]
    assert unnamed == [], "no row in the table of schema/README.md"


def test_the_files_are_of_the_drafts_that_their_names_say() -> None:
    for one in EXPORTS.values():
        for file, draft in one.files:
            version = DRAFTS[draft].version
            assert draft in PUBLIC
            named = file.replace("_", "-")
            if f"{version >> 8}.{version & 255}" in file or draft in named:
                continue
            assert draft == NEWEST_DRAFT, file


@pytest.mark.parametrize("form", list(EXPORTS))
def test_the_texts_are_plain(form: str) -> None:
    for file, text in exported(form).items():
        assert text.endswith("\n"), file
        assert not text.endswith("\n\n"), file
        assert "\r" not in text, file
        assert "\t" not in text, file
        assert [line for line in text.splitlines() if line != line.rstrip()] == [], file


EDITS = {
    "a line more": lambda raw: raw + b"\n",
    "a letter": lambda raw: raw.replace(b"e", b"E", 1),
    "line ends": lambda raw: raw.replace(b"\n", b"\r\n"),
}


def copied(place: Path) -> Path:
    """A copy of the folder, in which every file is there."""
    assert [file for file in FILES if not (FOLDER / file).is_file()] == [], REFRESH
    return Path(shutil.copytree(FOLDER, place / "schema"))


@pytest.mark.parametrize("edit", list(EDITS))
def test_a_hand_edit_is_noticed(edit: str, tmp_path: Path) -> None:
    folder = copied(tmp_path)
    for file in FILES:
        raw = (folder / file).read_bytes()
        (folder / file).write_bytes(EDITS[edit](raw))
    done = run("schema", "export", "-o", folder, "--check")
    assert done.returncode == 1
    named = [f"{folder / file}: not what the schema gives" for file in FILES]
    assert done.stdout.decode().splitlines() == named


def test_the_whole_folder_is_checked_and_made_anew_by_one_command(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    fine = run("schema", "export", "-o", folder, "--check")
    assert (fine.returncode, fine.stdout, fine.stderr) == (0, b"", b"")
    (folder / FILES[0]).write_text("by hand\n")
    (folder / FILES[1]).unlink()
    stale = run("schema", "export", "-o", folder, "--check")
    assert stale.returncode == 1
    assert stale.stdout.decode().splitlines() == [
        f"{folder / FILES[0]}: not what the schema gives",
        f"{folder / FILES[1]}: missing",
    ]
    assert (folder / FILES[0]).read_text() == "by hand\n", "--check writes nothing"
    assert not (folder / FILES[1]).exists()
    assert run("schema", "export", "-o", folder).returncode == 0
    for file in FILES:
        assert (folder / file).read_bytes() == (FOLDER / file).read_bytes()


def test_the_text_does_not_depend_on_the_process() -> None:
    """Nothing of it hangs on the order of a set or on where the package lies."""
    code = (
        "import hashlib, sys; from msl_construct.exports import exported\n"
        "for file, text in sorted(exported().items()):\n"
        "    print(file, hashlib.sha256(text.encode()).hexdigest())"
    )
    prints = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(PLACE)}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, check=True
        )
        prints.add(done.stdout)
    assert len(prints) == 1
    assert prints.pop().count(b"\n") == len(FILES)
