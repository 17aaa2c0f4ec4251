"""What is remembered of a file while its blocks pass by, for rules about the whole.

Columns of numbers, not objects: about a hundred bytes a block. Page data is not touched.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from ..reader import Dump
from ..reader.block import RAW, Block
from ..reader.verdict import Verdict
from ..schema import Record, StoredText
from ..schema.layout import REST
from ..source import Extent
from .region_facts import RegionFacts
from .uuid_table import NIL, UuidTable

__all__ = [
    "Facts",
    "Hint",
    "ListedModule",
    "ListedThread",
    "ModuleIndex",
    "has_surplus",
    "well_formed",
    "well_formed_bytes",
]

_FIXED = UUID("00000000-0000-f000-c000-000000000000").int  # version and variant
_VERSION_4 = UUID("00000000-0000-4000-8000-000000000000").int
_UNIT = 8

_DECODED = frozenset(
    (
        "memory_region",
        "module_entry",
        "module_list_index",
        "key_hint",
        "related_dump",
        "end_of_capture",
        "thread_context",
        "import_provenance",
        "process_identity",
        "end_of_extension",
    )
)


class ListedModule(NamedTuple):
    """What a Module Entry, or a row of the Module List Index, says of a module."""

    number: int
    """Index of the block, or of the row."""
    base: int
    size: int
    path: str | None
    legible: bool = True
    """Whether the path is one: no rule of strings has anything to say of it."""


class Hint(NamedTuple):
    """What a Key Hint points at."""

    block: int
    region: bytes
    offset: int
    length: int


class ListedThread(NamedTuple):
    """What a Thread Context says, in so far as threads are compared with each other."""

    block: int
    thread_id: int
    current: bool


@dataclass
class ModuleIndex:
    """A Module List Index.

    Attributes:
        block: its index.
        rows: by ModuleUUID.
        repeated: rows whose UUID an earlier one has, with that one.
        nameless: addresses of the rows whose ModuleUUID can identify nothing.
    """

    block: int
    rows: dict[bytes, ListedModule] = field(default_factory=dict)
    repeated: list[tuple[int, int]] = field(default_factory=list)
    nameless: set[int] = field(default_factory=set)


class Facts:
    """The facts of one file; give every block to `take`, in file order.

    Attributes:
        dump: the file.
        types, flags, offsets: columns by block index.
        uuids: BlockUUIDs by block index.
        repeated: ``(block, earlier block)`` where a BlockUUID stands twice.
        closings: indexes of the End-of-Capture blocks.
        hashed: those of them whose FileHash is there.
        acq_end, stated_count: AcqEnd and BlockCount of the first; None where they can't be
            read. A count that the block ends before is 0.
        regions, manifests, modules, hints, threads: what the payloads say.
        selves: Related Dump blocks that name this very file.
        sources: SourceFormat and OrigFileSize of the Import Provenances, by block.
        starts: StartTime of the Process Identities, by block.
        written: WrittenAt of the extension segments, by their last block.
        uncaptured: of each row of `regions`, whether a page of it has no data.
        blobs: Module Entries whose NativeBlob is no text that ends with its only NUL.
        nameless: blocks whose BlockUUID can identify nothing; what should refer to them can't.
        unread: types of blocks of which a payload could not be taken in.
    """

    def __init__(self, dump: Dump) -> None:
        self.dump = dump
        self.schema = dump.schema
        self.header = dump.header
        self.types = array("H")
        self.flags = array("H")
        self.offsets = array("Q")
        self.uuids = UuidTable()
        self._parents = bytearray()
        self._children = array("I")
        self._codes = {kind.key: code for code, kind in [*self.schema.blocks.items()][::-1]}
        self.repeated: list[tuple[int, int]] = []
        self.closings: list[int] = []
        self.hashed: set[int] = set()
        self.acq_end: int | None = None
        self.stated_count: int | None = None
        self.regions = RegionFacts()
        self.manifests: list[ModuleIndex] = []
        self.modules: list[ListedModule] = []
        self.hints: list[Hint] = []
        self.threads: list[ListedThread] = []
        self.selves: list[int] = []
        self.sources: dict[int, tuple[str, int]] = {}
        self.starts: dict[int, int] = {}
        self.written: dict[int, int] = {}
        self.uncaptured = bytearray()
        self.blobs: list[int] = []
        self.nameless: list[int] = []
        self.unread: set[str] = set()
        self._masks: dict[str, int] = {}

    # -- collecting --------------------------------------------------------------------

    def take(self, block: Block) -> None:
        """Note what later rules need to know of a block."""
        code, flags, _, uuid, parent = block.identity
        self.types.append(code)
        self.flags.append(flags)
        self.offsets.append(block.offset)
        earlier = self.uuids.add(uuid)
        if earlier is not None:
            self.repeated.append((block.index, earlier))
        if not well_formed_bytes(uuid):
            self.nameless.append(block.index)
        self._parents += parent
        if parent != NIL:
            self._children.append(block.index)
        key = block.key
        if key == "end_of_capture":
            self.closings.append(block.index)
        if key in _DECODED:
            payload = block.payload
            if block.known_version and RAW not in payload:
                getattr(self, f"_take_{key}")(block, payload)
            else:
                self.unread.add(key)

    def _take_memory_region(self, block: Block, payload: Record) -> None:
        before = len(self.regions)
        self.regions.take(block, payload)
        if len(self.regions) > before:
            states = payload.get("page_state_map")
            self.uncaptured.append(states is not None and states.captured != states.pages)

    def _take_module_entry(self, block: Block, payload: Record) -> None:
        if "path" in payload:
            self.modules.append(_module(block.index, payload))
        if not _is_text(payload.get("native_blob", b"")):
            self.blobs.append(block.index)

    def _take_module_list_index(self, block: Block, payload: Record) -> None:
        if block.problem is not None or has_surplus(payload) or "entries" not in payload:
            self.unread.add(block.key)
            return  # nobody knows which modules it was going to list
        manifest = ModuleIndex(block.index)
        for row, entry in enumerate(payload["entries"]):
            uuid = entry["module_uuid"].bytes
            if uuid in manifest.rows:
                manifest.repeated.append((row, manifest.rows[uuid].number))
            else:
                manifest.rows[uuid] = _module(row, entry)
            if not well_formed(entry["module_uuid"]):
                manifest.nameless.add(entry["base_addr"])
        self.manifests.append(manifest)

    def _take_key_hint(self, block: Block, payload: Record) -> None:
        if "key_len" in payload:
            place = payload["region_offset"], payload["key_len"]
            self.hints.append(Hint(block.index, payload["region_uuid"].bytes, *place))
        else:
            self.unread.add(block.key)

    def _take_related_dump(self, block: Block, payload: Record) -> None:
        if payload.get("related_dump_uuid") == self.header.record["dump_uuid"]:
            self.selves.append(block.index)

    def _take_end_of_capture(self, block: Block, payload: Record) -> None:
        if "file_hash" in payload:
            self.hashed.add(block.index)
        if len(self.closings) == 1:
            self.acq_end = payload.get("acq_end")
            if payload.damage is None or "block_count" in payload:
                self.stated_count = payload.get("block_count", 0)

    def _take_thread_context(self, block: Block, payload: Record) -> None:
        if "flags" in payload:
            current = "current" in payload["flags"]
            self.threads.append(ListedThread(block.index, payload["thread_id"], current))
        else:
            self.unread.add(block.key)

    def _take_import_provenance(self, block: Block, payload: Record) -> None:
        if "orig_file_size" in payload:
            found = payload["source_format"].name, payload["orig_file_size"]
            self.sources[block.index] = found

    def _take_process_identity(self, block: Block, payload: Record) -> None:
        self.starts[block.index] = payload.get("start_time", 0)

    def _take_end_of_extension(self, block: Block, payload: Record) -> None:
        if block.index >= self.capture_count:
            self.written[block.index] = payload.get("written_at", 0)

    # -- asking ------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.types)

    @cached_property
    def verdict(self) -> Verdict:
        """Hashes and counts held against the file; reads all of it, once."""
        return self.dump.verify()

    @property
    def live(self) -> bool:
        """Whether the file is a live acquisition: one that is not marked as imported."""
        return "imported" not in self.header.record["flags"]

    @property
    def finished(self) -> bool:
        """Whether the producer came to its end: what is missing then is really missing."""
        return bool(self.closings)

    @property
    def capture_count(self) -> int:
        """Blocks of the capture, its End-of-Capture included; what follows was appended."""
        return self.closings[0] + 1 if self.closings else len(self)

    def parent(self, block: int) -> bytes:
        """ParentUUID."""
        return bytes(self._parents[16 * block : 16 * block + 16])

    def parents(self) -> Iterator[tuple[int, bytes]]:
        """``(block, ParentUUID)`` of the blocks that have one."""
        for block in self._children:
            yield block, self.parent(block)

    def key(self, block: int) -> str:
        """The block type's name, or its code in hex."""
        code = self.types[block]
        kind = self.schema.blocks.get(code)
        return kind.key if kind is not None else f"{code:#06x}"

    def of_type(self, key: str) -> Iterator[int]:
        """Indexes of the blocks of a type; none where the draft has no such type."""
        code = self._codes.get(key)
        return (i for i, kind in enumerate(self.types) if kind == code)

    def has_flag(self, block: int, name: str) -> bool:
        """Whether a block's flag is set."""
        return bool(self.flags[block] & self._mask(name))

    def with_flag(self, name: str) -> Iterator[int]:
        """Indexes of the blocks of which a flag is set; none where the draft has no such flag."""
        mask = self._mask(name)
        return (i for i, flags in enumerate(self.flags) if flags & mask)

    def _mask(self, name: str) -> int:
        found = self._masks.get(name)
        if found is None:
            word = self.schema.flags["BlockFlags"]
            found = self._masks[name] = word.mask(name) if word.has(name) else 0
        return found

    def describe(self, block: int) -> str:
        """Which block this is, for messages."""
        return f"block {block} ({self.key(block)}) at {self.offsets[block]:#x}"

    def at(self, block: int, field: str) -> int:
        """File offset of a field of the block header, or of the payload.

        Of a payload that is compressed no field has one: that of the payload is given.
        """
        start = self.offsets[block]
        if field in (f.key for f in self.schema.block_header.fields):
            return start + self.schema.block_header.offset_of(field)
        start += self.schema.block_header_size
        layout = self.schema.blocks[self.types[block]].layout
        if layout is None or self.has_flag(block, "compressed"):
            return start
        try:
            return start + layout.offset_of(field)
        except KeyError:
            return start


def _module(number: int, record: Record) -> ListedModule:
    path = record["path"]
    legible = not isinstance(path, StoredText)
    return ListedModule(number, record["base_addr"], record["module_size"], path, legible)


def _is_text(blob: bytes) -> bool:
    """Whether bytes are UTF-8 with one NUL, at the end; none at all will do."""
    try:
        bytes(blob).decode()
    except UnicodeDecodeError:
        return False
    return not blob or blob.find(b"\0") == len(blob) - 1


def well_formed(uuid: UUID) -> bool:
    """Whether a UUID can identify something: of version 4, and not all zeros."""
    return uuid.int & _FIXED == _VERSION_4  # the properties of UUID take ten times as long


def well_formed_bytes(uuid: bytes) -> bool:
    """The same of a UUID's bytes."""
    return uuid[6] & 0xF0 == 0x40 and uuid[8] & 0xC0 == 0x80


def has_surplus(payload: Record) -> bool:
    """Whether more follows than the padding of the last field, so that a count may be wrong."""
    rest = payload.get(REST)
    return isinstance(rest, Extent) and (rest.length >= _UNIT or any(bytes(rest)))
