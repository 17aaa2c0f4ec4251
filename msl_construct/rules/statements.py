"""What the drafts demand, statement by statement, and what each is traced to.

A statement is one demand of the specification in our words. It is traced to rules (a file or a
reader that breaks the rule breaks the statement), to samples, or to neither, with the reason.
Its id is for good, like those of rules: ``ST-4.5-FILE-HASH`` has the section and a name.
`msl_construct.corpus.traceability` holds a corpus against them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from fnmatch import fnmatchcase
from functools import cache

from ..drafts import DRAFTS, PUBLIC, find
from ..schema import Draft
from .declare import every, since
from .engine import known_rules, rules_for
from .model import Applies, Pick, Role, Rule

__all__ = ["Statement", "Word", "every_statement", "matching", "st", "unmatched"]


class Word(str, Enum):
    """How much a statement binds (RFC 2119)."""

    MUST = "MUST"
    """Also where the draft states a fact of the format without such a word."""
    MUST_NOT = "MUST NOT"
    SHOULD = "SHOULD"
    MAY = "MAY"


@dataclass(frozen=True)
class Statement:
    """One demand of the specification.

    Attributes:
        id: frozen: section, and what it is about.
        section: where the draft of its first appearance says it: ``§4.5``.
        word: how much it binds.
        who: whom it binds.
        text: the demand, in our words.
        applies: says of a draft whether it makes it.
        rules: ids of the rules that come of it, or patterns (``fnmatch``) of ids.
        samples: samples that show it, beside those that the rules need.
        untestable: why no file and no output of a reader shows it; empty where one does.
        also: items of the lists of §12 that say it again: ``producer 4``.
        revised: its section in draft 2026-10, where that is another.
        derived: whether it follows from the schema's declarations.
    """

    id: str
    section: str
    word: Word
    who: tuple[Role, ...]
    text: str
    applies: Applies = field(repr=False, compare=False)
    rules: tuple[str, ...] = ()
    samples: tuple[Pick, ...] = ()
    untestable: str = ""
    also: tuple[str, ...] = ()
    revised: str = ""
    derived: bool = False

    @property
    def drafts(self) -> tuple[str, ...]:
        """Names of the known drafts that make it."""
        return tuple(name for name, draft in DRAFTS.items() if self.applies(draft))

    @property
    def sections(self) -> tuple[str, ...]:
        """Its section in each of its drafts, in their order."""
        return tuple(self.section_in(DRAFTS[name]) for name in self.drafts)

    def section_in(self, draft: Draft) -> str:
        """Its section in a draft."""
        moved = self.revised and draft.since("draft-2026-10")
        return self.revised if moved else self.section


def st(
    id: str,  # noqa: A002 - what the statement calls it
    word: Word,
    who: Role | tuple[Role, ...],
    text: str,
    *rules: str,
    drafts: Applies = every,
    samples: tuple[Pick, ...] = (),
    untestable: str = "",
    also: tuple[str, ...] = (),
    revised: str = "",
    derived: bool = False,
) -> Statement:
    """A statement whose section is the one in its id; see `Statement` for the arguments.

    Raises:
        ValueError: it is traced to nothing and no reason is given, or no section is in the id.
    """
    prefix, section, _ = id.split("-", 2)
    if prefix != "ST" or not (section[0].isdigit() or section.islower()):
        raise ValueError(f"{id}: expected ST-<section>-<name>")
    if not (rules or samples or untestable):
        raise ValueError(f"{id}: expected rules, samples, or the reason why there are none")
    roles = who if isinstance(who, tuple) else (who,)
    return Statement(
        id=id,
        section=f"§{section}",
        word=word,
        who=roles,
        text=text,
        applies=drafts,
        rules=rules,
        samples=samples,
        untestable=untestable,
        also=also,
        revised=revised,
        derived=derived,
    )


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
    from . import statements_blocks, statements_file, statements_more, statements_payloads
    from .statements_layouts import layout_statements

    found: dict[str, Statement] = {}
    for statement in (
        *statements_file.STATEMENTS,
        *statements_blocks.STATEMENTS,
        *statements_payloads.STATEMENTS,
        *statements_more.STATEMENTS,
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
    ids = {rule.id for draft in among if statement.applies(draft) for rule in known_rules(draft)}
    return tuple(
        pattern for pattern in statement.rules if not any(fnmatchcase(i, pattern) for i in ids)
    )


def _matches(rule: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(rule, pattern) for pattern in patterns)
