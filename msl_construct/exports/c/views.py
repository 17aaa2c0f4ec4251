"""Views: pointers to every field of a structure, found without reading past its end."""

from __future__ import annotations

from collections.abc import Iterator
from functools import singledispatch

from ...schema import BlockType, Draft, Field, Table
from ...schema.base import Vocabulary
from ...schema.choice import Choice
from ...schema.pages import PageStateMap
from ...schema.variable import Blob, Measured, Rest, Utf8, Utf8Z
from ...schema.words import no_words
from ..runs import omissible
from ..versions import introduced, version_of
from .parts import Run, Shape, is_integer
from .words import Identifiers, filled, macro, remarked, since, type_name

__all__ = ["block_reader", "view"]


def view(draft: Draft, shape: Shape, names: Identifiers) -> Iterator[str]:
    """The view of a layout, and the steps of the functions that fill it in."""
    yield from _type(draft, shape, names)
    maker, makes = ("MSL_PAYLOAD", "decode") if shape.closed else ("MSL_TABLE_ROW", "next")
    for verb in ("take", makes):
        names.declare(type_name(f"{verb}_{shape.key}"))
    yield from filled(f"{maker}({shape.key},", _steps(shape), ")")


def block_reader(draft: Draft, block: BlockType, shape: Shape, names: Identifiers) -> str:
    """What makes the function that reads the payload of a block of one type."""
    names.declare(type_name(f"read_{shape.key}"))
    version = version_of(draft, introduced(draft, shape.layout))
    return f"MSL_BLOCK_PAYLOAD({shape.key}, {macro('block_type', block.key)}, {version:#06x}u)"


def _type(draft: Draft, shape: Shape, names: Identifiers) -> Iterator[str]:
    members = [
        _pointer(part) if isinstance(part, Run) else _varying(draft, shape, part.field)
        for part in shape.parts
    ]
    keys = [key for _, key, _ in members]
    assert not {"rest", "damage"} & set(keys), f"{shape.view}: a field is called as ours are"
    assert len(set(keys)) == len(keys), f"{shape.view}: a field is called as a member of ours is"
    yield f"typedef struct {names.declare(shape.view)} {{"
    lines = [(f"{type_}{names.member(key)};", text) for type_, key, text in members]
    # Every view has these; they share a line with what nothing is to be said about.
    ours = "msl_span rest; const char *damage;"
    if lines and not lines[0][1]:
        ours = f"{lines.pop(0)[0]} {ours}"
    for line, text in ((ours, []), *lines):
        yield from remarked(f"    {line}", *text, indent=4)
    yield f"}} {shape.view};"


def _pointer(run: Run) -> tuple[str, str, list[str]]:
    text = ["NULL where the structure ends before it."] if omissible(run.fields[0]) else []
    return f"const {run.name} *", run.member, text


def _varying(draft: Draft, shape: Shape, field: Field) -> tuple[str, str, list[str]]:
    member, remark = c_member(field.type)
    section = f" ({field.section})" if field.section != shape.layout.section else ""
    text = [f"{field.name}{section}: {field.text}", *([remark] if remark else [])]
    if omissible(field):
        text.append("The structure may end before it.")
    if field.since != introduced(draft, shape.layout):
        text.append(since(draft, field.since))
    return f"{member} ", field.key, text


@singledispatch
def c_member(kind: Vocabulary) -> tuple[str, str]:
    """The type of the member for a field of varying size, and what is to be said of it.

    Raises:
        ExportError: the class is none that this exporter knows.
    """
    raise no_words(kind, __name__)


@c_member.register
def _(kind: Utf8Z) -> tuple[str, str]:
    return "msl_text", ""


@c_member.register
def _(kind: PageStateMap) -> tuple[str, str]:
    return "msl_page_map", ""


@c_member.register
def _(kind: Table) -> tuple[str, str]:
    return "msl_table", f"Row by row: {type_name(f'next_{kind.entry.key}')}()."


@c_member.register
def _(kind: Choice) -> tuple[str, str]:
    cases = (f"{tag} {type_name(f'decode_{case.key}')}()" for tag, case in kind.cases.items())
    return "msl_span", f"By {kind.tag}: {', '.join(cases)}."


@c_member.register(Blob)
@c_member.register(Rest)
def _(kind: Vocabulary) -> tuple[str, str]:
    return "msl_span", ""


def _value(shape: Shape, key: str) -> str:
    """An expression for an earlier integer field of the same structure."""
    run, field = shape.stored_in(key)
    assert is_integer(field), f"{shape.key}.{key} counts something, so it is a number"
    return f"MSL_U{8 * field.type.minimum}({run.member}, {key})"


def _steps(shape: Shape) -> Iterator[str]:
    """The rows that say how a view is filled in: `MSL_TAKE_*` of the header."""
    begun = False
    for part in shape.parts:
        first = part.fields[0] if isinstance(part, Run) else part.field
        # Fields that may be left out are left out together: none of them follows a gap.
        if omissible(first) and not begun:
            begun = True
            yield "MSL_TAKE_ALL_BUT_OMITTED"
        if isinstance(part, Run):
            yield f'MSL_TAKE_FIELDS({part.member}, {part.name}, "{first.key}")'
        else:
            yield c_step(part.field.type, shape, part.field.key, shape.ends_with(part))


@singledispatch
def c_step(kind: Vocabulary, shape: Shape, key: str, last: bool) -> str:
    """The row that takes a field of varying size.

    Raises:
        ExportError: the class is none that this exporter knows.
    """
    raise no_words(kind, __name__)


@c_step.register
def _(kind: Utf8Z, shape: Shape, key: str, last: bool) -> str:
    return f"MSL_TAKE_TEXT({key}, {_value(shape, kind.length_key)}, {int(kind.padded)}, 1)"


@c_step.register
def _(kind: Utf8, shape: Shape, key: str, last: bool) -> str:
    return f"MSL_TAKE_TEXT({key}, {_value(shape, kind.length_key)}, {int(kind.padded)}, 0)"


@c_step.register(Blob)
@c_step.register(Choice)
def _(kind: Measured, shape: Shape, key: str, last: bool) -> str:
    return f"MSL_TAKE_BYTES({key}, {_value(shape, kind.length_key)}, {int(kind.padded)})"


@c_step.register
def _(kind: PageStateMap, shape: Shape, key: str, last: bool) -> str:
    size, log2 = _value(shape, kind.size_key), _value(shape, kind.log2_key)
    return f"MSL_TAKE_PAGES({key}, {size}, {log2}, {kind.low}, {kind.high})"


@c_step.register
def _(kind: Rest, shape: Shape, key: str, last: bool) -> str:
    return f"MSL_TAKE_REST({key})"


@c_step.register
def _(kind: Table, shape: Shape, key: str, last: bool) -> str:
    size = _value(shape, kind.entry_size_key) if kind.entry_size_key else "0"
    rows = f"{key}, {_value(shape, kind.count_key)}, {size}"
    return f"MSL_TAKE_TABLE({rows})" if last else f"MSL_TAKE_ROWS({rows}, {kind.entry.key})"
