"""How rules are written down: a decorator that makes a function a `Rule`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from ..schema import DRAFTS
from .model import Found, Level, Pick, Role, Rule, Scope

__all__ = ["ALL", "FIRST", "REVISED", "declared", "rule"]

ALL = tuple(DRAFTS)
"""Names of all public drafts."""
FIRST, REVISED = ((name,) for name in ALL)

_OURS = "MSLX"
_THEIRS = "MSL"


def rule(
    id: str,  # noqa: A002 - what the rule calls it
    level: Level,
    scope: Scope,
    *,
    requirement: str,
    wrong: str,
    why: str,
    who: tuple[Role, ...] = (Role.PRODUCER,),
    drafts: tuple[str, ...] = ALL,
    samples: tuple[Pick, ...] = (),
) -> Callable[[Callable[[Any], Iterator[Found]]], Rule]:
    """Make a function that yields `Found` a rule.

    The section is part of the id; see `Rule` for the other arguments.

    Raises:
        ValueError: the id's prefix does not fit the level.
    """
    prefix, section, _ = id.split("-", 2)
    if prefix != (_OURS if level is Level.OURS else _THEIRS):
        raise ValueError(f"{id}: this prefix does not go with level {level.value}")

    def made(find: Callable[[Any], Iterator[Found]]) -> Rule:
        return Rule(
            id=id,
            section=f"§{section}",
            level=level,
            who=who,
            requirement=requirement,
            wrong=wrong,
            why=why,
            scope=scope,
            find=find,
            drafts=drafts,
            samples=samples,
        )

    return made


def declared(module: ModuleType) -> Iterator[Rule]:
    """The rules of a module in the order in which they stand there."""
    return (value for value in vars(module).values() if isinstance(value, Rule))
