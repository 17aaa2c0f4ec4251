"""Dialects: what a producer really wrote where its draft says nothing, as overlays of the draft."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..schema.model import Draft
from .draft_2026_03.draft import DRAFT as DRAFT_2026_03
from .draft_2026_10.draft import DRAFT as DRAFT_2026_10

__all__ = ["Dialect", "declared"]


@dataclass(frozen=True)
class Dialect:
    """One dialect of a draft.

    Attributes:
        draft: what such files are read with; it goes by the name of the draft.
        codes: the block types whose payloads it has layouts for, and the draft has not. A file
            is recognised by these: every one of them must be what the layout says, to its last
            byte.
        text: a sentence: who writes it.
    """

    name: str
    draft: Draft
    codes: frozenset[int]
    text: str


def _with_later_layouts(name: str, base: Draft, later: Draft, text: str) -> Dialect:
    """A draft, and for the block types that it only names the layouts of a later one."""
    named = {block.code for block in base.blocks if block.layout is None}
    blocks = [block for block in later.blocks if block.layout is not None and block.code in named]
    enumerations = {enumeration.name for enumeration in base.enumerations}
    flags = {definition.name for definition in base.flags}
    overlay = base.overlay(
        name,
        base.version,
        base.status,
        blocks=blocks,
        enumerations=[one for one in later.enumerations if one.name not in enumerations],
        flags=[one for one in later.flags if one.name not in flags],
    )
    draft = replace(overlay, name=base.name, base=base.base, dialect=name)
    return Dialect(name, draft, frozenset(block.code for block in blocks), text)


_DECLARED = (
    _with_later_layouts(
        "layouts-2026-10",
        DRAFT_2026_03,
        DRAFT_2026_10,
        "Thread Contexts and a VAS Map, which draft-2026-03 only names, with the layouts of "
        "draft-2026-10: what `Writer.add_table` and `msl acquire` write.",
    ),
)


def declared() -> dict[str, Dialect]:
    """The dialects that this package declares, by name; the registry lists the names."""
    return {dialect.name: dialect for dialect in _DECLARED}
