"""Under Wine: the command line says the same as here, byte for byte, with the same exit codes."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import commands
import pytest
from sampling import part_of
from windows.environment import ROOT, Wine, dos
from windows.targets import Runner, wait_for

SAMPLES = ROOT / "samples"

FORMS: dict[str, Sequence[str]] = {
    "tree": ("inspect", "{}"),
    "json": ("inspect", "--json", "{}"),
    "yaml": ("inspect", "--yaml", "--with-data", "{}"),
    "ndjson": ("inspect", "--ndjson", "{}"),
    "csv": ("inspect", "--csv", "--show", "regions", "{}"),
    "verify": ("verify", "--json", "{}"),
    "check": ("check", "--format", "json", "{}"),
    "check all": ("check", "--all", "{}"),
    "sarif": ("check", "--format", "sarif", "{}"),
    "junit": ("check", "--format", "junit", "{}"),
    "strings": ("strings", "--json", "{}"),
    "search": ("search", "{}", "--hex", "7f45", "--json"),
    "extract": ("extract", "{}", "--all", "-o", "{out}"),
    "recover": ("recover", "{}", "-o", "{out}"),
    "convert": ("convert", "{}", "-o", "{out}"),
    "export": ("export", "{}", "--to", "raw", "-o", "{out}"),
    "core": ("export", "{}", "--to", "elf-core", "-o", "{out}"),
    "minidump": ("export", "{}", "--to", "minidump", "-o", "{out}"),
    "diff": ("diff", "{}", "live-le.msl", "--json"),
    "offsets": ("inspect", "--json", "--offsets", "{}"),
    "read": ("read", "{}", "0x1000", "0x40", "--json"),
    "texts": ("search", "{}", "--text", "e", "--ndjson"),
    "pointers": ("search", "{}", "--pointer-to", "0x1000..0x100000", "--json"),
    "report": ("report", "{}", "-o", "{out}"),
    "markdown": ("report", "{}", "--format", "md", "-o", "-"),
    "csv tables": ("export", "{}", "--to", "csv", "-o", "{out}"),
    "ndjson tables": ("export", "{}", "--to", "ndjson", "-o", "{out}"),
    "old draft": ("convert", "{}", "--to-draft", "draft-2026-03", "-o", "{out}"),
    "enrich": ("enrich", "{}"),
    "decrypt": ("decrypt", "{}", "-o", "{out}"),
    "import": ("import", "{}", "-o", "{out}"),
    "yara": ("yara", "{}", "rules.yar", "--json"),
    "parquet": ("export", "{}", "--to", "parquet", "-o", "{out}"),
}

WITHOUT_A_FILE: tuple[Sequence[str], ...] = (
    ("schema", "list"),
    ("schema", "show", "draft-2026-10", "thread_context"),
    ("schema", "diff", "draft-2026-03", "draft-2026-10"),
    ("schema", "diff", "draft-2026-03", "draft-2026-10", "--breaking"),
    ("schema", "check", "draft-2026-10"),
    ("schema", "export", "--to", "ksy"),
    ("schema", "export", "--to", "c"),
    ("schema", "export", "--to", "json"),
    ("schema", "export", "-o", "{out}"),
    ("schema", "export", "--check", "-o", "{out}"),
    ("samples", "list", "--samples", "{samples}"),
    ("samples", "generate", "--check", "-o", "{samples}"),
    ("generate", "nothing", "-o", "{out}"),
    ("verify",),
    ("nothing",),
    ("--version",),
)


OF_ALL = ("json", "verify", "check")
SHARE = 1 if os.environ.get("MSL_WINDOWS") == "all" else 9
"""Each other form takes one file of so many; all with ``MSL_WINDOWS=all``."""
RULES = """
rule elf { strings: $a = { 7f 45 4c 46 } condition: $a }
rule text { strings: $a = "the" nocase wide ascii condition: $a }
"""

NEW_NAMES = ("recover", "convert", "old draft", "import")
"""What is written has a UUID of its own."""

OF_A_TABLE = re.compile(r"(?<=/)[0-9a-f]{16}-[0-9a-f]{12}(?=[-.])")
MADE = re.compile(rb"Page made [0-9: -]+ UTC|\b[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8} UTC by")
"""When a page was made."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    for file in SAMPLES.rglob("*.msl"):
        shutil.copy(file, folder)
    (folder / "rules.yar").write_text(RULES)
    return folder


@pytest.fixture(scope="module")
def runner(wine: Wine, folder: Path) -> Iterator[Runner]:
    runner = Runner(wine, folder)
    yield runner
    runner.close()


def everything_below(path: Path) -> dict[str, bytes]:
    """What was written: a file, or a folder of them. Tables go by names that tell where the dump
    is, which no other system calls so."""
    if path.is_file():
        return {"": path.read_bytes()}
    files = ((f.relative_to(path).as_posix(), f) for f in path.rglob("*") if f.is_file())
    return {OF_A_TABLE.sub("", name): file.read_bytes() for name, file in files}


@pytest.mark.parametrize("form", FORMS)
def test_the_same_as_here(runner: Runner, folder: Path, form: str) -> None:
    files = part_of(sorted(path.name for path in folder.glob("*.msl")))
    number = list(FORMS).index(form)
    for file in files if form in OF_ALL else files[number % SHARE :: SHARE]:
        words = [word.replace("{}", file) for word in FORMS[form]]
        same_as_here(runner, folder, words, new_names=form in NEW_NAMES)


@pytest.mark.parametrize("words", WITHOUT_A_FILE, ids=" ".join)
def test_the_same_as_here_without_a_file(
    runner: Runner, folder: Path, words: Sequence[str]
) -> None:
    same_as_here(runner, folder, words)


def same_as_here(
    runner: Runner, folder: Path, form: Sequence[str], *, new_names: bool = False
) -> None:
    """A command says and writes the same on both systems.

    Args:
        form: its words, where ``{out}`` is what it writes, and ``{samples}`` the corpus.
        new_names: whether what it writes has names of its own.
    """
    outs = []
    answers = []
    for where in ("here", "there"):
        out = f"out-{where}"
        corpus = str(SAMPLES) if where == "here" else dos(SAMPLES)
        words = [word.replace("{out}", out).replace("{samples}", corpus) for word in form]
        if where == "here":
            done = commands.run(*words, folder=folder)
            answers.append((done.returncode, done.stdout, done.stderr))
        else:
            found = runner(*words)
            answers.append((found.code, found.out, found.err))
        outs.append(everything_below(folder / out))
        _remove(folder / out)
    here, there = answers
    assert there[0] == here[0], (form, here, there)
    assert _plain(_bytes(there[1])) == _plain(_bytes(here[1])), form
    assert _plain(there[2].encode()) == _plain(_bytes(here[2])), form
    if new_names:
        assert {n: len(d) for n, d in outs[1].items()} == {n: len(d) for n, d in outs[0].items()}
    else:
        assert {n: _plain(d) for n, d in outs[1].items()} == {
            n: _plain(d) for n, d in outs[0].items()
        }, form


def _plain(data: bytes) -> bytes:
    """Without what differs by right: where it was written, and when."""
    data = data.replace(b"out-there", b"out-here").replace(dos(SAMPLES).encode(), b"SAMPLES")
    data = data.replace(dos(SAMPLES).replace("\\", "/").encode(), b"SAMPLES")
    return MADE.sub(b"", data.replace(str(SAMPLES).encode(), b"SAMPLES"))


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    for other in path.parent.glob(f"{path.name}*"):
        os.unlink(other)


def test_wildcards_stand_for_files(runner: Runner, folder: Path) -> None:
    answer = runner("verify", "--json", "live-*.msl")
    assert answer.code == 0
    names = [json.loads(line)["file"] for line in answer.out.splitlines()]
    assert names == sorted(path.name for path in folder.glob("live-*.msl"))
    assert runner("verify", "nothing-*.msl").code == 3
    assert json.loads(runner("verify", "--json", ".\\live-le.msl").out)["file"] == "./live-le.msl"
    answer = runner("search", "live-le.msl", "*.msl")  # a pattern is no file
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
def test_refused_names(runner: Runner, name: str, reason: str) -> None:
    assert runner("convert", "live-le.msl", "-o", name).code == 2
    answer = runner("acquire", "1", "-o", name)
    assert answer.code == 2
    assert re.search(reason, answer.err), answer.err


def test_a_target_that_is_open_is_named(runner: Runner, folder: Path) -> None:
    with open(folder / "open.msl", "wb"):
        answer = runner("convert", "live-le.msl", "-o", "live-be.msl:", "--force")
        assert answer.code == 2
    assert runner("inspect", "nobody.msl").err.startswith("msl: nobody.msl: ")


def test_decoders_run(wine: Wine, runner: Runner) -> None:
    """In a job, which ends with all that they have started."""
    names = ("valid/all-captured-10-be", "valid/all-captured-11-le")
    chosen = [f"--only={name}" for name in names]
    samples = ("samples", "run", "--samples", str(SAMPLES), *chosen)
    python = f'"{dos(wine.python()[1])}"'
    ours = f"{python} -m msl_construct inspect --json --with-data {{}}"
    answer = runner(*samples, "--timeout", "90", "--decoder", ours)
    assert answer.code == 0, (answer.out, answer.err)
    mark = f"msl-never-ends-{os.getpid()}"
    child = f"import time; time.sleep(600) # {mark}"
    endless = (
        f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', '{child}']); "
        "time.sleep(600)"
    )
    answer = runner(*samples, "--timeout", "8", "--decoder", f'{python} -c "{endless}" {{}}')
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


def test_built_from_documents(runner: Runner, folder: Path) -> None:
    for file in part_of(sorted(path.name for path in folder.glob("*.msl")))[::SHARE]:
        document = commands.run("inspect", "--yaml", "--with-data", file, folder=folder)
        if document.returncode == 3:
            continue
        answer = runner("build", "-", "-q", "-o", "built.msl", stdin=document.stdout)
        assert (answer.code, answer.err) == (0, ""), file
        assert (folder / "built.msl").read_bytes() == (folder / file).read_bytes(), file
        _remove(folder / "built.msl")
