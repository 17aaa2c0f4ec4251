"""Putting one block behind the other: headers, chain, hashes."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import ConformanceError
from ..schema import BlockType, Layout, Record, Schema
from ..schema.layout import REST
from ..schema.packing import RowPacker
from ..source import Extent
from .overlapped_output import Conveyor
from .sink import Sink

__all__ = ["BlockStream", "checked", "total"]

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


class BlockStream:
    """The chain of a file being written.

    Args:
        sink: where it goes.
        schema: what it is written by.
        previous: hash of the structure in front of the next block.
    """

    def __init__(
        self, sink: Sink | Conveyor, schema: Schema, previous: bytes, index: int = 0
    ) -> None:
        self.sink = sink
        self.schema = schema
        self.previous = previous
        self.index = index
        self._header = RowPacker(schema.block_header, *_GIVEN)
        self._checked: set[tuple[int, int]] = set()

    def header(
        self,
        kind: BlockType,
        length: int,
        *,
        flags: int,
        block_uuid: uuid.UUID,
        parent_uuid: uuid.UUID,
    ) -> bytes:
        """The 80 bytes of a block header, checked.

        Raises:
            ConformanceError: the draft forbids such a header.
        """
        form = self.schema.block_header
        both = isinstance(block_uuid, uuid.UUID) and isinstance(parent_uuid, uuid.UUID)
        if both and (kind.code, flags) in self._checked:  # then only numbers and UUIDs differ
            raw = bytearray(self._header.size)
            found, parent = block_uuid.bytes, parent_uuid.bytes
            self._header.pack_into(raw, 0, kind.code, flags, length, found, parent, self.previous)
            return bytes(raw)
        given = (kind.code, flags, length, block_uuid, parent_uuid, self.previous)
        where = f"block {self.index} ({kind.key})"
        stored = form.encode(checked(form, dict(zip(_GIVEN, given)), where))
        self._checked.add((kind.code, flags))
        return stored

    def put(self, header: bytes, payload: Iterable[bytes | Extent]) -> None:
        """Write one block and remember its hash for the next one."""
        self.sink.begin()
        self.sink.write(header)
        for piece in payload:
            self.sink.write(piece)
        self.finished()

    def finished(self) -> None:
        """Take note that a block is complete."""
        self.previous = self.sink.chain_digest()
        self.index += 1
