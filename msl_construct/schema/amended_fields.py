"""The words for bytes: a field becomes wider, is read otherwise, or comes out of reserved ones."""

from __future__ import annotations

from dataclasses import replace

from ..abbreviated import abbreviated
from .amendments import (
    Amendment,
    AmendmentRefusal,
    Declared,
    demand_reason,
    edit,
    field_of,
    width_of,
    word,
)
from .fields import Field
from .layout import Layout
from .vocabulary import Fixed, Reserved

__all__ = ["carve", "retype", "widen"]


def widen(structure: str, name: str, kind: Fixed, *, out_of: str, reason: str) -> Amendment:
    """A number gets more bytes, out of the reserved ones directly behind it.

    Args:
        structure: its key; ``connection_table.Entries`` is an entry of that table.
        kind: what it becomes.
        out_of: name of the reserved field behind it.
        reason: why a reader of the base may lose the upper bytes.
    """

    def changed(parts: Declared, layout: Layout) -> Layout:
        found, spare = field_of(layout, name), field_of(layout, out_of)
        if not (isinstance(found.type, Fixed) and found.type.number and kind.number):
            raise AmendmentRefusal(f"{found.name} is no number")
        wide = replace(found, type=kind)
        old, new = width_of(parts, found), width_of(parts, wide)
        if new <= old:
            raise AmendmentRefusal(f"{new} bytes are not more than {old}")
        at = layout.fields.index(found)
        if layout.fields[at + 1 : at + 2] != (spare,) or not isinstance(spare.type, Reserved):
            raise AmendmentRefusal(
                f"{out_of} is not reserved directly behind {found.name}: what stands between "
                "would move, and old readers would not notice"
            )
        left = spare.type.width - (new - old)
        if left < 0:
            raise AmendmentRefusal(f"{out_of} has {spare.type.width} bytes, {new - old} are needed")
        rest = (replace(spare, type=Reserved(left)),) if left else ()
        shrunk = layout.replacing(spare.name, spare.since, *rest)
        return shrunk.replacing(found.name, found.since, wide)

    def apply(parts: Declared) -> None:
        demand_reason(reason, f"a reader of the base sees the lower bytes of {name} only")
        if parts.big_endian:
            raise AmendmentRefusal(
                "in a big-endian file an old reader would take the upper bytes for it"
            )
        edit(parts, structure, lambda layout: changed(parts, layout))

    return word("widen", structure, name, apply, reason)


def retype(structure: str, name: str, kind: Fixed, *, reason: str) -> Amendment:
    """A field's bytes are read as something else of the same width.

    Args:
        reason: why readers of the base may take it for what it was.
    """

    def changed(parts: Declared, layout: Layout) -> Layout:
        found = field_of(layout, name)
        other = replace(found, type=kind)
        old, new = width_of(parts, found), width_of(parts, other)
        if old != new:
            raise AmendmentRefusal(
                f"{found.name} has {old} bytes, {type(kind).__name__} {new}: what follows "
                "would move; see widen"
            )
        number = isinstance(found.type, Fixed) and found.type.number
        if found.default is not None and number != kind.number:
            other = replace(other, default=0 if kind.number else bytes(new))
        return layout.replacing(found.name, found.since, other)

    def apply(parts: Declared) -> None:
        demand_reason(reason, f"a reader of the base takes {name} for what it was")
        edit(parts, structure, lambda layout: changed(parts, layout))

    return word("retype", structure, name, apply, reason)


def carve(structure: str, reserved: str, *fields: Field) -> Amendment:
    """Fields in the place of reserved bytes, from the first of them on.

    Zero must say of each that nothing is known, or nothing set: old files have zeros there.
    """

    def changed(parts: Declared, layout: Layout) -> Layout:
        spare = field_of(layout, reserved)
        if not isinstance(spare.type, Reserved):
            raise AmendmentRefusal(f"{spare.name} is not reserved")
        left = spare.type.width
        for one in fields:
            width = width_of(parts, one)
            left -= width
            assert isinstance(one.type, Fixed)
            zero: int | bytes = 0 if one.type.number else bytes(width)
            if one.default != zero:
                raise AmendmentRefusal(
                    f"{one.name} is zero in every file of the base: say by "
                    f"default={abbreviated(zero)} that this is what zero means"
                )
        if left < 0:
            raise AmendmentRefusal(f"{spare.name} has {spare.type.width} bytes, {-left} too few")
        rest = (replace(spare, type=Reserved(left)),) if left else ()
        optional = spare.optional
        fresh = (
            replace(one, optional=optional or one.optional, since=parts.name) for one in fields
        )
        at = layout.fields.index(spare)
        around = (*layout.fields[:at], *fresh, *rest, *layout.fields[at + 1 :])
        return Layout(layout.title, layout.section, around)

    def apply(parts: Declared) -> None:
        edit(parts, structure, lambda layout: changed(parts, layout))

    return word("carve", structure, ", ".join(one.name for one in fields), apply)
