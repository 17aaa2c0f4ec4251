"""The words for what is called, meant and permitted: of fields, codes, flags and block types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from .amendments import (
    BLOCK_TYPES,
    Amendment,
    AmendmentRefusal,
    Declared,
    demand_reason,
    edit,
    field_of,
    word,
)
from .base import Between, OneOf
from .blocks import CAPABILITIES, BlockType
from .codes import Bit, BitRange, FlagDefinition, Value
from .fields import Field
from .layout import Layout
from .names import snake_case
from .pages import PageData
from .renamed import renamed
from .vocabulary import Uint

__all__ = ["deprecate", "forbid", "give_payload", "redefine", "rename", "renumber", "reword"]


def _has(parts: Declared, where: str) -> bool:
    return where.split(".")[0] in parts.layouts


def rename(where: str, what: str, to: str) -> Amendment:
    """Another name for the same thing: a field, a code, a flag, a block type.

    Args:
        where: a structure's key, a registry's name, or ``BlockType``.
        what: its name or label.
    """

    def apply(parts: Declared) -> None:
        if where == BLOCK_TYPES:
            _rename_block(parts, _block(parts, what), to)
            return
        if _has(parts, where):
            if any((where, key) in parts.hashes for key in (what, snake_case(what))):
                raise AmendmentRefusal("the integrity chain names it")
            edit(parts, where, lambda layout: renamed(layout, field_of(layout, what).name, to))
            return
        label = _entry(parts, where, what).label
        _change(parts, where, what, lambda one: _relabelled(one, to))
        if where == CAPABILITIES:
            for key, block in parts.blocks.items():
                if block.capability == label:
                    parts.blocks[key] = replace(block, capability=to)

    def _relabelled(one: Value | Bit, label: str) -> Value | Bit:
        return replace(one, label=label, name=snake_case(label), sense=one.meaning)

    return word("rename", where, what, apply)


def _rename_block(parts: Declared, block: BlockType, to: str) -> None:
    """Another name for a block type, and for the layout of its payload."""
    new = replace(block, name=to, sense=block.meaning)
    if any(to == one.name or new.key == one.key for one in parts.blocks.values()):
        raise AmendmentRefusal(f"there is a block type {to} already")
    if any(structure == block.key for structure, _ in parts.hashes):
        raise AmendmentRefusal("the integrity chain names it")
    layout = parts.layouts.pop(block.key, None)
    if layout is not None:
        if any(isinstance(one.type, PageData) for one in layout.fields):
            raise AmendmentRefusal("readers find memory by its name")
        parts.layouts[new.key] = Layout(to, layout.section, layout.fields)
    blocks = [new if one is block else one for one in parts.blocks.values()]
    parts.blocks.clear()
    for one in blocks:
        child = one.parent == block.key
        parts.blocks[one.key] = replace(one, parent=new.key) if child else one


def redefine(where: str, what: str, text: str, *, reason: str) -> Amendment:
    """Another meaning under the same name: a unit, a place to count from, what a code says.

    Args:
        reason: why readers of the base may misunderstand it.
    """

    def apply(parts: Declared) -> None:
        demand_reason(reason, f"a reader of the base misunderstands {what}, and does not notice")
        _retell(parts, where, what, text, keep=False)

    return word("redefine", where, what, apply, reason)


def reword(where: str, what: str, text: str) -> Amendment:
    """Other words for the same meaning."""

    def apply(parts: Declared) -> None:
        _retell(parts, where, what, text, keep=True)

    return word("reword", where, what, apply)


def _retell(parts: Declared, where: str, what: str, text: str, *, keep: bool) -> None:
    def told(one: Any) -> Any:
        if one.text == text:
            raise AmendmentRefusal("the text is what it was")
        return replace(one, text=text, sense=one.meaning if keep else "")

    if where == BLOCK_TYPES:
        block = _block(parts, what)
        parts.blocks[block.key] = told(block)
    elif _has(parts, where):
        edit(parts, where, lambda layout: _put(layout, told(field_of(layout, what))))
    else:
        _change(parts, where, what, told)


def _put(layout: Layout, changed: Field) -> Layout:
    """A layout with another field of the same name."""
    return layout.replacing(changed.name, changed.since, changed)


def deprecate(where: str, what: str, *, reason: str) -> Amendment:
    """Something is read as ever, but should no longer be written."""

    def apply(parts: Declared) -> None:
        demand_reason(reason, "who reads it asks what to write instead")

        def told(one: Any) -> Any:
            if one.deprecated:
                raise AmendmentRefusal("it is deprecated already")
            return replace(one, deprecated=f"since {parts.name}: {reason}")

        if where == BLOCK_TYPES:
            block = _block(parts, what)
            parts.blocks[block.key] = told(block)
        elif _has(parts, where):
            edit(parts, where, lambda layout: _put(layout, told(field_of(layout, what))))
        else:
            _change(parts, where, what, told)

    return word("deprecate", where, what, apply, reason)


# -- codes ---------------------------------------------------------------------------------


def _entries(parts: Declared, where: str) -> tuple[Value | Bit | BitRange, ...]:
    if where in parts.registries:
        return parts.registries[where].values
    if where in parts.flags:
        return parts.flags[where].bits
    names = ", ".join([*parts.registries, *parts.flags])
    raise AmendmentRefusal(
        f"no structure and no registry is called {where}; registries are {names}"
    )


def _entry(parts: Declared, where: str, what: str) -> Value | Bit:
    entries = _entries(parts, where)
    for one in entries:
        if what in (one.label, one.name) and not isinstance(one, BitRange):
            return one
    names = ", ".join(one.label for one in entries)
    raise AmendmentRefusal(f"{where} has no {what}; it has {names}")


def _change(parts: Declared, where: str, what: str, change: Callable[[Any], Value | Bit]) -> None:
    """Put something else in the place of a code or flag."""
    old = _entry(parts, where, what)
    new = change(old)
    others = [one for one in _entries(parts, where) if one is not old]
    if any(new.name == one.name for one in others):
        raise AmendmentRefusal(f"{where} has a {new.name} already")
    if isinstance(new, Value):
        registry = parts.registries[where]
        values = tuple(sorted((*others, new), key=lambda one: one.code))  # type: ignore[union-attr]
        parts.registries[where] = replace(registry, values=values)  # type: ignore[arg-type]
    else:
        word = parts.flags[where]
        bits = tuple(sorted((*others, new), key=lambda one: one.bit))  # type: ignore[union-attr]
        parts.flags[where] = FlagDefinition(
            word.name,
            word.width,
            word.section,
            word.text,
            bits,  # type: ignore[arg-type]
        )


def renumber(where: str, what: str, number: int, *, reason: str) -> Amendment:
    """A code, a bit or a block type gets another number; nobody gets its old one.

    Args:
        where: the registry; ``BlockType`` for block types.
        reason: why readers of the base may not know it.
    """

    def moved(parts: Declared, one: Value | Bit) -> Value | Bit:
        for other in _entries(parts, where):
            if isinstance(other, BitRange):
                taken = other.bit <= number < other.bit + other.bits
            else:
                taken = number == (other.code if isinstance(other, Value) else other.bit)
            if taken:
                raise AmendmentRefusal(
                    f"{number:#x} is {other.label}: old readers take the one for it"
                )
        if isinstance(one, Bit):
            if not 0 <= number < 8 * parts.flags[where].width:
                raise AmendmentRefusal(f"{where} has no bit {number}")
            return replace(one, bit=number, since=parts.name)
        registry = parts.registries[where]
        if not 0 <= number < 1 << 8 * registry.width:
            raise AmendmentRefusal(f"{number:#x} does not fit {registry.width} bytes")
        return replace(one, code=number, since=parts.name)

    def apply(parts: Declared) -> None:
        demand_reason(reason, f"a reader of the base no longer knows {what}")
        if where != BLOCK_TYPES:
            _change(parts, where, what, lambda one: moved(parts, one))
            return
        block = _block(parts, what)
        for other in parts.blocks.values():
            if other.code == number:
                raise AmendmentRefusal(
                    f"{number:#06x} is {other.name}: old readers take the one for the other"
                )
        parts.blocks[block.key] = replace(block, code=number, since=parts.name)

    return word("renumber", where, what, apply, reason)


def forbid(where: str, what: str, value: int | None = None) -> Amendment:
    """A code, a block type, or a value of a number may no longer be written.

    Args:
        where: a registry, ``BlockType``, or a structure's key.
        what: name of the code, the block type or the field.
        value: of a field that is a number.
    """

    def reserved(parts: Declared, one: Value | Bit) -> Value | Bit:
        if not isinstance(one, Value):
            raise AmendmentRefusal("a flag can't be forbidden: a producer may leave it out")
        if one.reserved:
            raise AmendmentRefusal("it is forbidden already")
        for key, layout in parts.layouts.items():
            for inner in layout.structures():
                for each in inner.fields:
                    if each.type.registry_name == where and each.default == one.code:
                        raise AmendmentRefusal(
                            f"{key}.{each.key} has it where nothing else is given"
                        )
        return replace(one, reserved=True)

    def limited(layout: Layout) -> Layout:
        found = field_of(layout, what)
        kind = found.type
        if value is None:
            raise AmendmentRefusal(f"which value of {found.name}?")
        if not isinstance(kind, Uint):
            raise AmendmentRefusal(f"{found.name} is no plain number")
        if found.default == value:
            raise AmendmentRefusal(f"{value} is what {found.name} has where nothing else is given")
        return layout.changing(
            found.name, type=Uint(kind.width, shown=kind.shown, valid=_without(kind, value))
        )

    def apply(parts: Declared) -> None:
        if where == BLOCK_TYPES:
            block = _block(parts, what)
            if block.forbidden:
                raise AmendmentRefusal("it is forbidden already")
            parts.blocks[block.key] = replace(block, forbidden=True)
        elif _has(parts, where):
            edit(parts, where, limited)
        else:
            _change(parts, where, what, lambda one: reserved(parts, one))

    return word("forbid", where, what, apply)


def _without(kind: Uint, value: int) -> Between | OneOf:
    valid = kind.valid or Between(0, (1 << 8 * kind.width) - 1)
    if not valid.permits(value):
        raise AmendmentRefusal(f"{value} is forbidden already")
    if isinstance(valid, OneOf):
        return OneOf(tuple(one for one in valid.values if one != value))
    if value == valid.low:
        return Between(valid.low + 1, valid.high)
    if value == valid.high:
        return Between(valid.low, valid.high - 1)
    raise AmendmentRefusal(
        f"{value} is in the middle of {valid}: say which values may be written instead"
    )


# -- block types ---------------------------------------------------------------------------


def _block(parts: Declared, what: str) -> BlockType:
    for one in parts.blocks.values():
        if what in (one.key, one.name):
            return one
    raise AmendmentRefusal(f"there is no block type {what}")


def give_payload(
    block: str, layout: Layout, *, example: Mapping[str, Any] | None = None
) -> Amendment:
    """A payload for a type that was registered without one; it may be written from now on.

    Args:
        block: the type's key or name.
        example: a payload that conforms, as a document shows it.
    """

    def apply(parts: Declared) -> None:
        found = _block(parts, block)
        if found.layout is not None or found.key in parts.layouts:
            raise AmendmentRefusal("it has a payload: change that with layouts=")
        if layout.key != found.key:
            raise AmendmentRefusal(f"the layout is called {layout.title}, the type {found.name}")
        parts.layouts[found.key] = layout.stamped(parts.name)
        parts.blocks[found.key] = replace(found, forbidden=False, example=example)

    return word("give_payload", BLOCK_TYPES, block, apply)
