"""Where the fields of two versions of a structure stand, and which are the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ..exports.kinds import stored_as
from ..schema.base import Vocabulary
from ..schema.fields import Field
from ..schema.layout import Layout
from ..schema.renamed import REFERENCES
from ..schema.variable import Measured
from ..schema.vocabulary import Fixed, Reserved

__all__ = ["FieldPlace", "Shapes"]


_OF_ENTRIES = "entry_size"
"""Attribute of tables that names the size of their entries; zero: they end with their fields."""
_TAKE_ALL = ("PageData", "Rest")
"""Classes of the vocabulary that end where their structure ends."""


@dataclass(frozen=True)
class FieldPlace:
    """Where a field stands: so many bytes behind a field of varying length.

    Attributes:
        behind: key of that field, by its old name; empty: the structure's start.
        start, end: the first byte, and the one behind the last; of a field of varying length
            both are where it begins.
    """

    behind: str
    start: int
    end: int

    def overlaps(self, other: FieldPlace) -> bool:
        """Whether two share a byte."""
        return self.behind == other.behind and self.start < other.end and other.start < self.end

    def __str__(self) -> str:
        first = (
            f"byte {self.start:#04x}" if self.end - self.start == 1 else f"from {self.start:#04x}"
        )
        if self.end - self.start > 1:
            first = f"bytes {self.start:#04x} to {self.end - 1:#04x}"
        return f"{first} behind {self.behind}" if self.behind else first


class Shapes:
    """Two versions of a structure.

    Args:
        old, new: bound layouts.
    """

    def __init__(self, old: Layout, new: Layout) -> None:
        self.old, self.new = old, new

    @cached_property
    def pairs(self) -> dict[str, str]:
        """Keys of the new fields, by the keys of the old ones that they are.

        Fields of one name are the same. So are two of other names that mean and store the same.
        """
        new = {one.key: one for one in self.new.fields}
        found = {one.key: one.key for one in self.old.fields if one.key in new}
        left = [one for one in self.new.fields if one.key not in found]
        for one in self.old.fields:
            if one.key in found:
                continue
            twin = next((each for each in left if _same(one, each)), None)
            if twin is not None:
                found[one.key] = twin.key
                left.remove(twin)
        return found

    @cached_property
    def old_names(self) -> dict[str, str]:
        """Keys of the old fields, by those of the new ones."""
        return {new: old for old, new in self.pairs.items()}

    @cached_property
    def old_places(self) -> dict[str, FieldPlace]:
        """Of each old field."""
        return dict(_places(self.old, {}))

    @cached_property
    def new_places(self) -> dict[str, FieldPlace]:
        """Of each new field."""
        return dict(_places(self.new, self.old_names))

    def fits(self) -> bool:
        """Whether a reader of the one gets through the other: as many bytes, as many parts.

        Both may end before their optional fields.
        """
        old = {self._outline(one, {}) for one in _endings(self.old)}
        return any(self._outline(one, self.old_names) in old for one in _endings(self.new))

    def same_in_all(self) -> bool:
        """Whether the parts have as many bytes in all, in whatever order: nobody need notice."""
        return self._sum(self.old, {}) == self._sum(self.new, self.old_names)

    def _sum(self, layout: Layout, names: dict[str, str]) -> tuple[int, Counter[object]]:
        fixed, measured = 0, Counter[object]()
        for one in layout.fields:
            part: object = (names.get(one.key, one.key), *_measure(one.type, layout, names))
            if isinstance(one.type, Fixed):
                fixed += one.type.width
                continue
            if isinstance(one.type, Measured):
                part = (one.type.padded, *_lengths(one.type, layout, names))
            measured[part] += 1
        return fixed, measured

    def absorbs(self) -> bool:
        """Whether the last field takes what is left, so that nobody need notice what moves."""
        parts = []
        for layout, names in ((self.old, {}), (self.new, self.old_names)):
            if not layout.fields or type(layout.fields[-1].type).__name__ not in _TAKE_ALL:
                return False
            parts.append([one for one in self._outline(layout, names) if not isinstance(one, int)])
        return parts[0] == parts[1]

    def tail(self) -> tuple[str, ...]:
        """Keys of the optional fields at the end that only the new one has."""
        kept = len(_without_new_tail(self))
        return tuple(one.key for one in self.new.fields[kept:])

    def _outline(self, layout: Layout, names: dict[str, str]) -> tuple[object, ...]:
        found: list[object] = []
        run = 0
        for one in layout.fields:
            if isinstance(one.type, Fixed):
                run += one.type.width
                continue
            found += [run, names.get(one.key, one.key), *_measure(one.type, layout, names)]
            run = 0
        return (*found, run)


def _endings(layout: Layout) -> Iterator[Layout]:
    """A structure, and what it is where it ends before optional fields."""
    fields = layout.fields
    yield layout
    while fields and fields[-1].optional:
        fields = fields[:-1]
        yield Layout(layout.title, layout.section, fields)


def _without_new_tail(shapes: Shapes) -> tuple[Field, ...]:
    fields = shapes.new.fields
    while fields and fields[-1].optional and fields[-1].key not in shapes.old_names:
        fields = fields[:-1]
    return fields


def _measure(kind: Vocabulary, layout: Layout, names: dict[str, str]) -> Iterator[object]:
    """What decides how many bytes a value has: its kind, and the fields that say it."""
    yield type(kind).__name__
    yield kind.padded
    yield from _lengths(kind, layout, names, but=_OF_ENTRIES)


def _lengths(
    kind: Vocabulary, layout: Layout, names: dict[str, str], but: str = ""
) -> Iterator[str]:
    """The fields that say how many bytes a value has, by their old names."""
    keys = {one.name: one.key for one in layout.fields}
    for name in REFERENCES:
        if name == but:
            continue
        other = getattr(kind, name, None)
        if isinstance(other, str):
            key = keys.get(other, other)
            yield names.get(key, key)


def _same(old: Field, new: Field) -> bool:
    if isinstance(old.type, Reserved) or isinstance(new.type, Reserved):
        return False
    return old.meaning == new.meaning and stored_as(old.type) == stored_as(new.type)


def _places(layout: Layout, names: dict[str, str]) -> Iterator[tuple[str, FieldPlace]]:
    behind, at = "", 0
    for one in layout.fields:
        width = one.type.width if isinstance(one.type, Fixed) else 0
        yield one.key, FieldPlace(behind, at, at + width)
        at += width
        if not isinstance(one.type, Fixed):
            behind, at = names.get(one.key, one.key), 0
