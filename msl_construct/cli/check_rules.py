"""``msl check --list`` and ``--explain``: the rules themselves."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterator, Sequence
from typing import IO

import click

from ..drafts import PUBLIC
from ..rules import Role, Rule, Scope, every_rule
from ..rules.engine import binding
from .check_data import described
from .text import aligned, as_json

__all__ = ["explain", "listing"]

_WIDTH = 96
_SCOPES = {
    Scope.HEADER: "the file header",
    Scope.BLOCK: "every block",
    Scope.WHOLE: "the whole file",
    Scope.SEALED: "the header of every sealed segment",
    Scope.READER: "readers, never a file",
}


def listing(out: IO[str], form: str, draft: str | None, roles: Sequence[Role] | None) -> None:
    """All rules, or those of one draft, or those that bind some roles."""
    rules = _rules(draft)
    if roles is not None:
        rules = binding(rules, roles)
    if form in ("json", "ndjson"):
        rows = [described(rule) for rule in rules]
        if form == "json":
            out.write(as_json(rows) + "\n")
        else:
            out.writelines(as_json(row) + "\n" for row in rows)
        return
    _only_text(form, "--list")
    lines = aligned(
        (rule.id, rule.level.value, _who(rule), ", ".join(rule.drafts)) for rule in rules
    )
    out.writelines(line + "\n" for line in lines)


def explain(out: IO[str], name: str, form: str, draft: str | None) -> None:
    """All that is said of one rule.

    Raises:
        click.UsageError: there is no such rule.
    """
    rules = {rule.id.upper(): rule for rule in _rules(draft)}
    rule = rules.get(name.upper())
    if rule is None:
        near = [rules[one].id for one in difflib.get_close_matches(name.upper(), rules, 3, 0.6)]
        hint = f"; did you mean {' or '.join(near)}?" if near else "; --list lists them"
        raise click.UsageError(f"no rule {name!r}{hint}")
    if form in ("json", "ndjson"):
        out.write(as_json(described(rule)) + "\n")
        return
    _only_text(form, "--explain")
    out.write(f"{rule.id}\n\n")
    for title, text in (
        ("Demanded", rule.requirement),
        ("Wrong", rule.wrong),
        ("Why", rule.why),
        ("Level", rule.level.value if rule.level.value.isupper() else "none: our own doubt"),
        ("Section", rule.section),
        ("Binds", _who(rule)),
        ("Drafts", ", ".join(rule.drafts)),
        ("Judges", _SCOPES[rule.scope]),
        *_shown_by(rule),
    ):
        indent = " " * 10
        out.write(
            textwrap.fill(text, _WIDTH, initial_indent=f"{title:10}", subsequent_indent=indent)
        )
        out.write("\n")


def _shown_by(rule: Rule) -> Iterator[tuple[str, str]]:
    """Which samples a reader that breaks the rule gets wrong."""
    if not rule.judges_files:
        shown = "; ".join(str(pick) for pick in rule.samples)
        yield "Samples", shown or "none: what a reader prints does not show it"


def _rules(draft: str | None) -> tuple[Rule, ...]:
    return every_rule(PUBLIC if draft is None else (draft,))


def _who(rule: Rule) -> str:
    return ", ".join(role.value for role in rule.who)


def _only_text(form: str, option: str) -> None:
    if form != "text":
        raise click.UsageError(f"{option} prints text, json or ndjson")
