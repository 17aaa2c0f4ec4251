"""What a statement is: one demand of the specification, in our words."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from ...drafts import DRAFTS
from ...schema import Draft
from ..declare import every
from ..model import Applies, Pick, Role

__all__ = ["Statement", "Word", "st"]


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
