"""Reading a dump that is only passing by: one block at a time, from a pipe.

Blocks of the capture are decoded as they come and their page data is dropped unless
somebody reads it. What stands behind the End-of-Capture of a draft that has extension
segments is spooled to an unlinked temporary file, because nobody can say before its end
whether it is a segment or trailing bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import IO, TypeVar

from ..budget import Budget, default_budget
from ..codecs.inflate import DEFAULT_INFLATE_LIMIT
from ..drafts.dialects import Recognition
from ..schema import Draft, Schema
from ..source import (
    CHUNK,
    BufferSource,
    Extent,
    GappedFile,
    GappedSource,
    ShiftedSource,
    Source,
    StreamSource,
)
from .block import Block, Problems
from .dialects import (
    NO_DIALECT,
    Seen,
    insisted_on,
    looked_ahead,
    plain_schema,
    read_in,
    recognised,
    schema_of,
)
from .header import read_header
from .opened import Opened
from .segments import Segment, find_segments
from .spool import spool, spool_allowance, spool_extent
from .verdict import Verdict
from .walk import BlockIndex, Ending, Found, Walk, truncated

__all__ = ["PassingDump"]

T = TypeVar("T")

_BEGINNING = 1 << 13  # of page data that is kept, for whoever reads a little ahead


class PassingDump(Opened):
    """A dump read front to back; `each_capture_block` may be iterated once.

    `segments`, `trailing`, `ending` and `complete` are right once it has been.
    """

    def __init__(
        self,
        file: IO[bytes],
        *,
        name: str = "-",
        draft: str | Draft | None = None,
        dialect: str | None = None,
        byte_order: str | None = None,
        max_inflate: int = DEFAULT_INFLATE_LIMIT,
        max_memory: int | None = None,
        max_spool: int | None = None,
    ) -> None:
        self.name = name
        self._max_spool = max_spool
        self._source = StreamSource(file)
        self._max_inflate = max_inflate
        self.budget = Budget(default_budget(None) if max_memory is None else max_memory)
        self.problems = Problems()
        self.header = read_header(self._source, draft=draft, dialect=dialect, byte_order=byte_order)
        self.schema = self.header.schema
        # Who names a draft wants that.
        self._insisted = NO_DIALECT if dialect is None and draft is not None else dialect
        plain = plain_schema(self.schema)
        if self._insisted is not None:
            self.recognition = insisted_on(self._insisted, plain)
        elif self.header.recognition.dialect is not None:
            self.recognition = self.header.recognition
        elif self.header.encrypted:
            self.recognition = Recognition()
        else:
            self.recognition = recognised(looked_ahead(self._source, self.header), plain)
        self.schema = schema_of(self.recognition, plain)
        self.header = read_in(self._source, self.header, self.schema)
        self.segment_recognitions = {}
        self.segments = []
        self.ending = Ending(self.header.size, "open", "the blocks have not been read yet")
        self.finished = False
        self._keeps_compressed = False
        self._behind: _Behind | None = None
        self._lost = 0  # bytes of a block that the pipe cut short

    @property
    def size(self) -> int | None:
        """Unknown: a pipe does not say."""
        return None

    @property
    def complete(self) -> bool:
        """Whether the acquirer finished and nothing but blocks follows (§4.5)."""
        return self.finished and self.ending.clean

    def each_capture_block(self, function: Callable[[Block], T]) -> Iterator[T]:
        """What `function` makes of each block of the capture; may be iterated once.

        The function is called while the block is at hand, and its result comes out once
        the block is known to be whole: a block that the pipe cuts short is not a block.
        """
        if self.header.encrypted:
            self._end(self.encryption())
            return
        source = self._source
        walk = Walk(source, self.schema, self.header.size)
        closing_code = self.end_of_capture_code
        compressed = self.schema.compressed
        for index, (offset, kind, flags, length) in enumerate(walk):
            closing = kind == closing_code
            held: Source = source
            # Needed again: a segment is chained to it, or it is inflated once it has been hashed.
            if closing or (self._keeps_compressed and flags & compressed):
                held = self._kept(offset, length)
            block = self._block(held, index, offset, length)
            made = function(block)
            source.forget(offset + length)
            if source.position < offset + length:
                found = source.position
                self._end(truncated(offset, length, found - offset))
                self._lost = found - offset
                return
            yield made
            self.finished |= closing
            if closing and self.schema.draft.segments:
                self._behind_capture(block, offset + length)
                return
        assert walk.ending is not None
        self._end(walk.ending)

    def without_pages(self) -> GappedSource:
        """Put on disk what passes, but for page data that is not compressed.

        For whoever needs blocks more than once, as tables and trees do. Nothing of the dump
        can be had from here any more.

        Raises:
            LimitError: it is more than may be put on disk.
        """
        source, start = self._source, self.header.size
        kept = GappedFile(spool_allowance(self._max_spool))
        try:
            kept.copy(Extent(source, 0, start))
            walk: Iterable[Found] = (
                () if self.header.encrypted else Walk(source, self.schema, start)
            )
            closing = self.end_of_capture_code if self.schema.draft.segments else None
            for index, (offset, kind, _, length) in enumerate(walk):
                pages = self._pages(index, offset, length)
                behind = pages.offset + pages.length
                kept.copy(Extent(source, offset, pages.offset - offset))
                source.forget(behind)
                kept.copy(Extent(source, behind, offset + length - behind))
                if kind == closing:  # what follows will be hashed, so that all of it is needed
                    break
            offset = source.start
            for piece in source.drain():
                kept.put(offset, piece)
                offset += len(piece)
            return kept.source(source.position)
        finally:
            kept.close()

    def _pages(self, index: int, offset: int, length: int) -> Extent:
        """The page data of a block, but for its beginning; empty where it has none."""
        block = self._block(self._source, index, offset, length)
        if length > _BEGINNING and block.key == "memory_region":
            data = block.payload.get("page_data")
            if isinstance(data, Extent) and data.source is self._source:
                return data.part(_BEGINNING, data.length)
        return Extent(self._source, offset + length, 0)

    def segment_blocks(self, segment: Segment) -> Iterator[Block]:
        """The blocks of one extension segment."""
        assert self._behind is not None
        found = self.segment_recognitions.get(segment.index)
        schema = self.schema if found is None else schema_of(found, plain_schema(self.schema))
        numbers = range(segment.first, segment.first + segment.count)
        behind = self._behind
        return (behind.block(number, schema) for number in numbers)

    @property
    def trailing(self) -> Extent | None:
        """Bytes behind the last block or intact segment, if any."""
        if self._behind is None:
            return None
        length = self._behind.end - self.ending.offset
        if length <= 0 and not self._lost:
            return None
        if self._lost:  # its bytes have gone by; how many they were is known
            return Extent(BufferSource(b""), self.ending.offset, self._lost)
        return Extent(self._behind.source, self.ending.offset, length)

    def require_unchanged(self) -> None:
        """Nothing to do: what came through a pipe stays what it was."""

    def verify(self) -> Verdict:
        """Whether the dump is intact and complete; reads the pipe to its end.

        Raises:
            EncryptedError: the blocks are ciphertext.
        """
        from .verify import verify_passing

        self.require_key()
        self._keeps_compressed = True
        return verify_passing(self)

    def _block(self, source: Source, index: int, offset: int, length: int) -> Block:
        return Block(
            source,
            self.schema,
            index,
            offset,
            length,
            max_inflate=self._max_inflate,
            budget=self.budget,
            problems=self.problems,
        )

    def __enter__(self) -> PassingDump:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of what was spooled; the pipe stays the caller's."""
        if self._behind is not None:
            self._behind.close()

    def _kept(self, offset: int, length: int) -> Source:
        """A block's bytes for later: in memory, or in a temporary file if it is absurdly large."""
        if length <= CHUNK:
            return ShiftedSource(BufferSource(self._source.read(offset, length)), offset)
        spooled = spool_extent(Extent(self._source, offset, length), self._max_spool)
        return ShiftedSource(spooled, offset)

    def _end(self, ending: Ending) -> None:
        self.ending = ending
        self._behind = _Behind(self._source, self)

    def _behind_capture(self, closing: Block, start: int) -> None:
        self._behind = _Behind(self._source, self)
        first = closing.index + 1
        walk = Walk(self._behind.source, self.schema, start)
        self._behind.take(walk, first)
        assert walk.ending is not None
        self.ending = walk.ending
        count = first + len(self._behind.index)
        self.segments, outside, broken = find_segments(
            self._behind.block, first, count, closing, self.header.hash_algorithm
        )
        if broken is not None:
            self.problems.cut(outside)
            offset = self._behind.index.offsets[outside - first]
            self.ending = Ending(offset, "segment", broken.text, broken.reason, self.ending)
        if self._insisted is None:
            self._recognise_segments(self._behind, first)

    def _recognise_segments(self, behind: _Behind, first: int) -> None:
        """A segment may be written by somebody else than the capture."""
        plain = plain_schema(self.schema)
        for one in self.segments:
            start = one.first - first
            seen = Seen(behind.source, self.header, behind.index, start, start + one.count)
            found = recognised(seen, plain, self.recognition)
            if found.name != self.recognition.name:
                self.segment_recognitions[one.index] = found


class _Behind:
    """What a pipe gave behind the last block that was passed on."""

    def __init__(self, source: StreamSource, dump: PassingDump) -> None:
        self._dump = dump
        self._first = 0
        self.index = BlockIndex()
        self._spooled, start = spool(source, dump._max_spool)
        self.source: Source = ShiftedSource(self._spooled, start)
        self.end = start + self._spooled.size

    def close(self) -> None:
        """Let go of the temporary file."""
        self._spooled.close()

    def take(self, walk: Walk, first: int) -> None:
        """Index the blocks that the walk finds; the first of them has this number."""
        self._first = first
        self.index.extend(walk)

    def block(self, number: int, schema: Schema | None = None) -> Block:
        """The block of this number in the file."""
        at = number - self._first
        return Block(
            self.source,
            schema or self._dump.schema,
            number,
            self.index.offsets[at],
            self.index.lengths[at],
            max_inflate=self._dump._max_inflate,
            budget=self._dump.budget,
            problems=self._dump.problems,
        )
