"""``msl schema diff``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from ..breaking.classes import ChangeClass
from ..drafts import find
from .common import Exit, command, data_out, whoever_reads
from .drafts import DRAFT
from .terminal import wants_color
from .text import Style, many

if TYPE_CHECKING:
    from ..exports.difference import Change

__all__ = ["diff"]

FORMATS = ("text", "json", "github", "markdown", "sarif")

_SIGNS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}


@command()
@click.argument("old", type=DRAFT, metavar="A")
@click.argument("new", type=DRAFT, metavar="B")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a change, one a line.")
@click.option("--breaking", is_flag=True, help="Say of each change what it breaks; see below.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="With --breaking: how.")
@click.option(
    "--fail-on",
    metavar="CLASS",
    type=click.Choice([one.value for one in ChangeClass], case_sensitive=False),
    help="End with 1 only where a change is of this class or a graver one.",
)
def diff(
    old: str,
    new: str,
    as_json: bool,
    breaking: bool,
    form: str | None,
    fail_on: str | None,
    quiet: bool,
    no_color: bool,
) -> int:
    """Show what draft B changes in draft A: structures, fields, codes, flags, hashes.

    FILE.py:NAME is a draft of your own; FILE.py is run for it.

    With --breaking each change has a class, the gravest first: SILENT_REINTERPRET (read without
    complaint, and wrong), WIRE_BREAK (bytes stand elsewhere, and readers notice),
    OLD_READER_REJECTS, OLD_FILE_INVALID, DEGRADED (an old reader shows less, and says so),
    ADDITIVE, SOURCE (names in documents and generated code), COSMETIC; and the reason, the bytes
    concerned, statements and rules about it, what would make it safe. --quiet leaves out what is
    ADDITIVE or less.

    \b
    Example:
      msl schema diff draft-2026-03 draft-2026-10
      msl schema diff draft-2026-03 draft-2026-10 --json
      msl schema diff draft-2026-03 draft-2026-10 --breaking --format markdown
      msl schema diff draft-2026-10 mine.py:MINE --breaking --fail-on SILENT_REINTERPRET

    Exit codes: 0 they are the same, or no change is of the class of --fail-on or graver; 1 they
    differ, or one is; 2 usage, no such draft.
    """
    if breaking:
        if as_json:
            raise click.UsageError("with --breaking it is --format json")
        from .schema_breaking import show_breaking

        return show_breaking(
            old, new, form or "text", fail_on, quiet=quiet, style=Style(wants_color(no_color))
        )
    if form is not None or fail_on is not None:
        raise click.UsageError("--format and --fail-on go with --breaking")
    from ..exports.difference import differences

    changes = differences(find(old), find(new))
    with whoever_reads(), data_out() as out:
        if as_json:
            for change in changes:
                out.write(json.dumps(asdict(change), ensure_ascii=False) + "\n")
        else:
            style = Style(wants_color(no_color))
            out.writelines(f"{line}\n" for line in _lines(changes, style))
    return Exit.FINDINGS if changes else Exit.FINE


def _lines(changes: Sequence[Change], style: Style) -> Iterator[str]:
    whole = {(c.change, c.where): 0 for c in changes if c.change != "changed"}
    parts: dict[str, str] = {}
    for change in changes:
        outer = _outer(change, whole)
        if outer is not None:
            whole[change.change, outer] += 1
            parts[change.where] = outer
    for change in changes:
        if change.where in parts:
            continue
        sign, color = _SIGNS[change.change]
        name = f"{change.kind} {change.where}".strip()
        yield style.paint(f"{sign} {name}{_remark(change, whole)}", fg=color)
        if change.change == "changed":
            for key in {**change.before, **change.after}:
                was, now = (_text(side.get(key)) for side in (change.before, change.after))
                yield f"    {key}: {was} -> {now}"


def _outer(change: Change, whole: dict[tuple[str, str], int]) -> str | None:
    """The structure or registry that came or went as a whole with this part of it."""
    where = change.where
    while change.change != "changed" and ("." in where or where.endswith(("]", ">"))):
        where = where.rpartition(".")[0] if not where.endswith(("]", ">")) else _shorter(where)
        if (change.change, where) in whole and "." not in where:
            return where
    return None


def _shorter(where: str) -> str:
    return where[:-2] if where.endswith("[]") else where[: where.rindex("<")]


def _remark(change: Change, whole: dict[tuple[str, str], int]) -> str:
    said = change.after or change.before
    if change.change == "changed":
        return ""
    text = said.get("text") or said.get("label") or said.get("name", "")
    count = whole.get((change.change, change.where), 0)
    if change.kind in ("code", "flag"):
        return f" {said['name']}"
    if change.kind == "field":
        return f" {said['stored_as']}: {text}"
    return f": {text}" + (f" ({many(count, 'part')})" if count else "")


def _text(value: object) -> str:
    if value is None or value == "" or value == []:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return (" " if str(value[0]).endswith((".", ")")) else ", ").join(map(str, value))
    return str(value)
