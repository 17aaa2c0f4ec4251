"""A mutant of a draft's declarations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from msl_construct.schema import Draft

from .declarations import Path, legal, signature, structures

REGISTRIES = (
    "code-removed",
    "code-changed",
    "codes-swapped",
    "registry-width",
    "flag-removed",
    "flag-moved",
    "flags-swapped",
)
"""Operators that change a registry; `Mutant.structures` are those that use it."""

WHOLE = ("file_header", "block_header", "encryption_header")
"""Structures that the reader decodes only where all of their bytes are there."""


@dataclass(frozen=True)
class Mutant:
    """One fault in a draft.

    Attributes:
        draft: the draft without the fault.
        operator: what kind of fault.
        where: what was changed, for people.
        what: how.
        make: makes the faulty draft.
        structures: where the declarations are that it changes; empty: everywhere.
        tokens: values of the canonical document that are likely to show it.
        decisive: whether a file whose document has none of `tokens` is read alike: the document
            shows every code and flag that it is read by.
        judged: whether it is the rules that notice it, and not the document.
        lacks: what a corpus lacks that doesn't notice it.
    """

    draft: Draft
    operator: str
    where: str
    what: str
    make: Callable[[], Draft]
    structures: tuple[Path, ...] = ()
    tokens: frozenset[str] = frozenset()
    lacks: str = ""
    decisive: bool = False
    judged: bool = False

    @cached_property
    def faulty(self) -> Draft:
        """The faulty draft."""
        return self.make()

    @property
    def text(self) -> str:
        """The mutant in a line."""
        return f"{self.draft.name}: {self.operator}: {self.where}: {self.what}"

    @property
    def stillborn(self) -> bool:
        """Whether it is no declaration at all: it refers to fields that do not come before.

        The schema's own tests refuse such a declaration, so no file is needed to notice it.
        """
        return not all(legal(layout) for _, layout in structures(self.faulty))

    @property
    def equivalent(self) -> str:
        """Why no file at all can show the fault; empty where one can.

        By the declarations alone: (1) both drafts hold the same declarations, (2) the fault is
        in a registry or structure that no structure of the draft uses, (3) a tail of a
        structure that is never read from a window smaller than it.
        """
        if signature(self.faulty) == signature(self.draft):
            return "the declarations are the same"
        if self.operator in REGISTRIES and not self.structures:
            return "no structure of the draft has such a field"
        if self.operator == "optional-tail" and self.structures[0][0] in WHOLE:
            return "a header is read only where all of its bytes are there"
        return ""
