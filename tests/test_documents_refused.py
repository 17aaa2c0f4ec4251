"""Documents that mean nothing, or more than one thing: refused with the line, in bounded memory."""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import PLACE, run
from hostile_documents import CASES, HEAD, Case

import msl_construct
from msl_construct.document.build import build
from msl_construct.document.load import load
from msl_construct.errors import DocumentError

FOUND = Path(__file__).parent / "data" / "documents"
LINES = {
    "10-yaml-blocks-empty.yaml": 4,
    "11-yaml-segments-int.yaml": 4,
    "12-yaml-bool-tag.yaml": 1,
    "13-yaml-int-tag.yaml": 1,
    "14-yaml-timestamp-tag.yaml": 1,
    "15-yaml-hugehex.yaml": 1,
    "16-json-bool-doc.json": 1,
    "17-yaml-header-int.yaml": 2,
    "18-yaml-float-tag.yaml": 1,
    "19-yaml-blocks-str.yaml": 4,
    "20-mapbomb-337B.yaml": 5,
    "21-billion-laughs-repr.yaml": 8,
    "24-log2-shift.yaml": 5,
}
"""Of each file that was found, the line of what is wrong with it."""
MEMORY = 1 << 30
SECONDS = 20
"""A hang is what this is for: each takes a fraction of a second."""

ALL = [*CASES, *(Case(name, (FOUND / name).read_bytes(), line) for name, line in LINES.items())]


def refused(data: bytes) -> DocumentError:
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", errors="surrogateescape")
    with pytest.raises(DocumentError) as caught:
        build(load(text), io.BytesIO())
    return caught.value


def test_every_file_that_was_found_has_its_line() -> None:
    assert {path.name for path in FOUND.iterdir()} == set(LINES)
    assert len({case.name for case in ALL}) == len(ALL)


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_library_refuses_it_with_the_line(case: Case) -> None:
    error = refused(case.data)
    assert error.line == case.line, error
    assert case.says in str(error)
    assert str(error).startswith(f"line {case.line}: ")
    assert "\n" not in str(error)
    assert len(str(error)) < 1000


SMALL = [case for case in ALL if len(case.data) < 5000 and case.name != "alias-many"]


@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
def test_it_is_refused_without_libyaml(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyYAML was installed without it: slower, in other words, and at the same line."""
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    error = refused(case.data)
    assert error.line is not None
    assert abs(error.line - case.line) <= 1, error
    assert "\n" not in str(error)


CHILD = """
import io, json, resource, signal, sys
folder, out, memory, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
from pathlib import Path
from msl_construct.cli import main
found = {}
for path in sorted(Path(folder).iterdir()):
    sys.argv = ["msl", "build", str(path), "-o", out]
    sys.stderr = io.StringIO()
    signal.setitimer(signal.ITIMER_PROF, seconds)
    code = None
    try:
        main()
    except SystemExit as end:
        code = end.code
    signal.setitimer(signal.ITIMER_PROF, 0)
    found[path.name] = [code, sys.stderr.getvalue()]
print(json.dumps(found))
"""
"""Builds every file of a folder, with a limit for its memory."""


def test_command_refuses_them_with_little_memory(tmp_path: Path) -> None:
    names = {f"{number:03}": case for number, case in enumerate(ALL)}
    folder = tmp_path / "documents"
    folder.mkdir()
    for name, case in names.items():
        (folder / name).write_bytes(case.data)
    child = subprocess.run(
        [
            sys.executable,
            "-c",
            CHILD,
            str(folder),
            str(tmp_path / "out"),
            str(MEMORY),
            str(SECONDS),
        ],
        capture_output=True,
        cwd=PLACE,
        timeout=60 * SECONDS,
    )
    assert child.returncode == 0, child.stderr.decode()[-2000:]
    ended: dict[str, Any] = json.loads(child.stdout)
    assert set(ended) == set(names)
    for name, (code, said) in ended.items():
        case = names[name]
        assert code == 3, f"{case.name}: {code}, {said[:200]}"
        assert said.startswith(f"msl: {folder / name}: line {case.line}: "), said[:200]
        assert said.count("\n") == 1, said[:200]
        assert case.says in said
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("name", LINES)
def test_command_under_ulimit(name: str, tmp_path: Path) -> None:
    """The same as a process of its own, as a shell starts it, that leaves no file behind."""
    out = tmp_path / "out.msl"
    done = subprocess.run(
        [sys.executable, "-m", "msl_construct", "build", str(FOUND / name), "-o", str(out)],
        capture_output=True,
        cwd=PLACE,
        timeout=10 * SECONDS,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
    )
    assert done.returncode == 3
    assert not done.stdout
    assert done.stderr.decode().startswith(f"msl: {FOUND / name}: line {LINES[name]}: ")
    assert list(tmp_path.iterdir()) == []


ONE_MEANING = {
    "quoted-words": ('exe_path: "no"', "no"),
    "single-quotes": ("exe_path: 'yes'", "yes"),
    "block-text": ("exe_path: |-\n      off", "off"),
    "tagged": ("exe_path: !!str 010", "010"),
    "alias": ("cmd_line: &a 'x y'\n    exe_path: *a", "x y"),
    "version": ("exe_path: 5.10.0-8-amd64", "5.10.0-8-amd64"),
    "path": ("exe_path: /bin/~x", "/bin/~x"),
    "words": ("exe_path: no more", "no more"),
    "null": ("exe_path: null", None),
    "nothing": ("exe_path:", None),
}


@pytest.mark.parametrize("name", ONE_MEANING)
def test_what_has_one_meaning_is_taken(name: str) -> None:
    stated, meant = ONE_MEANING[name]
    payload = {**dict.fromkeys(("ppid", "session_id"), 1), "start_time": "5"}
    given = "".join(f"    {key}: {value!r}\n" for key, value in payload.items())
    text = f"{HEAD}blocks:\n- block_type: process_identity\n  payload:\n{given}    {stated}\n"
    out = io.BytesIO()
    build(load(io.StringIO(text)), out)
    assert msl_construct.open(out.getvalue()).blocks[0].payload["exe_path"] == meant


NUMBERS = {"0": 0, "7": 7, "+7": 7, "0x10": 16, "0xfF": 255, '"0x10"': 16, '"7"': 7, "!!int 7": 7}


@pytest.mark.parametrize("stated", NUMBERS)
def test_numbers_of_one_meaning(stated: str) -> None:
    head = HEAD.replace("pid: 1", f"pid: {stated}")
    parts = dict(load(io.StringIO(head)))
    out = io.BytesIO()
    build(iter(parts.items()), out)
    assert msl_construct.open(out.getvalue()).header.record["pid"] == NUMBERS[stated]


def test_fault_in_a_large_block_is_found_at_once() -> None:
    """What is gone through a second time is gone through by the scanner: a hang otherwise."""
    rows = ",\n".join('{"a": [1, 2, {"b": null}], "c": "x"}' for _ in range(200_000))
    text = f'{{"document": 1,\n"file": [{rows},\n{{"a": {{"b": [1, {{"c": 1,\n"c": 2}}]}}}}]}}'
    error = refused(text.encode())
    assert (error.line, error.reason[:24]) == (200_003, "'c' stands here a second")


# -- names of files ----------------------------------------------------------------------


@pytest.mark.parametrize("letter", ["x", "ü", "語"])
@pytest.mark.parametrize("length", [247, 250, 255])
@pytest.mark.parametrize("force", [False, True])
def test_long_names(letter: str, length: int, force: bool, tmp_path: Path) -> None:
    width = len(letter.encode())
    name = letter * (length // width) + "x" * (length % width)
    assert len(name.encode()) == length
    document = tmp_path / "a.yaml"
    document.write_text(HEAD, encoding="utf-8")
    out = tmp_path / name
    if force:
        out.write_bytes(b"old")
    words = ["--force"] if force else []
    done = run("build", document, "-o", out, *words)
    assert done.returncode == 0, done.stderr
    assert out.read_bytes().startswith(b"MEMSLICE")
    assert len(list(tmp_path.iterdir())) == 2


def test_a_name_that_is_too_long_is_said(tmp_path: Path) -> None:
    document = tmp_path / "a.yaml"
    document.write_text(HEAD, encoding="utf-8")
    done = run("build", document, "-o", tmp_path / ("x" * 256))
    assert done.returncode in (2, 3)
    assert "x" * 256 in done.stderr.decode()


def test_a_document_is_not_written_over(tmp_path: Path) -> None:
    document = tmp_path / "a.yaml"
    document.write_text(HEAD, encoding="utf-8")
    (tmp_path / "b.yaml").hardlink_to(document)
    for out in (document, tmp_path / "b.yaml"):
        done = run("build", document, "-o", out, "--force")
        assert done.returncode == 2
        assert "is the document itself" in done.stderr.decode()
    assert document.read_text(encoding="utf-8") == HEAD


def in_a_deleted_folder(*words: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    gone = tmp_path / "gone"
    gone.mkdir()
    command = " ".join([f"'{sys.executable}'", "-m", "msl_construct", *words])
    return subprocess.run(
        ["sh", "-c", f"cd '{gone}' && rmdir '{gone}' && {command}"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PLACE)},
    )


def test_deleted_folder_is_named(tmp_path: Path) -> None:
    document = tmp_path / "a.yaml"
    document.write_text(HEAD, encoding="utf-8")
    for words in (["build", str(document), "-o", "out.msl"], ["build", "a.yaml", "-o", "out.msl"]):
        done = in_a_deleted_folder(*words, tmp_path=tmp_path)
        assert done.returncode in (2, 3)
        assert "out.msl: the working" in done.stderr or "a.yaml: No such" in done.stderr, (
            done.stderr
        )
        assert "Traceback" not in done.stderr
    generated = in_a_deleted_folder("generate", "python", "-o", "out", tmp_path=tmp_path)
    assert generated.returncode == 3
    assert "the working directory has been deleted" in generated.stderr
    whole = in_a_deleted_folder(
        "build", str(document), "-o", f"{tmp_path}/o.msl", tmp_path=tmp_path
    )
    assert whole.returncode == 0, whole.stderr
