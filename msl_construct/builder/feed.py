"""Memory regions in quick succession, read straight into the output's buffers if it has some.

For live acquisition: twenty thousand small regions or a hundred gigabytes. What is known of
the pages beforehand is a plan; what a read brings may differ from it, and the dump says what
came of it. All that is written leaves a valid file at every moment:

* A region that fits a buffer is put together there and becomes part of the file when it is
  complete: that is the fast way, and `SmallRegions` a still faster one.
* A larger one is written by a `RegionWriter`, as are all where the output has no buffers: to a file
  that can be corrected as it is read.
* One that is larger still, or goes to a pipe, or is compressed, becomes several Memory Regions
  side by side. They are not Continuation fragments: nothing needs to be put together again,
  and some readers refuse files that hold any.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable

from ..abbreviated import abbreviated
from ..errors import ConformanceError
from ..hashing import new_hasher
from ..page_map import PageMap, stored_size
from .blocks import NIL, BlockStream
from .laying import RegionLaying, Shape
from .output import BufferedOutput
from .page_buffer import PageBuffer
from .region import RegionWriter
from .region_plan import LARGEST_MAP, READ, WINDOW, Piece, Plan, Read, pieces
from .small_regions import SmallRegions
from .uuids import new_uuid

__all__ = ["RegionFeed"]

_ADDRESSES = 1 << 64
_LONGEST = 64 << 20
"""Bytes of data in one block: what a reader that wants one page of it may have to take in, and
what is lost if the writer is killed in the middle of it."""


_HELD = 2 << 20
"""The same where nothing can be corrected, and the output has no buffers."""


class RegionFeed:
    """Writes memory regions as they are read; made by `Writer.feed`.

    Attributes:
        pending: bytes that were read and are not written yet.
        watch: told, while a long region is written, how many of its bytes are done.
        before: told, before a part of a region is read that becomes a block, of the block's
            bytes. What it raises ends the region there.

    Args:
        stream: of the file.
        longest: bytes of data in one block.
    """

    def __init__(self, stream: BlockStream, *, longest: int | None = None) -> None:
        stream.state.check_region(None)
        self.sink = output = stream.output
        self._stream = stream
        self._laying = RegionLaying(stream)
        self._buffers: BufferedOutput | None = None
        self._small: SmallRegions | None = None
        held = _HELD
        if isinstance(output, BufferedOutput):
            self._buffers = output
            self._small = SmallRegions(self._laying, output)
            held = output.room - self._laying.head - LARGEST_MAP
        self._held = PageBuffer()
        self._admitted = False
        usual = _LONGEST if output.revisable else held
        self._longest = usual if longest is None else max(WINDOW, min(longest, usual))
        self.pending = 0
        self._closed = False
        self.before: Callable[[int], None] = _nothing
        self.watch: Callable[[int], None] | None = None

    @property
    def blocks(self) -> int:
        """Memory Regions written so far."""
        return self._laying.blocks

    @property
    def states(self) -> list[int]:
        """Pages that the file holds, by the code of their state."""
        return self._laying.states

    def add(
        self,
        base_addr: int,
        protection: int,
        region_type: str,
        plan: Plan,
        read: Read,
        *,
        page_size_log2: int = 12,
    ) -> None:
        """Add one region of the target, as one Memory Region or several side by side.

        Args:
            base_addr: its first address.
            protection: the bits of Protection (§5.1).
            region_type: the schema's name of a RegionType.
            plan: what to do about its pages.
            read: reads those that are to be read; whatever it raises ends the region, of
                which nothing unfinished stays in the file but what a regular file has on disk.

        Raises:
            ConformanceError: the draft forbids a value.
            OSError: the output failed.
        """
        if self._closed:
            self._stream.check_ready()
            raise ConformanceError("the feed is closed: nothing can be added")
        if not isinstance(page_size_log2, int):
            raise ConformanceError(
                f"page_size_log2 {abbreviated(page_size_log2)}: expected a number (§5.1)"
            )
        shape = self._laying.shape(protection, region_type, page_size_log2)
        if not 0 <= base_addr < _ADDRESSES:
            raise ConformanceError(f"base_addr {base_addr:#x}: expected an address (§5.1)")
        if len(plan) == 1:
            pages, what = plan[0]
            if base_addr + (pages << page_size_log2) > _ADDRESSES:
                raise ConformanceError(
                    f"{pages} pages from {base_addr:#x} on reach beyond 64 bits (§5.1)"
                )
            small = self._small if what == READ and self._many else None
            if small is not None and 0 < pages << page_size_log2 <= WINDOW:
                data = pages << page_size_log2
                self.before(self._laying.head + stored_size(pages) + data)
                small.put(base_addr, pages, page_size_log2, shape, read)
                return
        self._add(base_addr, page_size_log2, plan, shape, read)

    def _add(self, base_addr: int, log2: int, plan: Plan, shape: Shape, read: Read) -> None:
        laying = self._laying
        laying.check_plan(plan)
        for piece in pieces(base_addr, log2, plan, self._longest >> log2):
            self._within(piece)
            size = laying.size_of(piece)
            self.before(size)
            done = piece.base - base_addr
            if self._buffers is not None and size <= self._buffers.room:
                self._put(self._buffers, piece, shape, read)
                self.tell(done + (piece.pages << log2))
            else:
                self._write(piece, shape, read, done)

    def _within(self, piece: Piece) -> None:
        if piece.base + (piece.pages << piece.log2) > _ADDRESSES:
            raise ConformanceError(
                f"{piece.pages} pages from {piece.base:#x} on reach beyond 64 bits (§5.1)"
            )

    def close(self) -> None:
        """Let go of everything; nothing is written any more."""
        self._closed = True

    def finish(self) -> None:
        """Wait for what is still under way; nothing is, unless it is being compressed."""

    def tell(self, done: int) -> None:
        """Say how many bytes of the region are done."""
        if self.watch is not None:
            self.watch(done)

    # -- a piece becomes a block -------------------------------------------------------

    def _put(self, output: BufferedOutput, piece: Piece, shape: Shape, read: Read) -> None:
        """Put together a block that fits a buffer, and write it."""
        laying = self._laying
        found = self._admit()
        stored = laying.planned_map(piece)
        start = laying.head + len(stored)
        size = start + (piece.data << piece.log2)
        view = output.reserve(size)
        laying.lay_head(view, piece, shape, size, found)
        view[laying.head : start] = stored
        hasher = new_hasher(output.chained_by)
        end, runs = laying.fill(piece, view, start, read, hasher.update)
        if runs is not None:
            view[laying.head : start] = PageMap.from_runs(runs, piece.pages).stored
            self._stream.lay_header(view, laying.kind, end, 0, found)
            hasher = new_hasher(output.chained_by)
            hasher.update(view[:end])
        output.commit(end, digest=hasher.digest())
        self._stream.finished()
        laying.count(laying.planned_runs(piece, piece.pages) if runs is None else runs, piece.width)

    def _write(self, piece: Piece, shape: Shape, read: Read, done: int) -> None:
        """Write a block while it is being read, to a file that can be corrected.

        If that fails, the file may end within its block, and nothing can follow.
        """
        laying = self._laying
        protection, region_type = shape
        fields = {
            "base_addr": piece.base,
            "region_size": piece.pages << piece.log2,
            "protection": protection,
            "region_type": region_type,
            "page_size_log2": piece.log2,
            "timestamp": self._stream.clock(),
        }
        runs = laying.planned_runs(piece, piece.pages)
        with RegionWriter(
            self._stream,
            fields,
            buffer=self._held,
            buffer_limit=piece.data << piece.log2,
            states=laying.states,
            expected=PageMap.from_runs(runs, piece.pages),
        ) as region:
            region.read(piece.plan, read, lambda bytes_done: self.tell(done + bytes_done))
        laying.blocks += 1

    @property
    def _many(self) -> bool:
        """Whether blocks need nothing any more but to be written: the first one was checked,
        and nobody but us makes UUIDs."""
        stream = self._stream
        return self._admitted and stream.new_uuid is new_uuid and stream.ready

    def _admit(self) -> uuid.UUID:
        """A UUID for the next block; the first one is held against what the file demands."""
        if self._many:
            return new_uuid()
        self._stream.check_ready()
        found = self._stream.new_uuid()
        self._stream.admit(self._laying.kind, 0, found, NIL)
        self._admitted = True
        return found


def _nothing(_: int) -> None:
    """What `RegionFeed.before` does unless it is told."""
