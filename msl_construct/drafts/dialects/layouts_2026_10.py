"""Dialect `layouts-2026-10`: draft-2026-03 with layouts that draft-2026-10 gave later."""

from __future__ import annotations

from ..draft_2026_03.draft import DRAFT as DRAFT_2026_03
from ..draft_2026_10.draft import DRAFT as DRAFT_2026_10
from .model import Dialect, Producer, told_anew

__all__ = ["DIALECT"]

_NAME = "layouts-2026-10"
_named = {block.code for block in DRAFT_2026_03.blocks if block.layout is None}
_BLOCKS = [b for b in DRAFT_2026_10.blocks if b.layout is not None and b.code in _named]
_enumerations = {enumeration.name for enumeration in DRAFT_2026_03.enumerations}
_flags = {definition.name for definition in DRAFT_2026_03.flags}

DIALECT = Dialect(
    name=_NAME,
    title="draft-2026-03 with layouts of draft-2026-10",
    text="Thread Contexts and a VAS Map, which draft-2026-03 only names, with the layouts of "
    "draft-2026-10: what `Writer.add_table` and `msl acquire` write.",
    source="the builder of this package",
    producers=(Producer("msl-construct"),),
    draft=told_anew(
        DRAFT_2026_03,
        _NAME,
        blocks=_BLOCKS,
        enumerations=[e for e in DRAFT_2026_10.enumerations if e.name not in _enumerations],
        flags=[one for one in DRAFT_2026_10.flags if one.name not in _flags],
    ),
    codes=frozenset(block.code for block in _BLOCKS),
)
