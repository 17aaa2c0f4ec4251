"""Under Wine: the command line says the same as here, byte for byte, with the same exit codes."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from sampling import part_of
from windows.comparing import (
    FORMS,
    SAMPLES,
    WITHOUT_A_FILE,
    Comparison,
    removed,
    stocked,
)
from windows.environment import Wine, dos
from windows.targets import Runner, wait_for

OF_ALL = ("json", "verify", "check")
SHARE = 9
"""Each other form takes one file of so many; `windows.comparing` takes all."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    stocked(folder)
    return folder


@pytest.fixture(scope="module")
def here(folder: Path) -> Iterator[Runner]:
    runner = Runner.here(folder)
    yield runner
    runner.close()


@pytest.fixture(scope="module")
def both(folder: Path, under_wine: Runner, here: Runner) -> Comparison:
    return Comparison(folder, under_wine, here)


@pytest.mark.parametrize("form", FORMS)
def test_the_same_as_here(both: Comparison, folder: Path, form: str) -> None:
    files = part_of(sorted(path.name for path in folder.glob("*.msl")))
    number = list(FORMS).index(form)
    for file in files if form in OF_ALL else files[number % SHARE :: SHARE]:
        assert both.of_form(form, file) == "", file


@pytest.mark.parametrize("words", WITHOUT_A_FILE, ids=" ".join)
def test_the_same_as_here_without_a_file(both: Comparison, words: Sequence[str]) -> None:
    assert both.of_words(words) == ""


def test_what_differs_is_told(here: Runner, folder: Path) -> None:
    (folder / "other").mkdir()
    shutil.copy(folder / "live-be.msl", folder / "other/live-le.msl")
    other = Runner.here(folder / "other")
    try:
        difference = Comparison(folder, other, here).of_form("verify", "live-le.msl")
    finally:
        other.close()
        shutil.rmtree(folder / "other")
    assert difference.startswith("stdout: here b'")


def test_wildcards_stand_for_files(under_wine: Runner, folder: Path) -> None:
    answer = under_wine("verify", "--json", "live-*.msl")
    assert answer.code == 0
    names = [json.loads(line)["file"] for line in answer.out.splitlines()]
    assert names == sorted(path.name for path in folder.glob("live-*.msl"))
    assert under_wine("verify", "nothing-*.msl").code == 3
    assert (
        json.loads(under_wine("verify", "--json", ".\\live-le.msl").out)["file"] == "./live-le.msl"
    )
    answer = under_wine("search", "live-le.msl", "*.msl")  # a pattern is no file
    assert answer.err.startswith("msl: live-le.msl: 0 hits in ")
    assert "live-be.msl" not in answer.err


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("CON", "CON is a device of Windows"),
        ("com1.msl", "COM1 is a device of Windows"),
        ("\\\\.\\NUL", "names a device"),
        ("x.msl:stream", "names a stream of a file"),
        ("dot.msl.", "ends with a dot or a space"),
        ("a?b.msl", "has a '\\?'"),
    ],
)
def test_refused_names(under_wine: Runner, name: str, reason: str) -> None:
    assert under_wine("convert", "live-le.msl", "-o", name).code == 2
    answer = under_wine("acquire", "1", "-o", name)
    assert answer.code == 2
    assert re.search(reason, answer.err), answer.err


@pytest.mark.parametrize("command", ["acquire", "convert"])
def test_one_name_in_two_cases(under_wine: Runner, folder: Path, command: str) -> None:
    words = {
        "acquire": ("acquire", "1", "-o", "twice.msl", "--force", "--report", ".\\TWICE.msl"),
        "convert": ("convert", "live-le.msl", "-o", "twice.msl", "-f", "--losses", "Twice.MSL"),
    }
    answer = under_wine(*words[command])
    assert answer.code == 2, answer
    assert not [path for path in folder.iterdir() if path.name.lower() == "twice.msl"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("extract", "live-le.msl", "--all", "-o", "CON"), "CON is a device"),
        (("export", "live-le.msl", "--to", "csv", "-o", "dot."), "ends with a dot"),
        (("schema", "export", "-o", "schemas."), "ends with a dot"),
        (("samples", "generate", "-o", "out:PRN"), "names a stream"),
        (("acquire", "1", "-o", "LPT1\\"), "LPT1 is a device"),
        (("acquire", "1", "-o", "a.msl", "--report", "CON"), "CON is a device"),
        (("keygen", "-o", "COM2"), "COM2 is a device"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "",
)
def test_refused_folders(under_wine: Runner, words: Sequence[str], reason: str) -> None:
    answer = under_wine(*words)
    assert answer.code == (2 if words[0] in ("acquire", "keygen") else 3), answer
    assert reason in answer.err


def test_a_target_that_is_open_is_named(under_wine: Runner, folder: Path) -> None:
    with open(folder / "open.msl", "wb"):
        answer = under_wine("convert", "live-le.msl", "-o", "live-be.msl:", "--force")
        assert answer.code == 2
    assert under_wine("inspect", "nobody.msl").err.startswith("msl: nobody.msl: ")


def test_decoders_run(wine: Wine, under_wine: Runner) -> None:
    """In a job, which ends with all that they have started."""
    names = ("valid/all-captured-10-be", "valid/all-captured-11-le")
    chosen = [f"--only={name}" for name in names]
    samples = ("samples", "run", "--samples", str(SAMPLES), *chosen)
    python = f'"{dos(wine.python()[1])}"'
    ours = f"{python} -m msl_construct inspect --json --with-data {{}}"
    answer = under_wine(*samples, "--timeout", "90", "--decoder", ours)
    assert answer.code == 0, (answer.out, answer.err)
    mark = f"msl-never-ends-{os.getpid()}"
    child = f"import time; time.sleep(600) # {mark}"
    endless = (
        f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', '{child}']); "
        "time.sleep(600)"
    )
    answer = under_wine(*samples, "--timeout", "8", "--decoder", f'{python} -c "{endless}" {{}}')
    assert answer.code == 1
    assert b"timeout" in answer.out or b"time" in answer.out
    wait_for(lambda: not _running_with(mark), "the end of what a decoder had started", 10)


def _running_with(mark: str) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(os.getpid()):
            with suppress(OSError):
                words = (entry / "cmdline").read_bytes()
                if mark.encode() in words:
                    found.append(entry.name)
    return found


def test_built_from_documents(under_wine: Runner, here: Runner, folder: Path) -> None:
    for file in part_of(sorted(path.name for path in folder.glob("*.msl")))[::SHARE]:
        document = here("inspect", "--yaml", "--with-data", file)
        if document.code == 3:
            continue
        answer = under_wine("build", "-", "-q", "-o", "built.msl", stdin=document.out)
        assert (answer.code, answer.err) == (0, ""), file
        assert (folder / "built.msl").read_bytes() == (folder / file).read_bytes(), file
        removed(folder / "built.msl")
