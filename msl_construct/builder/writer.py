"""Writing a dump: strict about what the draft demands, one pass, bounded memory."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

from ..errors import ConformanceError
from ..page_map import PageMap, Run
from ..schema import DEFAULT_DRAFT, BlockType, ByteOrder, schema
from ..schema.names import snake_case
from ..source import BufferSource, Extent
from .blocks import BlockStream, checked, total
from .compress import compressed
from .region import RegionWriter
from .sink import Sink
from .uuids import new_uuid

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["DEFAULT_BUFFER_LIMIT", "NIL", "Writer"]

NIL = uuid.UUID(int=0)
"""ParentUUID of a block without a parent."""

DEFAULT_BUFFER_LIMIT = 64 << 20
"""Bytes of page data that are held in memory where they can't be written at once."""

PageStates = PageMap | Iterable[tuple[int, int, str | int]]


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
        new_uuid, clock: where UUIDs and times (ns) come from, for reproducible files.

    Raises:
        ConformanceError: the header is one that the draft forbids.
    """

    def __init__(
        self,
        file: str | os.PathLike[str] | IO[bytes],
        header: Mapping[str, Any],
        *,
        draft: str = DEFAULT_DRAFT,
        byte_order: str | ByteOrder = ByteOrder.LITTLE,
        compression: str | None = None,
        level: int | None = None,
        buffer_limit: int = DEFAULT_BUFFER_LIMIT,
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
        given = {
            "magic": self.schema.file_magic,
            "endianness": self.schema.byte_order.value,
            "dump_uuid": new_uuid(),
            "timestamp": clock(),
            **header,
        }
        self.header = checked(self.schema.file_header, given)
        if self.header["header_size"] != self.schema.file_header_size:
            raise ConformanceError("HeaderSize: encrypted files can't be written yet (§10)")
        if "encrypted" in self.header["flags"]:
            raise ConformanceError("Flags: encrypted files can't be written yet (§10)")
        self._owned = open(file, "w+b") if isinstance(file, (str, os.PathLike)) else None  # noqa: SIM115
        algorithm = self.header.get("hash_algo")
        target = self._owned if self._owned is not None else file
        assert not isinstance(target, (str, os.PathLike))
        self._sink = Sink(target, "blake3" if algorithm is None else algorithm.name)
        self._sink.begin()
        self._sink.write(self.schema.file_header.encode(self.header))
        self.blocks = BlockStream(self._sink, self.schema, self._sink.chain_digest())
        self._flags_of: dict[uuid.UUID, int] = {}
        self._parents: set[uuid.UUID] = set()
        self._hinted: set[uuid.UUID] = set()
        self._manifest: dict[uuid.UUID, bool] = {}
        self._manifest_uuid: uuid.UUID | None = None
        self._capabilities = 0
        self._regions_begun = False
        self._closed = False
        self._open_region: RegionWriter | None = None

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
                    f"{self.schema.name} has no block type {key!r}; there are {', '.join(known)}"
                ) from None
            return partial(self.add, kind.key)
        raise AttributeError(name)

    def add(
        self,
        key: str,
        *,
        flags: int | str | Iterable[str] = 0,
        block_uuid: uuid.UUID | None = None,
        parent_uuid: uuid.UUID = NIL,
        compression: str | None = None,
        **fields: Any,
    ) -> uuid.UUID:
        """Add a block of any type that has a layout; its BlockUUID.

        Args:
            key: the block type, for example ``related_dump``.
            flags: ``has_children`` and ``has_key_hints``, where later blocks will refer to
                this one; the others follow from what is written.
            compression: overrides the writer's; ``none`` stores this block as it is.

        Raises:
            ConformanceError: the draft forbids it.
        """
        kind = self.schema.block(key)
        if kind.layout is None:
            raise ConformanceError(
                f"{kind.name}: {self.schema.name} gives no payload layout ({kind.section}); "
                "add_opaque writes bytes as they are"
            )
        where = f"block {self.blocks.index} ({kind.key})"
        record = checked(kind.layout, fields, where)
        word = self.schema.flags["BlockFlags"].encode(flags)
        found = block_uuid or self.new_uuid()
        if key == "key_hint":
            self._check_hint(record["region_uuid"])
        if key == "module_entry":
            found, parent_uuid = self._check_module(block_uuid, parent_uuid)
        payload = list(kind.layout.pieces(record))
        self._append(kind, payload, word, found, parent_uuid, compression)
        if key == "key_hint":
            self._hinted.add(record["region_uuid"])
        if key == "module_entry":
            self._manifest[found] = True
        if key == "module_list_index":
            self._manifest = {entry["module_uuid"]: False for entry in record["entries"]}
            self._manifest_uuid = found
        return found

    def add_opaque(
        self,
        key: str | int,
        payload: bytes | memoryview,
        *,
        flags: int | str | Iterable[str] = 0,
        block_uuid: uuid.UUID | None = None,
        parent_uuid: uuid.UUID = NIL,
        compression: str | None = None,
    ) -> uuid.UUID:
        """Add a block whose payload the draft does not lay out; its BlockUUID.

        Raises:
            ConformanceError: the type is forbidden, or has a layout that must be used.
        """
        code = self.schema.enumerations["BlockType"].encode(key)
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
        pieces = [Extent(BufferSource(payload), 0, len(payload))]
        word = self.schema.flags["BlockFlags"].encode(flags)
        self._append(kind, pieces, word, found, parent_uuid, compression)
        return found

    def add_module_list_index(
        self,
        entries: Sequence[Mapping[str, Any]],
        *,
        block_uuid: uuid.UUID | None = None,
        flags: int | str | Iterable[str] | None = None,
    ) -> list[uuid.UUID]:
        """Add the Module List Index; the UUIDs that the Module Entries must have (§5.3).

        Args:
            entries: the fields of each module; `module_uuid` is made up unless given.
        """
        full = [{"module_uuid": self.new_uuid(), **entry} for entry in entries]
        if flags is None:
            flags = ["has_children"] if full else []
        self.add("module_list_index", entries=full, block_uuid=block_uuid, flags=flags)
        return list(self._manifest)

    def add_memory_region(
        self,
        *,
        base_addr: int,
        data: bytes | bytearray | memoryview,
        region_size: int | None = None,
        page_states: PageStates | None = None,
        page_size_log2: int = 12,
        flags: int | str | Iterable[str] = 0,
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
        pages = region_size >> page_size_log2
        page_map = self.page_map(page_states, pages)
        if region_size != pages << page_size_log2:
            raise ConformanceError(
                f"RegionSize {region_size}: expected a multiple of the page size "
                f"{1 << page_size_log2} (§5.1)"
            )
        common = {**fields, "page_size_log2": page_size_log2}
        with self.region(
            base_addr=base_addr,
            region_size=region_size,
            flags=flags,
            block_uuid=block_uuid,
            compression=compression,
            **common,
        ) as region:
            region.whole(page_map, view)
        return region.uuid

    def region(
        self,
        *,
        base_addr: int,
        region_size: int,
        flags: int | str | Iterable[str] = 0,
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
            self.schema.flags["BlockFlags"].encode(flags),
            block_uuid or self.new_uuid(),
            self._algorithm(compression),
        )

    def page_map(self, states: PageStates | None, pages: int) -> PageMap:
        """Page states in any accepted form, as a `PageMap`.

        Raises:
            ConformanceError: they don't cover the pages in order.
        """
        if isinstance(states, PageMap):
            return states
        if states is None:
            return PageMap.uniform(pages)
        encode = self.schema.page_states.encode
        try:
            runs: list[Run] = [(first, count, encode(state)) for first, count, state in states]
            return PageMap.from_runs(runs, pages)
        except ValueError as error:
            raise ConformanceError(f"PageStateMap: {error} (§6)") from None

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
            self._check_promises()
            kind = self.schema.block("end_of_capture")
            assert kind.layout is not None
            fields: dict[str, Any] = {
                "file_hash": self._sink.file_digest(),
                "acq_end": self.clock() if acq_end is None else acq_end,
            }
            if "block_count" in {f.key for f in kind.layout.fields}:
                fields["block_count"] = self.blocks.index + 1
                fields["reserved"] = bytes(kind.layout.field("reserved").type.minimum)
            self.add("end_of_capture", compression="none", **fields)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Finish without End-of-Capture: what was written stays, as an incomplete dump."""
        if self._closed:
            return
        self._closed = True
        self._sink.flush()
        self._sink.close()
        if self._owned is not None:
            self._owned.close()

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
    def sink(self) -> Sink:
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
        if self._closed:
            raise ConformanceError("the file is finished: nothing can be added")
        if self._open_region is not None:
            raise ConformanceError("a region is still open: blocks can't be nested (§2)")
        self._check_position(kind)
        if kind.forbidden:
            raise ConformanceError(f"{kind.name}: must not be written ({kind.section})")
        if kind.capability is not None:
            bit = self.schema.flags["CapBitmap"].mask(_capability_name(kind))
            if not self.header["cap_bitmap"] & bit:
                raise ConformanceError(
                    f"CapBitmap lacks {kind.capability}: {kind.name} blocks must not be written, "
                    "or the header must announce them (§8)"
                )
            self._capabilities |= bit
        if found in self._flags_of:
            raise ConformanceError(f"BlockUUID {found} is in use already (§4.1)")
        if parent != NIL:
            self._check_parent(parent)
            self._parents.add(parent)
        self._flags_of[found] = word
        self._regions_begun |= kind.key == "memory_region"

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

    def _algorithm(self, compression: str | None) -> str | None:
        chosen = compression if compression is not None else self.compression
        return None if chosen == "none" else chosen

    def _longest_block(self) -> int:
        valid = getattr(self.schema.block_header.field("block_length").type, "valid", None)
        assert valid is not None
        return int(valid.high)

    def _check_position(self, kind: BlockType) -> None:
        index = self.blocks.index
        imported = "imported" in self.header["flags"]
        first = "import_provenance" if imported else "process_identity"
        if (index == 0) != (kind.key == first):
            if index == 0 or kind.key == "import_provenance":
                raise ConformanceError(
                    f"block {index} ({kind.key}): Block 0 of "
                    f"{'an import' if imported else 'a live acquisition'} must be "
                    f"{self.schema.block(first).name}, and no other block may be (§2)"
                )
        if kind.key == "process_identity" and index != (1 if imported else 0):
            raise ConformanceError(
                f"block {index} (process_identity): must be block {1 if imported else 0} (§2)"
            )
        if not imported and (index == 1) != (kind.key == "module_list_index"):
            raise ConformanceError(
                f"block {index} ({kind.key}): Block 1 of a live acquisition must be Module List "
                "Index, and no other block may be (§5.3)"
            )
        if kind.key == "thread_context" and kind.layout and self._regions_begun:
            raise ConformanceError(
                f"block {index} (thread_context): must stand before the first Memory Region (§5.7)"
            )
        if kind.key == "end_of_extension":
            raise ConformanceError(
                "End-of-Extension: only extension segments end so; see append_segment (§4.6)"
            )

    def _check_parent(self, parent: uuid.UUID) -> None:
        word = self._flags_of.get(parent)
        if word is None:
            raise ConformanceError(f"ParentUUID {parent}: no such block was written (§4.1)")
        if not word & self.flag("has_children"):
            raise ConformanceError(
                f"ParentUUID {parent}: that block was written without has_children (§4.2)"
            )

    def _check_hint(self, region: uuid.UUID) -> None:
        word = self._flags_of.get(region)
        if word is None:
            raise ConformanceError(f"RegionUUID {region}: no such block was written (§5.6)")
        if not word & self.flag("has_key_hints"):
            raise ConformanceError(
                f"RegionUUID {region}: that region was written without has_key_hints (§4.2)"
            )

    def _check_module(
        self, found: uuid.UUID | None, parent: uuid.UUID
    ) -> tuple[uuid.UUID, uuid.UUID]:
        if self._manifest_uuid is None:
            raise ConformanceError("Module Entry: no Module List Index was written yet (§5.2)")
        if found is None or found not in self._manifest:
            raise ConformanceError(
                f"Module Entry: BlockUUID must be a ModuleUUID of the Module List Index, found "
                f"{found} (§5.2)"
            )
        if parent not in (NIL, self._manifest_uuid):
            raise ConformanceError("Module Entry: ParentUUID must be the Module List Index (§5.2)")
        return found, self._manifest_uuid

    def _check_promises(self) -> None:
        missing = self.header["cap_bitmap"] & ~self._capabilities
        if missing:
            names = ", ".join(self.schema.flags["CapBitmap"].names(missing))
            raise ConformanceError(
                f"CapBitmap announces {names}, but no such block was written (§8)"
            )
        absent = [str(module) for module, written in self._manifest.items() if not written]
        if absent:
            raise ConformanceError(
                f"the Module List Index names {len(absent)} modules without a Module Entry, the "
                f"first {absent[0]} (§5.2)"
            )
        for name, referred in (("has_children", self._parents), ("has_key_hints", self._hinted)):
            bit = self.flag(name)
            for found, word in self._flags_of.items():
                if word & bit and found not in referred:
                    raise ConformanceError(
                        f"block {found} was written with {name}, but nothing refers to it (§4.2)"
                    )
        if self.blocks.index < (1 if "imported" in self.header["flags"] else 2):
            raise ConformanceError(
                "a live acquisition needs Process Identity and Module List Index, an import "
                "Import Provenance (§2)"
            )


def _capability_name(kind: BlockType) -> str:
    assert kind.capability is not None
    return snake_case(kind.capability)
