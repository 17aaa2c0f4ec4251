"""Documentation out of the declarations: what a field is, and what the draft demands of it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ...schema import BlockType, Draft, Enumeration, Field, Layout, Note
from ...schema.base import Vocabulary
from ...schema.vocabulary import Coded, Timestamp, Uuid
from .style import Prose

__all__ = ["SPECIFICATION", "about", "of_block", "of_field", "reference", "version_of"]

SPECIFICATION = "https://github.com/MemorySlice/memslice-spec"

_EXPLAINED = (Timestamp, Uuid)
"""Classes whose first sentence says what no field of them repeats: unit, byte order."""

_UNSAFE = re.compile(r'\*/|\\|"""|"$')


def about(*lines: str, between: str = "\n") -> Prose:
    """Lines as documentation; what ends a comment in some target is taken out.

    Args:
        between: what separates them.
    """
    return Prose(between.join(_UNSAFE.sub("", text) for text in lines if text))


def reference(draft: Draft, section: str) -> str:
    """Where something is specified."""
    return f"Memory Slice {draft.name}, {section}"


def version_of(draft: Draft) -> str:
    """The format version as the specification writes it: major and minor number."""
    return f"{draft.version >> 8}.{draft.version & 0xFF}"


def of_field(field: Field, layout: Layout) -> Prose:
    """A field: its sentence, its unit, its codes, its rules."""
    return about(
        " ".join([field.text, *_meaning(field.type)]),
        *_codes(field.type),
        *_demands(field.notes),
        *_presence(field, layout),
    )


def of_block(block: BlockType, layout: Layout) -> Prose:
    """A payload: what the block holds, and its rules."""
    code = f"{block.code:#0{2 + 4}x}"
    return about(f"{layout.title} ({code}). {block.text}", *_demands(block.notes))


def _meaning(kind: Vocabulary) -> Iterable[str]:
    if isinstance(kind, _EXPLAINED):
        first = (type(kind).__doc__ or "").split("\n\n")[0]
        yield " ".join(first.split())


def _codes(kind: Vocabulary) -> Iterable[str]:
    if isinstance(kind, Coded):
        yield from _spans(kind.registry)


def _spans(registry: Enumeration) -> Iterable[str]:
    digits = 2 * registry.width
    for span in registry.spans:
        yield f"0x{span.first:0{digits}x} to 0x{span.last:0{digits}x}: {span.use}."


def _demands(notes: Iterable[Note]) -> Iterable[str]:
    for note in notes:
        where = f" ({note.section})" if note.section else ""
        yield f"{note.level} ({note.who}): {note.text.removesuffix('.')}{where}."


def _presence(field: Field, layout: Layout) -> Iterable[str]:
    if field.since != layout.fields[0].since:
        yield f"Since {field.since}."
    if field.optional:
        yield "The structure may end before this field."
    if field.omitted_by:
        yield f"{field.omitted_by} ends the structure before this field."
