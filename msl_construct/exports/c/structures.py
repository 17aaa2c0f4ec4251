"""Packed structures of constant width, each with proof of its offsets."""

from __future__ import annotations

from collections.abc import Iterator

from ...schema import Draft, Field
from ...schema.base import OneOf
from ...schema.vocabulary import Coded, Flags, Uint
from .parts import Run, Shape, is_integer
from .words import Identifiers, filled, macro, remarked, since

__all__ = ["structures"]

_STORED = {1: "uint8_t", 2: "msl_u16", 4: "msl_u32", 8: "msl_u64"}


def structures(draft: Draft, shape: Shape, names: Identifiers) -> Iterator[str]:
    """The structures of a layout."""
    for run in shape.runs:
        yield from _structure(draft, shape, run, names)


def _structure(draft: Draft, shape: Shape, run: Run, names: Identifiers) -> Iterator[str]:
    layout = shape.layout
    where = "" if run is shape.runs[0] else f", {run.member.replace('_', ' ')}"
    yield from remarked(
        f"typedef struct {names.declare(run.name)} {{",
        f"{layout.title}, {layout.section}{where}: {run.width} bytes.",
        since(draft, run.fields[0].since),
    )
    for field in run.fields:
        about = _about(draft, shape, run, field)
        yield from remarked(f"    {_member(field, names)};", *about, indent=4)
    yield f"}} {run.name};"
    placed = (f"MSL_AT({field.key}, {offset}, {width})" for field, offset, width in run.placed)
    yield from filled(f"MSL_STATIC_STRUCT({run.name}, {run.width},", placed, ")")


def _member(field: Field, names: Identifiers) -> str:
    key = names.member(field.key)
    width = field.type.minimum
    return f"{_STORED[width]} {key}" if is_integer(field) else f"uint8_t {key}[{width}]"


def _about(draft: Draft, shape: Shape, run: Run, field: Field) -> Iterator[str]:
    kind = field.type
    section = f" ({field.section})" if field.section != shape.layout.section else ""
    yield f"{field.name}{section}: {field.text}"
    if isinstance(kind, Coded):
        yield f"See {macro(kind.registry.key)}_*."
    elif isinstance(kind, Flags):
        yield f"See {macro(kind.word.key)}_*."
    if isinstance(kind, (Uint, Coded)) and isinstance(kind.valid, OneOf):
        yield f"To be written: {kind.valid}."
    if field.since != run.fields[0].since:
        yield since(draft, field.since)
