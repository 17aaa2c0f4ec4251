"""Manual pages: one for each command, with all that its help has; roff takes every line."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from msl_construct.cli.group import COMMANDS
from msl_construct.cli.manual import commands, manual_pages

PAGES = manual_pages()


def test_every_command_has_one() -> None:
    assert {f"msl-{name}.1" for name in COMMANDS} <= set(PAGES)
    assert {"msl.1", "msl-schema-export.1", "msl-samples-run.1"} <= set(PAGES)


def rendered(name: str, folder: Path) -> str:
    """A page as a terminal shows it; whatever roff warns of is an error."""
    man = shutil.which("man")
    if man is None or shutil.which("groff") is None:
        pytest.skip("needs man and groff")
    path = folder / name
    path.write_text(PAGES[name], encoding="utf-8")
    ran = subprocess.run(
        [man, "--warnings", "-l", path],
        capture_output=True,
        text=True,
        check=False,
        env={
            "PATH": "/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            "MANWIDTH": "200",
            "MAN_KEEP_FORMATTING": "",
        },
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return re.sub(".\b", "", ran.stdout)


@pytest.mark.parametrize("name", ["msl.1", "msl-inspect.1", "msl-schema-export.1", "msl-acquire.1"])
def test_man_shows_it(name: str, tmp_path: Path) -> None:
    text = rendered(name, tmp_path)
    for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES"):
        assert re.search(f"^{section}$", text, re.M), section
    assert f"{name[:-2]} - " in text


def test_every_option_is_on_its_page() -> None:
    lacking = []
    for words, command in commands():
        page = PAGES[f"{'-'.join(words)}.1"].replace("\\-", "-")
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden:
                lacking += [(words, one) for one in option.opts if one not in page]
    assert lacking == []


def test_no_line_is_a_request_by_accident() -> None:
    requests = re.compile(r"\.(TH|SH|PP|TP|B|BR|nf|fi)\b")
    for name, page in PAGES.items():
        for line in page.splitlines():
            assert not line.startswith((".", "'")) or requests.match(line), f"{name}: {line}"
