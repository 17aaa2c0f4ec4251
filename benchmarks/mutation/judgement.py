"""Faults in what a draft demands: reading is the same, the rules judge otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from msl_construct.schema import Draft, Enumeration, Layout
from msl_construct.schema.vocabulary import Between, Bytes, OneOf, Reserved, Uuid

from .declarations import Path, changed, structures, title, users, with_field, with_structure
from .mutant import Mutant


def mutants_of_demands(draft: Draft) -> Iterator[Mutant]:
    """Every fault of these kinds in a draft."""
    for path, layout in structures(draft):
        yield from _fields(draft, path, layout)
    for enumeration in (*draft.enumerations, draft.page_states):
        yield from _registry(draft, enumeration)
    yield from _block_types(draft)


def _fields(draft: Draft, path: Path, layout: Layout) -> Iterator[Mutant]:
    for field in layout.fields:
        for what, kind in _other_demands(field.type):
            new = with_field(layout, field, replace(field, type=kind))
            where = f"{title(draft, path)}.{field.name}"
            yield Mutant(
                draft,
                "demand",
                where,
                what,
                lambda new=new: with_structure(draft, path, new),  # type: ignore[misc]
                (path,),
                lacks=f"a value of {where} that is judged otherwise with: {what}",
                judged=True,
            )


def _other_demands(kind: Any) -> Iterator[tuple[str, Any]]:
    valid = getattr(kind, "valid", None)
    if valid is not None:
        yield "anything", changed(kind, valid=None)
    if isinstance(valid, Between):
        for low, high in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            new = Between(valid.low + low, valid.high + high)
            if new.high < 1 << 32:
                yield str(new), changed(kind, valid=new)
    elif isinstance(valid, OneOf):
        for value in valid.values:
            rest = tuple(v for v in valid.values if v != value)
            yield f"not {value}", changed(kind, valid=OneOf(rest))
    if isinstance(kind, Reserved):
        yield "not reserved", Bytes(kind.width)
    if isinstance(kind, Uuid):
        yield "nil refused" if kind.nil else "nil permitted", changed(kind, nil=not kind.nil)


def _registry(draft: Draft, old: Enumeration) -> Iterator[Mutant]:
    def mutant(what: str, new: Enumeration, lacks: str) -> Mutant:
        def make() -> Draft:
            if old is draft.page_states:
                return replace(draft, page_states=new)
            enumerations = tuple(new if e is old else e for e in draft.enumerations)
            return replace(draft, enumerations=enumerations)

        return Mutant(
            draft,
            "demand",
            old.name,
            what,
            make,
            tuple(path for path, _ in users(draft, old.name)),
            lacks=f"{old.name} {lacks}",
            judged=True,
        )

    for value in old.values:
        values = tuple(replace(v, reserved=not v.reserved) if v is value else v for v in old.values)
        what = f"{value.label} {'may' if value.reserved else 'may not'} be written"
        yield mutant(what, replace(old, values=values), value.label)
    for span in old.spans:
        use = "reserved" if span.use == "vendor" else "vendor"
        spans = tuple(replace(s, use=use) if s is span else s for s in old.spans)
        what = f"{span.first:#x} to {span.last:#x} {use}"
        yield mutant(what, replace(old, spans=spans), f"of {span.first:#x} to {span.last:#x}")
        if span.use != "vendor":
            continue
        for first, last in ((1, 0), (0, -1)):
            shorter = replace(span, first=span.first + first, last=span.last + last)
            spans = tuple(shorter if s is span else s for s in old.spans)
            edge = span.first if first else span.last
            what = f"vendors: {shorter.first:#x} to {shorter.last:#x}"
            yield mutant(what, replace(old, spans=spans), f"{edge:#x}")


def _block_types(draft: Draft) -> Iterator[Mutant]:
    names = sorted({b.capability for b in draft.blocks if b.capability})
    for block in draft.blocks:
        faults: list[tuple[str, dict[str, Any]]] = [
            (
                f"may {'' if block.forbidden else 'not '}be written",
                {"forbidden": not block.forbidden},
            ),
        ]
        if draft.segments:
            may = "not " if block.in_segment else ""
            faults.append((f"may {may}stand in segments", {"in_segment": not block.in_segment}))
        if block.parent:
            faults.append(("is nobody's child", {"parent": ""}))
        for name in (None, *names) if block.capability else ():
            if name != block.capability:
                faults.append((f"of category {name}", {"capability": name}))
        for what, fault in faults:
            blocks = tuple(replace(b, **fault) if b is block else b for b in draft.blocks)
            yield Mutant(
                draft,
                "demand",
                block.name,
                what,
                lambda blocks=blocks: replace(draft, blocks=blocks),  # type: ignore[misc]
                lacks=f"a {block.name} that is judged otherwise with: {what}",
                judged=True,
            )
