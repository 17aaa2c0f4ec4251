"""What the bytes are: the one declaration of the format.

`schema` gives a draft in one byte order. Nothing here reads files or judges them.
"""

from __future__ import annotations

from functools import cache

from .codes import Bit, BitRange, Enumeration, FlagDefinition, Span, Value
from .draft_2026_03 import DRAFT_2026_03
from .draft_2026_10 import DRAFT_2026_10
from .layout import Field, Layout, Note, Table
from .model import BlockType, ByteOrder, Coverage, Draft, Schema, Start
from .values import Code, FlagValue, PaddedBytes, Record, StoredText

__all__ = [
    "DEFAULT_DRAFT",
    "DRAFTS",
    "Bit",
    "BitRange",
    "BlockType",
    "ByteOrder",
    "Code",
    "Coverage",
    "Draft",
    "Enumeration",
    "Field",
    "FlagDefinition",
    "FlagValue",
    "Layout",
    "Note",
    "PaddedBytes",
    "Record",
    "Schema",
    "Span",
    "Start",
    "StoredText",
    "Table",
    "Value",
    "schema",
]

DRAFTS: dict[str, Draft] = {draft.name: draft for draft in (DRAFT_2026_03, DRAFT_2026_10)}
"""The drafts that this package knows, oldest first."""

DEFAULT_DRAFT = DRAFT_2026_03.name
"""The draft that is written unless another is asked for: the public specification."""


@cache
def _bound(draft: str, byte_order: ByteOrder) -> Schema:
    return DRAFTS[draft].bound(byte_order)


def schema(draft: str = DEFAULT_DRAFT, byte_order: str | ByteOrder = ByteOrder.LITTLE) -> Schema:
    """A draft in one byte order; the same object every time.

    Args:
        draft: a name in `DRAFTS`.
        byte_order: ``little`` or ``big``.

    Raises:
        ValueError: no such draft or byte order.
    """
    if draft not in DRAFTS:
        raise ValueError(f"unknown draft {draft!r}; known: {', '.join(DRAFTS)}")
    return _bound(draft, ByteOrder(byte_order))
