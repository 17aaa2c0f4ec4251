"""One block of a file: its header now, its payload when somebody asks."""

from __future__ import annotations

import sys
import uuid as uuids
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..budget import Budget, Charge, default_budget
from ..codecs.inflate import DEFAULT_INFLATE_LIMIT, InflatedSource
from ..errors import CompressionError, LimitError
from ..page_map import PageMap
from ..schema import BlockType, FlagValue, Record, Schema
from ..schema.entries import Entries
from ..schema.framing import RAW, algorithm_of, inflated, laid_out
from ..schema.layout import REST
from ..schema.values import PaddedBytes, StoredText
from ..source import Cursor, Extent, Source

__all__ = ["RAW", "Block", "Compression", "Problems", "budget_ran_out"]

_FIRST_LOOK = 512
_RECORD = 600  # bytes that one takes in memory, roughly
_OF_ANY_SIZE = {bytes, str, dict, list, Record, StoredText, PaddedBytes, PageMap}


@dataclass(frozen=True)
class Compression:
    """How a payload is stored.

    Attributes:
        algorithm: ``zstd`` or ``lz4``.
        uncompressed_size: what it declares to inflate to, in bytes.
        stream: the codec's bytes as stored, padding included.
        bare: whether they are a frame of the codec without the framing of the drafts.
    """

    algorithm: str
    uncompressed_size: int
    stream: Extent
    bare: bool = False


Content = tuple["Compression | None", Record, "str | None"]
"""How a payload is compressed, what it holds, and why it could not be inflated."""


class Problems(dict[int, str]):
    """By block index, why a payload could not be decoded to its end.

    Attributes:
        unread: those of them whose content could not be looked at: it does not inflate, or a
            limit of this program was in the way.
    """

    def __init__(self) -> None:
        super().__init__()
        self.unread: set[int] = set()

    def cut(self, count: int) -> None:
        """Forget what is not among the first `count` blocks: they turned out to be none."""
        for index in [index for index in self if index >= count]:
            del self[index]
            self.unread.discard(index)


class Block:
    """A block as it stands in the file.

    Args:
        index: its number in the file, from 0.
        max_inflate: bytes that the payload may inflate to.
        budget: for what is kept of it; one of its own by default.
        problems: where to note, by index, why a payload could not be decoded to its end.
        offset: its file offset.
        length: BlockLength.
    """

    def __init__(
        self,
        source: Source,
        schema: Schema,
        index: int,
        offset: int,
        length: int,
        *,
        max_inflate: int = DEFAULT_INFLATE_LIMIT,
        budget: Budget | None = None,
        problems: Problems | None = None,
    ) -> None:
        self.source = source
        self.schema = schema
        self.index = index
        self.offset = offset
        self.length = length
        self._max_inflate = max_inflate
        self._budget = budget
        self._problems = problems
        self._header: Record | None = None
        self._front: bytes | None = None
        self._identity: tuple[int, int, int, bytes, bytes] | None = None
        self._held: Content | None = None
        self._limited = False
        self._sound_header: bool | None = None
        self._key: str | None = None

    @property
    def header(self) -> Record:
        """All header fields (§4.1)."""
        header = self._header
        if header is None:
            header = self._header = self._decode_header(offsets=False)
        return header

    @property
    def type(self) -> BlockType | None:
        """What the draft says of this block type; None when it registers none."""
        return self.schema.blocks.get(self.identity[0])

    @property
    def compressed(self) -> bool:
        """Whether the payload is, by its flags."""
        return bool(self.identity[1] & self.schema.compressed)

    @property
    def identity(self) -> tuple[int, int, int, bytes, bytes]:
        """BlockType, Flags, PayloadVersion, BlockUUID and ParentUUID, as they are stored."""
        found = self._identity
        if found is None:
            # Has most likely read the beginning of the payload as well.
            self._front = self.source.read(self.offset, min(self.length, _FIRST_LOOK))
            found = self.schema.identity.unpack_from(self._front)
            self._identity = found
        return found

    @property
    def sound_header(self) -> bool:
        """Whether the header surely has no problem; else its fields have to be asked."""
        found = self._sound_header
        if found is None:
            _ = self.identity
            front = self._front
            if front is None:
                front = self.source.read(self.offset, self.schema.block_header_size)
            found = self._sound_header = self.schema.block_header.is_sound_stored(front)
        return found

    @property
    def key(self) -> str:
        """The block type's name, or its code in hex: ``memory_region``, ``0x2345``."""
        found = self._key
        if found is None:
            found = self._key = self.schema.key_of(self.identity[0])
        return found

    @property
    def flags(self) -> FlagValue:
        """The block's flags (§4.2)."""
        return self.schema.block_flags(self.identity[1])

    @property
    def uuid(self) -> uuids.UUID:
        """BlockUUID."""
        return uuids.UUID(bytes=self.identity[3])

    @property
    def parent_uuid(self) -> uuids.UUID:
        """ParentUUID; all zeros where there is none."""
        return uuids.UUID(bytes=self.identity[4])

    @property
    def stored(self) -> Extent:
        """The payload as stored, compressed or not."""
        size = self.schema.block_header_size
        return Extent(self.source, self.offset + size, self.length - size)

    @property
    def extent(self) -> Extent:
        """The whole block as stored: what the next block's PrevHash covers."""
        return Extent(self.source, self.offset, self.length)

    @property
    def inflate_limit(self) -> int:
        """Bytes that the payload may inflate to."""
        return self._max_inflate

    @property
    def known_version(self) -> bool:
        """Whether PayloadVersion is the one that the draft's layouts are for."""
        return self.identity[2] == self.schema.draft.payload_version

    @property
    def compression(self) -> Compression | None:
        """How the payload is compressed; None when it isn't, or can't be inflated."""
        return self._content[0]

    @property
    def payload(self) -> Record:
        """The decoded payload.

        Where the schema has no layout (an unknown type, another PayloadVersion) or the
        payload does not inflate, it is ``{raw: Extent}``. `Record.damage` says what did
        not fit.
        """
        return self._content[1]

    @property
    def problem(self) -> str | None:
        """Why the payload could not be decoded to its end, in one line; None when it could."""
        if self._content[2] is not None:
            return self._content[2]
        damage = self.payload.damage
        return None if damage is None else f"{self.describe()}: payload {damage}"

    @property
    def limited(self) -> bool:
        """Whether a limit, or want of memory, kept the payload from being decoded to its end."""
        return budget_ran_out(self, self.payload) or self._limited

    def describe(self) -> str:
        """Which block this is, for messages: ``block 7 (memory_region) at 0x1f40``."""
        return f"block {self.index} ({self.key}) at {self.offset:#x}"

    def __repr__(self) -> str:
        return f"<Block {self.describe().removeprefix('block ')}, {self.length} bytes>"

    def hold(self) -> None:
        """Decode header and payload now, for later: the source may be a pipe."""
        _ = self.header, self._content

    def inflation_problem(self) -> str | None:
        """Why the page data of a compressed payload can't be had; None when it can.

        Inflates everything, which decoding the payload does not.
        """
        if self.compression is None:
            return None
        try:
            for extent in _extents(self.payload):
                extent.view()
        except (CompressionError, LimitError) as error:
            problem = f"{self.describe()}: {error}"
            if self._problems is not None:
                self._problems[self.index] = problem
                self._problems.unread.add(self.index)
            return problem
        return None

    @cached_property
    def inflation_error(self) -> CompressionError | LimitError | None:
        """Why the payload does not inflate to its end; None where it does, or is stored as it is.

        Inflates everything once and keeps nothing, which decoding the payload does not. Of a
        PayloadVersion that is not known nobody can say how it is stored.
        """
        if not self.known_version or "compressed" not in self.flags:
            return None
        try:
            _, content = self._inflated(self.stored)
            assert isinstance(content.source, InflatedSource)
            content.source.check()
        except (CompressionError, LimitError) as error:
            return error.with_traceback(None)
        return None

    @property
    def beyond_limit(self) -> bool:
        """Whether the payload says that it inflates to more than may be inflated."""
        try:
            compression, _ = self._inflated(self.stored)
        except CompressionError:
            return False
        return compression.uncompressed_size > self._max_inflate

    def with_offsets(self) -> tuple[Record, Record]:
        """Header and payload, each knowing the file offset and length of its fields."""
        header, content = self._decode_header(offsets=True), self._decode(offsets=True)
        self._note(content)
        return header, content[1]

    @property
    def _content(self) -> Content:
        content = self._held
        if content is None:
            content = self._held = self._decode(offsets=False)
            self._note(content)
        return content

    def _note(self, content: Content) -> None:
        """Put a problem on the dump's list, so that nobody has to look for it."""
        _, payload, problem = content
        if self._problems is None or (problem is None and payload.damage is None):
            return
        self._problems[self.index] = problem or f"{self.describe()}: payload {payload.damage}"
        if problem is not None or budget_ran_out(self, payload):
            self._problems.unread.add(self.index)

    def _decode_header(self, *, offsets: bool) -> Record:
        _ = self.identity
        cursor = Cursor.ahead(
            self.source, self.offset, self.offset + self.length, self._front or b""
        )
        return self.schema.block_header.decode_entry(cursor, offsets=offsets)

    def _payload_cursor(self, content: Extent) -> Cursor:
        front, self._front = self._front, None
        if front is None or content.source is not self.source:
            return Cursor(content.source, content.offset, content.offset + content.length)
        cursor = Cursor.ahead(self.source, self.offset, self.offset + self.length, front)
        cursor.position = content.offset
        return cursor

    def _decode(self, *, offsets: bool) -> Content:
        schema, stored = self.schema, self.stored
        code, flags, version, _, _ = self.identity
        if version != schema.draft.payload_version:
            return None, laid_out(None, stored, offsets=offsets), None
        compression: Compression | None = None
        content = stored
        try:
            if flags & schema.compressed:
                compression, content = self._inflated(stored)
            kind = schema.blocks.get(code)
            layout = None if kind is None else kind.layout
            cursor = None if layout is None else self._payload_cursor(content)
            payload = laid_out(layout, content, cursor, offsets=offsets)
            if compression is not None and _undecoded(payload):
                # What nobody decodes must inflate too, or say here that it doesn't.
                assert isinstance(content.source, InflatedSource)
                content.source.check()
            if compression is not None:
                self._settle(content, payload)
            elif self._budget is not None:
                payload.charge = Charge(self._budget, _weight(payload))
            return compression, payload, None
        except (CompressionError, LimitError) as error:
            self._limited = isinstance(error, LimitError)
            return None, laid_out(None, stored, offsets=offsets), f"{self.describe()}: {error}"

    def _settle(self, content: Extent, payload: Record) -> None:
        """Keep of what was inflated no more than the payload does.

        Raises:
            LimitError: that is too much.
        """
        assert isinstance(content.source, InflatedSource)
        content.source.release()
        payload.charge = Charge(self.budget, _weight(payload))

    @property
    def budget(self) -> Budget:
        """How much may be kept of what is inflated."""
        if self._budget is None:
            self._budget = Budget(default_budget(self.length))
        return self._budget

    def _inflated(self, stored: Extent) -> tuple[Compression, Extent]:
        algorithm = algorithm_of(self.schema.flags["BlockFlags"], self.flags)
        framing, source = inflated(
            self.schema.compressed_payload, stored, algorithm, self._max_inflate, self.budget
        )
        size = source.size
        bare = "uncompressed_size" not in framing
        compression = Compression(algorithm, size, framing["stream"], bare)
        return compression, Extent(source, 0, size)


def _weight(value: Any) -> int:
    """Bytes that a payload takes beyond what any block does; that of pages, texts and entries."""
    if isinstance(value, dict):
        total = _RECORD  # what is of one size is in it
        for one in value.values():
            if type(one) in _OF_ANY_SIZE:
                total += _weight(one)
        return total
    if isinstance(value, PageMap):
        return len(value.stored)
    if isinstance(value, (bytes, str)):
        return sys.getsizeof(value) + len(getattr(value, "raw", b""))
    if isinstance(value, list):
        return sum(map(_weight, value))
    return 0


def _undecoded(payload: Record) -> bool:
    """Whether there are bytes in a payload of which nobody has seen more than their length."""
    tables = [value for value in payload.values() if isinstance(value, (list, Entries))]
    return RAW in payload or REST in payload or any(extent.length for extent in _extents(tables))


def budget_ran_out(block: Block, payload: Record) -> bool:
    """Whether the reader gave up on a table, for fear of a small stream with many entries."""
    layout = block.type.layout if block.type is not None else None
    rest = payload.get(REST)
    if layout is None or payload.damage is None or not isinstance(rest, Extent):
        return False
    budget = getattr(rest.source, "entry_budget", None)
    return budget is not None and any(
        None in field.type.inner() and len(payload.get(field.key, ())) >= budget
        for field in layout.fields
    )


def _extents(*values: Any) -> Iterator[Extent]:
    """Bytes that were named and not read, in values and whatever they hold."""
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if isinstance(value, Extent):
            yield value
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, Entries):
            for entry in value:
                yield from _extents(entry)
