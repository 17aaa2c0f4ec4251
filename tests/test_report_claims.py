"""What the first words of a page claim is so: what is missing is said, with how much and why."""

from __future__ import annotations

import io
import random
import re
from pathlib import Path
from typing import Any

import pytest
from commands import run
from independent.specimens import LE11
from pages import Page, everything, regions
from writing import LIVE, uid, writer

import msl_construct
from msl_construct.report import Redaction, html_page, markdown_page, redaction, report_of
from msl_construct.report.word_search import WordSearch

PAGE = 4096
BASE = 0x10000


def capture(
    *states: tuple[int, str], mappings: list[dict[str, Any]] | None = None, code: bool = False
) -> bytes:
    """A region of heap for each run of states, 1 MiB apart; all of them executable, if asked."""
    file = io.BytesIO()
    with writer(file, LE11, *LIVE, *(["memory_regions"] if states else [])) as out:
        out.add_process_identity(exe_path="/bin/thing", cmd_line="thing", block_uuid=uid(1))
        out.add_module_list_index([], block_uuid=uid(2))
        for number, (pages, state) in enumerate(states):
            out.add_memory_region(
                base_addr=BASE + (number << 20),
                region_size=pages * PAGE,
                page_states=[(0, pages, state)],
                data=b"z" * PAGE * pages if state == "captured" else b"",
                protection=["read", "execute"] if code else ["read"],
                region_type="heap",
            )
        if mappings is not None:
            out.add_vas_map(entries=mappings)
    return file.getvalue()


def mapping(base: int, pages: int = 1, path: str | None = None) -> dict[str, Any]:
    row: dict[str, Any] = {"base_addr": base, "region_size": pages * PAGE, "region_type": "heap"}
    return row if path is None else {**row, "name_source": "live", "mapped_path": path}


def banner(raw: bytes) -> tuple[str, str]:
    """Level and words of the first line, in both forms."""
    with msl_construct.open(raw) as dump:
        found = report_of(dump)
    page = html_page([found], redaction=Redaction())
    shown = re.search(r'class="banner (\w+)"><span class="mark"(.*?)</p>', page, re.DOTALL)
    assert shown is not None
    words = re.sub("^[^>]*>.|<[^>]*>", "", shown[2])
    plain = markdown_page([found], redaction=Redaction()).replace("\\", "")
    assert words in plain
    return shown[1], words


ALL = [(2, "captured")]


@pytest.mark.parametrize(
    ("states", "mappings", "level", "words"),
    [
        (ALL, None, "good", "Intact and complete."),
        (
            [*ALL, (256, "failed")],
            None,
            "warn",
            "Intact; the file is complete, the memory in it is not. Not in it: 1.0 MiB (could not "
            "be read).",
        ),
        (
            [*ALL, (3, "not_resident")],
            None,
            "good",
            "Intact and complete. Not in it: 12.0 KiB (never touched by the process: nothing was "
            "there).",
        ),
        (ALL, [mapping(BASE, 2)], "good", "Intact and complete."),
        (
            ALL,
            [mapping(BASE - PAGE, 4), mapping(BASE + (9 << 20), 512)],
            "warn",
            "Intact; the file is complete, the memory in it is not. Not in it: 2.0 MiB (in the "
            "list of mappings, and in no region of the file).",
        ),
        ([], None, "warn", "Intact and complete. It holds no memory."),
    ],
)
def test_the_first_line_says_what_is_missing(
    states: list[tuple[int, str]],
    mappings: list[dict[str, Any]] | None,
    level: str,
    words: str,
) -> None:
    assert banner(capture(*states, mappings=mappings)) == (level, words)


def test_a_file_that_is_not_intact_is_not_called_complete() -> None:
    raw = bytearray(capture(*ALL, (3, "not_resident")))
    raw[raw.index(b"z" * 64)] ^= 1
    level, words = banner(bytes(raw))
    assert level == "bad"
    assert words.startswith("Not intact: what it says need not be so. Not in it: 12.0 KiB")


def test_what_is_missing_is_named() -> None:
    """Where most of it is, by the name of the mapping; of a state with none in it nothing."""
    names = [mapping(BASE + (1 << 20), 1, "[vvar]"), mapping(BASE + (2 << 20), 3, "/opt/x")]
    raw = capture(*ALL, (1, "failed"), (3, "failed"), mappings=[mapping(BASE, 2), *names])
    with msl_construct.open(raw) as dump:
        answers = {one.question: one for one in report_of(dump).answers}
    assert answers["memory"].more == (
        "16.0 KiB (could not be read)",
        "of these 12.0 KiB in /opt/x, 4.0 KiB in [vvar]",
    )


@pytest.mark.parametrize(
    ("path", "marked"),
    [
        (None, True),
        ("[heap]", True),
        ("/usr/lib/libx.so", False),
        ("C:\\Windows\\System32\\ntdll.dll", False),
        ("\\Device\\HarddiskVolume2\\x.dll", False),
        ("/usr/lib/libx.so (deleted)", True),
        ("/memfd:jit (deleted)", True),
        ("/memfd:jit", True),
        ("/dev/zero", True),
        ("/dev/shm/x", False),
        ("/SYSV00000000", True),
        ("[anon:/usr/lib/libx.so]", True),
    ],
)
def test_code_of_a_mapped_file_is_not_called_code_without_one(
    tmp_path: Path, path: str | None, marked: bool
) -> None:
    """Some producers call it heap, or anonymous; the list of mappings names the file."""
    raw = capture(*ALL, mappings=[mapping(BASE, 2, path)], code=True)
    (tmp_path / "a.msl").write_bytes(raw)
    page = Page(run("report", tmp_path / "a.msl", "-o", "-").stdout.decode())
    (region,) = regions(page.data["dumps"][0]["memory"])
    assert region["marks"] == (2 if marked else 0)
    assert ("Code that comes from no file" in page.text) is marked
    tree = run("inspect", tmp_path / "a.msl").stdout.decode()
    assert ("code without a file" in tree) is marked


def test_code_of_a_file_that_anybody_may_write_is_to_be_looked_at(tmp_path: Path) -> None:
    raw = capture(*ALL, mappings=[mapping(BASE, 2, "/dev/shm/x")], code=True)
    (tmp_path / "a.msl").write_bytes(raw)
    page = Page(run("report", tmp_path / "a.msl", "-o", "-").stdout.decode())
    assert "Code from places where anybody may write" in page.text


@pytest.mark.parametrize("kind", [str, bytes])
def test_words_are_found_as_an_expression_finds_them(kind: type) -> None:
    rng = random.Random(5)

    def text(least: int, most: int) -> str:
        return "".join(rng.choices("aab-", k=rng.randrange(least, most)))

    for _ in range(300):
        words = {text(6, 10) for _ in range(rng.randrange(1, 9))}
        letters = {one for one in words if one.isalpha()}
        where = text(0, 60)
        longest = sorted(words, key=len, reverse=True)
        joined = r"(?<![0-9A-Za-z])%s(?![0-9A-Za-z])"
        form = "|".join(joined % one if one in letters else re.escape(one) for one in longest)
        wanted = [match.span() for match in re.finditer(form, where)]
        if kind is bytes:
            stored = [one.encode() for one in sorted(words - letters)]
            search = WordSearch(stored, [one.encode() for one in sorted(letters)])
            assert list(search.spans(where.encode())) == wanted
            assert search.without(where.encode(), b".").decode() == re.sub(form, ".", where)
        else:
            texts = WordSearch(words - letters, letters)
            assert list(texts.spans(where)) == wanted
            assert texts.without(where, ".") == re.sub(form, ".", where)


def test_the_last_of_very_many_secrets_is_taken_out_as_well() -> None:
    hidden = Redaction()
    for number in range(30_000):
        hidden.variable(f"s3cret-{number:05}", "API_TOKEN")
    raw = capture(*ALL, mappings=[mapping(BASE, 2, "/opt/s3cret-29999/s3cret-00000/x.so")])
    with msl_construct.open(raw) as dump:
        found = report_of(dump, redaction=hidden)
    assert found.gaps == []
    page = everything(Page(html_page([found], redaction=hidden)))
    assert "s3cret" not in page
    assert "/opt/(redacted)/(redacted)/x.so" in page


@pytest.mark.parametrize(("texts", "size"), [(2, 1 << 20), (9, 20)])
def test_secrets_that_are_too_many_are_said(
    monkeypatch: pytest.MonkeyPatch, texts: int, size: int
) -> None:
    monkeypatch.setattr(redaction, "_MOST", texts)
    monkeypatch.setattr(redaction, "_MOST_TEXT", size)
    hidden = Redaction()
    for number in range(3):
        hidden.variable(f"s3cret-{number}", "API_TOKEN")
    hidden.variable("s3cret-0", "API_TOKEN")
    with msl_construct.open(capture(*ALL)) as dump:
        found = report_of(dump, redaction=hidden)
    assert [gap for gap in found.gaps if gap.startswith("redaction: ")] == found.gaps != []
    answers = {one.question: one for one in found.answers}
    assert answers["complete"].level == "warn"
    assert answers["complete"].more == tuple(found.gaps)
