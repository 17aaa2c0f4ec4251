"""Blocks as lines of a JSON document: the fast path, derived from the layouts.

`Renderer.block` makes a mapping of every block, which the JSON encoder takes apart again. Of
twenty thousand blocks alike that is most of the time. Here every layout becomes a template
once. What it does not fit (damage, compression, another version, an optional field) has no
line: the renderer shows it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, NewType

from ..characters import escape_for_json
from ..page_map import PageMap, stored_size
from ..schema import Layout, Schema
from ..schema.base import DocumentOptions, Vocabulary
from ..schema.choice import Choice
from ..schema.fields import Field
from ..schema.misfit import Misfit
from ..schema.pages import PageData, PageStateMap
from ..schema.table import Table
from ..schema.variable import Blob, RegisterValue, Rest, Utf8, Utf8Z
from ..schema.vocabulary import Bytes, Fixed, Hash, Reserved, Timestamp, Uint, Uuid
from ..source import Cursor, Extent, Short, Source

__all__ = ["Line", "Lines"]

_LOOK = 512
_TYPE = "block_type"
_REMEMBERED = 4096
_OPTIONS = DocumentOptions()
_FEW_PAGES = 4 * _LOOK
_NO_STATES = bytes(_LOOK)
_BEHIND = (Blob, Choice, PageData, PageStateMap, RegisterValue, Rest, Table, Utf8, Utf8Z)
"""Fields of varying length that are known to look at earlier ones as numbers only."""

Spelling = Callable[[Any], str]


Line = NewType("Line", str)
"""A value of the document that is JSON already."""


class _NoLine(Exception):
    """It takes the long way."""


def _refuse(_: Any) -> Any:
    raise _NoLine


_encode = json.JSONEncoder(ensure_ascii=False, default=_refuse).encode


class Lines:
    """Makes the lines of blocks; of any draft, dialect and byte order."""

    def __init__(self) -> None:
        self._forms: dict[Schema, _Forms] = {}

    def line(
        self, source: Source, schema: Schema, index: int, offset: int, length: int
    ) -> Line | None:
        """What `Renderer.block` shows of a block, as JSON; None where that has to be asked."""
        forms = self._forms.get(schema)
        if forms is None:
            forms = self._forms[schema] = _Forms(schema)
        raw = source.read(offset, length if length < _LOOK else _LOOK)
        form = forms.of(raw)
        if form is None:
            return None
        try:
            return form.line(source, raw, index, offset, length)
        except (_NoLine, Misfit, Short):
            return None


class _Forms:
    """The forms of a schema's blocks that were met."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        header = schema.block_header
        start = header.offset_of(_TYPE)
        self._code = slice(start, start + header.field(_TYPE).type.minimum)
        self._known: dict[bytes, _Form | None] = {}

    def of(self, raw: bytes) -> _Form | None:
        """The form of the block that begins so, if there is one."""
        code = raw[self._code]
        try:
            return self._known[code]
        except KeyError:
            return self._met(code)

    def _met(self, code: bytes) -> _Form | None:
        schema, form = self._schema, None
        kind = schema.blocks.get(int.from_bytes(code, schema.byte_order.value))
        if kind is not None and kind.layout is not None:
            with suppress(_NoLine):
                form = _Form(schema, kind.layout)
        if len(self._known) < _REMEMBERED:
            self._known[code] = form
        return form


class _Form:
    """One type's blocks: a header and a row, of constant widths, and behind them what varies."""

    def __init__(self, schema: Schema, payload: Layout) -> None:
        header, fields = schema.block_header.fields, payload.fields
        fixed = next((i for i, f in enumerate(fields) if not isinstance(f.type, Fixed)), None)
        row, behind = fields[:fixed], () if fixed is None else fields[fixed:]
        known = all(isinstance(f.type, Fixed) or type(f.type) in _BEHIND for f in behind)
        if not known or any(f.optional for f in fields):
            raise _NoLine
        first = _Row(header, "magic")
        second = _Row(row)
        together = struct.Struct(payload.order + first.code + second.code)
        self._size, self._unpack_from = together.size, together.unpack_from
        self._template = f'{{"index": %d, "offset": "0x%x", {first.template}, "payload": {{'
        self._template += second.template
        self._spellings = [
            *((at + 2, spelling) for at, spelling in first.spellings),
            *((at + 2 + len(first.keys), spelling) for at, spelling in second.spellings),
        ]
        self._flags = first.keys.index("flags")
        self._version = first.keys.index("payload_version")
        self._known_version, self._compressed = schema.draft.payload_version, schema.compressed
        self._keys, self._payload = second.keys, len(first.keys)
        comma = ", " if row else ""
        self._behind = [(f.key, f.type, f'{comma}"{f.key}": ') for f in behind[:1]]
        self._behind += [(f.key, f.type, f', "{f.key}": ') for f in behind[1:]]
        self._pages = None
        if [type(f.type) for f in behind] == [PageStateMap, PageData]:
            self._pages = _Pages(self._template, self._payload, second.keys, behind[0], behind[1])

    def line(self, source: Source, raw: bytes, index: int, offset: int, length: int) -> Line:
        """What is shown of a block whose first bytes are these."""
        size = self._size
        if len(raw) < size:
            raise _NoLine
        values = self._unpack_from(raw)
        if values[self._version] != self._known_version or values[self._flags] & self._compressed:
            raise _NoLine
        shown: list[Any] = [index, offset, *values]
        for at, spelling in self._spellings:
            shown[at] = spelling(shown[at])
        if self._pages is not None:
            short = self._pages.line(shown, values, raw, size, offset, length)
            if short is not None:
                return short
        cursor = Cursor.ahead(source, offset, offset + length, raw)
        cursor.position += size
        text = self._template % tuple(shown)
        if self._behind:
            record = dict(zip(self._keys, values[self._payload :]))
            for key, kind, name in self._behind:
                value = record[key] = kind.decode(cursor, record)
                text += name + _text_of(kind, value)
        if cursor.position != cursor.end:
            raise _NoLine
        return Line(text + "}}")


class _Row:
    """Fields of constant width, one behind the other: how they are read and spelled."""

    def __init__(self, fields: Sequence[Field], leaving_out: str = "") -> None:
        spelled: list[str] = []
        self.code = ""
        self.spellings: list[tuple[int, Spelling]] = []
        for field in fields:
            kind = field.type
            assert isinstance(kind, Fixed)
            if field.key == leaving_out:
                self.code += f"{kind.width}x"
                continue
            self.code += kind.code
            form, spelling = _spelled(kind)
            if spelling is not None:
                self.spellings.append((len(spelled), spelling))
            spelled.append(f'"{field.key}": {form}')
        self.template = ", ".join(spelled)
        self.keys = tuple(field.key for field in fields if field.key != leaving_out)


class _Pages:
    """The most common end of a payload: a short map of captured pages alone, and their bytes."""

    def __init__(
        self, before: str, payload: int, keys: Sequence[str], page_map: Field, data: Field
    ) -> None:
        kind = page_map.type
        assert isinstance(kind, PageStateMap)
        self._bytes = payload + keys.index(kind.size_key)
        self._log2 = payload + keys.index(kind.log2_key)
        self._range = range(kind.low, kind.high + 1)
        self._template = (
            f'{before}, "{page_map.key}": [[0, %d, "{kind.names[0]}"]], '
            f'"{data.key}": {{"offset": "0x%x", "length": %d}}}}}}'
        )

    def line(
        self,
        shown: list[Any],
        values: Sequence[Any],
        raw: bytes,
        start: int,
        offset: int,
        length: int,
    ) -> Line | None:
        """The whole block; None where the map is another, or its bytes are not at hand."""
        log2 = values[self._log2]
        if log2 not in self._range:
            return None
        pages = values[self._bytes] >> log2
        if not 0 < pages <= _FEW_PAGES:
            return None
        end = start + stored_size(pages)
        if end > len(raw) or not _NO_STATES.startswith(raw[start:end]):
            return None
        return Line(self._template % (*shown, pages, offset + end, length - end))


# -- how values are spelled --------------------------------------------------------------------


def _spelled(kind: Fixed) -> tuple[str, Spelling | None]:
    """A format for what is stored, and what it is turned into before, if that is necessary."""
    if type(kind) is Uint:
        if kind.shown == "number":
            return "%d", None
        return ('"0x%x"' if kind.shown == "address" else f'"0x%0{2 * kind.width}x"'), None
    if type(kind) is Timestamp:
        return '"%d"', None
    if type(kind) in (Bytes, Hash, Reserved):
        return '"%s"', bytes.hex
    if type(kind) is Uuid:
        return '"%s"', _uuid
    load, to_document = kind.loader, kind.to_document

    @lru_cache(_REMEMBERED)
    def spell(raw: Any) -> str:
        return escape_for_json(_encode(to_document(load(raw), _OPTIONS)))

    return "%s", spell


_NIL_BYTES = bytes(16)
_NIL = "00000000-0000-0000-0000-000000000000"


def _uuid(raw: bytes) -> str:
    if raw == _NIL_BYTES:
        return _NIL
    pairs = raw.hex("-", 2)  # three of its seven hyphens are too many
    return f"{pairs[:4]}{pairs[5:29]}{pairs[30:34]}{pairs[35:]}"


def _text_of(kind: Vocabulary, value: Any) -> str:
    if isinstance(value, PageMap) and value.all_captured:
        assert isinstance(kind, PageStateMap)
        return f'[[0, {value.pages}, "{kind.names[0]}"]]' if value.pages else "[]"
    if type(kind) is PageData:
        assert isinstance(value, Extent)
        return f'{{"offset": "0x{value.offset:x}", "length": {value.length}}}'
    return escape_for_json(_encode(kind.to_document(value, _OPTIONS)))
