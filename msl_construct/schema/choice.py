"""Bodies whose layout an earlier field of the same structure chooses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import ConformanceError
from ..source import Cursor, Extent, Short
from .base import Binding, DocumentOptions, Problem, Refused, Vocabulary, refusal
from .declared import demand, demand_each, demand_name
from .layout import Layout, surplus
from .misfit import Misfit
from .names import snake_case
from .raw import as_bytes, raw_from_document, raw_to_document
from .values import Record
from .variable import Measured
from .vocabulary import Coded, Uint

__all__ = ["Body", "Choice"]

_RAW = "raw"


class Body(Record):
    """A decoded body, and the layout that was chosen for it."""

    __slots__ = ("layout",)

    def __init__(self, values: Mapping[str, Any], layout: Layout) -> None:
        super().__init__(values)
        self.layout = layout


class Choice(Measured):
    """As many bytes as one earlier field says, laid out as another one says.

    A tag that has no layout leaves the bytes as they are, so that a row of an unknown kind is
    skipped and kept.

    Args:
        length: name of the field with the number of bytes.
        tag: name of the field that chooses.
        cases: the layouts by tag.
    """

    def __init__(self, length: str, tag: str, cases: Mapping[int, Layout]) -> None:
        super().__init__(length)
        demand_name("Choice", "tag", tag, "the name of a field")
        demand("Choice", "cases", cases, (Mapping,), "layouts by their tag")
        demand_each("Choice", "cases", cases.values(), (Layout,), "a Layout")
        self.tag = tag
        self.tag_key = snake_case(tag)
        self.cases = dict(cases)

    def _bind(self, binding: Binding) -> None:
        super()._bind(binding)
        self.cases = {tag: layout.bound(binding) for tag, layout in self.cases.items()}

    @property
    def chosen_by(self) -> tuple[str, ...]:
        return (self.tag_key,)

    def held(self, value: Any) -> Iterator[tuple[Layout, Record]]:
        if isinstance(value, Body):
            yield value.layout, value

    def reads(self) -> Iterator[tuple[str, tuple[type[Vocabulary], ...]]]:
        yield from super().reads()
        yield self.tag, (Uint, Coded)

    def example(self) -> Any:
        raise TypeError(f"no example of a body whose layout {self.tag} chooses")

    def inner(self) -> Mapping[int | None, Layout]:
        return dict(self.cases.items())

    def stamped(self, since: str) -> Choice:
        cases = {tag: layout.stamped(since) for tag, layout in self.cases.items()}
        if all(layout is self.cases[tag] for tag, layout in cases.items()):
            return self
        return Choice(self.length, self.tag, cases)

    def decode(self, cursor: Cursor, record: Mapping[str, Any]) -> Body | Extent:
        length = record[self.length_key]
        if length > cursor.remaining:
            raise Short(length, cursor.remaining)
        layout = self.cases.get(record[self.tag_key])
        if layout is None:
            unknown = cursor.within(length).rest()
            cursor.position += length
            return unknown
        offsets = getattr(record, "offsets", None) is not None
        found = layout.decode(cursor.within(length), offsets=offsets)
        if found.damage is not None:
            damage = found.damage
            raise Misfit(
                damage.expected, damage.found, path=f".{damage.field}", offset=damage.offset
            )
        cursor.position += length
        body = Body(found, layout)
        body.offsets = found.offsets
        return body

    def encode(self, value: Any, record: Mapping[str, Any]) -> bytes:
        if not isinstance(value, Mapping):
            return bytes(value) if isinstance(value, Extent) else as_bytes(value)
        layout = self.cases.get(record[self.tag_key])
        if layout is None:
            raise ValueError(
                f"expected bytes, as {self.tag} {record[self.tag_key]} has no layout; found fields"
            )
        return b"".join(bytes(piece) for piece in layout.pieces(value))

    def normal(self, value: Any, record: Mapping[str, Any]) -> Any:
        layout = self.cases.get(record[self.tag_key])
        if layout is None or not isinstance(value, Mapping):
            return value if isinstance(value, Extent) else as_bytes(value)
        return Body(layout.complete(value), layout)

    def completed(self, key: str, values: Mapping[str, Any], default: Any) -> Mapping[str, Any]:
        if self.tag_key not in values:
            raise Refused(f"{self.tag} must be given")
        try:
            return super().completed(key, values, default)
        except ConformanceError as error:
            if not error.field:
                raise
            raise refusal(key, f"{error.field}: {error.reason}", title=self.tag) from None

    def measure(self, value: Any) -> int:
        if not isinstance(value, Body):
            return len(value)
        return sum(len(piece) for piece in value.layout.pieces(value))

    def problems_within(self, key: str, record: Mapping[str, Any]) -> Iterator[tuple[str, Problem]]:
        """Problems of the body's fields, each with its path, and of its length."""
        value = record[key]
        expected = self.measure(value)
        if record[self.length_key] != expected:
            yield (
                self.length_key,
                Problem(
                    "length-mismatch", f"{self.length} {expected}", str(record[self.length_key])
                ),
            )
        layout = self.cases.get(record[self.tag_key])
        if isinstance(value, Body):
            for path, problem in value.layout.problems_of(value):
                yield f"{key}.{path}", problem
            yield from surplus(key, value)
        elif layout is not None:
            yield (
                key,
                Problem("body-does-not-fit", f"the fields of {layout.title}", f"{expected} bytes"),
            )

    def to_document(self, value: Any, options: DocumentOptions) -> Any:
        if isinstance(value, Body):
            return value.layout.to_document(value, options)
        return {_RAW: raw_to_document(value, options)}

    def load_document(self, value: Any, record: Mapping[str, Any]) -> Any:
        if isinstance(value, Mapping) and set(value) == {_RAW}:
            return raw_from_document(value[_RAW])
        layout = self.cases.get(record.get(self.tag_key, -1))
        if layout is None:
            raise ValueError(f"expected {{raw: hex}}, as {self.tag} chooses no layout")
        return Body(layout.from_document(value), layout)
