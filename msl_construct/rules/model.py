"""What a rule is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import TYPE_CHECKING, Any

from ..drafts import DRAFTS
from ..schema.declared import demand

if TYPE_CHECKING:
    from ..drafts.dialects import Dialect
    from ..schema import BlockType, Draft

__all__ = [
    "PRODUCER_ROLES",
    "Applies",
    "Concerns",
    "Found",
    "Level",
    "Pick",
    "Role",
    "Rule",
    "RuleFinding",
    "Scope",
    "any_block",
]


Applies = Callable[["Draft"], bool]
"""Says of a draft whether something holds for it."""

Concerns = Callable[["BlockType | None", int], bool]
"""Says of a block's type (None: not registered) and its flags, as they are stored, whether a rule
may have anything to say of such a block."""


def any_block(kind: BlockType | None, flags: int) -> bool:
    """Concerns every block."""
    return True


class Level(str, Enum):
    """How much a rule binds."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    OURS = "ours"
    """The drafts don't say it; it is doubtful all the same. Such ids begin with ``MSLX-``."""


class Role(str, Enum):
    """Who is bound."""

    PRODUCER = "producer"
    LIVE_ACQUIRER = "live acquirer"
    IMPORTER = "importer"
    APPENDER = "appender"
    """Who adds an extension segment (draft 2026-10 §4.6)."""
    CONSUMER = "consumer"
    """A file can't break such a rule; it is listed for those who write readers."""


PRODUCER_ROLES = tuple(role for role in Role if role is not Role.CONSUMER)


class Scope(str, Enum):
    """What a rule looks at, and so when it is asked."""

    HEADER = "header"
    """Once, with the `FileHeader`."""
    BLOCK = "block"
    """For every block, with the `Block`."""
    WHOLE = "whole"
    """In the end, with the `Facts` of the whole file."""
    SEALED = "sealed"
    """For every sealed segment, with its `SealHeader`: whoever has the key sees it."""
    READER = "reader"
    """Never of a file: it binds readers, and samples show whether one keeps it."""


@dataclass(frozen=True)
class Pick:
    """Samples of the corpus, by what the manifest says of them: all that is given must hold.

    Attributes:
        feature: a code that is among the sample's features.
        rule: pattern (``fnmatch``) of the id of a rule that the sample breaks.
        consumer: what a conformant consumer does with it: ``accept``, ``reject-file``,
            ``reject-block`` or ``either``.
        name: pattern of its name, where nothing else tells it apart.
        draft: the draft that it is written by, where that is not the one that is asked about:
            what a reader of one draft does with a file of another.
    """

    feature: str = ""
    rule: str = ""
    consumer: str = ""
    name: str = ""
    draft: str = ""

    def __str__(self) -> str:
        """In words: ``feature cont, consumer accept``."""
        each = ((one.name, getattr(self, one.name)) for one in fields(self))
        return ", ".join(f"{key} {value}" for key, value in each if value)


@dataclass(frozen=True)
class Found:
    """What a rule function yields: one place that breaks it.

    Attributes:
        text: what was expected and what was found, with the actual values.
        offset: file offset of it; None where it is about something that is not there.
        block: index of the block, where it is in one.
        field: path of the field: ``entries[3].path_len``; empty where it is no field.
    """

    text: str
    offset: int | None = None
    block: int | None = None
    field: str = ""

    def __post_init__(self) -> None:
        demand("Found", "text", self.text, (str,), "a text")
        demand("Found", "offset", self.offset, (int, type(None)), "a file offset, or None")
        demand("Found", "block", self.block, (int, type(None)), "a block's index, or None")
        demand("Found", "field", self.field, (str,), "the path of a field")


@dataclass(frozen=True)
class Rule:
    """One rule.

    Args:
        id: frozen; names the defect: ``MSL-4.1-BLOCK-LENGTH-TOO-SMALL``.
        section: where the specification says it: ``§4.1``.
        level: how much it binds.
        who: whom it binds.
        requirement: what the specification demands, in our words.
        wrong: what is wrong with a file that breaks it.
        why: why that matters to whoever uses the file.
        scope: what `find` is given.
        find: yields every place that breaks the rule.
        applies: says of a draft whether the rule holds for it.
        derived: whether it follows from the schema's declarations.
        concerns: of a rule that is given blocks, says by type and flags of a block whether `find`
            may have anything to say of it.
        samples: of a rule that binds readers: samples that a reader which breaks it gets
            wrong; one at least for each `Pick`. None where no output shows it.
    """

    id: str
    section: str
    level: Level
    who: tuple[Role, ...]
    requirement: str
    wrong: str
    why: str
    scope: Scope
    find: Callable[[Any], Iterator[Found]] = field(repr=False, compare=False)
    applies: Applies = field(repr=False, compare=False)
    derived: bool = False
    samples: tuple[Pick, ...] = ()
    concerns: Concerns = field(default=any_block, repr=False, compare=False)

    @property
    def drafts(self) -> tuple[str, ...]:
        """Names of the known drafts that it holds for."""
        return tuple(name for name, draft in DRAFTS.items() if self.applies(draft))

    @property
    def judges_files(self) -> bool:
        """Whether it is put to files; else it binds readers."""
        return self.scope is not Scope.READER


@dataclass(frozen=True)
class RuleFinding:
    """A place in a file that breaks a rule.

    Attributes:
        explained_by: the dialect that the place is in, if its producers write so; else None.
        explanation: what that dialect has there. Of a file in no dialect, which producers are
            known to write so, if any are.
    """

    rule: Rule
    found: Found
    explained_by: Dialect | None = None
    explanation: str = ""
