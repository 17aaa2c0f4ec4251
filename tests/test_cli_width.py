"""The tree on narrow terminals: no line that the terminal would wrap, and nothing is left out."""

from __future__ import annotations

import io
import re
from pathlib import Path

import click
import pytest
from commands import run

import msl_construct
from msl_construct.characters import width_of
from msl_construct.cli.text import Style, folded
from msl_construct.cli.tree import tree
from msl_construct.errors import MslError

ROOT = Path(__file__).parents[1]
BOMB = "30-"  # its page maps take seconds to count
FOREIGN = (p for p in (ROOT / "tests/data").glob("**/*.msl") if not p.name.startswith(BOMB))
FILES = [*sorted((ROOT / "samples").glob("**/*.msl"))[::40], *FOREIGN]


def shown(path: Path, columns: int | None, *, color: bool = False) -> str:
    out = io.StringIO()
    with msl_construct.open(path) as dump:
        tree(dump, out.write, Style(color=color, columns=columns))
    return out.getvalue()


def words(text: str) -> str:
    """What is said, without drawing, spaces and bars."""
    return re.sub(r"[\s│├└─█░·▓_?!]", "", click.unstyle(text))


@pytest.mark.parametrize("columns", [40, 80, 132])
@pytest.mark.parametrize("color", [False, True])
def test_no_line_is_wider_than_the_terminal(columns: int, color: bool) -> None:
    for path in FILES:
        try:
            narrow = shown(path, columns, color=color)
        except MslError:
            continue
        widest = max(width_of(click.unstyle(line)) for line in narrow.split("\n"))
        assert widest <= columns, path
        assert words(narrow) == words(shown(path, None)), path


def test_columns_are_those_that_the_shell_says() -> None:
    path = ROOT / "samples" / "live-le.msl"
    lines = run("inspect", path, COLUMNS="80").stdout.decode().splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) > len(run("inspect", path, COLUMNS="400").stdout.decode().splitlines())


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("a b c", None, ["a b c"]),
        ("aaaa bbbb cccc dddd", 16, ["aaaa bbbb cccc", "dddd"]),
        ("x" * 20, 16, ["x" * 16, "xxxx"]),
        ("日本" * 6, 16, ["日本" * 4, "日本" * 2]),
        ("", 16, [""]),
    ],
)
def test_folding(text: str, width: int | None, lines: list[str]) -> None:
    assert folded(text, width) == lines
