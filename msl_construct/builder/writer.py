"""Writing a dump: strict about what the draft demands, one pass, bounded memory."""

from __future__ import annotations

import io
import os
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from functools import partial
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

from ..abbreviated import abbreviated
from ..drafts import DEFAULT_DRAFT, schema
from ..errors import ConformanceError
from ..outputs import own_file
from ..page_map import PageMap
from ..schema import BlockType, ByteOrder, Draft
from ..source import BufferSource, Extent
from .arguments import (
    PageStates,
    checked_header,
    page_map_of,
    roles_of,
    stored_payload,
    table_payload,
)
from .blocks import BlockStream, checked, total
from .compress import compressed
from .compressing_feed import CompressingFeed
from .feed import RegionFeed
from .overlapped_output import SLOTS, Conveyor
from .page_buffer import PageBuffer
from .promises import NIL, Promises
from .region import RegionWriter
from .sink import Sink
from .uuids import new_uuid

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["DEFAULT_BUFFER_LIMIT", "NIL", "Writer"]

DEFAULT_BUFFER_LIMIT = 64 << 20
"""Bytes of page data that are held in memory where they can't be written at once."""

BlockFlags = int | str | Iterable[str]


class Writer:
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
        new_uuid, clock: where UUIDs and times (ns) come from, for reproducible files.

    Attributes:
        file_hash: of the End-of-Capture, once the file is closed and complete.

    Raises:
        ConformanceError: the header is one that the draft forbids.
    """

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
        new_uuid: Callable[[], uuid.UUID] = new_uuid,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.schema = schema(draft, byte_order)
        self.new_uuid = new_uuid
        self.clock = clock
        self.compression = compression
        self.level = level
        self.buffer_limit = buffer_limit
        self._max_payload = self._longest_block() - self.schema.block_header_size
        self.header, name = checked_header(self.schema, header, new_uuid(), clock())
        raw = self.schema.file_header.encode(self.header)
        self._owned = own_file(file) if isinstance(file, (str, os.PathLike)) else None
        target = self._owned if self._owned is not None else file
        assert not isinstance(target, (str, os.PathLike))
        self._sink: Sink | Conveyor
        if overlapped:
            few = self._algorithm(None) is not None  # others hold what is being compressed
            self._sink = Conveyor(target, name, slots=2 if few else SLOTS, cache_room=cache_room)
        else:
            self._sink = Sink(target, name)
        self._sink.begin()
        self._sink.write(raw)
        self.blocks = BlockStream(self._sink, self.schema, self._sink.chain_digest())
        self._promises = Promises(self.schema, self.header)
        self._closed = False
        self.file_hash: bytes | None = None
        self._feeds: list[RegionFeed] = []
        self._open_region: RegionWriter | None = None
        self.held = PageBuffer()  # for the region that is open; here so that its memory is kept

    # -- one method per block type -----------------------------------------------------

    def __getattr__(self, name: str) -> Callable[..., uuid.UUID]:
        """``add_<block type>`` for every type that the draft gives a layout."""
        if name.startswith("add_"):
            key = name.removeprefix("add_")
            try:
                kind = self.schema.block(key)
            except KeyError:
                known = [f"add_{b.key}" for b in self.schema.blocks.values() if b.layout]
                raise AttributeError(
                    f"{self.schema.name} has no block type {abbreviated(key)}; there are "
                    f"{', '.join(known)}"
                ) from None
            return partial(self.add, kind.key)
        raise AttributeError(name)

    def __dir__(self) -> list[str]:
        adders = [f"add_{b.key}" for b in self.schema.blocks.values() if b.layout is not None]
        return sorted({*super().__dir__(), *adders})

    def add(
        self,
        key: str,
        *,
        block_flags: BlockFlags = 0,
        block_uuid: uuid.UUID | None = None,
        parent_uuid: uuid.UUID = NIL,
        compression: str | None = None,
        **fields: Any,
    ) -> uuid.UUID:
        """Add a block of any type that has a layout; its BlockUUID.

        Args:
            key: the block type, for example ``related_dump``.
            block_flags: ``has_children`` and ``has_key_hints``, where later blocks will refer to
                this one; the others follow from what is written.
            compression: overrides the writer's; ``none`` stores this block as it is.

        Raises:
            ConformanceError: the draft forbids it.
        """
        if key == "end_of_capture":
            raise ConformanceError("End-of-Capture: close() writes it, with its hash (§4.5)")
        return self._add(key, block_flags, block_uuid, parent_uuid, compression, fields)

    def _add(
        self,
        key: str,
        block_flags: BlockFlags,
        block_uuid: uuid.UUID | None,
        parent_uuid: uuid.UUID,
        compression: str | None,
        fields: Mapping[str, Any],
    ) -> uuid.UUID:
        kind = self.schema.find(key)
        if kind.layout is None:
            raise ConformanceError(
                f"{kind.name}: {self.schema.name} gives no payload layout ({kind.section}); "
                "add_opaque writes bytes as they are"
            )
        where = f"block {self.blocks.index} ({kind.key})"
        usual = {
            f.key: f.default for f in kind.layout.fields if f.optional and f.default is not None
        }
        record = checked(kind.layout, {**usual, **fields}, where)
        if key == "thread_context":
            self._promises.check_registers(record["registers"])
        word = self._word(block_flags)
        found = block_uuid or self.new_uuid()
        if key == "key_hint":
            self._promises.check_hint(record["region_uuid"])
        if key == "module_entry":
            found, parent_uuid = self._promises.check_module(block_uuid, parent_uuid)
        if key == "module_list_index":
            modules = [entry["module_uuid"] for entry in record["entries"]]
            self._promises.check_manifest(modules)
        payload = list(kind.layout.pieces(record))
        self._append(kind, payload, word, found, parent_uuid, compression)
        if key == "key_hint":
            self._promises.hinted(record["region_uuid"])
        if key == "module_entry":
            self._promises.module_written(found)
        if key == "module_list_index":
            self._promises.manifest_written(found, modules)
        return found

    def add_opaque(
        self,
        key: str | int,
        payload: bytes | memoryview,
        *,
        block_flags: BlockFlags = 0,
        block_uuid: uuid.UUID | None = None,
        parent_uuid: uuid.UUID = NIL,
        compression: str | None = None,
    ) -> uuid.UUID:
        """Add a block whose payload the draft does not lay out; its BlockUUID.

        Raises:
            ConformanceError: the type is forbidden, or has a layout that must be used.
        """
        try:
            code = self.schema.enumerations["BlockType"].encode(key)
        except ValueError as error:
            raise ConformanceError(f"{error} (§4.3)") from None
        kind = self.schema.blocks.get(code)
        if kind is not None and kind.layout is not None:
            raise ConformanceError(
                f"{kind.name} has a layout ({kind.section}): use add_{kind.key} instead"
            )
        if kind is None:
            raise ConformanceError(
                f"block type {code:#06x} is not registered in {self.schema.name} (§4.3)"
            )
        found = block_uuid or self.new_uuid()
        pieces: list[bytes | Extent] = [Extent(BufferSource(payload), 0, len(payload))]
        word = self._word(block_flags)
        self._append(kind, pieces, word, found, parent_uuid, compression)
        return found

    def add_table(
        self,
        key: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[Any]],
        *,
        block_flags: BlockFlags = 0,
        block_uuid: uuid.UUID | None = None,
        compression: str | None = None,
        **fields: Any,
    ) -> uuid.UUID:
        """Add a block whose payload ends with a table, such as VAS Map; its BlockUUID.

        Like `add`, and made for very many rows. A block that the draft names without a
        layout gets the one that the newest draft gave it.

        Args:
            columns: keys of the entry's fields that are given, in the order of each row.
            rows: their values; texts and bytes, numbers, names, tuples of flag names.
            fields: the fields in front of the table.

        Raises:
            ConformanceError: the draft forbids it.
        """
        kind = self.schema.find(key)
        if key == "module_list_index":
            raise ConformanceError("Module List Index: use add_module_list_index (§5.3)")
        if key == "thread_context":
            rows = list(rows)
            self._promises.check_registers(roles_of(self.schema, columns, rows))
        where = f"block {self.blocks.index} ({kind.key})"
        payload = table_payload(self.schema, kind, fields, columns, rows, where)
        found = block_uuid or self.new_uuid()
        self._append(kind, payload, self._word(block_flags), found, NIL, compression)
        return found

    def add_stored(
        self, key: str, payloads: Iterable[bytes], *, compression: str | None = None
    ) -> int:
        """Add blocks of one type whose payloads are laid out already; how many there were.

        For blocks by the thousand that differ in little, such as Thread Contexts. The caller
        vouches for the payloads: only the first one is read, and held against the draft. What
        the blocks of a file must say of each other is checked for all of them.

        Args:
            key: the block type. One that the draft names without a layout gets the one that
                the newest draft gave it.
            payloads: made when they are asked for, so that they need not all be in memory.
            compression: overrides the writer's.

        Raises:
            ConformanceError: the draft forbids them, or has no such block.
        """
        kind = self.schema.find(key)
        if key in ("end_of_capture", "module_list_index", "module_entry", "key_hint"):
            raise ConformanceError(
                f"{kind.name}: others refer to it, or it to others; use add ({kind.section})"
            )
        count = 0
        for payload in payloads:
            if not count:
                where = f"block {self.blocks.index} ({key})"
                record = stored_payload(self.schema, kind, payload, where)
                if key == "thread_context":
                    self._promises.check_registers(record["registers"])
            extent = Extent(BufferSource(payload), 0, len(payload))
            self._append(kind, [extent], 0, self.new_uuid(), NIL, compression)
            count += 1
        return count

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
        full = [{"module_uuid": self.new_uuid(), **entry} for entry in entries]
        if block_flags is None:
            block_flags = ["has_children"] if full else []
        self.add("module_list_index", entries=full, block_uuid=block_uuid, block_flags=block_flags)
        return self._promises.modules

    def add_memory_region(
        self,
        *,
        base_addr: int,
        data: bytes | bytearray | memoryview,
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
                be reused once this returns.
            region_size: bytes of address space; follows from the data when every page is
                captured.
            page_states: runs ``(first_page, count, state)``; all captured by default.

        Raises:
            ConformanceError: data and states don't agree, or the draft forbids a value.
        """
        view = memoryview(data).cast("B")
        if region_size is None:
            if page_states is not None:
                raise ConformanceError("region_size must be given with page_states (§5.1)")
            region_size = view.nbytes
        with self.region(
            base_addr=base_addr,
            region_size=region_size,
            block_flags=block_flags,
            block_uuid=block_uuid,
            compression=compression,
            **fields,
        ) as region:
            region.whole(self.page_map(page_states, region.pages), view)
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
        if self._open_region is not None:
            raise ConformanceError("a region is still open: blocks can't be nested (§2)")
        return RegionWriter(
            self,
            {"base_addr": base_addr, "region_size": region_size, **fields},
            self._word(block_flags),
            block_uuid or self.new_uuid(),
            self._algorithm(compression),
        )

    def feed(self, *, compression: str | None = None, longest: int | None = None) -> RegionFeed:
        """A way to add very many or very large regions while they are read; see `RegionFeed`.

        Args:
            compression: overrides the writer's.
            longest: bytes of data that a block may have; what is usual unless given.

        Raises:
            ConformanceError: the writer is not an overlapped one, or a region is open.
        """
        self.check_ready()
        if not isinstance(self._sink, Conveyor):
            raise ConformanceError("a feed needs a writer made with overlapped=True")
        algorithm = self._algorithm(compression)
        found = (
            RegionFeed(self, longest=longest)
            if algorithm is None
            else CompressingFeed(self, algorithm, longest=longest)
        )
        self._feeds.append(found)
        return found

    def page_map(self, states: PageStates | None, pages: int) -> PageMap:
        """Page states in any accepted form, as a `PageMap`.

        Raises:
            ConformanceError: they don't cover the pages in order.
        """
        return page_map_of(self.schema, states, pages, self._max_payload)

    # -- the end -----------------------------------------------------------------------

    def close(self, acq_end: int | None = None) -> None:
        """Write the End-of-Capture and finish the file.

        Args:
            acq_end: when the acquisition ended, in nanoseconds; now unless given.

        Raises:
            ConformanceError: the header or a flag promised what was not written. The file
                is left without End-of-Capture.
        """
        if self._closed:
            return
        try:
            for feed in self._feeds:
                feed.finish()
            self._promises.check_kept(self.blocks.index)
            kind = self.schema.block("end_of_capture")
            assert kind.layout is not None
            fields: dict[str, Any] = {
                "file_hash": self._sink.file_digest(),
                "acq_end": self.clock() if acq_end is None else acq_end,
            }
            if "block_count" in {f.key for f in kind.layout.fields}:
                fields["block_count"] = self.blocks.index + 1
                fields["reserved"] = bytes(kind.layout.field("reserved").type.minimum)
            self._add("end_of_capture", 0, None, NIL, "none", fields)
            self._sink.flush()
            self.file_hash = fields["file_hash"]
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Finish without End-of-Capture: what was written stays, as an incomplete dump."""
        if self._closed:
            return
        self._closed = True
        for feed in self._feeds:
            feed.close()
        try:
            self._sink.flush()
        finally:
            self._sink.close()
            if self._owned is not None:
                self._owned.close()

    def continued(self, previous: bytes, index: int, again: Iterable[uuid.UUID]) -> Writer:
        """A writer of further blocks of this dump that puts them into memory.

        For a file that has lost its end: they can stand behind another block than the last.

        Args:
            previous: hash of the block that they will stand behind.
            index: of the first of them.
            again: BlockUUIDs of this writer that may be used once more.
        """
        found = copy(self)
        found._sink = Sink(io.BytesIO(), self._sink.algorithm)
        found.blocks = BlockStream(found._sink, self.schema, previous, index)
        found._promises = self._promises.without(again)
        found._closed, found._owned, found._feeds, found._open_region = False, None, [], None
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

    # -- for RegionWriter --------------------------------------------------------------

    @property
    def sink(self) -> Sink | Conveyor:
        """The output."""
        return self._sink

    @property
    def max_payload(self) -> int:
        """The largest payload that BlockLength can describe (§12)."""
        return self._max_payload

    def admit(self, kind: BlockType, word: int, found: uuid.UUID, parent: uuid.UUID) -> None:
        """Check a block against what stands before it, and take note of it.

        Raises:
            ConformanceError: it must not stand here.
        """
        self.check_ready()
        self._promises.admit(kind, word, found, parent, self.blocks.index)

    @property
    def ready(self) -> bool:
        """Whether a block can be added now."""
        return not self._closed and self._open_region is None

    def check_ready(self) -> None:
        """Refuse to add a block where none can be.

        Raises:
            ConformanceError: the file is finished, or a region is open.
        """
        if self._closed:
            raise ConformanceError("the file is finished: nothing can be added")
        if self._open_region is not None:
            raise ConformanceError("a region is still open: blocks can't be nested (§2)")

    def flag(self, name: str) -> int:
        """The bit of a block flag."""
        return self.schema.flags["BlockFlags"].mask(name)

    def region_opened(self, region: RegionWriter | None) -> None:
        """Take note that a region is being written, or no longer is."""
        self._open_region = region

    # -- checks ------------------------------------------------------------------------

    def _append(
        self,
        kind: BlockType,
        payload: list[bytes | Extent],
        word: int,
        found: uuid.UUID,
        parent: uuid.UUID,
        compression: str | None,
    ) -> None:
        algorithm = self._algorithm(compression)
        if algorithm is not None:
            smaller = compressed(self.schema, payload, algorithm, self.level)
            if total(smaller) < total(payload):
                payload, word = smaller, word | self.compression_flags(algorithm)
        size = total(payload)
        if size > self._max_payload:
            raise ConformanceError(
                f"{kind.name}: the payload has {size} bytes, BlockLength allows "
                f"{self._max_payload} (§4.1)"
            )
        header = self.blocks.header(
            kind,
            size + self.schema.block_header_size,
            flags=word,
            block_uuid=found,
            parent_uuid=parent,
        )
        self.admit(kind, word, found, parent)
        self.blocks.put(header, payload)

    def compression_flags(self, algorithm: str) -> int:
        """The flag bits of a payload compressed like this."""
        return self.schema.flags["BlockFlags"].encode(["compressed", f"comp_algo_{algorithm}"])

    def _word(self, block_flags: BlockFlags) -> int:
        definition = self.schema.flags["BlockFlags"]
        try:
            word = definition.encode(block_flags)
        except ValueError as error:
            raise ConformanceError(f"{error} (§4.2)") from None
        others = word & ~(self.flag("has_children") | self.flag("has_key_hints"))
        if others:
            raise ConformanceError(
                f"block flags {', '.join(definition.names(others))}: follow from what is written, "
                "and can't be set (§4.2)"
            )
        return word

    def _algorithm(self, compression: str | None) -> str | None:
        chosen = compression if compression is not None else self.compression
        return None if chosen == "none" else chosen

    def _longest_block(self) -> int:
        valid = getattr(self.schema.block_header.field("block_length").type, "valid", None)
        assert valid is not None
        return int(valid.high)
