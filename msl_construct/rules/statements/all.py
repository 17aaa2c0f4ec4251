"""All statements of some drafts, and the rules that come of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache

from ...drafts import DRAFTS, PUBLIC, find
from ...schema import Draft
from ..declare import since
from ..engine import known_ids, rules_for
from ..model import Rule
from . import blocks, file, later, payloads
from .layouts import layout_statements
from .model import Statement

__all__ = ["every_statement", "matching", "unmatched"]


def every_statement(*drafts: str | Draft) -> tuple[Statement, ...]:
    """All statements of some drafts, section by section, then derived ones, then a draft's own.

    Args:
        drafts: the public ones by default.

    Raises:
        ValueError: two have the same id, or a rule's id or pattern matches no rule.
    """
    return _statements_of(tuple(map(find, drafts or PUBLIC)))


@cache
def _statements_of(drafts: tuple[Draft, ...]) -> tuple[Statement, ...]:
    found: dict[str, Statement] = {}
    for statement in (
        *file.STATEMENTS,
        *blocks.STATEMENTS,
        *payloads.STATEMENTS,
        *later.STATEMENTS,
        *layout_statements(drafts),
        *_own(drafts),
    ):
        if not any(map(statement.applies, drafts)):
            continue
        if statement.id in found:
            raise ValueError(f"two statements are called {statement.id}")
        missing = unmatched(statement, {*map(find, PUBLIC), *drafts})
        if missing:
            raise ValueError(f"{statement.id}: no rule of its drafts matches {', '.join(missing)}")
        found[statement.id] = statement
    return tuple(found.values())


def _own(drafts: Iterable[Draft]) -> Iterator[Statement]:
    """The statements that drafts, and those they are overlays of, add by themselves."""
    for draft in dict.fromkeys(one for each in drafts for one in reversed([*each.lineage])):
        for statement in draft.statements:
            if not isinstance(statement, Statement):
                raise ValueError(f"{draft.name}: expected a statement, found {statement!r}")
            yield replace(statement, applies=since(draft.name))


def matching(statement: Statement, draft: str | Draft) -> tuple[Rule, ...]:
    """The rules of a draft that come of a statement; none if the draft doesn't make it."""
    return _matching(statement, find(draft))


@cache
def _matching(statement: Statement, draft: Draft) -> tuple[Rule, ...]:
    if not statement.applies(draft):
        return ()
    return tuple(rule for rule in rules_for(draft) if _matches(rule.id, statement.rules))


def unmatched(statement: Statement, drafts: Iterable[str | Draft] | None = None) -> tuple[str, ...]:
    """Ids and patterns of a statement that match no rule of any of its drafts.

    A rule that a draft is without counts nevertheless.

    Args:
        drafts: of these; all that are known by default.
    """
    among = map(find, DRAFTS if drafts is None else drafts)
    ids = {one for draft in among if statement.applies(draft) for one in known_ids(draft)}
    return tuple(
        pattern for pattern in statement.rules if not any(fnmatchcase(i, pattern) for i in ids)
    )


def _matches(rule: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(rule, pattern) for pattern in patterns)
