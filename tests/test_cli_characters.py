"""What stands in a dump and would act on whoever looks at it: terminals, spreadsheets, eyes."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
import yaml
from commands import COMMAND, PLACE, run
from independent import wire
from independent.specimens import LE11, finish, start

from msl_construct.characters import escape_for_json, escape_for_people, escape_for_yaml, width_of
from msl_construct.document.csv_cells import cell

ODD = Path(__file__).parent / "data" / "odd" / "dumps"
EVIL = ODD / "36-evil-strings.msl"
HIDDEN = ("Cf", "Cc", "Zl", "Zp", "Cs", "Co", "Cn")
BLANK = "\u034f\u115f\u3164\ufe0f\uffa0\u2800"
FORMS: tuple[tuple[str, ...], ...] = (
    (), ("--json",), ("--yaml",), ("--ndjson",), ("--csv", "--show", "modules"),
    ("--csv", "--show", "process"), ("--json", "--show", "modules,process,hints"),
)  # fmt: skip


def acting(text: str) -> set[str]:
    """Characters that must not go out as they are."""
    return {c for c in text if c != "\n" and (unicodedata.category(c) in HIDDEN or c in BLANK)}


def everything() -> str:
    return "".join(
        c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c) in HIDDEN[:5]
    )


@pytest.mark.parametrize("form", FORMS, ids=" ".join)
def test_nothing_that_acts_or_hides_goes_out(form: tuple[str, ...]) -> None:
    done = run("inspect", *form, EVIL)
    assert done.returncode == 0
    assert not acting(done.stdout.decode())


@pytest.mark.parametrize("form", ["text", "json", "ndjson", "sarif", "junit"])
def test_nor_does_it_from_check(form: str) -> None:
    done = run("check", "--all", "--format", form, EVIL)
    assert done.returncode == 1
    assert not acting(done.stdout.decode())


@pytest.mark.parametrize("format_", ["--json", "--yaml"])
def test_and_every_character_comes_back(format_: str, tmp_path: Path) -> None:
    text = f"/{everything()}{BLANK}Ü日🙂/end".replace("\0", "")
    text = "".join(c for c in text if unicodedata.category(c) != "Cs")  # no UTF-8
    builder = start(LE11)
    for part in range(0, len(text), 300):
        path = text[part : part + 300]
        builder.add(wire.MODULE_ENTRY, wire.module_entry("<", path=path))
    dump = tmp_path / "x.msl"
    dump.write_bytes(finish(builder, LE11))
    done = run("inspect", format_, dump)
    assert not acting(done.stdout.decode())
    shown = (json if format_ == "--json" else yaml).__dict__
    loaded = shown["loads" if format_ == "--json" else "safe_load"](done.stdout)
    paths = [b["payload"].get("path") for b in loaded["blocks"]]
    assert "".join(p for p in paths if p is not None) == text


def test_escapes_mean_what_they_stand_for() -> None:
    text = everything() + BLANK
    encoded = json.dumps(text, ensure_ascii=False)
    assert not acting(escape_for_json(encoded))
    whole = "".join(c for c in text if unicodedata.category(c) != "Cs")
    assert json.loads(escape_for_json(json.dumps(whole, ensure_ascii=False))) == whole
    few = whole[:3000] + whole[-500:]
    assert yaml.safe_load(escape_for_yaml(json.dumps(few, ensure_ascii=False))) == few
    assert escape_for_people("a\x1b\u202e\U000e0041Ü") == "a\\x1b\\u202e\\U000e0041Ü"


def test_columns_are_those_of_a_terminal() -> None:
    assert [width_of(t) for t in ("ab", "日本", "e\u0301")] == [2, 4, 1]


# -- spreadsheets --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("=1+1", "'=1+1"), ("@SUM(A1)", "'@SUM(A1)"), ("-1-cmd", "'-1-cmd"), ("+A1", "'+A1"),
        (" =A1", "' =A1"), ("\uff1dA1", "'\uff1dA1"), ("a;=A1", "a;'=A1"), ("'=A1", "''=A1"),
        ("\t=A1", "\\x09=A1"), ("\r=A1", "\\x0d=A1"),
        (-1, -1), ("-1", "'-1"), (0, 0), ("/bin/sh -c x", "/bin/sh -c x"), (None, None),
        (["a", "b"], "a b"), (["=a"], "'=a"),
    ],
)  # fmt: skip
def test_no_cell_is_a_formula(value: object, shown: object) -> None:
    assert cell(value) == shown


def test_programs_can_take_the_apostrophes_away() -> None:
    for text in ("=1", "'=1", "''=1", "a;=1", "a;'=1", "'", "a'b", "it's"):
        assert re.sub(r"(^|;)'(?=[ ']*[=+\-@])", r"\1", cell(text)) == text


def test_no_row_of_the_evil_dump_is_a_formula() -> None:
    for table in ("process", "modules", "hints"):
        done = run("inspect", "--csv", "--show", table, EVIL)
        for row in csv.reader(io.StringIO(done.stdout.decode(), newline="")):
            for found in row:
                assert found[:1] not in tuple("=+-@\t\r\n"), row


# -- encodings -----------------------------------------------------------------------------

ENCODINGS = ("ascii", "latin-1", "cp1252", "cp437", "utf-16", "utf-8", "shift_jis")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("command", ["inspect", "verify", "check"])
def test_text_for_people_is_in_their_encoding(command: str, encoding: str, tmp_path: Path) -> None:
    """Of a region whose pages lack their bytes as well, which has a character of its own."""
    dump = tmp_path / "Grüße-日本.msl"
    dump.write_bytes((ODD / "01-min-184B.msl").read_bytes())
    done = run(command, dump, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert done.returncode == (1 if command == "check" else 4)
    text = done.stdout.decode(encoding)
    assert "Gr" in text
    assert "msl" in text
    assert not acting(text)


@pytest.mark.skipif(os.name != "posix", reason="needs pseudo terminals")
@pytest.mark.parametrize("form", ["--json", "--yaml", "--csv"])
def test_a_terminal_of_another_encoding_gets_documents_it_can_show(form: str) -> None:
    """In UTF-8 a letter can hold a byte that such a terminal obeys."""
    import pty

    parent, child = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "inspect", form, *(["--show", "modules"] if form == "--csv" else []), EVIL],
        stdout=child, stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(PLACE), "PYTHONIOENCODING": "latin-1"},
    ):  # fmt: skip
        os.close(child)
        out = b""
        try:
            while piece := os.read(parent, 65536):
                out += piece
        except OSError:
            pass  # how Linux says that the other side has gone
    os.close(parent)
    assert not [byte for byte in out if (byte < 32 and byte not in b"\r\n") or 127 <= byte < 160]
    if form == "--json":
        assert json.loads(out.decode("latin-1"))


@pytest.mark.skipif(os.name != "posix", reason="such names are possible on POSIX")
@pytest.mark.parametrize(
    "words", [["check", "{}"], ["inspect", "a", "{}"], ["{}"], ["build", "{}"]]
)
def test_names_on_the_command_line_act_on_nothing(words: list[str]) -> None:
    done = run(*(word.replace("{}", "\x1b[31m\u202ex") for word in words))
    assert done.returncode in (2, 3)
    assert not acting((done.stdout + done.stderr).decode())
