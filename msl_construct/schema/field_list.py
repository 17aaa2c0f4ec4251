"""Structures as they are declared: what is known of their fields without a byte of a file."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..abbreviated import abbreviated
from ..errors import NoFieldError
from .base import Binding, Vocabulary
from .declared import demand_each, demand_name
from .fields import Field
from .names import snake_case
from .values import Record
from .vocabulary import Fixed

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["FieldList"]


class FieldList(Vocabulary):
    """Fields in stored order, and how one declaration is made from another.

    Args:
        name: the specification's name of the structure.
        section: where it is specified.
        fields: the fields in stored order.

    Raises:
        ValueError: two of them have the same name.
    """

    def __init__(self, name: str, section: str, fields: Iterable[Field]) -> None:
        super().__init__()
        demand_name("Layout", "name", name)
        fields = demand_each(f"Layout {name}", "fields", fields, (Field,), "a Field")
        self.title = name
        self.section = section
        self.fields = tuple(f.in_section(section) for f in fields)
        names = [f.called or f.name for f in self.fields]
        if len(set(names)) < len(names):
            twice = next(one for one in names if names.count(one) > 1)
            raise ValueError(f"{name}: two fields are called {twice}")

    fields: tuple[Field, ...]
    _by_key: dict[str, Field]
    _made_later: tuple[str, ...] = ("_by_key",)
    """What `_derived` makes."""

    def __getattr__(self, name: str) -> Any:
        """What is made when it is first asked for: most layouts of a draft are in no file."""
        if name == "fields" and "_declared" in self.__dict__:
            declared, binding = self.__dict__["_declared"]
            fields = tuple(f.with_type(f.type.bound(binding)) for f in declared)
            return self.__dict__.setdefault("fields", fields)
        if name in type(self)._made_later:
            self.__dict__.update(self._derived())
            return self.__dict__[name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def settle(self) -> None:
        """Make now, here and inside, what is made when it is first asked for.

        Raises:
            KeyError: a field names a registry that the draft does not have.
        """
        self.__dict__.update(self._derived())
        for _, _, layout in self.inside():
            layout.settle()

    def _derived(self) -> dict[str, Any]:
        """What follows from the fields and is kept so that it need not be found again."""
        return {"_by_key": {f.key: f for f in self.fields}}

    def _bind(self, binding: Binding) -> None:
        super()._bind(binding)
        own = self.__dict__
        own["_declared"] = (self.fields, binding)
        for name in ("fields", *type(self)._made_later):
            own.pop(name, None)

    def __getstate__(self) -> dict[str, Any]:
        _ = self.fields
        left_out = ("_declared", *type(self)._made_later)
        return {name: value for name, value in self.__dict__.items() if name not in left_out}

    # -- what the schema knows ---------------------------------------------------------

    @property
    def key(self) -> str:
        """The structure's name in snake_case."""
        return snake_case(self.title)

    @property
    def minimum(self) -> int:
        return sum(f.type.minimum for f in self.fields if not f.optional)

    @property
    def size(self) -> int:
        """The size in bytes of a structure all of whose fields have constant width.

        Raises:
            TypeError: a field's length varies.
        """
        if not all(isinstance(f.type, Fixed) for f in self.fields):
            raise TypeError(f"{self.title} has no constant size")
        return sum(f.type.minimum for f in self.fields)

    def offset_of(self, key: str) -> int:
        """Where a field begins, counted from the structure's start.

        Raises:
            KeyError: no such field, or a field before it has no constant width.
        """
        offset = 0
        for field in self.fields:
            if field.key == key:
                return offset
            if not isinstance(field.type, Fixed):
                break
            offset += field.type.width
        raise KeyError(key)

    def field(self, key: str) -> Field:
        """The field of this key.

        Raises:
            KeyError: there is none.
        """
        found = self._by_key.get(key)
        if found is None:
            raise KeyError(
                f"{self.title} has no field {abbreviated(key)}; it has {', '.join(self._by_key)}"
            )
        return found

    def structures(self) -> Iterator[Self]:
        """This structure and those inside of it: entries of tables, cases of choices."""
        yield self
        for _, _, layout in self.inside():
            yield from layout.structures()

    def inside(self) -> Iterator[tuple[Field, int | None, Self]]:
        """The structures in the fields: each with its field, and the tag that chooses it."""
        for field in self.fields:
            for tag, layout in field.type.inner().items():
                if isinstance(layout, type(self)):
                    yield field, tag, layout

    def inner(self) -> Mapping[int | None, Self]:
        return {None: self}

    def records(self, record: Record) -> Iterator[tuple[Self, Record]]:
        """A value of this structure and those inside of it, each with its layout."""
        yield self, record
        for field in self.fields:
            if field.key in record:
                for layout, inner in field.type.held(record[field.key]):
                    assert isinstance(layout, type(self))
                    yield from layout.records(inner)

    def demand_fields(self, keys: Iterable[str]) -> None:
        """Refuse to go on where a field is not there, or has another name.

        Raises:
            NoFieldError: which.
        """
        known = {field.key for field in self.fields}  # `_by_key` may be just being made
        unknown = [key for key in keys if key not in known]
        if unknown:
            raise NoFieldError(
                f"{self.title} has no field {', '.join(unknown)}, which is read and written by "
                f"that name: a draft may change it, but neither rename it nor leave it out "
                f"({self.section})"
            )

    def unpacker(self, *keys: str) -> struct.Struct:
        """A `struct` that yields just these fields from the structure's start.

        For loops that look at every block of a file; derived, so it can't drift.

        Raises:
            NoFieldError: it has no such field.
        """
        self._demand_order()
        self.demand_fields(keys)
        wanted, format_, last = set(keys), self.order, 0
        for index, field in enumerate(self.fields):
            if field.key in wanted:
                last = index
        for field in self.fields[: last + 1]:
            assert isinstance(field.type, Fixed)
            format_ += field.type.code if field.key in wanted else f"{field.type.width}x"
        return struct.Struct(format_)

    def before(self, key: str) -> Self:
        """The part of this layout that stands in front of a field.

        Raises:
            KeyError: no such field.
        """
        stop = self.fields.index(self._by_key[key])
        part = type(self)(self.title, self.section, self.fields[:stop])
        part.order, part.draft = self.order, self.draft
        return part

    def replacing(self, name: str, since: str, *fields: Field) -> Self:
        """This layout with one field replaced by others (none: removed).

        Raises:
            ValueError: there is no such field.
        """
        self._named(name)
        new: list[Field] = []
        for field in self.fields:
            if field.name == name:
                new.extend(replace(f, since=since) for f in fields)
            else:
                new.append(field)
        return type(self)(self.title, self.section, new)

    def changing(self, name: str, /, **changes: Any) -> Self:
        """This layout with something else about one field: ``changing("PID", type=U64)``.

        Raises:
            ValueError: there is no such field.
            TypeError: fields have no such attribute.
        """
        field = self._named(name)
        return self.replacing(name, field.since, replace(field, **changes))

    def _named(self, name: str) -> Field:
        for field in self.fields:
            if field.name == name:
                return field
        names = ", ".join(field.name for field in self.fields)
        raise ValueError(f"{self.title} has no field {abbreviated(name)}; it has {names}")

    def appending(self, since: str, *fields: Field) -> Self:
        """This layout with more fields at its end."""
        return type(self)(
            self.title, self.section, [*self.fields, *(replace(f, since=since) for f in fields)]
        )

    def stamped(self, since: str) -> Self:
        fields = tuple(field.stamped(since) for field in self.fields)
        if all(new is old for new, old in zip(fields, self.fields)):
            return self
        return type(self)(self.title, self.section, fields)
