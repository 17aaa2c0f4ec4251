"""Statements that follow from the schema: the layout of each payload, and which have none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from ...drafts import schema
from ...schema import BlockType, Draft, Schema
from ..derived import Derived
from ..engine import rules_for
from ..model import Pick, Role
from .model import Statement, Word, st

__all__ = ["layout_statements"]

_SHAPE = frozenset(
    (
        "TOO-SHORT",
        "SURPLUS-BYTES",
        "LENGTH-TOO-LARGE",
        "COUNT-TOO-LARGE",
        "ENTRY-SIZE-TOO-SMALL",
        "BODY-TOO-SHORT",
        "BODY-TOO-LONG",
        "PAGE-MAP-TOO-LARGE",
        "PAGE-DATA-LENGTH",
    )
)
"""Kinds of defect by which a payload does not have its layout."""


def layout_statements(drafts: Iterable[Draft]) -> Iterator[Statement]:
    """A statement for every block type that a producer may write, in the order of its code."""
    schemas = {draft.name: schema(draft) for draft in drafts}
    types: dict[str, dict[str, BlockType]] = {}
    for name, bound in schemas.items():
        for block in bound.blocks.values():
            if not block.forbidden:
                types.setdefault(block.key, {})[name] = block
    for key, kinds in types.items():
        laid_out = tuple(name for name, block in kinds.items() if block.layout is not None)
        if laid_out:
            yield _layout(kinds[laid_out[-1]], laid_out, schemas)
        opaque = tuple(name for name, block in kinds.items() if block.layout is None)
        if opaque:
            yield _opaque(key, kinds[opaque[-1]])


def _layout(block: BlockType, drafts: tuple[str, ...], schemas: dict[str, Schema]) -> Statement:
    layout = block.layout
    assert layout is not None
    inside = {
        part.key for name in drafts for part in schemas[name].layouts[layout.key].structures()
    }
    rules = {
        rule.id: None
        for name in drafts
        for rule in rules_for(name)
        if isinstance(rule.find, Derived)
        and rule.find.key[0] in inside
        and rule.find.key[2] in _SHAPE
    }
    section = layout.section.removeprefix("§")
    return st(
        f"ST-{section}-{_upper(block.key)}-LAYOUT",
        Word.MUST,
        Role.PRODUCER,
        f"The payload of the {block.name} is made of the fields of its table, in their order; "
        "its lengths and counts are those of what is there.",
        *rules,
        drafts=partial(_registered, block.key, True),
        derived=True,
    )


def _opaque(key: str, block: BlockType) -> Statement:
    return st(
        f"ST-4.3-{_upper(key)}-OPAQUE",
        Word.MAY,
        (Role.PRODUCER, Role.CONSUMER),
        f"The payload of the {block.name} has no layout: it is the producer's own.",
        drafts=partial(_registered, key, False),
        samples=(Pick(f"type-{key.replace('_', '-')}"),),
        derived=True,
    )


def _registered(key: str, laid_out: bool, draft: Draft) -> bool:
    """Whether producers may write a block type of this key, with or without a layout."""
    return any(
        block.key == key and not block.forbidden and (block.layout is not None) is laid_out
        for block in draft.blocks
    )


def _upper(key: str) -> str:
    return key.upper().replace("_", "-")
