"""Which dialect a file, or a part of it, is in: what the reader has to show, and who is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..abbreviated import abbreviated
from ..drafts import DIALECTS, dialect_schema, schema
from ..drafts.dialects import MOST_ROWS, Recognition, recognise
from ..errors import WrongDialectError
from ..schema import Schema
from ..source import CHUNK, BufferSource, Cursor, Source
from .block import Block
from .header import NO_DIALECT, FileHeader, read_header
from .walk import BlockIndex, Walk

__all__ = [
    "NO_DIALECT",
    "Seen",
    "insisted_on",
    "looked_ahead",
    "named_dialect",
    "plain_schema",
    "read_in",
    "recognised",
    "schema_of",
]

_LARGEST = 1 << 17
_ALL = 1 << 18
_AHEAD = 1 << 20
"""Bytes of one block, of all blocks and of a pipe's beginning that are looked at."""


def named_dialect(name: str, found: Schema) -> Schema:
    """The schema of a dialect that the caller names, whatever the file looks like.

    Raises:
        WrongDialectError: there is no such dialect of this draft.
    """
    dialect = DIALECTS.get(name)
    if dialect is None:
        known = ", ".join((NO_DIALECT, *DIALECTS))
        raise WrongDialectError(f"unknown dialect {abbreviated(name)}; known: {known}")
    if dialect.draft.name != found.name:
        raise WrongDialectError(
            f"dialect {name} is one of {dialect.draft.name}; the file is read with {found.name}"
        )
    return dialect_schema(name, found.byte_order)


def read_in(source: Source, header: FileHeader, chosen: Schema) -> FileHeader:
    """The file header as another schema of the same draft has it."""
    if chosen is header.schema:
        return header
    return read_header(source, draft=chosen.draft, byte_order=chosen.byte_order.value)


class _Held(BufferSource):
    """One block's bytes, at the offsets that they have in the file.

    Attributes:
        entry_budget: rows of a table that are decoded of it: what so many are like, the others
            are as well.
    """

    entry_budget = MOST_ROWS

    def __init__(self, data: bytes, start: int) -> None:
        super().__init__(data)
        self._start = start

    @property
    def size(self) -> int:
        return self._start + super().size

    def read(self, offset: int, length: int) -> bytes:
        return super().read(offset - self._start, length)

    def view(self, offset: int, length: int) -> memoryview:
        return super().view(offset - self._start, length)

    def pieces(self, offset: int, length: int, size: int = CHUNK) -> Iterator[memoryview]:
        return super().pieces(offset - self._start, length, size)


class Seen:
    """Blocks [first, stop) of an index, for `recognise`.

    However large the file and its blocks are, no more than 256 KiB are held and decoded.
    """

    def __init__(
        self, source: Source, header: FileHeader, index: BlockIndex, first: int, stop: int
    ) -> None:
        self.header: Mapping[str, Any] = header.record
        self.types: Sequence[int] = index.types[first:stop]
        self.lengths: Sequence[int] = index.lengths[first:stop]
        self.flags: Sequence[int] = index.flags[first:stop]
        self._source = source
        self._index = index
        self._first = first
        self._left = _ALL
        self._held: dict[int, _Held | None] = {}

    def block(self, schema: Schema, index: int) -> Block | None:
        """A block as a schema has it; None where that would cost too much."""
        number = self._first + index
        offset, length = self._index.offsets[number], self._index.lengths[number]
        if number not in self._held:
            self._held[number] = self._hold(schema, number, offset, length)
        held = self._held[number]
        if held is None:
            return None
        return Block(held, schema, number, offset, length, max_inflate=_LARGEST)

    def _hold(self, schema: Schema, number: int, offset: int, length: int) -> _Held | None:
        if length > min(_LARGEST, self._left):
            return None
        held = _Held(self._source.read(offset, length), offset)
        size = max(length, _inflated_size(Block(held, schema, number, offset, length)))
        if size > min(_LARGEST, self._left):
            return None
        self._left -= size
        return held


def _inflated_size(block: Block) -> int:
    """What a payload says that it inflates to."""
    if "compressed" not in block.flags:
        return 0
    stored = block.stored
    cursor = Cursor(stored.source, stored.offset, stored.offset + stored.length)
    size: int = block.schema.compressed_payload.decode(cursor).get("uncompressed_size", 0)
    return size


def recognised(seen: Seen, plain: Schema, preferred: Recognition | None = None) -> Recognition:
    """The dialect that some blocks are in, of those of the draft that they are read with."""
    dialects = [
        (dialect, dialect_schema(dialect.name, plain.byte_order))
        for dialect in DIALECTS.values()
        if dialect.draft.name == plain.name and plain.byte_order in dialect.draft.byte_orders
    ]
    return recognise(seen, plain, dialects, None if preferred is None else preferred.dialect)


def insisted_on(name: str, plain: Schema) -> Recognition:
    """What the caller says, instead of what could be recognised.

    Raises:
        WrongDialectError: there is no such dialect of this draft.
    """
    if name == NO_DIALECT:
        return Recognition()
    named_dialect(name, plain)
    return Recognition(DIALECTS[name], ("the caller says so",))


def schema_of(recognition: Recognition, plain: Schema) -> Schema:
    """What blocks of a dialect are read with; the draft itself where they are in none."""
    if recognition.dialect is None:
        return plain
    return dialect_schema(recognition.dialect.name, plain.byte_order)


def plain_schema(chosen: Schema) -> Schema:
    """The draft that a dialect is one of."""
    return chosen if chosen.draft.dialect is None else schema(chosen.name, chosen.byte_order)


def looked_ahead(source: Source, header: FileHeader) -> Seen:
    """The blocks of a capture that are whole within the first megabyte of a pipe."""
    index = BlockIndex()
    closing = header.schema.block("end_of_capture").code
    end = header.size + _AHEAD
    for offset, kind, flags, length in Walk(source, header.schema, header.size):
        if offset + length > end:
            break
        if len(source.read(offset, length)) < length:
            break
        index.add(offset, kind, flags, length)
        if kind == closing:
            break
    return Seen(source, header, index, 0, len(index))
