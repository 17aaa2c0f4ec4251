"""Views: pointers to every field of a structure, found without reading past its end."""

from __future__ import annotations

from collections.abc import Iterator

from ...schema import BlockType, Draft, Field, Table
from ...schema.choice import Choice
from ...schema.pages import PageData, PageStateMap
from ...schema.variable import Blob, Rest, Utf8, Utf8Z
from ..versions import introduced, version_of
from .parts import Run, Shape, is_integer, omissible
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
    kind = field.type
    section = f" ({field.section})" if field.section != shape.layout.section else ""
    text = [f"{field.name}{section}: {field.text}"]
    if isinstance(kind, Table):
        text.append(f"Row by row: {type_name(f'next_{kind.entry.key}')}().")
    elif isinstance(kind, Choice):
        chosen = ", ".join(
            f"{tag} {type_name(f'decode_{case.key}')}()" for tag, case in kind.cases.items()
        )
        text.append(f"By {kind.tag}: {chosen}.")
    if omissible(field):
        text.append("The structure may end before it.")
    if field.since != introduced(draft, shape.layout):
        text.append(since(draft, field.since))
    return f"{_member_type(field)} ", field.key, text


def _member_type(field: Field) -> str:
    kind = field.type
    if isinstance(kind, Utf8Z):
        return "msl_text"
    if isinstance(kind, PageStateMap):
        return "msl_page_map"
    if isinstance(kind, Table):
        return "msl_table"
    if isinstance(kind, (Blob, Choice, Rest)):
        return "msl_span"
    raise TypeError(f"{field.name}: C header: no member for a {type(kind).__name__}")


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
            yield _step(shape, part.field, last=shape.ends_with(part))


def _step(shape: Shape, field: Field, *, last: bool) -> str:
    kind, key = field.type, field.key
    if isinstance(kind, Utf8Z):
        padded = int(not isinstance(kind, Utf8) or kind.padded)
        ended = int(not isinstance(kind, Utf8))
        return f"MSL_TAKE_TEXT({key}, {_value(shape, kind.length_key)}, {padded}, {ended})"
    if isinstance(kind, (Blob, Choice)):
        padded = int(isinstance(kind, Blob))
        return f"MSL_TAKE_BYTES({key}, {_value(shape, kind.length_key)}, {padded})"
    if isinstance(kind, PageStateMap):
        size, log2 = _value(shape, kind.size_key), _value(shape, kind.log2_key)
        return f"MSL_TAKE_PAGES({key}, {size}, {log2}, {kind.low}, {kind.high})"
    if isinstance(kind, (PageData, Rest)):
        return f"MSL_TAKE_REST({key})"
    if isinstance(kind, Table):
        size = _value(shape, kind.entry_size_key) if kind.entry_size_key else "0"
        rows = f"{key}, {_value(shape, kind.count_key)}, {size}"
        return f"MSL_TAKE_TABLE({rows})" if last else f"MSL_TAKE_ROWS({rows}, {kind.entry.key})"
    raise TypeError(f"{field.name}: C header: no way to read a {type(kind).__name__}")
