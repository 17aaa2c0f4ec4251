"""Fields in ImHex's pattern language: their types, their numbers, what is said of them."""

from __future__ import annotations

from functools import singledispatch

from ..schema import Field
from ..schema.base import Vocabulary
from ..schema.variable import Blob, Utf8Z
from ..schema.vocabulary import Bytes, Coded, Flags, Magic, Uint
from ..schema.words import no_words
from .imhex_words import comment, name_of, type_name, unsigned

__all__ = ["STEP", "counted", "fixed", "hexpat_type", "remark_on"]

STEP = "    "


def fixed(field: Field) -> str:
    """The declaration of a field of constant width."""
    type_, count = hexpat_type(field.type)
    return f"{type_} {name_of(field.key)}{count}{remark_on(field)}"


@singledispatch
def hexpat_type(kind: Vocabulary) -> tuple[str, str]:
    """The type of a field of constant width, and how many of it there are, in brackets.

    Raises:
        ExportError: the class is none that this exporter knows.
    """
    raise no_words(kind, __name__)


@hexpat_type.register
def _(kind: Coded) -> tuple[str, str]:
    return type_name(kind.registry.name), ""


@hexpat_type.register
def _(kind: Flags) -> tuple[str, str]:
    return type_name(kind.word.name), ""


@hexpat_type.register
def _(kind: Uint) -> tuple[str, str]:
    return unsigned(kind.width), ""


@hexpat_type.register
def _(kind: Bytes) -> tuple[str, str]:
    return "u8", f"[{kind.width}]"


@hexpat_type.register
def _(kind: Magic) -> tuple[str, str]:
    return "char", f"[{kind.width}]"


def remark_on(field: Field) -> str:
    return comment(f"{field.section} {field.name}", field.text)


def counted(kind: Utf8Z | Blob, field: Field, unit: str) -> list[str]:
    """The lines of bytes whose number stands in another field."""
    length = kind.length_key
    stored = f"pad8({length})" if kind.padded else length
    lines = [f"if (end - $ >= {stored}) {{", f"{STEP}if ({length} > 0) {{"]
    lines.append(f"{STEP * 2}{unit} {name_of(field.key)}[{length}]{remark_on(field)};")
    if kind.padded:
        lines.append(f"{STEP * 2}padding[pad8({length}) - {length}];")
    return [*lines, f"{STEP}}}"]
