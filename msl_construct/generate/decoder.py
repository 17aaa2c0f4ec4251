"""The decoder that stands beside a generated parser: the canonical document of a dump.

A decoder is a template of its language, in which a line that holds ``@NAME@`` is replaced by what
follows from the schema: a statement for each field of a structure, or the names of codes and flags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..drafts import DRAFTS
from ..page_map import PAGES_PER_BYTE
from ..schema import Draft, Field, Layout
from ..schema.base import Vocabulary
from ..schema.model import Schema
from ..schema.pages import PageStateMap
from ..schema.raw import DOCUMENT_RAW_LIMIT
from ..schema.vocabulary import Bytes, Fixed, Magic, Uint
from .fields import names_in, shown_value
from .payloads import payload_marks, payload_structures
from .targets import DecoderWords, TargetLanguage

__all__ = ["with_statements"]

_MARK = re.compile(r"(?m)^([ \t]*)(?:#|//|--) @(\w+)@.*\n")
_PART = re.compile(r"(?ms)^[ \t]*(?:#|//|--) @(if|unless) (\w+)@\n(.*?)^[ \t]*(?:#|//|--) @end@\n")
_OFFSET = re.compile(r"@at (\w+)\.(\w+)@")
_RANGE = re.compile(r"@range (\w+)\.(\w+)@")
_LAST_OF_ROOT = "header_size"
_HEADERS = ("file_header", "encryption_header", "block_header", "memory_region")


@dataclass(frozen=True)
class _Place:
    """Where a structure's fields are read from.

    Attributes:
        name: the structure's, in the tables of names.
        layout: the structure.
        first: number of its first field that the generated type has.
        last: number of the field behind the last one that is shown.
        before: bytes of the structure before its generated type.
    """

    name: str
    layout: Layout
    first: int
    last: int
    before: int = 0

    @property
    def fields(self) -> tuple[Field, ...]:
        """Those that are shown."""
        return self.layout.fields[self.first : self.last]


def with_statements(
    texts: Mapping[str, str], target: TargetLanguage, draft: Draft
) -> dict[str, str]:
    """Templates with their marks replaced.

    Args:
        texts: the templates, by path.
        target: the language.
        draft: of which the parser is.
    """
    texts = {path: _of_draft(text, _bound(draft)) for path, text in texts.items()}
    words = target.decoder
    if words is None:
        return texts
    drafts = _drafts(draft)
    payloads = payload_marks(target, drafts)
    marks = {"names": list(_names(words, drafts, bool(payloads))), **payloads}
    for name in _HEADERS:
        marks[name] = list(_statements(name, words, target, drafts))

    def lines(found: re.Match[str]) -> str:
        indent, name = found.groups()
        return "".join(f"{indent}{line}\n" for line in marks[name])

    return {path: _MARK.sub(lines, text) for path, text in texts.items()}


def _of_draft(text: str, schema: Schema) -> str:
    """A template with the parts that a draft has structures for, and with offsets of fields."""

    def kept(found: re.Match[str]) -> str:
        condition, name, part = found.groups()
        return part if (name in schema.layouts) == (condition == "if") else ""

    def offset(found: re.Match[str]) -> str:
        before = 0
        for field in schema.layouts[found[1]].fields:
            if field.key == found[2]:
                return str(before)
            before += _width(field.type)
        raise KeyError(found[0])

    def bounds(found: re.Match[str]) -> str:
        return ", ".join(map(str, _range(schema, found[1], found[2])))

    states = [f'"{schema.page_states.decode(code).name}"' for code in range(PAGES_PER_BYTE)]
    text = text.replace("@page_states@", ", ".join(states))
    text = text.replace("@raw_limit@", str(DOCUMENT_RAW_LIMIT))
    return _RANGE.sub(bounds, _OFFSET.sub(offset, _PART.sub(kept, text)))


def _range(schema: Schema, structure: str, key: str) -> tuple[int, int]:
    """Between what a field has to be; some languages' generated parsers check nothing.

    Raises:
        KeyError: nothing bounds it but its width.
    """
    layout = schema.layouts[structure]
    kind = layout.field(key).type
    if (structure, key) == ("file_header", _LAST_OF_ROOT):
        return schema.file_header_size, (1 << 8 * _width(kind)) - 1
    if isinstance(kind, Uint) and kind.shown == "version":
        first = schema.draft.version >> 8 << 8
        return first, first + 0xFF
    for other in layout.fields:
        if isinstance(other.type, PageStateMap) and other.type.log2_key == key:
            return other.type.low, other.type.high
    raise KeyError(f"{structure}.{key}")


def _drafts(draft: Draft) -> tuple[Draft, ...]:
    """The draft, and those before it, whose files its parser reads too."""
    earlier = [one for one in DRAFTS.values() if one.version < draft.version]
    return (draft, *earlier)


def _place(schema: Schema, name: str) -> _Place | None:
    """A structure of a draft; None if it has none."""
    layout = schema.layouts.get(name)
    if layout is None:
        return None
    keys = [field.key for field in layout.fields]
    if name == "file_header":
        first = keys.index(_LAST_OF_ROOT) + 1
        before = sum(_width(field.type) for field in layout.fields[:first])
        return _Place(name, layout, first, len(keys), before)
    first = 1 if isinstance(layout.fields[0].type, Magic) else 0
    maps = [i for i, field in enumerate(layout.fields) if isinstance(field.type, PageStateMap)]
    return _Place(name, layout, first, maps[0] if maps else len(keys))


def _width(kind: Vocabulary) -> int:
    assert isinstance(kind, Fixed)
    return kind.width


def _statements(
    name: str, words: DecoderWords, target: TargetLanguage, drafts: tuple[Draft, ...]
) -> Iterator[str]:
    """A statement for each field, in the order of the document."""
    newest, *earlier = ((draft, _place(_bound(draft), name)) for draft in drafts)
    place = newest[1]
    if place is None:
        return
    for field in place.fields:
        value = shown_value(field, place.name, words, target)
        line = words.statement.format(key=field.key, value=value)
        for draft, other in earlier:
            if other is not None and field.key not in {one.key for one in other.fields}:
                line = words.unless.format(version=f"{draft.version:#06x}", statement=line)
        yield line
    for draft, other in earlier:
        if other is not None:
            yield from _older(place, draft, other, words)


def _older(place: _Place, draft: Draft, other: _Place, words: DecoderWords) -> Iterator[str]:
    """What an earlier draft has otherwise: bytes for which later ones have fields."""
    known = {field.key: _width(field.type) for field in place.fields}
    at = other.before
    for field in other.fields:
        width = _width(field.type)
        if isinstance(field.type, Bytes) and known.get(field.key) != width:
            line = words.statement.format(
                key=field.key, value=words.of_file.format(start=at, end=at + width)
            )
            yield words.only.format(version=f"{draft.version:#06x}", statement=line)
        at += width


def _bound(draft: Draft) -> Schema:
    return draft.bound(draft.byte_orders[0])


def _names(words: DecoderWords, drafts: tuple[Draft, ...], payloads: bool) -> Iterator[str]:
    """A line for each table of names: the version, the table, and the names."""
    for draft in drafts:
        schema = _bound(draft)
        fields = {
            f"{name}.{field.key}": field
            for name in _HEADERS
            if (place := _place(schema, name)) is not None
            for field in place.fields
        }
        if payloads:
            fields.update(
                (f"{name}.{field.key}", field)
                for name, layout in payload_structures(schema).items()
                for field in layout.fields
            )
        for table, field in fields.items():
            names = " ".join(names_in(field))
            if names:
                yield words.name.format(line=f"{draft.version:#06x} {table} {names}")
