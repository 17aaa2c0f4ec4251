"""A dump: header, blocks, regions, modules, threads, memory, segments, trailing bytes."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import cached_property
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, TypeVar, cast

from ..budget import Budget, default_budget
from ..codecs.inflate import DEFAULT_INFLATE_LIMIT
from ..drafts.dialects import Recognition
from ..encryption import Keys
from ..errors import ChangedError, HeaderError, MslError
from ..schema import Draft, Schema
from ..source import Extent, PathSource, RemoteSource, Source
from ..space import Cover
from .block import Block, Problems
from .block_list import Blocks
from .changed_header import may_have_lost_a_bit, require_unchanged_header
from .dialects import NO_DIALECT, Seen, insisted_on, plain_schema, read_in, recognised, schema_of
from .header import read_header
from .memory import MemoryView
from .names import names_of
from .opened import Indexed
from .regions import Region, assemble
from .sealed import Sealed, SealHeader, behind_tag, seal_headers, unlocked_with
from .segments import Segment, find_segments
from .verdict import Verdict
from .walk import BlockIndex, Ending, Walk

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..records import ModuleEntry, ThreadContext


__all__ = ["Dump", "open_dump", "open_listing", "opened_as"]

T = TypeVar("T")
D = TypeVar("D", bound="Dump")


class Dump(Indexed):
    """An open Memory Slice file.

    Use `msl_construct.open` to make one. Opening reads the headers of the file and its
    blocks and no payload; whatever is damaged ends the walk and is described by `ending`,
    and everything before it stays readable.
    """

    def __init__(
        self,
        source: Source,
        *,
        name: str = "",
        draft: str | Draft | None = None,
        dialect: str | None = None,
        byte_order: str | None = None,
        key: bytes | str | Keys | None = None,
        max_inflate: int = DEFAULT_INFLATE_LIMIT,
        max_memory: int | None = None,
        recognition: Recognition | None = None,
        owned: Any = None,
    ) -> None:
        self.source = self.stored = source
        self.name = name
        self._owned = owned
        self._max_inflate = max_inflate
        self.budget = Budget(default_budget(source.size) if max_memory is None else max_memory)
        self.problems = Problems()
        try:
            self.header = read_header(source, draft=draft, dialect=dialect, byte_order=byte_order)
        except HeaderError:
            if key is not None:
                require_unchanged_header(source, draft, byte_order, key)
            raise
        self.schema = self.header.schema
        self.unlocked = None if key is None else unlocked_with(source, self.header, key)
        if self.unlocked is not None:
            self._view = self.unlocked.source()
            self.source = self._view
        self.index = BlockIndex()
        self.ending = self._walk()
        self.capture_count = len(self.index)
        self.segments = []
        self.segment_recognitions = {}
        # Who names a draft wants that.
        insisted = NO_DIALECT if dialect is None and draft is not None else dialect
        closing = self._closing()
        plain = plain_schema(self.schema)
        if recognition is not None:
            self.recognition = recognition
        elif insisted is not None:
            self.recognition = insisted_on(insisted, plain)
        elif self.header.recognition.dialect is not None:
            self.recognition = self.header.recognition
        else:
            seen = Seen(self.source, self.header, self.index, 0, closing + 1)
            self.recognition = recognised(seen, plain)
        self.schema = schema_of(self.recognition, plain)
        self.header = read_in(self.stored, self.header, self.schema)
        if self.schema.draft.segments:
            self._find_segments()
            self._find_sealed()
            if insisted is None:
                self._recognise_segments()

    # -- the parts ---------------------------------------------------------------------

    @property
    def size(self) -> int | None:
        """Bytes of the file."""
        return self.source.size

    @property
    def blocks(self) -> Blocks:
        """All blocks, those of the extension segments included; a lazy sequence."""
        return Blocks(self, 0, len(self.index))

    @property
    def capture_blocks(self) -> Blocks:
        """The blocks of the capture itself."""
        return Blocks(self, 0, self.capture_count)

    def each_capture_block(self, function: Callable[[Block], T]) -> Iterator[T]:
        """What `function` makes of each block of the capture."""
        return map(function, self.capture_blocks)

    def segment_blocks(self, segment: Segment) -> Blocks:
        """The blocks of one extension segment."""
        return Blocks(self, segment.first, segment.first + segment.count)

    def seal_headers(self) -> Iterator[SealHeader]:
        """What stands in front of each sealed segment that holds, in file order."""
        unlocked = self.unlocked
        return iter(()) if unlocked is None else seal_headers(unlocked, self.segments)

    @property
    def trailing(self) -> Extent | None:
        """Bytes behind the last block (or intact segment), if any."""
        size = self.source.size
        offset = self.ending.offset
        if size is None or offset >= size:
            return None
        if self.unlocked is not None and offset < self.unlocked.end and self.unlocked.ends:
            size = self.unlocked.end  # the tag is no remainder of the plaintext
        return Extent(self.source, offset, size - offset)

    @property
    def complete(self) -> bool:
        """Whether the acquirer finished and nothing but blocks follows (§4.5)."""
        return self.end_of_capture is not None and self.ending.clean

    @cached_property
    def end_of_capture(self) -> Block | None:
        """The first End-of-Capture block."""
        return next(self.blocks.of_type("end_of_capture"), None)

    @cached_property
    def regions(self) -> list[Region]:
        """Memory regions in file order, fragments put together; page data is not read."""
        self.require_key()
        return assemble(self.capture_blocks.of_type("memory_region"))

    @cached_property
    def modules(self) -> list[ModuleEntry]:
        """Payloads of the Module Entry blocks."""
        self.require_key()
        found = self.capture_blocks.of_type("module_entry")
        return [cast("ModuleEntry", block.payload) for block in found]

    @cached_property
    def threads(self) -> list[ThreadContext]:
        """Payloads of the Thread Context blocks (``{raw}`` where the draft has no layout)."""
        self.require_key()
        found = self.capture_blocks.of_type("thread_context")
        return [cast("ThreadContext", block.payload) for block in found]

    @cached_property
    def memory(self) -> MemoryView:
        """The target's memory by virtual address."""
        return MemoryView(self.regions, self._names)

    def _names(self) -> Cover[str]:
        maps = (block.payload for block in self.capture_blocks.of_type("vas_map"))
        return names_of(self.modules, maps)

    def verify(self) -> Verdict:
        """Whether the file is intact and complete; reads every byte.

        Raises:
            EncryptedError: the blocks are ciphertext.
        """
        from .verify import verify

        self.require_key()
        return verify(self)

    def require_unchanged(self) -> None:
        """Make sure that what was read belongs together: nobody wrote to the file meanwhile.

        `verify` and `problems` do so in the end.

        Raises:
            ChangedError: it was cut, extended or written to since it was opened.
        """
        if isinstance(self.stored, (PathSource, RemoteSource)):
            self.stored.require_unchanged()

    # -- for the package's own parts ----------------------------------------------------

    def block(self, index: int) -> Block:
        """The block of this number."""
        schema = self.schema
        if self.segment_recognitions and index >= self.capture_count:
            schema = self._schema_behind(index)
        return self._block(schema, index, self.problems)

    def block_in(self, schema: Schema, index: int) -> Block:
        """The same, as a schema has it; nothing is noted of what does not fit."""
        return self._block(schema, index, None)

    def _block(self, schema: Schema, index: int, problems: Problems | None) -> Block:
        return Block(
            self.source,
            schema,
            index,
            self.index.offsets[index],
            self.index.lengths[index],
            max_inflate=self._max_inflate,
            budget=self.budget,
            problems=problems,
        )

    def _schema_behind(self, index: int) -> Schema:
        """What a block of an extension segment is read with."""
        at = bisect_right(self.segments, index, key=lambda segment: segment.first) - 1
        found = self.segment_recognitions.get(self.segments[at].index)
        return self.schema if found is None else schema_of(found, plain_schema(self.schema))

    def sequential(self) -> Source:
        """The source, told that it will be read from front to back."""
        if isinstance(self.stored, PathSource):
            self.stored.advise_sequential()
        return self.source

    @property
    def locked(self) -> bool:
        """Whether the blocks are ciphertext that nobody gave a key for."""
        return self.header.encrypted and self.unlocked is None

    def _walk(self) -> Ending:
        if self.locked:
            return self.encryption()
        unlocked = self.unlocked
        if unlocked is None:
            found = Walk(self.source, self.schema, self.header.size)
        else:
            found = Walk(unlocked.capture, self.schema, unlocked.start)
        self.index.extend(found)
        assert found.ending is not None
        if unlocked is not None and found.ending.clean:
            return behind_tag(unlocked)
        return found.ending

    def _closing(self) -> int:
        """Index of the first End-of-Capture; of the last block where there is none."""
        try:
            return self.index.types.index(self.end_of_capture_code)
        except ValueError:
            return len(self.index) - 1

    def _recognise_segments(self) -> None:
        """A segment may be written by somebody else than the capture."""
        plain = plain_schema(self.schema)
        for one in self.segments:
            seen = Seen(self.source, self.header, self.index, one.first, one.first + one.count)
            found = recognised(seen, plain, self.recognition)
            if found.name != self.recognition.name:
                self.segment_recognitions[one.index] = found

    def _find_segments(self) -> None:
        closing = self.end_of_capture
        if closing is None:
            return
        self.capture_count = closing.index + 1
        self.segments, first, broken = find_segments(
            self.block,
            self.capture_count,
            len(self.index),
            closing,
            self.header.hash_algorithm,
            chained=self.unlocked is None,
        )
        if broken is not None:
            offset = self.index.offsets[first]
            self.index.cut(first)
            self.problems.cut(first)
            self.ending = Ending(offset, "segment", broken.text, broken.reason, self.ending)

    def _find_sealed(self) -> None:
        """Sealed segments, behind the tag of an encrypted file whose plaintext ends as it must."""
        if self.unlocked is None or self.ending.kind != "sealed":
            return
        sealed = Sealed(self.unlocked, self._view, self.index, self.segments, self.block_in)
        self.ending = sealed.find(self.schema, self.header.hash_algorithm, self.ending)
        self.problems.cut(len(self.index))

    # -- life cycle --------------------------------------------------------------------

    def close(self) -> None:
        """Let go of the file; what was handed out of it stays."""
        if self._owned is not None:
            self._owned.close()
            self._owned = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            # Whatever went wrong, that the file is another one by now is the reason.
            if isinstance(error, Exception) and not isinstance(error, (ChangedError, OSError)):
                self.require_unchanged()
        finally:
            self.close()

    def __repr__(self) -> str:
        return f"<Dump {self.name or '?'}: {self.draft}, {len(self.index)} blocks>"


def open_dump(
    file: str | os.PathLike[str] | IO[bytes] | bytes | bytearray | memoryview, **options: Any
) -> Dump:
    """See `msl_construct.open`."""
    return opened_as(Dump, file, **options)


def opened_as(
    kind: Callable[..., D],
    file: str | os.PathLike[str] | IO[bytes] | bytes | bytearray | memoryview,
    **options: Any,
) -> D:
    """The same as a dump of some kind, with options of its own."""
    from .opening import source_of

    max_spool = options.pop("max_spool", None)

    def judge(beginning: Source) -> None:
        draft, byte_order = options.get("draft"), options.get("byte_order")
        try:
            read_header(beginning, draft=draft, byte_order=byte_order)
        except HeaderError:
            if options.get("key") is None or not may_have_lost_a_bit(beginning, draft, byte_order):
                raise

    source, name, owned = source_of(file, judge, max_spool)
    try:
        return kind(source, name=name, owned=owned, **options)
    except BaseException as error:
        try:
            if isinstance(source, (PathSource, RemoteSource)) and isinstance(error, MslError):
                source.require_unchanged()
        finally:
            if owned is not None:
                owned.close()
        raise


def open_listing(file: IO[bytes], *, name: str = "-", **options: Any) -> Dump:
    """A dump from a pipe, for whoever needs its blocks more than once, but no page data.

    All else is put on disk. Page data that is not compressed passes by, and is an error to read.

    Args:
        options: those of `PassingDump`.
    """
    from .stream import PassingDump

    with PassingDump(file, name=name, **options) as passing:
        kept = passing.without_pages()
    options.pop("max_spool", None)
    try:
        return Dump(kept, name=name, recognition=passing.recognition, owned=kept, **options)
    except BaseException:
        kept.close()
        raise
