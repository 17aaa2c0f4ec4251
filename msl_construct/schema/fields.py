"""Fields of a structure, and what the draft demands of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .base import Vocabulary
from .declared import demand, demand_name
from .names import snake_case

__all__ = ["Field", "Note"]


@dataclass(frozen=True)
class Note:
    """A normative statement about a field or a block, in our own words."""

    level: str
    """MUST, SHOULD or MAY, with NOT where it forbids."""
    who: str
    """producer, live acquirer, importer or consumer."""
    text: str
    section: str = ""


@dataclass(frozen=True)
class Field:
    """One field of a structure.

    Args:
        name: the specification's spelling; `key` is derived from it.
        type: the Construct that parses and builds it.
        text: a sentence.
        notes: what the draft demands of it.
        section: where it is specified; the structure's own section unless given.
        since, until: the drafts that introduced it and that no longer have it; filled in
            when a draft is put together.
        optional: the structure may end before this field.
        default: what a builder writes when nobody says otherwise; None: it must be given.
        omitted_by: producers that end the structure before this field, against the draft.
            The reader calls that damage; what is exported for other readers lets it pass.
        called: the key, where the one that follows from the name is a reserved word somewhere.
        sense: the sentence that first said the same, where `text` is a later one.
        deprecated: since when, and why, it should no longer be written.
    """

    name: str
    type: Vocabulary
    text: str
    notes: tuple[Note, ...] = ()
    section: str = ""
    since: str = ""
    until: str = ""
    optional: bool = False
    default: Any = None
    omitted_by: str = ""
    called: str = ""
    sense: str = ""
    deprecated: str = ""

    def __post_init__(self) -> None:
        demand_name("Field", "name", self.name)
        demand(f"Field {self.name}", "type", self.type, (Vocabulary,), "a Construct such as U32")
        demand(f"Field {self.name}", "text", self.text, (str,), "a sentence")

    @property
    def meaning(self) -> str:
        """What the field says: the same as long as only the words for it change."""
        return self.sense or self.text

    def with_type(self, kind: Vocabulary) -> Field:
        """The same field with another Construct."""
        return self._copy(type=kind)

    def stamped(self, since: str) -> Field:
        """The same field, with `since` filled in where it is empty, here and inside."""
        kind = self.type.stamped(since)
        if kind is self.type and self.since:
            return self
        return self._copy(type=kind, since=self.since or since)

    def in_section(self, section: str) -> Field:
        """The same field, in a structure's section unless it names its own."""
        return self if self.section else self._copy(section=section)

    def _copy(self, **changes: Any) -> Field:
        """What `dataclasses.replace` makes, five times faster: a draft has two thousand."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__, **changes)
        return twin

    @cached_property
    def key(self) -> str:
        """The field's name in Python, .ksy, JSON and YAML."""
        return self.called or snake_case(self.name)
