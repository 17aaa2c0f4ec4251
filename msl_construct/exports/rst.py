"""Tables of a draft's fields, codes and flags in reStructuredText."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from ..schema import BitRange, BlockType, ByteOrder, Draft, Enumeration, FlagDefinition, Schema
from ..schema.fields import Note
from ..schema.layout import Layout, inner_layouts
from .description import (
    case_title,
    offset_of,
    registries,
    version_text,
)
from .kinds import stored_as

__all__ = [
    "escaped",
    "export",
    "layout_table",
    "payloads",
    "registry_sections",
    "registry_table",
    "table",
    "title",
]

_UNDERLINES = "=-~"
_LONGEST = 64
"""Characters of a text in an example."""


def export(draft: Draft) -> str:
    """All structures, codes and flags of a draft as one page.

    Raises:
        MslError: a class of the vocabulary that has no words.
    """
    schema = draft.bound(ByteOrder.LITTLE)
    lines = title(f"{draft.name}: format version {version_text(draft.version)}", 0)
    blocks = {block.key for block in schema.blocks.values()}
    for key, layout in schema.layouts.items():
        if key not in blocks:
            lines += title(f"{layout.title} ({layout.section})", 1)
            lines += layout_table(layout)
    lines += payloads(schema)
    lines += registry_sections(schema)
    return "\n".join(_stripped(lines)) + "\n"


def _stripped(lines: Sequence[str]) -> Iterator[str]:
    """Lines without spaces at their ends and without empty ones at the end of all."""
    last = max(number for number, line in enumerate(lines) if line.strip())
    return (line.rstrip() for line in lines[: last + 1])


def title(text: str, level: int) -> list[str]:
    """A heading, 0 being the page's own."""
    shown = escaped(text)
    return [shown, _UNDERLINES[level] * len(shown), ""]


def payloads(schema: Schema) -> list[str]:
    """A section for every block type."""
    lines: list[str] = []
    for block in schema.blocks.values():
        lines += title(f"{block.name} ({block.code:#06x})", 1)
        lines += [_about(block), ""]
        lines += [f"* {_note(note)}" for note in block.notes]
        lines.append("")
        if block.layout is None:
            lines += ["No layout: the payload is raw.", ""]
        else:
            lines += layout_table(block.layout)
            lines += _example(block)
    return lines


def _example(block: BlockType) -> list[str]:
    """A payload as a document shows it."""
    if block.example is None:
        return []
    shown = {"payload": {key: _cut(value) for key, value in block.example.items()}}
    text = yaml.safe_dump(shown, sort_keys=False, default_flow_style=None, width=88)
    return ["For example:", "", ".. code-block:: yaml", "", *_indented(text), ""]


def _cut(value: Any) -> Any:
    """A value with its long texts cut: nobody reads a page in base64."""
    if isinstance(value, Mapping):
        return {key: _cut(inner) for key, inner in value.items()}
    if isinstance(value, str) and len(value) > _LONGEST:
        return f"{value[:_LONGEST]}…"
    return value


def _indented(text: str) -> list[str]:
    """The lines of a text inside a directive."""
    return [f"   {line}" for line in text.splitlines()]


def _about(block: BlockType) -> str:
    text = f"{escaped(block.text)} {block.section}, since {block.since}."
    if block.capability:
        text += f" CapBitmap: ``{block.capability}``."
    if block.in_segment:
        text += " May stand in an extension segment."
    if block.forbidden:
        text += " **Must not be written.**"
    return text


def layout_table(layout: Layout) -> list[str]:
    """The fields of a structure, and those of the structures inside it."""
    rows: list[tuple[str, ...]] = []
    inner: list[str] = []
    for field in layout.fields:
        for tag, part in inner_layouts(field.type).items():
            heading = case_title(field, tag, layout)
            inner += [f"{escaped(heading)} ({escaped(part.title)}):", "", *layout_table(part)]
        text = " ".join([escaped(field.text), *map(_note, field.notes)])
        if field.optional:
            text += " May be missing, with all that follows."
        if field.omitted_by:
            text += f" Left out, with all that follows, by {escaped(field.omitted_by)}."
        if field.since != layout.fields[0].since:
            text += f" *Since {field.since}.*"
        offset = offset_of(layout, field.key)
        place = "then" if offset is None else f"+0x{offset:02x}"
        kind = escaped(stored_as(field.type))
        rows.append((place, kind, field.name, f"``{field.key}``", text))
    head = ("Offset", "Stored as", "Field", "Key", "Meaning")
    return [*table(head, rows, (9, 17, 16, 18, 40)), *inner]


def registry_sections(schema: Schema) -> list[str]:
    """A section for every enumeration and flag word."""
    lines: list[str] = []
    for name, registry in registries(schema).items():
        lines += title(name, 1)
        lines += [f"{escaped(registry.text)} {registry.section}.", ""]
        lines += registry_table(registry)
    return lines


def registry_table(registry: Enumeration | FlagDefinition) -> list[str]:
    """The codes of an enumeration, or the bits of a flag word."""
    rows: list[tuple[str, ...]] = []
    if isinstance(registry, Enumeration):
        digits = 2 * registry.width
        for value in registry.values:
            text = escaped(value.text) or escaped(value.label)
            rows.append((f"0x{value.code:0{digits}x}", f"``{value.name}``", text, value.since))
        for span in registry.spans:
            both = f"0x{span.first:0{digits}x} to 0x{span.last:0{digits}x}"
            rows.append((both, "", span.use, ""))
    else:
        for bit in registry.bits:
            last = bit.bit + bit.bits - 1 if isinstance(bit, BitRange) else bit.bit
            place = str(bit.bit) if last == bit.bit else f"{bit.bit} to {last}"
            text = escaped(bit.text) or escaped(bit.label)
            rows.append((place, f"``{bit.name}``", text, bit.since))
    first = "Code" if isinstance(registry, Enumeration) else "Bit"
    return table((first, "Name", "Meaning", "Since"), rows, (18, 26, 38, 18))


def table(head: Sequence[str], rows: Iterable[Sequence[str]], widths: Sequence[int]) -> list[str]:
    """A list-table.

    Args:
        widths: of the columns, in parts of their sum.
    """
    lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {' '.join(map(str, widths))}"]
    lines.append("")
    for row in (head, *rows):
        for number, cell in enumerate(row):
            lines.append(f"   {'*' if not number else ' '} - {cell}".rstrip())
    return [*lines, ""]


def escaped(text: str) -> str:
    """Text with nothing in it that means something to reStructuredText."""
    return re.sub(r"([\\*_`|])", r"\\\1", text)


def _note(note: Note) -> str:
    section = f" ({note.section})" if note.section else ""
    return f"**{note.level}** ({note.who}): {escaped(note.text)}{section}"
