"""What stands in a field's bytes, and how the canonical document has it: the words of a table."""

from __future__ import annotations

from functools import singledispatch
from html import escape

from ..exports.kinds import stored_as
from ..schema.base import Vocabulary
from ..schema.choice import Choice
from ..schema.fields import Field
from ..schema.pages import PageStateMap
from ..schema.table import Table
from ..schema.variable import RegisterValue
from ..schema.vocabulary import Coded, Flags, Magic, Uint
from .marking import anchor, code, link

__all__ = ["inside_of", "stored"]


def inside_of(path: str, field: Field, tag: int | None) -> str:
    """Where the page has a structure that stands inside of a field."""
    return f"{path}.{field.key}.{tag if tag is not None else 'entry'}"


def stored(field: Field, path: str) -> str:
    """The words for a field, as HTML; what they name is linked.

    Args:
        field: the field.
        path: of the structure that has it.
    """
    return _stored(field.type, field, path)


@singledispatch
def _stored(kind: Vocabulary, field: Field, path: str) -> str:
    return escape(stored_as(kind))


@_stored.register
def _(kind: Uint, field: Field, path: str) -> str:
    words = stored_as(kind)
    return escape(f"{words}, {kind.shown}" if kind.shown in ("address", "version") else words)


@_stored.register
def _(kind: Magic, field: Field, path: str) -> str:
    return f"{kind.width} bytes: {code(kind.magic.hex(' '))}, {escape(repr(kind.magic.decode()))}"


@_stored.register(Coded)
@_stored.register(Flags)
def _(kind: Coded | Flags, field: Field, path: str) -> str:
    name = kind.registry_name
    what = "code of" if isinstance(kind, Coded) else "flags of"
    return f"u{8 * kind.width}, {what} {link(anchor(name), name)}"


@_stored.register
def _(kind: PageStateMap, field: Field, path: str) -> str:
    assert kind.states is not None
    name = kind.states.name
    return f"{escape(stored_as(kind))}, {link(anchor(name), name)}"


@_stored.register
def _(kind: RegisterValue, field: Field, path: str) -> str:
    return escape(f"register, {kind.length}")


@_stored.register
def _(kind: Table, field: Field, path: str) -> str:
    inner = link(anchor(inside_of(path, field, None)), kind.entry.title)
    sized = f", {kind.entry_size} bytes each unless that is 0" if kind.entry_size else ""
    return f"{escape(stored_as(kind))} of {inner}{escape(sized)}"


@_stored.register
def _(kind: Choice, field: Field, path: str) -> str:
    cases = (
        f"{code(hex(tag))}: {link(anchor(inside_of(path, field, tag)), layout.title)}"
        for tag, layout in kind.cases.items()
    )
    return f"{escape(stored_as(kind))}; {', '.join(cases)}"
