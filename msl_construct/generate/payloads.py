"""What a decoder says of payloads: a function for each structure, which shows every field.

The functions call what the template of the language has: ``string`` for text, ``blob`` and
``register`` for bytes with padding, ``raw`` for those that nobody decoded, ``entries`` and
``inner`` for structures inside, ``part`` and ``whole`` for what a parser takes by a wider rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import singledispatch

from ..exports.ksy.attributes import OPAQUE
from ..page_map import pad8
from ..schema import Draft, Field, Layout, Table
from ..schema.base import Vocabulary
from ..schema.choice import Choice
from ..schema.layout import REST, inner_layouts
from ..schema.model import Schema
from ..schema.pages import PageStateMap
from ..schema.variable import Blob, Measured, RegisterValue, Rest, Utf8, Utf8Z
from ..schema.vocabulary import Fixed
from .fields import bytes_of, number_of, shown_value
from .payload_words import PAYLOADS, PayloadWords
from .targets import DecoderWords, TargetLanguage

__all__ = ["payload_marks", "payload_structures"]

_OPAQUE_BYTES = "data"
_RAW = "raw"


def payload_structures(schema: Schema) -> dict[str, Layout]:
    """The layouts of payloads, and of all structures inside of them."""
    pending = [block.layout for block in schema.blocks.values() if block.layout is not None]
    found: dict[str, Layout] = {}
    for layout in pending:
        found[layout.key] = layout
        for field in layout.fields:
            pending += inner_layouts(field.type).values()
    return found


def payload_marks(target: TargetLanguage, drafts: tuple[Draft, ...]) -> Mapping[str, list[str]]:
    """The functions, the table of them, and what fields choose of them.

    They are the marks ``structures``, ``payloads`` and ``choices``.

    Args:
        target: the language; of one whose decoder shows no payloads there is neither.
        drafts: that of the parser, and those before it.
    """
    words, decoder = PAYLOADS.get(target.name), target.decoder
    if words is None or decoder is None:
        return {}
    schema, *earlier = (draft.bound(draft.byte_orders[0]) for draft in drafts)
    open_ended = {block.key for block in schema.blocks.values()}
    structures = payload_structures(schema)
    for layout in structures.values():
        for field in layout.fields:
            if isinstance(field.type, Choice) or (
                isinstance(field.type, Table) and field.type.entry_size
            ):
                open_ended.update(inner.key for inner in inner_layouts(field.type).values())
    functions: list[str] = []
    for name, layout in structures.items():
        said = _Said(target, decoder, words, layout, tuple(earlier))
        functions += _function(words, name, said.statements(name in open_ended))
    raw = f"{words.raw}({bytes_of(_OPAQUE_BYTES, decoder, target)})"
    functions += _function(words, OPAQUE, [decoder.statement.format(key=_RAW, value=raw)])
    return {
        "structures": functions,
        "payloads": [_entry(words, one) for one in (*structures, OPAQUE)],
        "choices": list(_choices(words, schema)),
    }


def _entry(words: PayloadWords, name: str) -> str:
    return words.entry.format(name=name, type=_type(name))


def _choices(words: PayloadWords, schema: Schema) -> Iterator[str]:
    """A line for what may be in the payload of a block, and in each field like it."""
    payloads = [block.layout.key for block in schema.blocks.values() if block.layout is not None]
    chosen = {("block", "payload"): [*payloads, schema.compressed_payload.key]}
    for name, layout in payload_structures(schema).items():
        for field in layout.fields:
            if isinstance(field.type, Choice):
                chosen[name, field.key] = [one.key for one in inner_layouts(field.type).values()]
    for (name, key), types in chosen.items():
        entries = ", ".join(_entry(words, one) for one in dict.fromkeys((*types, OPAQUE)))
        yield words.choice.format(type=_type(name), field=_type(key), entries=entries)


def _function(words: PayloadWords, name: str, statements: list[str]) -> list[str]:
    opening = words.opening.format(name=name, type=_type(name)).split("\n")
    indent = opening[-1][: -len(opening[-1].lstrip())]
    return [*opening, *(indent + one for one in statements), *words.closing.format().split("\n")]


def _type(name: str) -> str:
    """What the compiler calls a type: the same in all of these languages."""
    return "".join(word.capitalize() for word in name.split("_"))


class _Said:
    """What is said of one structure.

    Args:
        target: the language.
        decoder: how its decoder speaks.
        words: how it speaks of payloads.
        layout: the structure.
        earlier: the schemas of drafts whose files have no type of their own for it.
    """

    def __init__(
        self,
        target: TargetLanguage,
        decoder: DecoderWords,
        words: PayloadWords,
        layout: Layout,
        earlier: tuple[Schema, ...],
    ) -> None:
        self._target = target
        self._decoder = decoder
        self.words = words
        self.layout = layout
        self._earlier = earlier

    def bytes(self, name: str) -> str:
        """The bytes of a generated field."""
        return bytes_of(name, self._decoder, self._target)

    def number(self, name: str) -> str:
        """The number of a generated field."""
        return number_of(name, self._decoder, self._target)

    def stored(self, name: str) -> str:
        """All bytes of a text that a NUL ends."""
        return self.words.stored.format(id=self._target.spelling(name))

    def joined(self, first: str, second: str) -> str:
        """Bytes behind each other."""
        return self.words.joined.format(first=first, second=second)

    def plain(self, field: Field) -> str:
        """A field of constant width."""
        return shown_value(field, self.layout.key, self._decoder, self._target)

    def statements(self, open_ended: bool) -> list[str]:
        """One for each field; page maps and page data are not shown.

        Args:
            open_ended: whether the generated type has the bytes behind the last field.
        """
        found: list[str] = []
        whole = ""
        for field in self.layout.fields:
            if isinstance(field.type, PageStateMap):
                return found
            open_ended = open_ended and not isinstance(field.type, Rest)
            statement = self._put(field.key, _value(field.type, field, self))
            if field.optional or field.omitted_by:
                there = self.words.is_there.format(
                    id=self._target.spelling(field.key), needed=self._needed()
                )
                call = self.words.call.format(call=f"whole({there}, {self.bytes(REST)})")
                whole = self._since(field, call)
                for version in self._without(field):
                    there = self.words.newer.format(version=version, condition=there)
                found.append(self.words.when.format(condition=there, statement=statement))
            else:
                found.append(self._since(field, statement))
        found += self._older()
        if open_ended:
            rest = self.bytes(REST)
            some = self.words.is_some.format(value=rest)
            statement = self._put(REST, f"{self.words.raw}({rest})")
            found.append(self.words.when.format(condition=some, statement=statement))
        return [*found, whole] if whole else found

    def _needed(self) -> str:
        """Bytes of the structure with the fields before which it may end: all of them, or none."""
        fixed, unit = 0, pad8(1)
        parts: list[str] = []
        for field in self.layout.fields:
            if isinstance(field.type, Fixed):
                fixed += field.type.width
            elif isinstance(field.type, Measured) and not (field.optional or field.omitted_by):
                length = self.number(field.type.length_key)
                parts.append(self.words.padded.format(length=length, unit=unit, most=unit - 1))
        return " + ".join([str(fixed), *parts])

    def _put(self, key: str, value: str) -> str:
        return self._decoder.statement.format(key=key, value=value)

    def _of_earlier(self) -> list[tuple[str, Layout]]:
        return [
            (f"{schema.draft.version:#06x}", schema.layouts[self.layout.key])
            for schema in self._earlier
            if self.layout.key in schema.layouts
        ]

    def _without(self, field: Field) -> list[str]:
        """The versions that don't have a field."""
        return [
            version
            for version, layout in self._of_earlier()
            if field.key not in {one.key for one in layout.fields}
        ]

    def _since(self, field: Field, statement: str) -> str:
        """A statement that is for files alone whose version has the field."""
        for version in self._without(field):
            statement = self._decoder.unless.format(version=version, statement=statement)
        return statement

    def _older(self) -> list[str]:
        """What earlier drafts have otherwise: fields of another width, read from the payload."""
        widths = {one.key: _width(one) for one in self.layout.fields}
        found = []
        for version, layout in self._of_earlier():
            at = 0
            for field in layout.fields:
                width = _width(field)
                if width is None:
                    break
                if widths.get(field.key) != width:
                    part = self.words.part.format(start=at, end=at + width)
                    statement = self._put(field.key, f"octets({part})")
                    found.append(self._decoder.only.format(version=version, statement=statement))
                at += width
        return found


def _width(field: Field) -> int | None:
    return field.type.width if isinstance(field.type, Fixed) else None


@singledispatch
def _value(kind: Vocabulary, field: Field, said: _Said) -> str:
    """The call that shows a field."""
    return said.plain(field)


@_value.register
def _(kind: Utf8Z, field: Field, said: _Said) -> str:
    stored, length = said.stored(f"{field.key}_raw"), said.number(kind.length_key)
    return f"{said.words.string}({stored}, {length}, 1)"


@_value.register
def _(kind: Utf8, field: Field, said: _Said) -> str:
    stored, length = said.bytes(f"{field.key}_raw"), said.number(kind.length_key)
    if kind.padded:
        stored = said.joined(stored, said.bytes(f"{field.key}_padding"))
    return f"{said.words.string}({stored}, {length}, 0)"


@_value.register
def _(kind: Blob, field: Field, said: _Said) -> str:
    return f"blob({said.bytes(field.key)}, {said.bytes(f'{field.key}_padding')})"


@_value.register
def _(kind: RegisterValue, field: Field, said: _Said) -> str:
    value, padding = said.bytes(field.key), said.bytes(f"{field.key}_padding")
    return f"{said.words.register}({value}, {padding})"


@_value.register
def _(kind: Rest, field: Field, said: _Said) -> str:
    return f"{said.words.raw}({said.bytes(field.key)})"


@_value.register
def _(kind: Table, field: Field, said: _Said) -> str:
    return said.words.inside.format(call=f"entries({said.bytes(field.key)})")


@_value.register
def _(kind: Choice, field: Field, said: _Said) -> str:
    return said.words.inside.format(call=f"inner({said.bytes(field.key)})")
