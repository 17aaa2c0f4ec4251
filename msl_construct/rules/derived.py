"""Rules that follow from the schema: one for each structure and kind of defect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from ..drafts import schema
from ..schema import Draft, Field, Layout, Schema
from .defect_kinds import KINDS, kinds_of_field, kinds_of_structure
from .faults import (
    WRITTEN,
    Defect,
    Key,
    faults_of_block,
    faults_of_header,
    faults_of_seal_header,
)
from .model import Found, Level, Role, Rule, Scope

__all__ = ["Derived", "derived"]


_UNREADABLE = {
    ("file_header", "endianness", "UNREGISTERED-CODE"),
    ("seal_header", "seal_hdr_size", "VALUE-NOT-PERMITTED"),
}
"""Structure, field and kind of defect of what no reader opens, so that no rule sees it."""


class Derived:
    """What a derived rule finds: the defects of its kind in its structure.

    All derived rules together look at a block once; see `check`.
    """

    def __init__(self, key: Key, scope: Scope) -> None:
        self.key = key
        self._scope = scope

    def __call__(self, subject: Any) -> Iterator[Found]:
        """Of a `FileHeader`, a `Block` or a seal header, whichever the rule's scope says."""
        faults = _OF[self._scope](subject)
        return (fault.found for fault in faults if fault.key == self.key)

    def __repr__(self) -> str:
        return f"Derived({self.key})"


_seen: WeakKeyDictionary[Any, list[Defect]] = WeakKeyDictionary()
"""Of every block that is still in use, so that two hundred rules don't judge it each."""


def _of_block(block: Any) -> list[Defect]:
    found = _seen.get(block)
    if found is None:
        found = _seen[block] = list(faults_of_block(block))
    return found


def _of_header(header: Any) -> list[Defect]:
    return list(faults_of_header(header))


def _of_seal_header(header: Any) -> list[Defect]:
    return list(faults_of_seal_header(header))


_OF: dict[Scope, Callable[[Any], list[Defect]]] = {
    Scope.HEADER: _of_header,
    Scope.BLOCK: _of_block,
    Scope.SEALED: _of_seal_header,
}
"""Everything that is wrong with a subject, by what the rule looks at."""


def derived(schema: Schema) -> tuple[Rule, ...]:
    """The rules that a draft's declarations amount to, in the order of its structures."""
    return tuple(_rules(schema))


def _rules(schema: Schema) -> Iterator[Rule]:
    scopes = {
        layout.key: scope
        for layout, scope in (
            (schema.file_header, Scope.HEADER),
            (schema.encryption_header, Scope.HEADER),
            (schema.seal_header, Scope.SEALED),
        )
        if layout is not None
    }
    plan = _plan(schema)
    for key, (layout, fields) in plan.items():
        structure, section, name = key
        kind = KINDS[name]
        scope = scopes.get(structure, Scope.BLOCK)
        shown = structure.upper().replace("_", "-")
        prefix = "MSLX" if kind.level is Level.OURS else "MSL"
        yield Rule(
            id=f"{prefix}-{section.removeprefix('§')}-{shown}-{name}",
            section=section,
            level=kind.level,
            who=(Role.PRODUCER,),
            requirement=kind.demand(layout, fields),
            wrong=kind.wrong,
            why=kind.why,
            scope=scope,
            find=Derived(key, scope),
            applies=partial(_has, key),
            derived=True,
        )


_keys: WeakKeyDictionary[Draft, frozenset[Key]] = WeakKeyDictionary()
"""What the rules of each draft are about."""


def _has(key: Key, draft: Draft) -> bool:
    """Whether a draft has the rule."""
    found = _keys.get(draft)
    if found is None:
        found = _keys[draft] = frozenset(_plan(schema(draft)))
    return key in found


def _plan(schema: Schema) -> dict[Key, tuple[Layout, list[Field]]]:
    """Structure and fields of every rule."""
    found: dict[Key, tuple[Layout, list[Field]]] = {}
    payloads = {block.key for block in schema.blocks.values()}
    for key, layout in schema.layouts.items():
        for part, inside in _parts(layout):
            for field in part.fields:
                if (part.key, field.key) in WRITTEN:
                    continue
                for kind in kinds_of_field(field):
                    if (part.key, field.key, kind) in _UNREADABLE:
                        continue
                    if kind == "LENGTH-TOO-LARGE" and inside:
                        continue  # what does not fit a body is the row's defect
                    place = found.setdefault((part.key, field.section, kind), (part, []))
                    place[1].append(field)
            for kind in kinds_of_structure(part) if part is layout and key in payloads else ():
                found[part.key, part.section, kind] = part, []
    return found


def _parts(layout: Layout, inside: bool = False) -> Iterator[tuple[Layout, bool]]:
    """A structure and those inside it; of each whether it is the body of a row."""
    yield layout, inside
    for _, tag, inner in layout.inside():
        yield from _parts(inner, tag is not None)
