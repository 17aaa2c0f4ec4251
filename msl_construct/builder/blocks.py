"""Putting one block behind the other: admission, headers, compression, chain."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from typing import Any, Protocol

from ..errors import ConformanceError
from ..schema import BlockType, Layout, Record, Schema
from ..schema.layout import REST
from ..schema.packing import RowPacker
from ..source import Extent
from .compress import compressed
from .output import ChainedOutput
from .uuids import new_uuid

__all__ = ["NIL", "Admission", "BlockStream", "Pieces", "checked", "total"]

NIL = uuid.UUID(int=0)
"""ParentUUID of a block without a parent."""

Pieces = list["bytes | Extent"]
"""A payload, one part behind the other."""

_GIVEN = ("block_type", "flags", "block_length", "block_uuid", "parent_uuid", "prev_hash")
"""What is said in a block header; the rest of it follows."""


def total(pieces: Iterable[bytes | Extent]) -> int:
    """Bytes in some pieces."""
    return sum(len(piece) for piece in pieces)


def checked(layout: Layout, values: Mapping[str, Any], where: str = "") -> Record:
    """A complete record that the draft permits a producer to write.

    Raises:
        ConformanceError: it doesn't; the message cites the section.
    """
    if REST in values:
        raise ConformanceError(
            f"{where or layout.title}: {REST}: nothing may stand behind the fields"
        )
    record = layout.complete(values)
    for path, problem in layout.problems_of(record):
        raise ConformanceError(
            f"{where or layout.title}: {path} must not be written: {problem} "
            f"({_section(layout, path)}, {problem.kind})"
        )
    return record


def _section(layout: Layout, path: str) -> str:
    key = path.partition("[")[0].partition(".")[0]
    return layout.field(key).section


class Admission(Protocol):
    """What a file demands of each block, by the blocks in front of it."""

    def admit(
        self, kind: BlockType, word: int, found: uuid.UUID, parent: uuid.UUID, index: int
    ) -> None:
        """Check a block against what stands before it, and take note of it.

        Raises:
            ConformanceError: it must not stand here.
        """

    def check_region(self, base: int | None) -> None:
        """Check a region before its first page is written.

        Args:
            base: its address; None: there will be several of them.

        Raises:
            ConformanceError: the file may not hold it.
        """

    def check_missing(self) -> None:
        """Check whether pages may be without bytes.

        Raises:
            ConformanceError: no.
        """

    def region_written(self, found: uuid.UUID, data: int) -> None:
        """A region is complete.

        Args:
            found: BlockUUID of its first fragment.
            data: bytes of its PageData, of all fragments.
        """


class BlockStream:
    """The blocks of a file being written, and whether one can be added now.

    Args:
        output: where they go.
        schema: what they are written by.
        state: what the file demands of them.
        previous: PrevHash of the next block.
        index: its number.
        level: of the codec, where payloads are compressed.
        new_uuid, clock: where UUIDs and times (ns) come from.
        ending: what is to be done when nothing is written any more, behind flushing and closing
            the output.

    Attributes:
        region_open: whether a region is being written, so that nothing else can be.
        closed: whether nothing is written any more.
        ending: what is done when that is so, the latest first.
    """

    def __init__(
        self,
        output: ChainedOutput,
        schema: Schema,
        state: Admission,
        previous: bytes,
        index: int = 0,
        *,
        level: int | None = None,
        new_uuid: Callable[[], uuid.UUID] = new_uuid,
        clock: Callable[[], int] = time.time_ns,
        ending: ExitStack | None = None,
    ) -> None:
        self.output = output
        self.schema = schema
        self.previous = previous
        self.index = index
        self.level = level
        self.new_uuid = new_uuid
        self.clock = clock
        self.region_open = False
        self._registered: dict[int, Schema] = {}
        self.closed = False
        self.ending = ending or ExitStack()
        self.ending.callback(output.close)
        self.ending.callback(output.flush)
        self.state = state
        self._header = RowPacker(schema.block_header, *_GIVEN)
        self._checked: set[tuple[int, int]] = set()
        valid = getattr(schema.block_header.field("block_length").type, "valid", None)
        assert valid is not None
        self._max_payload = int(valid.high) - self._header.size

    @property
    def max_payload(self) -> int:
        """The largest payload that BlockLength can describe (§12)."""
        return self._max_payload

    # -- whether a block can be added --------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether a block can be added now."""
        return not self.closed and not self.region_open

    def check_ready(self) -> None:
        """Refuse to add a block where none can be.

        Raises:
            ConformanceError: the file is finished, or a region is open.
        """
        if self.closed:
            raise ConformanceError("the file is finished: nothing can be added")
        if self.region_open:
            raise ConformanceError("a region is still open: blocks can't be nested (§2)")

    def admit(self, kind: BlockType, word: int, found: uuid.UUID, parent: uuid.UUID) -> None:
        """Check a block against what stands before it, and take note of it.

        Raises:
            ConformanceError: it must not stand here, or nothing can be added any more.
        """
        if self.closed:
            self.check_ready()
        self.state.admit(kind, word, found, parent, self.index)

    def abandon(self) -> None:
        """Write nothing any more: what was written stays."""
        if not self.closed:
            self.closed = True
            self.ending.close()

    # -- whole blocks ------------------------------------------------------------------

    def append(
        self,
        kind: BlockType,
        payload: Pieces,
        word: int,
        found: uuid.UUID,
        parent: uuid.UUID = NIL,
        algorithm: str | None = None,
    ) -> None:
        """Write a block whose payload is known.

        Args:
            word: its flags, but for those of compression.
            algorithm: compress the payload like this if it gets smaller by it.

        Raises:
            ConformanceError: it must not be written; nothing of it is.
            OSError: the output failed.
        """
        if algorithm is not None:
            smaller = compressed(self.schema, payload, algorithm, self.level)
            if total(smaller) < total(payload):
                payload, word = smaller, word | self.compression_flags(algorithm)
        header = self.header(kind, total(payload), flags=word, block_uuid=found, parent_uuid=parent)
        self.admit(kind, word, found, parent)
        self.output.begin()
        self.output.write(header)
        for piece in payload:
            self.output.write(piece)
        self.finished()

    def compression_flags(self, algorithm: str) -> int:
        """The flag bits of a payload compressed like this."""
        return self.schema.flags["BlockFlags"].encode(["compressed", f"comp_algo_{algorithm}"])

    def register(self, dialect: Schema, kind: BlockType) -> None:
        """Take a block type for registered that only a dialect has."""
        self._registered[kind.code] = dialect

    # -- parts of a block --------------------------------------------------------------

    @property
    def header_size(self) -> int:
        """Bytes of a block header."""
        return self._header.size

    def header(
        self,
        kind: BlockType,
        payload: int,
        *,
        flags: int,
        block_uuid: uuid.UUID,
        parent_uuid: uuid.UUID,
    ) -> bytes:
        """The 80 bytes of the next block's header, checked.

        Args:
            payload: bytes that follow it.

        Raises:
            ConformanceError: the draft forbids such a header.
        """
        if payload > self.max_payload:
            raise ConformanceError(
                f"{kind.name}: the payload has {payload} bytes, BlockLength allows "
                f"{self.max_payload} (§4.1)"
            )
        length = self._header.size + payload
        both = isinstance(block_uuid, uuid.UUID) and isinstance(parent_uuid, uuid.UUID)
        if both and (kind.code, flags) in self._checked:  # then only numbers and UUIDs differ
            raw = bytearray(self._header.size)
            self.lay_header(raw, kind, length, flags, block_uuid, parent_uuid)
            return bytes(raw)
        form = self._registered.get(kind.code, self.schema).block_header
        given = (kind.code, flags, length, block_uuid, parent_uuid, self.previous)
        where = f"block {self.index} ({kind.key})"
        stored = form.encode(checked(form, dict(zip(_GIVEN, given)), where))
        self._checked.add((kind.code, flags))
        return stored

    def lay_header(
        self,
        buffer: Any,
        kind: BlockType,
        length: int,
        flags: int,
        block_uuid: uuid.UUID,
        parent_uuid: uuid.UUID = NIL,
    ) -> None:
        """The next block's header, at a buffer's start; unchecked.

        Args:
            length: BlockLength.
        """
        found, parent = block_uuid.bytes, parent_uuid.bytes
        self._header.pack_into(buffer, 0, kind.code, flags, length, found, parent, self.previous)

    def finished(self) -> None:
        """Take note that a block is complete."""
        self.previous = self.output.chain_digest()
        self.index += 1
