"""How rules are written down: a decorator that makes a function a `Rule`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any

from ..abbreviated import abbreviated
from ..errors import DraftError
from ..schema import BlockType, Draft
from ..schema.declared import demand
from .model import Applies, Concerns, Found, Level, Pick, Role, Rule, Scope, any_block

__all__ = [
    "before",
    "declared",
    "every",
    "of_types",
    "rule",
    "since",
    "with_flags",
    "with_segments",
    "without_payload",
]

_PACKAGE = __name__.partition(".")[0] + "."
_OURS = "MSLX"
_THEIRS = "MSL"


def every(draft: Draft) -> bool:
    """Holds for all drafts."""
    return True


def with_segments(draft: Draft) -> bool:
    """Holds for drafts that have extension segments."""
    return draft.segments


def since(name: str) -> Applies:
    """Holds for the draft of a name and all that follow from it."""
    return lambda draft: draft.since(name)


def before(name: str) -> Applies:
    """Holds for the drafts that do not follow from the one of a name."""
    return lambda draft: not draft.since(name)


def of_types(*keys: str) -> Concerns:
    """Concerns blocks of these types."""
    return lambda kind, flags: kind is not None and kind.key in keys


def with_flags(kind: BlockType | None, flags: int) -> bool:
    """Concerns blocks that have any flag."""
    return flags != 0


def without_payload(kind: BlockType | None, flags: int) -> bool:
    """Concerns blocks of types that are not registered, or must not be written."""
    return kind is None or kind.forbidden


def rule(
    id: str,  # noqa: A002 - what the rule calls it
    level: Level,
    scope: Scope,
    *,
    requirement: str,
    wrong: str,
    why: str,
    who: tuple[Role, ...] = (Role.PRODUCER,),
    drafts: Applies = every,
    samples: tuple[Pick, ...] = (),
    concerns: Concerns = any_block,
) -> Callable[[Callable[[Any], Iterator[Found]]], Rule]:
    """Make a function that yields `Found` a rule.

    The section is part of the id; see `Rule` for the other arguments.

    Args:
        drafts: says of a draft whether the rule holds for it, when it is asked for its rules.

    Raises:
        ValueError: the id is no such id, or its prefix does not fit the level; an argument is of
            another class; what is made a rule is no function of one argument.
    """
    if not isinstance(id, str) or id.count("-") < 2:
        raise ValueError(f"{id!r}: expected the id of a rule, such as MSL-5.1-WHAT-IS-WRONG")
    demand(id, "level", level, (Level,), "a Level, such as Level.MUST")
    demand(id, "scope", scope, (Scope,), "a Scope, such as Scope.BLOCK")
    for part, text in (("requirement", requirement), ("wrong", wrong), ("why", why)):
        demand(id, part, text, (str,), "a sentence")
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
            find=find if find.__module__.startswith(_PACKAGE) else _held(id, find),
            applies=drafts,
            samples=samples,
            concerns=concerns,
        )

    return made


def _held(id: str, find: Callable[[Any], Iterator[Found]]) -> Callable[[Any], Iterator[Found]]:  # noqa: A002
    """An author's function of a rule, whose results are looked at.

    Raises:
        ValueError: it can't be called with the one thing that a rule looks at.
    """
    try:
        inspect.signature(find).bind(None)
    except TypeError as error:
        raise ValueError(
            f"{id}: expected a function of one argument, what it looks at ({error})"
        ) from None

    @functools.wraps(find)
    def held(subject: Any) -> Iterator[Found]:
        given: object = find(subject)
        if not isinstance(given, Iterable) or isinstance(given, (str, bytes)):
            raise _refused(id, find, given)
        for one in given:
            if not isinstance(one, Found):
                raise _refused(id, find, one)
            yield one

    return held


def _refused(id: str, find: Callable[..., object], given: object) -> DraftError:  # noqa: A002
    from ..drafts.authored import line_of

    return DraftError(
        f"{line_of(find)}: {id}: expected it to yield Found(…), got {abbreviated(given)}"
    )


def declared(module: ModuleType) -> Iterator[Rule]:
    """The rules of a module in the order in which they stand there."""
    return (value for value in vars(module).values() if isinstance(value, Rule))
