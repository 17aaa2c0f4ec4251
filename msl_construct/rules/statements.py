"""What the drafts demand, statement by statement, and what each is traced to.

A statement is one demand of the specification in our words. It is traced to rules (a file or a
reader that breaks the rule breaks the statement), to samples, or to neither, with the reason.
Its id is for good, like those of rules: ``ST-4.5-FILE-HASH`` has the section and a name.
`msl_construct.corpus.traceability` holds a corpus against them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from functools import cache

from .declare import ALL
from .engine import rules_for
from .model import Pick, Role, Rule

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
        drafts: names of the drafts that make it.
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
    drafts: tuple[str, ...]
    rules: tuple[str, ...] = ()
    samples: tuple[Pick, ...] = ()
    untestable: str = ""
    also: tuple[str, ...] = ()
    revised: str = ""
    derived: bool = False

    @property
    def sections(self) -> tuple[str, ...]:
        """Its section in each of its drafts, in their order."""
        last = self.revised or self.section
        return tuple(last if draft == ALL[-1] else self.section for draft in self.drafts)


def st(
    id: str,  # noqa: A002 - what the statement calls it
    word: Word,
    who: Role | tuple[Role, ...],
    text: str,
    *rules: str,
    drafts: tuple[str, ...] = ALL,
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
    if prefix != "ST" or not section[0].isdigit():
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
        drafts=drafts,
        rules=rules,
        samples=samples,
        untestable=untestable,
        also=also,
        revised=revised,
        derived=derived,
    )


@cache
def every_statement() -> tuple[Statement, ...]:
    """All statements of all drafts, section by section; the derived ones last.

    Raises:
        ValueError: two have the same id, or a rule's id or pattern matches no rule.
    """
    from . import statements_blocks, statements_file, statements_more, statements_payloads
    from .statements_layouts import layout_statements

    found: dict[str, Statement] = {}
    for statement in (
        *statements_file.STATEMENTS,
        *statements_blocks.STATEMENTS,
        *statements_payloads.STATEMENTS,
        *statements_more.STATEMENTS,
        *layout_statements(),
    ):
        if statement.id in found:
            raise ValueError(f"two statements are called {statement.id}")
        missing = unmatched(statement)
        if missing:
            raise ValueError(f"{statement.id}: no rule of its drafts matches {', '.join(missing)}")
        found[statement.id] = statement
    return tuple(found.values())


@cache
def matching(statement: Statement, draft: str) -> tuple[Rule, ...]:
    """The rules of a draft that come of a statement; none if the draft doesn't make it."""
    if draft not in statement.drafts:
        return ()
    return tuple(rule for rule in rules_for(draft) if _matches(rule.id, statement.rules))


def unmatched(statement: Statement) -> tuple[str, ...]:
    """Ids and patterns of a statement that match no rule of any of its drafts."""
    ids = {rule.id for draft in statement.drafts for rule in rules_for(draft)}
    return tuple(
        pattern for pattern in statement.rules if not any(fnmatchcase(i, pattern) for i in ids)
    )


def _matches(rule: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(rule, pattern) for pattern in patterns)
