"""Small regions, of which there may be very many: blocks that are filled in, not made."""

from __future__ import annotations

import struct

from ..hashing import hasher_factory
from ..page_map import PageMap
from ..schema import Layout
from .blocks import NIL
from .laying import RegionLaying, Shape
from .output import BufferedOutput
from .region_plan import READ, Outcome, Piece, Read, runs_of
from .uuids import new_uuids

__all__ = ["SmallRegions"]

_SPARE = 1024
_MOST_TEMPLATES = 256


class SmallRegions:
    """Writes regions of at most a window, all of whose pages are to be read.

    Regions of one size and kind differ in address, time, UUID and hash only. So their head
    is made once, and what differs is put where the schema says that it stands.
    """

    def __init__(self, laying: RegionLaying, output: BufferedOutput) -> None:
        header, fixed = laying.schema.block_header, laying.kind.layout
        assert fixed is not None
        front = header.size
        self._laying = laying
        self._output = output
        self._length = struct.Struct(header.order + header.field("block_length").type.code)
        self._length_at = header.offset_of("block_length")
        self._uuid_at = _place(header, "block_uuid")
        self._previous_at = _place(header, "prev_hash")
        self._base = struct.Struct(fixed.order + fixed.field("base_addr").type.code)
        self._base_at = front + fixed.offset_of("base_addr")
        self._time = struct.Struct(fixed.order + fixed.field("timestamp").type.code)
        self._time_at = front + fixed.offset_of("timestamp")
        self._map_at = front + fixed.offset_of("page_state_map")
        self._templates: dict[tuple[int, int, Shape], bytes] = {}
        self._hasher = hasher_factory(output.chained_by)
        self._spare, self._next = b"", 0

    def put(self, base: int, pages: int, log2: int, shape: Shape, read: Read) -> None:
        """Read a region and write it.

        Raises:
            OSError: the output failed.
        """
        template = self._templates.get((pages, log2, shape))
        if template is None:
            template = self._template(Piece(base, log2, ((pages, READ),)), shape)
        head = len(template)
        size = head + (pages << log2)
        output, laying = self._output, self._laying
        stream = laying.stream
        view = output.reserve(size)
        begun = stream.clock()
        outcome = read(base, view[head:size])
        view[:head] = template
        if not self._next:
            self._spare = new_uuids(_SPARE)
            self._next = len(self._spare)
        self._next -= 16
        view[self._uuid_at] = self._spare[self._next : self._next + 16]
        view[self._previous_at] = stream.previous
        self._base.pack_into(view, self._base_at, base)
        self._time.pack_into(view, self._time_at, begun)
        if outcome is None:
            laying.states[0] += pages
            laying.blocks += 1
        else:
            size = self._correct(view, pages, log2, head, outcome)
        output.commit(size, digest=self._hasher(view[:size]).digest())
        stream.finished()

    def _template(self, piece: Piece, shape: Shape) -> bytes:
        laying = self._laying
        stored = laying.planned_map(piece)
        head = bytearray(self._map_at + len(stored))
        laying.lay_head(head, piece, shape, len(head) + (piece.data << piece.log2), NIL)
        if len(self._templates) < _MOST_TEMPLATES:
            self._templates[piece.pages, piece.log2, shape] = bytes(head)
        return bytes(head)

    def _correct(self, view: memoryview, pages: int, log2: int, head: int, outcome: Outcome) -> int:
        """Put in what came otherwise than planned; the block's length."""
        runs = runs_of(outcome, pages, self._laying.state)
        self._laying.count(runs)
        size = head + sum(count << log2 for _, count, state in runs if not state)
        view[self._map_at : head] = PageMap.from_runs(runs, pages).stored
        self._length.pack_into(view, self._length_at, size)
        return size


def _place(layout: Layout, key: str) -> slice:
    start = layout.offset_of(key)
    return slice(start, start + layout.field(key).type.minimum)
