"""Kaitai types in the making: their attributes in the gallery's order, no name twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...errors import ExportError
from ...schema import ByteOrder, Draft, Field, Layout, Schema
from ...schema.layout import REST
from ...schema.variable import Measured
from ...schema.vocabulary import Coded, Fixed
from . import expressions
from .prose import about, of_field, reference
from .registries import Registries
from .style import Node, Prose
from .words import checked_id, checked_type

__all__ = ["Structure", "Workshop", "byte_order", "stored_id"]

_ORDER = (
    "id",
    "-orig-id",
    "io",
    "pos",
    "value",
    "size",
    "size-eos",
    "type",
    "enum",
    "terminator",
    "eos-error",
    "valid",
    "contents",
    "repeat",
    "repeat-expr",
    "repeat-until",
    "if",
    "doc",
    "doc-ref",
)


@dataclass
class Workshop:
    """What all types of one file share."""

    draft: Draft
    schema: Schema
    registries: Registries
    structures: dict[str, Structure] = field(default_factory=dict)

    def structure(self, layout: Layout, key: str = "") -> Structure:
        """A new type for a structure of the schema.

        Raises:
            ExportError: there is one of this name already.
        """
        key = checked_type(key or layout.key, layout.title)
        if key in self.structures:
            raise ExportError(f"{layout.title}: there is another structure {key!r}; rename one")
        made = Structure(self, layout)
        self.structures[key] = made
        return made

    def little_endian(self) -> str:
        """Whether the file is little-endian."""
        one = _order_of(self)
        assert isinstance(one.type, Coded)
        registry, code = one.type.registry, one.type.registry.encode(ByteOrder.LITTLE.value)
        return f"_root.{one.key} == {self.registries.member(registry, code)}"


@dataclass
class Structure:
    """A Kaitai type in the making.

    Attributes:
        limits: `valid` of fields that are needed to find one's way, by key.
        ordered: whether it reads integers whose bytes have an order.
        open_ended: whether it takes all bytes up to the end of its stream.
    """

    workshop: Workshop
    layout: Layout
    limits: dict[str, Node] = field(default_factory=dict)
    seq: list[Node] = field(default_factory=list)
    instances: dict[str, Node] = field(default_factory=dict)
    ordered: bool = False
    open_ended: bool = False

    def add(self, key: str, **what: Any) -> None:
        """An attribute that is read in its turn.

        Args:
            what: the keys of the attribute, ``-`` written ``_``.
        """
        node = _sorted(what)
        self.seq.append({"id": self._free(key), **node})

    def give(self, key: str, **what: Any) -> None:
        """An instance: computed, or read, when it is asked for."""
        self.instances[self._free(key)] = _sorted(what)

    def stored(self, one: Field, key: str = "", **what: Any) -> None:
        """The attribute that a field of the layout is stored in.

        Args:
            key: another id than the field's key, where its key is what the value means.
        """
        if one.optional or one.omitted_by:
            what.setdefault("if", self._tail())
        if one.section != self.layout.section:
            what["doc_ref"] = reference(self.workshop.draft, one.section)
        self.add(
            key or one.key,
            **what,
            _orig_id=one.name,
            doc=of_field(one, self.layout),
        )

    def padding(self, one: Field, length: str) -> None:
        """The zeros behind a field of so many bytes."""
        what: Node = {"if": self._tail()} if one.optional or one.omitted_by else {}
        self.add(
            f"{one.key}_padding",
            size=expressions.padding(length, self.width_of(length)),
            doc=about(f"Zeros behind {one.name}."),
            **what,
        )

    def _tail(self) -> str:
        """Whether the fields before which the structure may end are there: all or none.

        Said of the payload's size, which is the same at each of them, so that what ends inside
        of them is not taken for what ends before them.
        """
        fixed, parts = 0, []
        for one in self.layout.fields:
            if isinstance(one.type, Fixed):
                fixed += one.type.width
            elif not (one.optional or one.omitted_by):
                assert isinstance(one.type, Measured), one.name
                length = one.type.length_key
                parts.append(expressions.padded(length, self.width_of(length)))
        needed = " + ".join([f"{fixed}.as<s8>", *(f"({part}).as<s8>" for part in parts)])
        needed = f"({needed}).as<s8>" if parts else needed
        return f"_io.size.as<s8> >= {needed}"

    def width_of(self, key: str) -> int:
        """Bytes of the field that a length or count is stored in."""
        kind = self.layout.field(key).type
        assert isinstance(kind, Fixed)
        return kind.width

    def size_from(self, key: str) -> str:
        """A field as a `size`."""
        one = self.layout.field(key)
        return expressions.wide(key) if one.optional or one.omitted_by else key

    def rest(self) -> None:
        """Bytes behind the last field, so that nothing of a file is lost."""
        if not self.open_ended:
            self.add(REST, size_eos=True, doc=about("Bytes behind the last field."))
            self.open_ended = True

    def node(self, doc: Prose) -> Node:
        """The finished type."""
        made: Node = {}
        if self.ordered:
            made["meta"] = {"endian": byte_order(self.workshop)}
        made["doc"] = doc
        made["doc-ref"] = reference(self.workshop.draft, self.layout.section)
        made["seq"] = self.seq
        if self.instances:
            made["instances"] = self.instances
        return made

    def _free(self, key: str) -> str:
        taken = {*(one["id"] for one in self.seq), *self.instances}
        where = f"{self.layout.title}.{key}"
        if key in taken:
            raise ExportError(f"{where}: there is another {key!r} in this structure; rename one")
        return checked_id(key, where)


def byte_order(workshop: Workshop) -> Node:
    """The endianness of a type: what the file's own field says."""
    one = _order_of(workshop)
    assert isinstance(one.type, Coded)
    cases = {
        workshop.registries.member(one.type.registry, value.code): f"{value.name[0]}e"
        for value in one.type.registry.values
    }
    return {"switch-on": f"_root.{one.key}", "cases": cases}


def _order_of(workshop: Workshop) -> Field:
    """The field of the file header that says in which order bytes stand."""
    return next(f for f in workshop.schema.file_header.fields if isinstance(f.type, Coded))


def stored_id(one: Field) -> str:
    """The id of the attribute that holds a field's stored number."""
    return f"{one.key}_code" if isinstance(one.type, Coded) else one.key


def _sorted(what: Mapping[str, Any]) -> Node:
    named = {key.replace("_", "-"): value for key, value in what.items()}
    return {key: named[key] for key in sorted(named, key=_ORDER.index)}
