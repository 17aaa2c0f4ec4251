"""Enumerations, in the verbose form: hexadecimal codes, each with its name and its sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...schema import BitRange, Enumeration, Schema
from .prose import about
from .style import Hex, Node
from .words import checked_type, member_id

__all__ = ["Registries"]


class Registries:
    """The enumerations of a draft.

    Args:
        taken: ids of the root's attributes; an enumeration can't have one of them, as both
            become members of one class in C#.
    """

    def __init__(self, schema: Schema, taken: Iterable[str]) -> None:
        self._taken = frozenset(taken)
        self._found = {e.key: e for e in _registries(schema)}

    def id_of(self, enumeration: Enumeration) -> str:
        """The id that attributes refer to an enumeration by."""
        key = checked_type(enumeration.key, f"enumeration {enumeration.name}")
        return f"{key}_value" if key in self._taken else key

    def member(self, enumeration: Enumeration, code: int) -> str:
        """A member as expressions name it: ``page_state::captured``."""
        name = enumeration.decode(code).name
        return f"{self.id_of(enumeration)}::{member_id(name, enumeration.key)}"

    def nodes(self) -> Node:
        """All enumerations by id, in alphabetic order."""
        named = {self.id_of(one): one for one in self._found.values()}
        return {key: _members(named[key]) for key in sorted(named)}


def _registries(schema: Schema) -> Iterator[Enumeration]:
    yield from schema.enumerations.values()
    yield schema.page_states
    for word in schema.flags.values():
        for bit in word.bits:
            if isinstance(bit, BitRange):
                yield bit.enumeration


def _members(enumeration: Enumeration) -> Node:
    members: Node = {}
    for value in enumeration.values:
        member: Node = {"id": member_id(value.name, enumeration.key)}
        if value.text:
            member["doc"] = about(value.text)
        member["-orig-id"] = value.label
        members[Hex(value.code, 2 * enumeration.width)] = member
    return members
