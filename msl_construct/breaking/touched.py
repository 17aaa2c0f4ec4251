"""The statements and rules about a part of a draft."""

from __future__ import annotations

import fnmatch
import re
from functools import lru_cache

from ..rules.engine import rules_for
from ..rules.statements import every_statement
from ..schema import Draft

__all__ = ["touched"]

_AT_MOST = 6


def touched(old: Draft, new: Draft, kind: str, where: str) -> tuple[str, ...]:
    """Ids of statements and rules of two drafts that name a structure, field or registry.

    Args:
        kind, where: as of a `Change`.
    """
    if not where:
        return ()
    path = re.split(r"[.\[\]<>]+", where)
    outer = path[0].upper().replace("_", "-")
    inner = path[-1].upper().replace("_", "-") if kind == "field" else ""
    rules = _statements(old, new)
    about = [one for one in rules if f"-{_kebab(outer)}-" in f"{one}-"]
    if inner:
        reserved = inner.startswith("RESERVED")
        about = [one for one in about if inner in one or (reserved and "-RESERVED-" in one)]
    said = dict.fromkeys(statement for one in about for statement in rules[one])
    return (*list(said)[:_AT_MOST], *about[:_AT_MOST])


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).upper()


@lru_cache(maxsize=8)
def _statements(old: Draft, new: Draft) -> dict[str, list[str]]:
    """The statements that each rule of two drafts comes of."""
    rules: dict[str, list[str]] = {rule.id: [] for one in (old, new) for rule in rules_for(one)}
    for statement in every_statement(old, new):
        for pattern in statement.rules:
            for rule in fnmatch.filter(rules, pattern):
                rules[rule].append(statement.id)
    return rules
