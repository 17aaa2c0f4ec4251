"""Who reads what we write: memslicer and MemDiver, where their interpreters are named."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("cryptography")

HERE = Path(__file__).parent
PAGE = HERE.parent / "spec-docs" / "who-reads-what.rst"
sys.path.insert(0, str(HERE / "interchange"))

import made  # noqa: E402
import reasons  # noqa: E402
import table  # noqa: E402

EACH = pytest.mark.parametrize("reader", table.READERS, ids=lambda one: one.key)


@pytest.fixture(name="files", scope="module")
def files_of_every_kind(tmp_path_factory: pytest.TempPathFactory) -> dict[str, made.Made]:
    return table.files_in(tmp_path_factory.mktemp("interchange"))


@EACH
def test_files_are_read_and_verified_as_the_page_says(
    reader: table.Reader, files: dict[str, made.Made]
) -> None:
    if reader.python is None:
        pytest.skip(f"needs {reader.package}: name an interpreter in {reader.variable}")
    found = table.column(reader, files)
    assert list(found.surprises()) == []


def test_the_page_is_what_the_table_says() -> None:
    """But for the versions in its head, which only those readers can tell."""
    text = PAGE.read_text(encoding="utf-8")
    titles = [line[6:].strip() for line in text.split("* - File\n")[1].splitlines()[:3]]
    columns = [table.Column(one, title, {}) for one, title in zip(table.READERS, titles)]
    assert [title.split()[0] for title in titles] == [one.package for one in table.READERS]
    assert table.page(columns) == text, "python tests/interchange/table.py -o " + str(PAGE)


def test_reasons_are_of_files_that_there_are() -> None:
    assert set(reasons.REASONS) == {one.key for one in table.READERS}
    for known in reasons.REASONS.values():
        assert set(known) <= set(made.FILES)
    assert reasons.REASONS["own"] == {}


def test_what_is_read_otherwise_is_said(files: dict[str, made.Made]) -> None:
    """A reader that shows other payloads, or refuses what was known to be read."""
    one = files["plain"]
    fine = {"valid": True, "segments": 0, "trailing": 0, "whole": True, "blocks": one.blocks}
    assert table.wrong(one, fine) == ""
    for change in (
        {"blocks": [[1, "00"]]},
        {"segments": 7},
        {"trailing": 1},
        {"whole": False},
        {"valid": False, "said": "no"},
    ):
        said = table.wrong(one, {**fine, **change})
        column = table.Column(table.READERS[0], "x", {"plain": said})
        assert len(list(column.surprises())) == 1
    known = table.Column(table.READERS[1], "x", {"raw": "", "1.0-big": "something else"})
    assert len(list(known.surprises())) == 2
