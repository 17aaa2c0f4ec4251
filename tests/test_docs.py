"""The documentation says what is so: its examples run, its lists are complete."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import run
from sampling import sampled

from msl_construct.cli.common import Exit
from msl_construct.cli.group import COMMANDS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "spec-docs"
sys.path.insert(0, str(DOCS / "_ext"))
try:
    import remembered
    import sessions
finally:
    sys.path.pop(0)

PAGES = sorted(DOCS.glob("*.rst"))
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *PAGES]
RUNNABLE = [page for page in PAGES if any(sessions.examples(page.read_text("utf-8")))]


def readme() -> str:
    return (ROOT / "README.md").read_text("utf-8")


def fenced(marker: str) -> list[str]:
    """Shell commands in the fences that follow a marker directly."""
    return re.findall(rf"<!-- {marker} -->\n```sh\n(.*?)\n```\n", readme(), re.S)


@pytest.fixture
def scratch() -> Iterator[Any]:
    found = sessions.Scratch()
    yield found
    found.close()


@sampled()  # all of them run whenever the pages are built
@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: page.stem)
def test_the_sessions_of_a_page_run(page: Path) -> None:
    found = list(sessions.examples(page.read_text("utf-8")))
    assert all(remembered.Remembered(found, ROOT / "samples").answers())


def test_an_example_runs_again_when_what_it_sees_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(remembered.FOLDER, str(tmp_path / "kept"))
    runs = tmp_path / "runs"
    content = f"$ echo ran >> {runs}; wc -l < {runs}"
    found = [sessions.Example("msl-session", {}, content, 1)]

    def answer(found: list[Any] = found) -> str:
        (shown,) = remembered.Remembered(found, ROOT / "samples").answers()
        return str(shown.splitlines()[-1])

    assert (answer(), answer()) == ("1", "1")
    other = [sessions.Example("msl-session", {}, f"{content} # another", 1)]
    assert answer(other) == "2"
    failing = [sessions.Example("msl-session", {}, f"{content}; false", 1)]
    for _ in range(2):
        with pytest.raises(sessions.ExampleError):
            answer(failing)
    assert len(runs.read_text().splitlines()) == 4, "what failed is not kept"


@pytest.mark.parametrize("place", ["msl_construct/reader/new.py", "spec-docs/examples/mine.py"])
def test_the_key_has_sources_and_samples_in_it(tmp_path: Path, place: str) -> None:
    found = [sessions.Example("msl-session", {}, "$ msl --version", 1)]
    samples = tmp_path / "samples"

    def key() -> str:
        remembered._surroundings.cache_clear()
        return str(remembered.key_of(found, samples, tmp_path))

    for file in (place, "samples/one.msl"):
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a")
    before = key()
    assert key() == before
    (tmp_path / place).write_text("b")
    changed = key()
    (samples / "one.msl").write_text("b")
    assert len({before, changed, key()}) == 3
    remembered._surroundings.cache_clear()


def test_the_shell_completes_commands_and_options() -> None:
    for words, at, wanted in (
        ("msl sche", 1, "schema"),
        ("msl schema diff --fail", 3, "--fail-on"),
    ):
        ran = run(COMP_WORDS=words, COMP_CWORD=str(at), _MSL_COMPLETE="bash_complete")
        assert f"plain,{wanted}" in ran.stdout.decode().splitlines()


def test_the_pages_that_promise_sessions_have_them() -> None:
    stems = {page.stem for page in RUNNABLE}
    assert stems >= {"tour", "library", "document", "limits", "add-a-block", "own-draft", "install"}


def test_the_python_in_the_readme_runs(scratch: Any) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", readme(), re.S)
    shown = scratch.python(code)
    assert "intact and complete" in shown
    assert "'absent'" in shown


@pytest.mark.parametrize(
    ("marker", "last"),
    [
        ("demo command", ".venv/bin/msl-inspect samples/live-le.msl"),
        ("test command", ".venv/bin/python -m pytest -q -n auto"),
    ],
)
def test_the_two_commands_of_the_readme(marker: str, last: str) -> None:
    assert readme().count(f"<!-- {marker} -->") == 1
    (command,) = fenced(marker)
    assert "\n" not in command, "one command"
    assert command.rpartition(" && ")[2] == last
    assert command.count(last) == 1
    checked = subprocess.run(["sh", "-n", "-c", command], capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert shlex.split(command), "quotes are closed"


def test_every_command_is_documented(scratch: Any) -> None:
    assert ".. msl-reference::" in (DOCS / "cli.rst").read_text("utf-8")
    for name in COMMANDS:
        assert re.search(rf"^\| `msl {name} .*` \| ", readme(), re.M), (
            f"README.md has no row for `msl {name} …` in its table of commands"
        )
        shown = scratch.session(f"$ msl {name} --help")
        for part in ("Usage:", "Example:", "Exit codes:"):
            assert part in shown, f"msl {name} --help: {part}"


def test_every_exit_code_is_documented() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", readme(), re.M)
    assert [int(code) for code, _ in rows] == sorted(int(code) for code in Exit)


def test_every_option_of_inspect_show_is_in_its_help(scratch: Any) -> None:
    from msl_construct.document.tables import TABLES

    shown = " ".join(scratch.session("$ msl inspect --help").split())
    assert [name for name in TABLES if name not in shown] == []


def test_the_changelog_knows_this_version() -> None:
    from msl_construct import __version__

    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8").replace("[", "")


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.name)
def test_texts_name_nothing_that_the_reader_has_not(text: Path) -> None:
    written = text.read_text("utf-8")
    for place in re.findall(r"/(?:work|home|root|tmp)/\S*|\.\./shared\S*", written):
        pytest.fail(f"{text.name} mentions {place}")
    for file in re.findall(r"samples/[\w.-]+\.msl", written):
        assert (ROOT / file).is_file(), f"{text.name} mentions {file}"
    if text.suffix == ".md":
        named = re.findall(r"`((?:\w[\w-]*/)*[\w-]+\.(?:md|rst|py|toml))`", written)
        for name in named:
            bases = (ROOT, ROOT / "msl_construct")
            assert any((base / name).is_file() for base in bases), f"{text.name} mentions {name}"


def test_an_unexpected_outcome_is_noticed(scratch: Any) -> None:
    with pytest.raises(sessions.ExampleError, match="expected 1"):
        scratch.session("$ msl verify samples/live-le.msl", 1)
    with pytest.raises(sessions.ExampleError, match="ended with 3"):
        scratch.session("$ msl verify nothing.msl\n$ true")
    with pytest.raises(sessions.ExampleError, match="raised nothing"):
        scratch.python("1", "ValueError")
    with pytest.raises(sessions.ExampleError, match="ZeroDivisionError"):
        scratch.python("1 / 0")


def test_examples_are_found_with_their_options() -> None:
    text = "a\n\n.. msl-session::\n   :exit: 4\n\n   $ one\n   $ two\n\n"
    text += "b\n\n.. msl-python::\n\n   1\n"
    found = [(e.kind, e.options, e.content) for e in sessions.examples(text)]
    assert found == [("msl-session", {"exit": "4"}, "$ one\n$ two"), ("msl-python", {}, "1")]


def test_the_pages_build_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="needs the docs extra")
    pytest.importorskip("furo", reason="needs the docs extra")
    build = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-b", "html"]
    ran = subprocess.run(
        [*build, "-d", str(tmp_path / "trees"), str(DOCS), str(tmp_path / "html")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    shown = (tmp_path / "html" / "cli.html").read_text("utf-8")
    for name in COMMANDS:
        assert f'id="msl-{name}"' in shown
