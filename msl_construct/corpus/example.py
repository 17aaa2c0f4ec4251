"""An example of a structure that nobody wrote one for: a value in every field."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from ..schema import Field, Layout, Record, Table
from ..schema.base import Between, DocumentOptions, OneOf, Vocabulary
from ..schema.choice import Choice
from ..schema.variable import Blob, Rest, Utf8
from ..schema.variable import Utf8Z as Text
from ..schema.vocabulary import Bytes, Coded, Flags, Timestamp, Uint, Uuid
from .plan import uuid_of

__all__ = ["example"]

_MOMENT = 1_773_528_800_000_000_000


def example(layout: Layout) -> dict[str, Any]:
    """The document of a payload that conforms, as far as its fields say what that is.

    Raises:
        ValueError: a field is of a kind that has no example.
    """
    return layout.to_document(_record(layout), DocumentOptions())


def _record(layout: Layout) -> Record:
    lengths = {
        key
        for field in layout.fields
        for name in ("length_key", "count_key", "entry_size_key")
        if (key := getattr(field.type, name, None)) is not None
    }
    values: dict[str, Any] = {}
    for field in layout.fields:
        if field.key in lengths or (field.default is not None and not _holds_more(field)):
            continue
        value = _value(field.type)
        if value is not None:
            values[field.key] = value
    return layout.complete(values)


def _holds_more(field: Field) -> bool:
    return isinstance(field.type, (Table, Text, Blob))


@singledispatch
def _value(kind: Vocabulary) -> Any:
    """A value for a field of some kind; None: it follows from the others.

    Raises:
        ValueError: there is none.
    """
    raise ValueError(f"no example for {type(kind).__name__}: add one in corpus/example.py")


@_value.register
def _(kind: Uint) -> int:
    if isinstance(kind.valid, OneOf):
        return kind.valid.values[0]
    return kind.valid.low if isinstance(kind.valid, Between) else 1


@_value.register
def _(kind: Timestamp) -> int:
    return _MOMENT


@_value.register
def _(kind: Bytes) -> bytes | None:
    return None if type(kind).__name__ in ("Reserved", "Magic") else bytes(range(1, kind.width + 1))


@_value.register
def _(kind: Uuid) -> str:
    return uuid_of("example")


@_value.register
def _(kind: Coded) -> int:
    registry = kind.registry
    return next(one.code for one in registry.values if registry.permits(one.code))


@_value.register
def _(kind: Flags) -> int:
    return 0


@_value.register
def _(kind: Text) -> str:
    return "an example"


@_value.register
def _(kind: Utf8) -> str:
    return "an example"


@_value.register
def _(kind: Blob) -> bytes:
    return b"example."


@_value.register
def _(kind: Rest) -> bytes:
    return b"example."


@_value.register
def _(kind: Table) -> list[Record]:
    return [_record(kind.entry)]


@_value.register
def _(kind: Choice) -> None:
    raise ValueError("no example for a body whose layout another field chooses")
