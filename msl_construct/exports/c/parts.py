"""A layout as C sees it: structures of constant width, and what varies between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ...schema import Draft, Field, Layout, Schema
from ...schema.vocabulary import Fixed
from ..runs import runs
from .words import type_name

__all__ = ["HEAD", "Part", "Run", "Shape", "Varying", "is_integer", "shapes"]

HEAD = "head"
"""Member of a view that points at the structure's first run of fields."""


def is_integer(field: Field) -> bool:
    """Whether the field is a number in file order."""
    return field.type.number


@dataclass(frozen=True)
class Run:
    """Fields of constant width that stand side by side: one packed structure."""

    name: str
    """The structure's name in C."""
    member: str
    """What points at it in the view."""
    fields: tuple[Field, ...]

    @property
    def width(self) -> int:
        """Bytes."""
        return sum(_width(field) for field in self.fields)

    @property
    def placed(self) -> Iterator[tuple[Field, int, int]]:
        """Every field with its offset and its width."""
        offset = 0
        for field in self.fields:
            yield field, offset, _width(field)
            offset += _width(field)


@dataclass(frozen=True)
class Varying:
    """A field whose size other fields say, or none."""

    field: Field


Part = Run | Varying


@dataclass(frozen=True)
class Shape:
    """A layout, cut where its sizes vary.

    Attributes:
        closed: nothing can stand behind the structure: it is a payload, not one row of many.
    """

    layout: Layout
    closed: bool

    @property
    def key(self) -> str:
        return self.layout.key

    @property
    def name(self) -> str:
        """Name of the structure of its first fields."""
        return type_name(self.key)

    @property
    def view(self) -> str:
        """Name of the structure that points at all of its fields."""
        return type_name(f"{self.key}_view")

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        found: list[Part] = []
        for fields in runs(self.layout):
            if not isinstance(fields[0].type, Fixed):
                found.append(Varying(fields[0]))
                continue
            before = self.layout.fields.index(fields[0]) - 1
            after = f"after_{self.layout.fields[before].key}" if before >= 0 else ""
            name = f"{self.name}_{after}" if after else self.name
            found.append(Run(name, after or HEAD, fields))
        return tuple(found)

    @property
    def runs(self) -> list[Run]:
        return [part for part in self.parts if isinstance(part, Run)]

    def ends_with(self, part: Part) -> bool:
        """Whether nothing can stand behind a part."""
        return self.closed and part == self.parts[-1]

    def stored_in(self, key: str) -> tuple[Run, Field]:
        """The run that holds a field.

        Raises:
            KeyError: no field of constant width has this key.
        """
        for run in self.runs:
            for field in run.fields:
                if field.key == key:
                    return run, field
        raise KeyError(f"{self.key}.{key}")


def shapes(draft: Draft, bound: Schema) -> list[Shape]:
    """Every structure of a draft, rows before the tables that hold them.

    Structures that fields of several others name come once.
    """
    found: dict[str, Shape] = {}

    def add(layout: Layout, *, closed: bool) -> None:
        if layout.key in found:
            return
        for _, tag, inner in layout.inside():
            add(inner, closed=tag is not None)
        found[layout.key] = Shape(layout, closed)

    for layout in bound.layouts.values():
        add(layout, closed=True)
    return list(found.values())


def _width(field: Field) -> int:
    assert isinstance(field.type, Fixed)
    return field.type.width
