"""What the bytes are: the one declaration of the format.

`schema` gives a draft in one byte order. Nothing here reads files or judges them.
"""

from __future__ import annotations

import sys
from functools import cache
from types import ModuleType

from .codes import Bit, BitRange, Enumeration, FlagDefinition, Span, Value
from .dialects import DIALECTS, Dialect
from .draft_2026_03 import DRAFT_2026_03
from .draft_2026_10 import DRAFT_2026_10
from .layout import Field, Layout, Note, Table
from .model import BlockType, ByteOrder, Coverage, Draft, Schema, Start
from .values import Code, FlagValue, PaddedBytes, Record, StoredText

__all__ = [
    "DEFAULT_DRAFT",
    "DIALECTS",
    "DRAFTS",
    "NEWEST_DRAFT",
    "Bit",
    "BitRange",
    "BlockType",
    "ByteOrder",
    "Code",
    "Coverage",
    "Dialect",
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
    "dialect_schema",
    "register",
    "schema",
]

DRAFTS: dict[str, Draft] = {draft.name: draft for draft in (DRAFT_2026_03, DRAFT_2026_10)}
"""The drafts that this package knows, oldest first."""

NEWEST_DRAFT = DRAFT_2026_10.name
"""The newest public draft: what an unknown minor version is read with."""

DEFAULT_DRAFT = DRAFT_2026_03.name
"""The draft that is written unless another is asked for: the public specification."""


@cache
def _bound(draft: str, byte_order: ByteOrder) -> Schema:
    return DRAFTS[draft].bound(byte_order)


@cache
def dialect_schema(name: str, byte_order: ByteOrder) -> Schema:
    """A dialect in one byte order; the same object every time.

    Raises:
        KeyError: no such dialect.
    """
    return DIALECTS[name].draft.bound(byte_order)


def register(draft: Draft) -> None:
    """Make a draft known, so that files can be written by it and read with it by name.

    Which draft a file is read with by itself does not change: see `read_header`.

    Raises:
        ValueError: the name is taken by another draft.
    """
    if DRAFTS.setdefault(draft.name, draft) is not draft:
        raise ValueError(f"there is a draft {draft.name!r} already")


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


class _Callable(ModuleType):
    """``msl_construct.schema`` is a function to its users and a package to the interpreter.

    Importing this package puts it in the place of any function of that name, so it has to
    take the call itself.
    """

    def __call__(
        self, draft: str = DEFAULT_DRAFT, byte_order: str | ByteOrder = ByteOrder.LITTLE
    ) -> Schema:
        return schema(draft, byte_order)


sys.modules[__name__].__class__ = _Callable
