"""Appending an extension segment to a finished dump (draft 2026-10 §4.6)."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

from ..drafts import recognised
from ..errors import ConformanceError
from ..hashing import digest
from ..schema import BlockType, Draft, Record
from .block_adder import BlockAdder
from .blocks import NIL, BlockStream
from .file_state import BlockState
from .sink import Sink
from .uuids import new_uuid

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..encryption import Keys
    from ..reader.dump import Dump
    from .sealed_segment import SealedSegmentOutput

    Place = str | os.PathLike[str] | IO[bytes]

__all__ = ["SegmentWriter", "append_segment", "without_segments"]


class _SegmentState(BlockState):
    """What was written of a segment, behind a capture that is as it is."""

    def __init__(self, dump: Dump, path: Place) -> None:
        from ..reader.dialects import plain_schema

        super().__init__(plain_schema(dump.schema))  # whatever dialect the capture is in
        self._path = path
        self._known = {block.identity[3] for block in dump.blocks}
        self._data: dict[bytes, int] | None = None
        named = isinstance(path, (str, os.PathLike))
        if not named or dump.unlocked is not None:  # reading it later would move its position
            self._data = _data_of(dump)

    def check(self, kind: BlockType, record: Record) -> None:
        self._check_type(kind)
        super().check(kind, record)

    def admit(
        self, kind: BlockType, word: int, found: uuid.UUID, parent: uuid.UUID, index: int
    ) -> None:
        self._check_type(kind)
        if found.bytes in self._known:
            raise ConformanceError(f"BlockUUID {found} is in use already (§4.1)")
        if parent != NIL and parent.bytes not in self._known:
            raise ConformanceError(f"ParentUUID {parent}: there is no such block (§4.1)")
        self._known.add(found.bytes)
        self._flags_of[found.bytes] = word
        self._parents.add(parent.bytes)

    def hint_at(self, region: uuid.UUID) -> int:
        if self._data is None:
            self._data = _data_of_regions(self._path)
        if region.bytes not in self._data:
            raise ConformanceError(f"RegionUUID {region}: there is no such region (§5.6)")
        return self._data[region.bytes]

    def _check_type(self, kind: BlockType) -> None:
        if not kind.in_segment:
            raise ConformanceError(
                f"{kind.name}: extension segments must not hold such blocks (§4.6)"
            )


def _data_of_regions(path: Place) -> dict[bytes, int]:
    from ..reader.dump import open_dump

    with open_dump(path) as dump:
        return _data_of(dump)


def _data_of(dump: Dump) -> dict[bytes, int]:
    """Bytes of PageData of each region, of all its fragments, by the bytes of its UUID."""
    return {
        region.uuid.bytes: sum(part.pages.captured * part.page_size for part in region.fragments)
        for region in dump.regions
    }


class SegmentWriter(BlockAdder):
    """Blocks of one extension segment; made by `append_segment`.

    They are added as to a `Writer`. Leaving the context writes the End-of-Extension. Leaving
    it by an exception cuts the file back to what it was.

    Attributes:
        offset: where the segment begins.
    """

    _END = "end_of_extension"

    def __init__(
        self,
        dump: Dump,
        path: Place,
        file: IO[bytes],
        producer: str | None,
        new_uuid: Callable[[], uuid.UUID],
        clock: Callable[[], int],
        compression: str | None,
        level: int | None,
        owned: bool,
    ) -> None:
        self._file = file
        self._owned = owned
        self._producer = producer
        self._sealed: SealedSegmentOutput | None = None
        assert dump.size is not None
        self.offset = dump.size
        self._first = len(dump.blocks)
        state = _SegmentState(dump, path)
        chosen = state.schema
        if dump.unlocked is not None:
            from .sealed_segment import SealedSegmentOutput

            self._sink: Sink = SealedSegmentOutput(dump)
            self._sealed = self._sink
            previous = self._sealed.chain_digest()
        else:
            last = dump.blocks[len(dump.blocks) - 1]
            algorithm = dump.header.hash_algorithm
            previous = digest(algorithm, last.extent.chunks())
            file.seek(0, os.SEEK_END)  # now that nothing of it is read any more
            self._sink = Sink(file, algorithm, dump.size)
        blocks = BlockStream(
            self._sink,
            chosen,
            state,
            previous,
            self._first,
            level=level,
            new_uuid=new_uuid,
            clock=clock,
        )
        super().__init__(chosen, blocks, state, compression)

    def close(self) -> None:
        """Write the End-of-Extension.

        Raises:
            ConformanceError: the segment holds no block.
        """
        if self.blocks.closed:
            return
        if self.blocks.index == self._first:
            raise ConformanceError("an extension segment holds at least one block (§4.6)")
        self._state.check_referred()
        fields: dict[str, Any] = {
            "segment_hash": self._sink.file_digest(),
            "written_at": self.blocks.clock(),
            "block_count": self.blocks.index - self._first + 1,
            "producer": self._producer,
        }
        self._add(self._END, 0, None, NIL, "none", fields)
        self.blocks.abandon()
        if self._sealed is not None:
            self._file.seek(self.offset)
            self._sealed.seal(self._file)

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
            if self._owned:
                self._file.close()
            else:
                self._file.flush()

    def _restore(self) -> None:
        self._sink.close()
        self._file.flush()
        self._file.truncate(self.offset)


def append_segment(
    path: Place,
    *,
    producer: str | None = None,
    compression: str | None = None,
    level: int | None = None,
    key: bytes | str | Keys | None = None,
    draft: str | Draft | None = None,
    new_uuid: Callable[[], uuid.UUID] = new_uuid,
    clock: Callable[[], int] = time.time_ns,
) -> SegmentWriter:
    """Open a finished dump to append one extension segment; existing bytes stay as they are.

    Behind an encrypted one a sealed segment is written, once it is whole.

    Args:
        path: a file of draft 2026-10 that ends with its End-of-Capture or a segment; by its
            name, or open for reading and writing, which it then stays.
        producer: who appends, for the End-of-Extension.
        compression, level: of payloads, as for `Writer`.
        key, draft: see `msl_construct.open`.

    Raises:
        EncryptedError, TamperedError: see `msl_construct.open`.
        ConformanceError: the file is of another draft, incomplete, or has trailing bytes.
    """
    from ..reader.dump import open_dump

    with open_dump(path, key=key, draft=draft) as dump:
        lacking = without_segments(dump)
        if lacking is not None:
            raise ConformanceError(f"{dump.name}: {lacking} has no extension segments (§4.6)")
        dump.require_key()
        if dump.end_of_capture is None or dump.trailing is not None:
            raise ConformanceError(
                f"{dump.name}: an appender must refuse a dump without End-of-Capture or with "
                f"trailing bytes; {dump.ending.text} (§4.6)"
            )
        named = isinstance(path, (str, os.PathLike))
        file = open(path, "r+b") if isinstance(path, (str, os.PathLike)) else path  # noqa: SIM115
        return SegmentWriter(dump, path, file, producer, new_uuid, clock, compression, level, named)


def without_segments(dump: Dump) -> str | None:
    """The draft that a dump is of and that has no extension segments; None: it may have some.

    A draft that the caller insists on changes nothing of what other readers go by: the version
    that stands in the file.
    """
    draft = dump.schema.draft
    if not draft.segments:
        return draft.name
    version = dump.header.record["version"]
    stated = draft if draft.version == version else recognised(version)
    return None if stated is None or stated.segments else stated.name
