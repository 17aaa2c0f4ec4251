"""Appending an extension segment to a finished dump (draft 2026-10 §4.6)."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

from ..errors import ConformanceError
from ..hashing import digest
from ..source import BufferSource, Extent
from .blocks import BlockStream, checked, total
from .promises import NIL
from .sink import Sink
from .uuids import new_uuid

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..reader.dump import Dump

__all__ = ["SegmentWriter", "append_segment"]


class SegmentWriter:
    """Blocks of one extension segment; made by `append_segment`.

    Leaving the context writes the End-of-Extension. Leaving it by an exception cuts the
    file back to what it was.
    """

    def __init__(
        self,
        dump: Dump,
        file: IO[bytes],
        producer: str | None,
        new_uuid: Callable[[], uuid.UUID],
        clock: Callable[[], int],
    ) -> None:
        self._file = file
        self._producer = producer
        self._new_uuid = new_uuid
        self._clock = clock
        self.schema = dump.schema
        last = dump.blocks[len(dump.blocks) - 1]
        algorithm = dump.header.hash_algorithm
        previous = digest(algorithm, last.extent.chunks())
        assert dump.size is not None
        self._start = dump.size
        self._sink = Sink(file, algorithm, dump.size)
        self.blocks = BlockStream(self._sink, self.schema, previous, len(dump.blocks))
        self._first = self.blocks.index
        self._closed = False
        self._known = {block.uuid for block in dump.blocks}

    def add(
        self,
        key: str,
        *,
        block_uuid: uuid.UUID | None = None,
        parent_uuid: uuid.UUID = NIL,
        **fields: Any,
    ) -> uuid.UUID:
        """Add a block that has a layout; its BlockUUID.

        Raises:
            ConformanceError: segments must not hold such a block, or a value is forbidden.
        """
        kind = self.schema.find(key)
        if kind.layout is None:
            raise ConformanceError(
                f"{kind.name}: no layout in {self.schema.name}; use add_opaque ({kind.section})"
            )
        if key == "end_of_extension":
            raise ConformanceError("End-of-Extension: close() writes it, with its hash (§4.6)")
        return self._add(key, found=block_uuid, parent=parent_uuid, **fields)

    def _add(
        self, key: str, *, found: uuid.UUID | None, parent: uuid.UUID, **fields: Any
    ) -> uuid.UUID:
        layout = self.schema.find(key).layout
        assert layout is not None
        record = checked(layout, fields, f"block {self.blocks.index} ({key})")
        return self._put(key, list(layout.pieces(record)), found, parent)

    def add_opaque(
        self,
        key: str | int,
        payload: bytes,
        *,
        block_uuid: uuid.UUID | None = None,
        parent_uuid: uuid.UUID = NIL,
    ) -> uuid.UUID:
        """Add a block whose payload the draft does not lay out; its BlockUUID."""
        code = self.schema.enumerations["BlockType"].encode(key)
        kind = self.schema.blocks.get(code)
        if kind is None or kind.layout is not None:
            raise ConformanceError(f"block type {key}: not one without layout (§4.3)")
        extent = Extent(BufferSource(payload), 0, len(payload))
        return self._put(kind.key, [extent], block_uuid, parent_uuid)

    def close(self) -> None:
        """Write the End-of-Extension.

        Raises:
            ConformanceError: the segment holds no block.
        """
        if self._closed:
            return
        if self.blocks.index == self._first:
            raise ConformanceError("an extension segment holds at least one block (§4.6)")
        self._closed = True
        self._add(
            "end_of_extension",
            segment_hash=self._sink.file_digest(),
            written_at=self._clock(),
            block_count=self.blocks.index - self._first + 1,
            producer=self._producer,
            found=None,
            parent=NIL,
        )
        self._sink.flush()
        self._sink.close()

    def _put(
        self,
        key: str,
        payload: list[bytes | Extent],
        found: uuid.UUID | None,
        parent: uuid.UUID,
    ) -> uuid.UUID:
        kind = self.schema.block(key)
        if not kind.in_segment:
            raise ConformanceError(
                f"{kind.name}: extension segments must not hold such blocks (§4.6)"
            )
        found = found or self._new_uuid()
        if found in self._known:
            raise ConformanceError(f"BlockUUID {found} is in use already (§4.1)")
        if parent != NIL and parent not in self._known:
            raise ConformanceError(f"ParentUUID {parent}: there is no such block (§4.1)")
        self._known.add(found)
        length = total(payload) + self.schema.block_header_size
        header = self.blocks.header(kind, length, flags=0, block_uuid=found, parent_uuid=parent)
        self.blocks.put(header, payload)
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.close()
        except BaseException:
            self._restore()
            raise
        else:
            if kind is not None:
                self._restore()
        finally:
            self._file.close()

    def _restore(self) -> None:
        self._sink.close()
        self._file.flush()
        self._file.truncate(self._start)


def append_segment(
    path: str | os.PathLike[str],
    *,
    producer: str | None = None,
    new_uuid: Callable[[], uuid.UUID] = new_uuid,
    clock: Callable[[], int] = time.time_ns,
) -> SegmentWriter:
    """Open a finished dump to append one extension segment; existing bytes stay as they are.

    Args:
        path: a file of draft 2026-10 that ends with its End-of-Capture or a segment.
        producer: who appends, for the End-of-Extension.

    Raises:
        ConformanceError: the file is of another draft, incomplete, or has trailing bytes.
    """
    from ..reader.dump import open_dump

    with open_dump(path) as dump:
        if not dump.schema.draft.segments:
            raise ConformanceError(f"{dump.name}: {dump.draft} has no extension segments (§4.6)")
        dump.require_key()
        if dump.end_of_capture is None or dump.trailing is not None:
            raise ConformanceError(
                f"{dump.name}: an appender must refuse a dump without End-of-Capture or with "
                f"trailing bytes; {dump.ending.text} (§4.6)"
            )
        file = open(path, "r+b")  # noqa: SIM115 - the SegmentWriter closes it
        file.seek(0, os.SEEK_END)
        return SegmentWriter(dump, file, producer, new_uuid, clock)
