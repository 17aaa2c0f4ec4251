"""Structures and registries: diagrams, tables, an anchor for everything."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from ..exports.description import case_title, offset_of, registries
from ..exports.diagram import bits, svg
from ..schema import BitRange, BlockType, Draft, Enumeration, Layout, Schema
from ..schema.fields import Field, Note
from .marking import Page, anchor, code, link, row, table
from .stored import inside_of, stored

__all__ = ["registry_tables", "structure"]

_HEADS = ("Offset", "Bytes", "Field", "Key", "Stored as", "Meaning")


def structure(
    page: Page, draft: Draft, schema: Schema, key: str, block: BlockType | None = None
) -> None:
    """A structure: what it is, its picture, its fields, and the structures inside of it."""
    layout = schema.layouts.get(key)
    title = block.name if block else schema.layouts[key].title
    if block is not None:
        title = f"{title} (0x{block.code:04x})"
    at = anchor(key)
    page.heading(3, title, at, "structure")
    if block is not None:
        page.text(f"{block.text} {block.section}. {_standing(block)}".strip())
        page.add(_mark(draft, block.since) + _notes(block.notes))
        words = " ".join([block.text, *(note.text for note in block.notes)])
        page.findable("structure", title, at, words)
    if layout is None:
        page.text("The draft lays no payload out: its bytes are kept as they are.")
        return
    _layout(page, draft, layout, key)


def _standing(block: BlockType) -> str:
    said = []
    if block.forbidden:
        said.append("It must not be written.")
    if block.capability:
        said.append(f"CapBitmap says that there are such blocks by {block.capability}.")
    if block.in_segment:
        said.append(
            "Extension segments may hold it." if block.in_capture else "Only segments hold it."
        )
    if block.parent:
        said.append(f"Its parent is the file's {block.parent}.")
    if block.deprecated:
        said.append(f"Deprecated {block.deprecated}.")
    return " ".join(said)


def _mark(draft: Draft, since: str) -> str:
    """What came with this draft is marked."""
    if draft.base is None or since != draft.name:
        return ""
    return f'<span class="new">new in {escape(draft.name)}</span> '


def _notes(notes: tuple[Note, ...]) -> str:
    if not notes:
        return ""
    items = (
        f"<li><b>{one.level}</b> ({escape(one.who)}): {escape(one.text)} {escape(one.section)}</li>"
        for one in notes
    )
    return f"<ul>{''.join(items)}</ul>"


def _layout(page: Page, draft: Draft, layout: Layout, path: str) -> None:
    page.add(f'<div class="scroll">{svg(layout)}</div>')
    page.add(table(_HEADS, (_field(page, draft, layout, one, path) for one in layout.fields)))
    for field, tag, inner in layout.inside():
        case = "each entry" if tag is None else case_title(field, tag, layout)
        title = f"{field.name}, {case}: {inner.title}"
        inside = inside_of(path, field, tag)
        page.heading(4, title, anchor(inside), "structure")
        _layout(page, draft, inner, inside)


def _field(page: Page, draft: Draft, layout: Layout, field: Field, path: str) -> str:
    offset = offset_of(layout, field.key)
    width = getattr(field.type, "width", None)
    at = anchor(*path.split("."), field.key)
    page.findable("field", f"{layout.title}: {field.name}", at, f"{field.key} {field.text}")
    return row(
        (
            "then" if offset is None else f"{offset:#04x}",
            "varies" if width is None else str(width),
            f'<a href="#{at}">{escape(field.name)}</a>',
            code(field.key),
            stored(field, path),
            f"{_mark(draft, field.since)}{_meaning(field)}",
        ),
        at,
    )


def _meaning(field: Field) -> str:
    said = [escape(field.text)]
    valid = getattr(field.type, "valid", None)
    if valid is not None:
        said.append(f"Permitted: {escape(str(valid))}.")
    if field.optional:
        said.append("The structure may end before it.")
    if field.deprecated:
        said.append(f"Deprecated {escape(field.deprecated)}.")
    said += (
        f'<div class="note"><b>{note.level}</b> ({escape(note.who)}): {escape(note.text)} '
        f"{escape(note.section)}</div>"
        for note in field.notes
    )
    return " ".join(said)


def registry_tables(page: Page, draft: Draft, schema: Schema) -> None:
    """Every registry, with who may register what is free."""
    for name, registry in registries(schema).items():
        page.heading(3, name, anchor(name))
        many = f"{registry.width} byte{'s' if registry.width > 1 else ''}"
        page.text(f"{registry.text} {registry.section}, {many}.")
        if isinstance(registry, Enumeration):
            page.add(table(("Code", "Name", "Key", "Meaning"), _codes(page, draft, registry)))
            spans = [f"{span.first:#x} to {span.last:#x}: {span.use}" for span in registry.spans]
            if spans:
                page.text(f"Ranges: {'; '.join(spans)}.")
            continue
        page.add(f"<pre>{escape(chr(10).join(bits(registry)))}</pre>")
        rows = []
        for bit in registry.bits:
            last = bit.bit + bit.bits - 1 if isinstance(bit, BitRange) else bit.bit
            place = str(bit.bit) if last == bit.bit else f"{bit.bit} to {last}"
            at = anchor(name, f"bit-{bit.bit}")
            page.findable("flag", f"{name}: {bit.label}", at, f"{bit.name} {bit.text}")
            meaning = _mark(draft, bit.since) + escape(bit.text or bit.label)
            label = escape(bit.label)
            if isinstance(bit, BitRange):
                label = link(anchor(bit.enumeration.name), bit.label)
                meaning += f" A number, the code of {bit.enumeration.name}."
            rows.append(row((place, label, code(bit.name), meaning), at))
        page.add(table(("Bits", "Name", "Key", "Meaning"), rows))


def _codes(page: Page, draft: Draft, registry: Enumeration) -> Iterator[str]:
    for value in registry.values:
        shown = f"0x{value.code:0{2 * registry.width}x}"
        at = anchor(registry.name, shown)
        page.findable("code", f"{registry.name}: {value.label}", at, f"{value.name} {value.text}")
        meaning = _mark(draft, value.since) + escape(value.text or value.label)
        if value.reserved:
            meaning += " It must not be written."
        yield row((code(shown), escape(value.label), code(value.name), meaning), at)
