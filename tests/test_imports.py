"""Which part imports which: what must never be, and that there is no circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from commands import PLACE

FOLDERS = {"msl_construct": PLACE / "msl_construct", "msl_acquire": PLACE / "acquire"}

NEVER = [
    ("msl_construct.schema", "msl_construct.drafts"),
    ("msl_construct.space", "msl_construct.cli"),
    ("msl_construct.space", "msl_construct.reader"),
    ("msl_construct.space", "msl_construct.schema"),
    ("msl_construct.analysis", "msl_construct.cli"),
    ("msl_construct.convert", "msl_construct.cli"),
    ("msl_construct.convert", "msl_construct.reader"),
    ("msl_construct.rewrite", "msl_construct.cli"),
    ("msl_construct.rewrite", "msl_construct.document"),
    ("msl_construct.builder", "msl_construct.rewrite"),
    ("msl_construct.reader", "msl_construct.rewrite"),
    ("msl_construct.reader", "msl_construct.builder"),
    ("msl_construct.drafts", "msl_construct.rules"),
    ("msl_construct.drafts", "msl_construct.exports"),
    ("msl_construct", "msl_construct.views"),
    ("msl_construct", "msl_acquire"),
]
"""Who imports whom in no case: from a part, to a part. Some of these parts are yet to come."""

ANNOTATED = (
    "msl_construct.builder",
    "msl_construct.reader",
    "msl_construct.schema",
    "msl_construct.space",
)
"""Parts in which an import for the annotations alone counts as one."""

ENTRY = {("msl_construct.cli.__init__", "msl_acquire")}


@cache
def modules() -> dict[str, Path]:
    """Every module by its full name; a package goes by that of its folder."""
    found = {}
    for top, folder in FOLDERS.items():
        for path in folder.rglob("*.py"):
            parts = [top, *path.relative_to(folder).with_suffix("").parts]
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(name: str) -> Iterator[str]:
    """The modules that one imports, wherever in it; for annotations alone only in `ANNOTATED`."""
    path = modules()[name]
    here = name.split(".") if path.stem == "__init__" else name.split(".")[:-1]
    annotated = any(part_of(name, part) for part in ANNOTATED)
    for node in statements(ast.parse(path.read_text("utf-8")), annotated):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules())
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                if inner in modules() or module in modules():
                    yield inner if inner in modules() else module


def statements(node: ast.AST, annotated: bool) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test) and not annotated:
            continue
        yield child
        yield from statements(child, annotated)


@cache
def arrows() -> dict[str, set[str]]:
    return {name: set(imported(name)) - {name} for name in modules()}


def part_of(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")


def test_the_modules_are_found() -> None:
    assert len(modules()) > 300
    assert "msl_construct.schema.layout" in arrows()["msl_construct.schema.model"]
    assert "msl_construct.drafts" in arrows()["msl_construct.reader.header"]


def test_never() -> None:
    found = {
        f"{name} -> {other}"
        for source, target in NEVER
        for name, others in arrows().items()
        if part_of(name, source) and not part_of(name, target)
        for other in others
        if part_of(other, target) and (name, target) not in ENTRY
    }
    assert found == set()


def test_there_is_no_circle() -> None:
    """A module whose imports lead back to it, whenever they are made."""
    left = dict(arrows())
    while free := {name for name, others in left.items() if not others & left.keys()}:
        left = {name: others for name, others in left.items() if name not in free}
    while free := left.keys() - {other for others in left.values() for other in others}:
        left = {name: others for name, others in left.items() if name not in free}
    assert sorted(left) == []


def test_nothing_of_the_builder_imports_its_writer() -> None:
    """What stands below it is given what it needs."""
    importers = {
        name for name, others in arrows().items() if "msl_construct.builder.writer" in others
    }
    inside = {name for name in importers if part_of(name, "msl_construct.builder")}
    assert inside == {"msl_construct.builder"}


def test_every_folder_is_packaged() -> None:
    """What a wheel holds is listed by hand: nobody who runs a checkout misses what is not in it."""
    tomllib = pytest.importorskip("tomllib")
    listed = tomllib.loads((PLACE / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = {
        ".".join((package, *path.parent.relative_to(folder).parts))
        for package, folder in FOLDERS.items()
        for path in folder.rglob("__init__.py")
    }
    assert set(listed) == folders
