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
from typing import Any

from ..characters import escape_for_json
from ..page_map import PageMap, stored_size
from ..reader.block import Block
from ..schema import Layout, Schema
from ..schema.base import DocumentOptions, Misfit, Vocabulary
from ..schema.choice import Choice
from ..schema.fields import Field
from ..schema.pages import PageData, PageStateMap
from ..schema.table import Table
from ..schema.variable import Blob, RegisterValue, Rest, Utf8, Utf8Z
from ..schema.vocabulary import Bytes, Fixed, Hash, Reserved, Timestamp, Uint, Uuid
from ..source import Cursor, Extent, Short

__all__ = ["Line", "Lines"]

_LOOK = 512
_REMEMBERED = 4096
_OPTIONS = DocumentOptions()
_FEW_PAGES = 4 * _LOOK
_NO_STATES = bytes(_LOOK)
_BEHIND = (Blob, Choice, PageData, PageStateMap, RegisterValue, Rest, Table, Utf8, Utf8Z)
"""Fields of varying length that are known to look at earlier ones as numbers only."""

Spelling = Callable[[Any], str]


class Line(str):
    """A value of the document that is JSON already."""

    __slots__ = ()


class _NoLine(Exception):
    """It takes the long way."""


def _refuse(_: Any) -> Any:
    raise _NoLine


_encode = json.JSONEncoder(ensure_ascii=False, default=_refuse).encode


class Lines:
    """Makes the lines of blocks; of any draft, dialect and byte order."""

    def __init__(self) -> None:
        self._heads: dict[Schema, _Head] = {}

    def line(self, block: Block) -> Line | None:
        """What `Renderer.block` shows of it, as JSON; None where that has to be asked."""
        head = self._heads.get(block.schema)
        if head is None:
            head = self._heads[block.schema] = _Head(block.schema)
        try:
            return head.line(block)
        except (_NoLine, Misfit, Short):
            return None


class _Row:
    """Fields of constant width, one behind the other: how they are read and spelled."""

    def __init__(self, fields: Sequence[Field], order: str, leaving_out: str = "") -> None:
        code = order
        spelled: list[str] = []
        self._spellings: list[tuple[int, Spelling]] = []
        for field in fields:
            kind = field.type
            assert isinstance(kind, Fixed)
            if field.key == leaving_out:
                code += f"{kind.width}x"
                continue
            code += kind.code
            form, spelling = _spelled(kind)
            if spelling is not None:
                self._spellings.append((len(spelled), spelling))
            spelled.append(f'"{field.key}": {form}')
        self.unpack_from = struct.Struct(code).unpack_from
        self.size = struct.calcsize(code)
        self.template = ", ".join(spelled)
        self.keys = tuple(field.key for field in fields if field.key != leaving_out)

    def spell(self, values: Sequence[Any]) -> list[Any]:
        """What the template takes."""
        out = list(values)
        for at, spelling in self._spellings:
            out[at] = spelling(out[at])
        return out


class _Body:
    """A payload: a row, and behind it fields of varying length."""

    def __init__(self, layout: Layout, order: str) -> None:
        fields = list(layout.fields)
        fixed = next((i for i, f in enumerate(fields) if not isinstance(f.type, Fixed)), None)
        self.row = _Row(fields[:fixed], order)
        behind = fields[fixed:] if fixed is not None else []
        known = all(isinstance(f.type, Fixed) or type(f.type) in _BEHIND for f in behind)
        if not known or any(f.optional for f in fields):
            raise _NoLine
        self._behind = [(f.key, f.type, f'"{f.key}": ') for f in behind]
        self._pages = None
        if [type(f.type) for f in behind] == [PageStateMap, PageData]:
            self._pages = _Pages(self.row, behind[0], behind[1])

    def text(self, block: Block, raw: bytes, start: int) -> str:
        """The fields in braces."""
        row = self.row
        if len(raw) < start + row.size:
            raise _NoLine
        values = row.unpack_from(raw, start)
        if self._pages is not None:
            short = self._pages.text(block, raw, start + row.size, values)
            if short is not None:
                return f"{{{row.template % tuple(row.spell(values))}, {short}}}"
        out = [row.template % tuple(row.spell(values))] if row.size else []
        cursor = Cursor.ahead(block.source, block.offset, block.offset + block.length, raw)
        cursor.position += start + row.size
        if self._behind:
            record = dict(zip(row.keys, values))
            for key, kind, name in self._behind:
                value = record[key] = kind.decode(cursor, record)
                out.append(name + _text_of(kind, value))
        if cursor.position != cursor.end:
            raise _NoLine
        return f"{{{', '.join(out)}}}"


class _Pages:
    """The most common end of a payload: a short map of captured pages alone, and their bytes."""

    def __init__(self, row: _Row, page_map: Field, data: Field) -> None:
        kind = page_map.type
        assert isinstance(kind, PageStateMap)
        self._size, self._log2 = row.keys.index(kind.size_key), row.keys.index(kind.log2_key)
        self._range = range(kind.low, kind.high + 1)
        self._template = (
            f'"{page_map.key}": [[0, %d, "{kind.names[0]}"]], '
            f'"{data.key}": {{"offset": "0x%x", "length": %d}}'
        )

    def text(self, block: Block, raw: bytes, start: int, values: Sequence[Any]) -> str | None:
        """Both fields; None where the map is another, or its bytes are not at hand."""
        if values[self._log2] not in self._range:
            return None
        pages = values[self._size] >> values[self._log2]
        if not 0 < pages <= _FEW_PAGES:
            return None
        end = start + stored_size(pages)
        if end > len(raw) or not _NO_STATES.startswith(raw[start:end]):
            return None
        return self._template % (pages, block.offset + end, block.length - end)


class _Head:
    """The header of a schema's blocks, and the payloads that were met."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        layout = schema.block_header
        self._row = _Row(layout.fields, layout.order, "magic")
        self._template = f'{{"index": %d, "offset": "0x%x", {self._row.template}, "payload": %s}}'
        keys = self._row.keys
        self._type, self._flags = keys.index("block_type"), keys.index("flags")
        self._version = keys.index("payload_version")
        self._bodies: dict[int, _Body | None] = {}

    def line(self, block: Block) -> Line:
        row, schema = self._row, self._schema
        raw = block.source.read(block.offset, min(block.length, _LOOK))
        if len(raw) < row.size:
            raise _NoLine
        values = row.unpack_from(raw)
        if values[self._version] != schema.draft.payload_version:
            raise _NoLine
        if values[self._flags] & schema.compressed:
            raise _NoLine
        code = values[self._type]
        body = self._bodies[code] if code in self._bodies else self._body(code)
        if body is None:
            raise _NoLine
        text = body.text(block, raw, row.size)
        return Line(self._template % (block.index, block.offset, *row.spell(values), text))

    def _body(self, code: int) -> _Body | None:
        kind = self._schema.blocks.get(code)
        body = None
        if kind is not None and kind.layout is not None:
            with suppress(_NoLine):
                body = _Body(kind.layout, kind.layout.order)
        if len(self._bodies) < _REMEMBERED:
            self._bodies[code] = body
        return body


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
    digits = raw.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _text_of(kind: Vocabulary, value: Any) -> str:
    if isinstance(value, PageMap) and value.all_captured:
        assert isinstance(kind, PageStateMap)
        return f'[[0, {value.pages}, "{kind.names[0]}"]]' if value.pages else "[]"
    if type(kind) is PageData:
        assert isinstance(value, Extent)
        return f'{{"offset": "0x{value.offset:x}", "length": {value.length}}}'
    return escape_for_json(_encode(kind.to_document(value, _OPTIONS)))
