"""What a field's class says of it in words: what is stored, and what that is in Python."""

from __future__ import annotations

from functools import singledispatch
from typing import NamedTuple

from ..schema.base import Vocabulary
from ..schema.choice import Choice
from ..schema.layout import Layout
from ..schema.pages import PageStateMap
from ..schema.table import Table
from ..schema.variable import Blob, Rest, Utf8, Utf8Z
from ..schema.vocabulary import (
    Bytes,
    Coded,
    Fixed,
    Flags,
    Hash,
    Reserved,
    Timestamp,
    Uint,
    Uuid,
)
from ..schema.words import no_words
from .imhex_words import type_name

__all__ = ["FieldKind", "kind_of", "stored_as"]


class FieldKind(NamedTuple):
    """The words for a class of the vocabulary."""

    stored: str
    """What is stored, in a few words."""
    python: str
    """The type of a value that was parsed; a structure is called as `type_name` calls it."""


@singledispatch
def kind_of(kind: Vocabulary) -> FieldKind:
    """The words for a field of this class.

    Raises:
        ExportError: a class of the vocabulary that has no words here.
    """
    raise no_words(kind, __name__)


def stored_as(kind: Vocabulary) -> str:
    """What is stored, in a few words; raises as `kind_of` does."""
    return kind_of(kind).stored


def _integer(kind: Fixed) -> str:
    return f"u{8 * kind.width}"


@kind_of.register
def _(kind: Uint) -> FieldKind:
    return FieldKind(_integer(kind), "int")


@kind_of.register
def _(kind: Timestamp) -> FieldKind:
    return FieldKind(f"{_integer(kind)}, ns", "int")


@kind_of.register
def _(kind: Coded) -> FieldKind:
    return FieldKind(f"{_integer(kind)}, {kind.enumeration_name}", "Code")


@kind_of.register
def _(kind: Flags) -> FieldKind:
    return FieldKind(f"{_integer(kind)}, {kind.definition_name}", "FlagValue")


@kind_of.register
def _(kind: Bytes) -> FieldKind:
    return FieldKind(f"{kind.width} bytes", "bytes")


@kind_of.register
def _(kind: Hash) -> FieldKind:
    return FieldKind(f"{kind.width}-byte hash", "bytes")


@kind_of.register
def _(kind: Reserved) -> FieldKind:
    return FieldKind(f"{kind.width} zero bytes", "bytes")


@kind_of.register
def _(kind: Uuid) -> FieldKind:
    return FieldKind("UUID", "UUID")


@kind_of.register
def _(kind: Utf8Z) -> FieldKind:
    return FieldKind(f"text, {kind.length}", "str | None")


@kind_of.register
def _(kind: Utf8) -> FieldKind:
    padding = "" if kind.padded else ", not padded"
    return FieldKind(f"text without NUL, {kind.length}{padding}", "str | None")


@kind_of.register
def _(kind: Blob) -> FieldKind:
    return FieldKind(f"{kind.length} bytes", "bytes")


@kind_of.register
def _(kind: Rest) -> FieldKind:
    return FieldKind("bytes", "Extent")


@kind_of.register
def _(kind: PageStateMap) -> FieldKind:
    return FieldKind("2 bits a page, padded to 8 bytes", "PageMap")


@kind_of.register
def _(kind: Table) -> FieldKind:
    return FieldKind(f"{kind.count} entries", f"Sequence[{type_name(kind.entry.title)}]")


@kind_of.register
def _(kind: Choice) -> FieldKind:
    cases = [type_name(case.title) for case in kind.cases.values()]
    return FieldKind(f"{kind.length} bytes, laid out by {kind.tag}", " | ".join([*cases, "Extent"]))


@kind_of.register
def _(kind: Layout) -> FieldKind:
    return FieldKind(kind.title, type_name(kind.title))
