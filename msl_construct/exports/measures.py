"""Whether lengths and counts can say what they measure, and codes choose what they should."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ..schema.base import Between, OneOf
from ..schema.choice import Choice
from ..schema.fields import Field
from ..schema.layout import Layout
from ..schema.table import Table
from ..schema.vocabulary import Coded, Uint

__all__ = ["Codes", "Registered", "measures"]


class Registered(NamedTuple):
    """What of a registry matters here: its bytes and its codes."""

    width: int
    codes: frozenset[int] = frozenset()


Codes = Mapping[str, Registered]
Wrong = tuple[str, str, str]


def measures(place: str, layout: Layout, codes: Codes) -> Iterator[Wrong]:
    """``(kind, where, text)`` for every length, count and tag of a layout that is wrong.

    Args:
        place: path of the layout.
        codes: the registries by name.
    """
    fields = {one.name: one for one in layout.fields}
    for one in layout.fields:
        where = f"{place}.{one.key}"
        if isinstance(one.type, Table):
            yield from _table(where, one.type, fields, codes)
        if isinstance(one.type, Choice):
            yield from _choice(where, one.type, fields, codes)


def _table(where: str, kind: Table, fields: dict[str, Field], codes: Codes) -> Iterator[Wrong]:
    least = _least(kind.entry, codes)
    if least == 0:
        text = f"an entry may have no bytes, so that nothing bounds {kind.count}"
        yield "unbounded-count", where, text
    size = fields.get(kind.entry_size) if kind.entry_size else None
    if size is not None and (most := _most(size)) < least:
        text = f"{size.name} says {most} at most, an entry has {least} bytes"
        yield "length-too-small", where, text


def _choice(where: str, kind: Choice, fields: dict[str, Field], codes: Codes) -> Iterator[Wrong]:
    length, tag = fields.get(kind.length), fields.get(kind.tag)
    for number, case in kind.cases.items():
        least = _least(case, codes)
        if length is not None and (most := _most(length)) < least:
            text = f"{length.name} says {most} at most, {case.title} has {least} bytes"
            yield "length-too-small", where, text
        if tag is None:
            continue
        if isinstance(tag.type, Coded):
            known = codes.get(tag.type.enumeration_name)
            if known is not None and number not in known.codes:
                text = f"{tag.name} has no code {number}, which {case.title} is for"
                yield "unreachable", where, text
        elif number > _most(tag):
            yield "unreachable", where, f"{tag.name} is never {number}, which {case.title} is for"


def _least(layout: Layout, codes: Codes) -> int:
    """The fewest bytes of a structure that need not be bound."""
    found = 0
    for one in layout.fields:
        name = one.type.registry_name
        if one.optional:
            continue
        if name is None:
            found += one.type.minimum
        elif name in codes:
            found += codes[name].width
    return found


def _most(field: Field) -> int:
    """The largest number that a field can say."""
    kind = field.type
    if not isinstance(kind, Uint):
        return 1 << 64
    if isinstance(kind.valid, OneOf):
        return max(kind.valid.values)
    if isinstance(kind.valid, Between):
        return kind.valid.high
    return int((1 << 8 * kind.width) - 1)
