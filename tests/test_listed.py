"""What is listed by hand lists all that there is: nothing that was written is forgotten."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

import click
from commands import PLACE

from msl_construct.cli.group import COMMANDS, cli
from msl_construct.drafts import DIALECTS, DRAFTS
from msl_construct.exports import EXPORTS
from msl_construct.rules.declare import declared
from msl_construct.rules.written import WRITTEN
from msl_construct.schema import Draft

PACKAGE = PLACE / "msl_construct"


def modules(folder: str) -> Iterator[ModuleType]:
    """The modules and packages that stand in a folder of the package."""
    for path in sorted((PACKAGE / folder).iterdir()):
        is_module = path.suffix == ".py" or (path / "__init__.py").is_file()
        if is_module and path.stem != "__init__":
            yield import_module(f"msl_construct.{folder.replace('/', '.')}.{path.stem}")


def parameters(name: str) -> list[click.Parameter]:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return command.params


def last(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


def test_every_command_is_in_the_group() -> None:
    """A command stands in a module of its name; parts of a command in one that begins with it."""
    found = {
        last(module)
        for module in modules("cli")
        if isinstance(getattr(module, last(module), None), click.Command)
    }
    assert found - COMMANDS.keys() == set(), "no line in COMMANDS of msl_construct/cli/group.py"


def test_force_is_called_the_same_everywhere() -> None:
    found = [
        (name, parameter.opts)
        for name in COMMANDS
        for parameter in parameters(name)
        if "--force" in parameter.opts
    ]
    assert len(found) > 10
    assert [name for name, options in found if "-f" not in options] == []


def test_every_rule_is_among_the_rules() -> None:
    known = {rule.id for rule in WRITTEN}
    found = {rule.id for module in modules("rules") for rule in declared(module)}
    assert found - known == set(), (
        "their modules are not in WRITTEN of msl_construct/rules/written.py"
    )


def test_every_export_is_among_the_exports() -> None:
    """A module of an export has a function `export` that takes a draft."""
    listed = {inspect.getclosurevars(one.export).nonlocals["module"] for one in EXPORTS.values()}
    found = {last(module) for module in modules("exports") if hasattr(module, "export")}
    assert found - listed == set(), "not in EXPORTS of msl_construct/exports/__init__.py"


def test_every_draft_and_every_dialect_is_in_the_registry() -> None:
    drafts = [
        import_module(f"{module.__name__}.draft").DRAFT
        for module in modules("drafts")
        if last(module).startswith("draft_")
    ]
    assert all(isinstance(draft, Draft) for draft in drafts)
    assert {one.name for one in drafts} - DRAFTS.keys() == set(), "not in drafts/registry.py"
    dialects = {last(m) for m in modules("drafts/dialects") if hasattr(m, "DIALECT")}
    listed = {re.sub("[-.]", "_", name) for name in DIALECTS}
    assert dialects - listed == set(), "not in DIALECTS of drafts/registry.py"
