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

__all__ = ["Kind", "kind_of", "stored_as"]


class Kind(NamedTuple):
    """The words for a class of the vocabulary."""

    stored: str
    """What is stored, in a few words."""
    python: str
    """The type of a value that was parsed; a structure is called as `type_name` calls it."""


@singledispatch
def kind_of(kind: Vocabulary) -> Kind:
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
def _(kind: Uint) -> Kind:
    return Kind(_integer(kind), "int")


@kind_of.register
def _(kind: Timestamp) -> Kind:
    return Kind(f"{_integer(kind)}, ns", "int")


@kind_of.register
def _(kind: Coded) -> Kind:
    return Kind(f"{_integer(kind)}, {kind.enumeration_name}", "Code")


@kind_of.register
def _(kind: Flags) -> Kind:
    return Kind(f"{_integer(kind)}, {kind.definition_name}", "FlagValue")


@kind_of.register
def _(kind: Bytes) -> Kind:
    return Kind(f"{kind.width} bytes", "bytes")


@kind_of.register
def _(kind: Hash) -> Kind:
    return Kind(f"{kind.width}-byte hash", "bytes")


@kind_of.register
def _(kind: Reserved) -> Kind:
    return Kind(f"{kind.width} zero bytes", "bytes")


@kind_of.register
def _(kind: Uuid) -> Kind:
    return Kind("UUID", "UUID")


@kind_of.register
def _(kind: Utf8Z) -> Kind:
    return Kind(f"text, {kind.length}", "str | None")


@kind_of.register
def _(kind: Utf8) -> Kind:
    padding = "" if kind.padded else ", not padded"
    return Kind(f"text without NUL, {kind.length}{padding}", "str | None")


@kind_of.register
def _(kind: Blob) -> Kind:
    return Kind(f"{kind.length} bytes", "bytes")


@kind_of.register
def _(kind: Rest) -> Kind:
    return Kind("bytes", "Extent")


@kind_of.register
def _(kind: PageStateMap) -> Kind:
    return Kind("2 bits a page, padded to 8 bytes", "PageMap")


@kind_of.register
def _(kind: Table) -> Kind:
    return Kind(f"{kind.count} entries", f"Sequence[{type_name(kind.entry.title)}]")


@kind_of.register
def _(kind: Choice) -> Kind:
    cases = [type_name(case.title) for case in kind.cases.values()]
    return Kind(f"{kind.length} bytes, laid out by {kind.tag}", " | ".join([*cases, "Extent"]))


@kind_of.register
def _(kind: Layout) -> Kind:
    return Kind(kind.title, type_name(kind.title))
