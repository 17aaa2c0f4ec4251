"""The block types of a draft that is made from another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import replace

from .blocks import BlockType
from .declared import demand_each
from .layout import Layout

__all__ = ["codes_of", "overlaid"]


def codes_of(
    name: str, base: str, known: Sequence[BlockType], chosen: Iterable[int | str]
) -> set[int]:
    """Codes of block types that are chosen by code or key.

    Args:
        name: the new draft's.
        base: the name of the draft that has the types that are known.

    Raises:
        ValueError: it has no such type.
    """
    if isinstance(chosen, str):
        raise ValueError(f"{name}: expected a list of block types, found the one text {chosen!r}")
    by_name = {block.key: block.code for block in known}
    found = {by_name.get(one, -1) if isinstance(one, str) else one: one for one in chosen}
    missing = [
        str(one) if isinstance(one, str) else f"{one:#06x}"
        for code, one in found.items()
        if code not in by_name.values()
    ]
    if missing:
        raise ValueError(f"{name}: {base} has no block type {', '.join(missing)}")
    return set(found)


def overlaid(
    name: str,
    base: str,
    known: Sequence[BlockType],
    *,
    fresh: Iterable[BlockType],
    edited: Callable[[str, Layout], Layout],
    in_segment: Set[int],
    only_there: Set[int],
    forbidden: Set[int],
) -> tuple[BlockType, ...]:
    """The block types of a draft that follows from another.

    Args:
        name, base: names of the two.
        known: the types of the base.
        fresh: new ones, or known codes that now have a layout.
        edited: what becomes of a layout, by its key.
        in_segment, only_there, forbidden: codes of known types that extension segments may hold,
            that captures no longer do, and that nobody writes any more.

    Raises:
        ValueError: two have one code, or one that takes a known one's place has no layout.
    """
    new: dict[int, BlockType] = {}
    for block in demand_each(name, "blocks", fresh, (BlockType,), "a BlockType"):
        if new.setdefault(block.code, block) is not block:
            other = new[block.code].name
            raise ValueError(
                f"{name}: {block.name} and {other} have the same code {block.code:#06x}"
            )
    merged: list[BlockType] = []
    for block in known:
        if block.code in new:
            block = _in_its_place(name, base, block, new.pop(block.code))
        elif block.layout is not None:
            block = replace(block, layout=edited(block.key, block.layout))
        merged.append(
            replace(
                block,
                in_segment=block.in_segment or block.code in in_segment,
                in_capture=block.in_capture and block.code not in only_there,
                forbidden=block.forbidden or block.code in forbidden,
            )
        )
    for block in new.values():
        layout = block.layout.stamped(name) if block.layout is not None else None
        merged.append(replace(block, since=name, layout=layout))
    return tuple(sorted(merged, key=lambda block: block.code))


def _in_its_place(name: str, base: str, block: BlockType, defined: BlockType) -> BlockType:
    """A block type that takes a known one's place."""
    if defined.layout is None:
        raise ValueError(
            f"{name}: {base} has {block.code:#06x} ({block.name}) already; what takes its place "
            "must have a layout"
        )
    return replace(
        defined,
        since=block.since,
        capability=defined.capability or block.capability,
        parent=defined.parent or block.parent,
        in_capture=defined.in_capture and block.in_capture,
        layout=defined.layout.stamped(name),
        sense=defined.sense or (block.meaning if defined.name == block.name else ""),
    )
