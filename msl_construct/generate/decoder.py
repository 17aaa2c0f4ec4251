"""The decoder that stands beside a generated parser: the canonical document's headers and regions.

A decoder is a template of its language, in which a line that holds ``@NAME@`` is replaced by what
follows from the schema: a statement for each field of a structure, or the names of codes and flags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import singledispatch

from ..drafts import DRAFTS
from ..exports.ksy.type_builder import stored_id
from ..page_map import PAGES_PER_BYTE
from ..schema import BitRange, Draft, Enumeration, Field, Layout
from ..schema.base import Vocabulary
from ..schema.model import Schema
from ..schema.pages import PageStateMap
from ..schema.vocabulary import Bytes, Coded, Fixed, Flags, Magic, Timestamp, Uint, Uuid
from ..schema.words import no_words
from .targets import DecoderWords, TargetLanguage

__all__ = ["with_statements"]

_MARK = re.compile(r"(?m)^([ \t]*)(?:#|//|--) @(\w+)@.*\n")
_PART = re.compile(r"(?ms)^[ \t]*(?:#|//|--) @(if|unless) (\w+)@\n(.*?)^[ \t]*(?:#|//|--) @end@\n")
_OFFSET = re.compile(r"@at (\w+)\.(\w+)@")
_RANGE = re.compile(r"@range (\w+)\.(\w+)@")
_LAST_OF_ROOT = "header_size"
_WIDE = 8


@dataclass(frozen=True)
class _Place:
    """Where a structure's fields are read from.

    Attributes:
        name: the structure's, in the tables of names.
        layout: the structure.
        first: number of its first field that the generated type has.
        last: number of the field behind the last one that is shown.
        before: bytes of the structure before its generated type.
        stream: bytes of the generated type's stream before the first field.
    """

    name: str
    layout: Layout
    first: int
    last: int
    before: int = 0
    stream: int = 0

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
    marks = {"names": list(_names(words, drafts))}
    for name in ("file_header", "encryption_header", "block_header", "memory_region"):
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
    stream = 0
    if name == "encryption_header":  # it is a part of the file header, without a stream of its own
        outer = _place(schema, "file_header")
        assert outer is not None
        stream = sum(_width(field.type) for field in outer.fields)
    return _Place(name, layout, first, maps[0] if maps else len(keys), stream=stream)


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
    at = place.stream
    for field in place.fields:
        line = _statement(place, field, at, words, target)
        at += _width(field.type)
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


def _statement(
    place: _Place, field: Field, at: int, words: DecoderWords, target: TargetLanguage
) -> str:
    width = _width(field.type)
    name = target.spelling(_id(field))
    if isinstance(field.type, (Bytes, Uuid)):
        value = words.bytes.format(id=name)
    else:
        form = words.wide if width == _WIDE else words.number
        value = form.format(id=name, at=at)
    shown = _shown(field.type, value, f"{place.name}.{field.key}")
    if field.type.registry_name:
        shown = f"{words.naming}{shown}"
    return words.statement.format(key=field.key, value=shown)


def _id(field: Field) -> str:
    return stored_id(field) if isinstance(field.type, Coded) else field.key


@singledispatch
def _shown(kind: Vocabulary, value: str, table: str) -> str:
    """The call that shows a value."""
    raise no_words(kind, __name__)


@_shown.register
def _(kind: Uint, value: str, table: str) -> str:
    if kind.shown == "number":
        return f"number({value})"
    return f"hexadecimal({value}, {2 * kind.width if kind.shown == 'version' else 1})"


@_shown.register
def _(kind: Timestamp, value: str, table: str) -> str:
    return f"timestamp({value})"


@_shown.register
def _(kind: Coded, value: str, table: str) -> str:
    return f'code({value}, {2 * kind.width}, "{table}")'


@_shown.register
def _(kind: Flags, value: str, table: str) -> str:
    return f'flags({value}, {8 * kind.width}, "{table}")'


@_shown.register
def _(kind: Bytes, value: str, table: str) -> str:
    return f"octets({value})"


@_shown.register
def _(kind: Uuid, value: str, table: str) -> str:
    return f"uuid({value})"


def _bound(draft: Draft) -> Schema:
    return draft.bound(draft.byte_orders[0])


def _names(words: DecoderWords, drafts: tuple[Draft, ...]) -> Iterator[str]:
    """A line for each table of names: the version, the table, and the names."""
    for draft in drafts:
        schema = _bound(draft)
        for name in ("file_header", "encryption_header", "block_header", "memory_region"):
            place = _place(schema, name)
            for field in place.fields if place is not None else ():
                names = " ".join(_table(field))
                if names:
                    line = f"{draft.version:#06x} {name}.{field.key} {names}"
                    yield words.name.format(line=line)


def _table(field: Field) -> Iterator[str]:
    """``CODE=NAME``; of flags ``BIT=NAME``, and ``BIT+BITS:VALUE=NAME`` for numbers inside."""
    kind = field.type
    if isinstance(kind, Flags):
        for bit in kind.word.bits:
            if isinstance(bit, BitRange):
                for value in _values(bit.enumeration):
                    yield f"{bit.bit}+{bit.bits}:{value[0]}={bit.name}_{value[1]}"
            else:
                yield f"{bit.bit}={bit.name}"
    elif isinstance(kind, Coded):
        yield from (f"{code}={name}" for code, name in _values(kind.registry))


def _values(registry: Enumeration) -> Iterator[tuple[int, str]]:
    yield from ((value.code, value.name) for value in registry.values)
