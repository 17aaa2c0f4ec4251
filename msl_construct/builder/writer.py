"""Writing a dump: strict about what the draft demands, one pass, bounded memory."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from copy import copy
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

from ..drafts import DEFAULT_DRAFT, schema
from ..errors import ConformanceError
from ..hashing import UNHASHED
from ..outputs import own_file
from ..page_map import PageMap
from ..schema import ByteOrder, Draft
from ..source import Extent
from .arguments import BlockFlags, PageStates, checked_header, flag_word, page_map_of
from .block_adder import BlockAdder
from .blocks import NIL, BlockStream
from .compressing_feed import CompressingFeed
from .feed import RegionFeed
from .file_state import FileState
from .output import ChainedOutput
from .overlapped_output import Buffers, Conveyor, slots_for
from .page_buffer import PageBuffer
from .region import RegionWriter
from .sink import Sink
from .uuids import new_uuid

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..encryption.sealing import Encryption

__all__ = ["DEFAULT_BUFFER_LIMIT", "Writer"]

DEFAULT_BUFFER_LIMIT = 64 << 20
"""Bytes of page data that are held in memory where they can't be written at once."""


class Writer(BlockAdder):
    """Writes a Memory Slice file, block by block, to a file or a pipe.

    Every block type has a method ``add_<name>`` that takes the fields of its layout by
    name; lengths, counts, reserved bytes and padding follow from them. What the draft
    forbids is refused with a `ConformanceError` before a byte of it is written. Leaving
    the context writes the End-of-Capture, unless it is left by an exception: then the
    file stays a valid, incomplete one.

    Args:
        file: a path (created, or emptied) or a binary file object; a pipe will do.
        header: fields of the file header. `cap_bitmap` must name exactly the categories
            that will be added: the header is never rewritten (§8). `dump_uuid` and
            `timestamp` are made up unless given.
        draft, byte_order: what to write; the public specification, little-endian.
        compression: ``zstd`` or ``lz4`` for every payload that gets smaller by it.
        level: the codec's level.
        buffer_limit: bytes of page data held in memory where its states or its length
            can't be known before (pipes, compression); a region beyond it is split into
            Continuation fragments.
        overlapped: hash and write in threads of their own, and around the page cache where
            that is possible; for `feed`.
        cache_room: bytes of the page cache that an overlapped writer may take nevertheless where
            that turns out to be faster.
        buffers: made before, for an overlapped writer.
        encryption: encrypt the file: with which key, and for whom. Its tag is written when it is
            closed, or given up.
        new_uuid, clock: where UUIDs and times (ns) come from, for reproducible files.

    Attributes:
        file_hash: of the End-of-Capture, once the file is closed and complete.

    Raises:
        ConformanceError: the header is one that the draft forbids.
    """

    _END = "end_of_capture"

    def __init__(
        self,
        file: str | os.PathLike[str] | IO[bytes],
        header: Mapping[str, Any],
        *,
        draft: str | Draft = DEFAULT_DRAFT,
        byte_order: str | ByteOrder = ByteOrder.LITTLE,
        compression: str | None = None,
        level: int | None = None,
        buffer_limit: int = DEFAULT_BUFFER_LIMIT,
        overlapped: bool = False,
        cache_room: int = 0,
        buffers: Buffers | None = None,
        encryption: Encryption | None = None,
        new_uuid: Callable[[], uuid.UUID] = new_uuid,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        form = schema(draft, byte_order)
        self.header, algorithm = checked_header(form, header, new_uuid(), clock())
        with ExitStack() as opened:
            target = file
            if isinstance(target, (str, os.PathLike)):
                target = opened.enter_context(own_file(target))
            hashes = algorithm if encryption is None else UNHASHED
            below: Sink | Conveyor
            if overlapped:
                slots = slots_for(compression)
                below = Conveyor(
                    target, hashes, slots=slots, cache_room=cache_room, buffers=buffers
                )
            else:
                below = Sink(target, hashes)
            output: ChainedOutput = below
            if encryption is None:
                output.begin()
                output.write(form.file_header.encode(self.header))
            else:
                from .encrypted_output import EncryptedOutput

                output = EncryptedOutput.opened(below, form, self.header, algorithm, encryption)
            ending = opened.pop_all()
        state = FileState(form, self.header)
        blocks = BlockStream(
            output,
            form,
            state,
            output.chain_digest(),
            level=level,
            new_uuid=new_uuid,
            clock=clock,
            ending=ending,
        )
        super().__init__(form, blocks, state, compression)
        self._promises = state
        self.new_uuid, self.clock = new_uuid, clock
        self.level = level
        self.buffer_limit = buffer_limit
        self.file_hash: bytes | None = None
        self._feeds: list[RegionFeed] = []
        self._held = PageBuffer()  # for the region that is open; here so that its memory is kept

    @property
    def sink(self) -> ChainedOutput:
        """The output."""
        return self.blocks.output

    @property
    def conveyor(self) -> Conveyor | None:
        """What writes in threads of its own, if anything does: the output, or what is below it."""
        found = getattr(self.sink, "below", self.sink)
        return found if isinstance(found, Conveyor) else None

    def add_module_list_index(
        self,
        entries: Sequence[Mapping[str, Any]],
        *,
        block_uuid: uuid.UUID | None = None,
        block_flags: BlockFlags | None = None,
    ) -> list[uuid.UUID]:
        """Add the Module List Index; the UUIDs that the Module Entries must have (§5.3).

        Args:
            entries: the fields of each module; `module_uuid` is made up unless given.
        """
        if not all(isinstance(entry, Mapping) for entry in entries):
            raise ConformanceError("entries: expected the fields of each module (§5.3)")
        full = [{"module_uuid": self.blocks.new_uuid(), **entry} for entry in entries]
        if block_flags is None:
            block_flags = ["has_children"] if full else []
        self.add("module_list_index", entries=full, block_uuid=block_uuid, block_flags=block_flags)
        return self._promises.announced_blocks

    def add_memory_region(
        self,
        *,
        base_addr: int,
        data: bytes | bytearray | memoryview | Extent,
        region_size: int | None = None,
        page_states: PageStates | None = None,
        block_flags: BlockFlags = 0,
        block_uuid: uuid.UUID | None = None,
        compression: str | None = None,
        **fields: Any,
    ) -> uuid.UUID:
        """Add a region whose page states are known; BlockUUID of its first fragment.

        Args:
            data: bytes of the captured pages, one page behind the other. The buffer may
                be reused once this returns. Those of an extent are read while they are written.
            region_size: bytes of address space; follows from the data when every page is
                captured.
            page_states: runs ``(first_page, count, state)``; all captured by default.

        Raises:
            ConformanceError: data and states don't agree, or the draft forbids a value.
        """
        given = data if isinstance(data, Extent) else memoryview(data).cast("B")
        if region_size is None:
            if page_states is not None:
                raise ConformanceError("region_size must be given with page_states (§5.1)")
            region_size = len(given)
        with self.region(
            base_addr=base_addr,
            region_size=region_size,
            block_flags=block_flags,
            block_uuid=block_uuid,
            compression=compression,
            **fields,
        ) as region:
            region.whole(self.page_map(page_states, region.pages), given)
        return region.uuid

    def region(
        self,
        *,
        base_addr: int,
        region_size: int,
        block_flags: BlockFlags = 0,
        block_uuid: uuid.UUID | None = None,
        compression: str | None = None,
        **fields: Any,
    ) -> RegionWriter:
        """Add a region page by page, while it is being read; see `RegionWriter`."""
        return RegionWriter(
            self.blocks,
            {"base_addr": base_addr, "region_size": region_size, **fields},
            buffer=self._held,
            buffer_limit=self.buffer_limit,
            word=flag_word(self.schema, block_flags),
            block_uuid=block_uuid,
            algorithm=self._algorithm(compression),
        )

    def feed(self, *, compression: str | None = None, longest: int | None = None) -> RegionFeed:
        """A way to add very many or very large regions while they are read; see `RegionFeed`.

        Args:
            compression: overrides the writer's.
            longest: bytes of data that a block may have; what is usual unless given.

        Raises:
            ConformanceError: a region is open, or the file is finished.
        """
        self.blocks.check_ready()
        algorithm = self._algorithm(compression)
        found = (
            RegionFeed(self.blocks, longest=longest)
            if algorithm is None
            else CompressingFeed(self.blocks, algorithm, longest=longest)
        )
        self._feeds.append(found)
        self.blocks.ending.callback(found.close)
        return found

    def page_map(self, states: PageStates | None, pages: int) -> PageMap:
        """Page states in any accepted form, as a `PageMap`.

        Raises:
            ConformanceError: they don't cover the pages in order.
        """
        return page_map_of(self.schema, states, pages, self.blocks.max_payload)

    # -- the end -----------------------------------------------------------------------

    def close(self, acq_end: int | None = None) -> None:
        """Write the End-of-Capture and finish the file.

        Args:
            acq_end: when the acquisition ended, in nanoseconds; now unless given.

        Raises:
            ConformanceError: the header or a flag promised what was not written. The file
                is left without End-of-Capture.
        """
        if self.blocks.closed:
            return
        try:
            for feed in self._feeds:
                feed.finish()
            self._promises.check_kept(self.blocks.index)
            kind = self.schema.block(self._END)
            assert kind.layout is not None
            fields: dict[str, Any] = {
                "file_hash": self.sink.file_digest(),
                "acq_end": self.blocks.clock() if acq_end is None else acq_end,
            }
            if "block_count" in {f.key for f in kind.layout.fields}:
                fields["block_count"] = self.blocks.index + 1
                fields["reserved"] = bytes(kind.layout.field("reserved").type.minimum)
            self._add(self._END, 0, None, NIL, "none", fields)
            self.sink.flush()
            self.file_hash = fields["file_hash"]
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Finish without End-of-Capture: what was written stays, as an incomplete dump."""
        self.blocks.abandon()

    def continued(
        self, file: IO[bytes], previous: bytes, index: int, again: Iterable[uuid.UUID]
    ) -> Writer:
        """A writer of further blocks of this dump.

        For a file that has lost its end: they can stand behind another block than the last.

        Args:
            file: takes these blocks alone.
            previous: hash of the block that they will stand behind.
            index: of the first of them.
            again: BlockUUIDs of this writer that may be used once more.
        """
        found = copy(self)
        found._state = found._promises = self._promises.without(again)
        found.blocks = BlockStream(
            Sink(file, self.sink.algorithm),
            self.schema,
            found._promises,
            previous,
            index,
            level=self.blocks.level,
            new_uuid=self.blocks.new_uuid,
            clock=self.blocks.clock,
        )
        found._feeds, found._held = [], PageBuffer()
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()
