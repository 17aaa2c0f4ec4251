"""Memory regions in quick succession, read straight into the output's buffers.

For live acquisition: twenty thousand small regions or a hundred gigabytes. What is known of
the pages beforehand is a plan; what a read brings may differ from it, and the dump says what
came of it. There are three ways, all of which leave a valid file at every moment:

* A region that fits a buffer is put together there and becomes part of the file when it is
  complete.
* A larger one goes to a regular file as it is read; a page that turns out otherwise is
  corrected on disk at once (`BlockOnDisk`).
* One that is larger still, or goes to a pipe, or is compressed, becomes several Memory Regions
  side by side. They are not Continuation fragments: nothing needs to be put together again,
  and some readers refuse files that hold any.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..abbreviated import abbreviated
from ..errors import ConformanceError
from ..hashing import new_hasher
from ..page_map import PageMap, Run, stored_size
from ..schema.packing import RowPacker
from .block_on_disk import BlockOnDisk
from .overlapped_output import SLOT, Conveyor
from .promises import NIL
from .region_plan import LARGEST_MAP, READ, WINDOW, ZERO, Piece, Plan, Read, note, pieces, runs_of
from .small_regions import SmallRegions
from .uuids import new_uuid

if TYPE_CHECKING:
    from .writer import Writer

__all__ = ["RegionFeed"]

_ADDRESSES = 1 << 64
_HASHED = 1 << 16
"""Bytes of a block whose multiples are hashed while it is read: from odd places on, a hash works
in small steps."""
_LONGEST = 64 << 20
"""Bytes of data in one block: what a reader that wants one page of it may have to take in, and
what is lost if the writer is killed in the middle of it."""


class RegionFeed:
    """Writes memory regions as they are read; made by `Writer.feed`.

    Attributes:
        blocks: Memory Regions written so far.
        pending: bytes that were read and are not written yet.
        states: pages that the file holds, by the code of their state.
        watch: told, while a long region is written, how many of its bytes are done.
        before: told, before a part of a region is read that becomes a block, of the block's
            bytes. What it raises ends the region there.

    Args:
        longest: bytes of data in one block.
    """

    def __init__(self, writer: Writer, *, longest: int | None = None) -> None:
        assert isinstance(writer.sink, Conveyor)
        self.writer = writer
        self.sink = writer.sink
        self.schema = writer.schema
        self.kind = writer.schema.block("memory_region")
        layout = self.kind.layout
        assert layout is not None
        self._header = RowPacker(
            writer.schema.block_header,
            *("block_type", "flags", "block_length", "block_uuid", "parent_uuid", "prev_hash"),
        )
        self._fixed = RowPacker(
            layout.before("page_state_map"),
            *("base_addr", "region_size", "protection", "region_type", "page_size_log2"),
            "timestamp",
        )
        self._head = self._header.size + self._fixed.size
        self._small = SmallRegions(self)
        self._states: dict[str, int] = {}
        self._checked: dict[tuple[int, str, int], tuple[int, int]] = {}
        self._zeros = bytes(8)
        self._admitted = False
        held = SLOT - self._head - LARGEST_MAP
        usual = _LONGEST if self.sink.revisable else held
        self._longest = usual if longest is None else max(WINDOW, min(longest, usual))
        self.blocks = 0
        self.pending = 0
        self._closed = False
        self.states = [0, 0, 0, 0]
        self.before: Callable[[int], None] = _nothing
        self.watch: Callable[[int], None] | None = None

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
            self.writer.check_ready()
            raise ConformanceError("the feed is closed: nothing can be added")
        if not isinstance(page_size_log2, int):
            raise ConformanceError(
                f"page_size_log2 {abbreviated(page_size_log2)}: expected a number (§5.1)"
            )
        shape = self._checked.get((protection, region_type, page_size_log2))
        if shape is None:
            shape = self._check(protection, region_type, page_size_log2)
        if not 0 <= base_addr < _ADDRESSES:
            raise ConformanceError(f"base_addr {base_addr:#x}: expected an address (§5.1)")
        if len(plan) == 1:
            pages, what = plan[0]
            if base_addr + (pages << page_size_log2) > _ADDRESSES:
                raise ConformanceError(
                    f"{pages} pages from {base_addr:#x} on reach beyond 64 bits (§5.1)"
                )
            if what == READ and 0 < pages << page_size_log2 <= WINDOW and self._many:
                self.before(self._head + stored_size(pages) + (pages << page_size_log2))
                self._small.put(base_addr, pages, page_size_log2, shape, read)
                return
        self._add(base_addr, page_size_log2, plan, shape, read)

    def _add(
        self, base_addr: int, log2: int, plan: Plan, shape: tuple[int, int], read: Read
    ) -> None:
        self.check_plan(plan)
        for piece in pieces(base_addr, log2, plan, self._longest >> log2):
            self._within(piece)
            self.before(self.held_size(piece))
            if self.held_size(piece) <= SLOT:
                self.put(piece, shape, read)
                self.tell(piece.base - base_addr + (piece.pages << log2))
            else:
                self._stream(piece, shape, read, piece.base - base_addr)

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

    # -- a piece in a buffer -----------------------------------------------------------

    def held_size(self, piece: Piece) -> int:
        """Bytes of a piece's block, if its plan holds."""
        return self._head + stored_size(piece.pages) + (piece.data << piece.log2)

    def put(self, piece: Piece, shape: tuple[int, int], read: Read) -> None:
        """Write a piece that fits a buffer."""
        sink, blocks = self.sink, self.writer.blocks
        found = self._admit()
        stored = self.planned_map(piece)
        head = self._head + len(stored)
        size = head + (piece.data << piece.log2)
        view = sink.reserve(size)
        self.lay_header(view, size, 0, found)
        self.lay_fixed(view, self._header.size, piece, shape)
        view[self._head : head] = stored
        hasher = new_hasher(sink.algorithm)
        end, runs = self.fill(piece, view, head, read, hasher.update)
        if runs is not None:
            view[self._head : head] = PageMap.from_runs(runs, piece.pages).stored
            self.lay_header(view, end, 0, found)
            hasher = new_hasher(sink.algorithm)
            hasher.update(view[:end])
        sink.commit(end, hashed=True)
        blocks.previous = hasher.digest()
        blocks.index += 1
        self.blocks += 1
        self.count(self._planned_runs(piece, piece.pages) if runs is None else runs, piece.width)

    def fill(
        self,
        piece: Piece,
        view: memoryview,
        start: int,
        read: Read,
        update: Callable[[memoryview], Any] | None = None,
    ) -> tuple[int, list[Run] | None]:
        """Read a piece's pages into `view` from `start` on.

        Args:
            update: takes the bytes from the view's start on, in order, until a page comes
                otherwise than planned.

        Returns:
            the end of the bytes, and the runs of page states where they differ from the plan.
        """
        base, log2, end, told = piece.base, piece.log2, start, 0
        runs: list[Run] | None = None
        page = 0
        for count, what in piece.plan:
            if what != READ:
                if what == ZERO:
                    _zero(view[end : end + (count << log2)])
                    end += count << log2
                if runs is not None:
                    note(runs, page, count, self.state("captured" if what == ZERO else what))
                page += count
                continue
            step = max(1, WINDOW >> log2)
            for first in range(page, page + count, step):
                pages = min(step, page + count - first)
                size = pages << log2
                outcome = read(base + (first << log2), view[end : end + size])
                if outcome is None:
                    end += size
                    if runs is not None:
                        note(runs, first, pages, 0)
                    elif update is not None:
                        whole = end - end % _HASHED
                        update(view[told:whole])
                        told = whole
                    continue
                if runs is None:
                    runs = self._planned_runs(piece, first)
                for at, number, code in runs_of(outcome, pages, self.state):
                    note(runs, first + at, number, code)
                    end += 0 if code else number << log2
            page += count
        if update is not None and runs is None and told < end:
            update(view[told:end])
        return end, runs

    # -- a piece that is longer than a buffer ------------------------------------------

    def _stream(self, piece: Piece, shape: tuple[int, int], read: Read, done: int) -> None:
        """Write a long piece to a regular file while it is being read.

        If that fails, the file ends within its block, and nothing can follow.
        """
        direct = self._begin_stream(piece, shape)
        try:
            self._stream_pages(direct, piece, read, done)
        except BaseException:
            with suppress(OSError):
                self.writer.abandon()
            raise
        self.blocks += 1

    def _begin_stream(self, piece: Piece, shape: tuple[int, int]) -> BlockOnDisk:
        found = self._admit()
        stored = self.planned_map(piece)
        head = bytearray(self._head + len(stored))
        size = len(head) + (piece.data << piece.log2)
        self.lay_header(head, size, 0, found)
        self.lay_fixed(head, self._header.size, piece, shape)
        head[self._head :] = stored
        front = self._header.size
        return BlockOnDisk(
            self.writer, bytes(head[:front]), bytes(head[front:]), stored, size, 1 << piece.log2
        )

    def _stream_pages(self, direct: BlockOnDisk, piece: Piece, read: Read, done: int) -> None:
        sink, log2, address = self.sink, piece.log2, piece.base
        for count, what in piece.plan:
            if what not in (READ, ZERO):
                direct.planned(count)
                self.states[self.state(what)] += count * piece.width
                address += count << log2
                continue
            step = max(1, WINDOW >> log2)
            for first in range(0, count, step):
                pages = min(step, count - first)
                view = sink.reserve(pages << log2)
                if what == ZERO:
                    _zero(view)
                    outcome = None
                else:
                    outcome = read(address, view)
                address += pages << log2
                if outcome is None:
                    direct.filled(pages)
                    self.states[0] += pages
                else:
                    self._surprise(direct, runs_of(outcome, pages, self.state), view, log2)
                self.tell(done + address - piece.base)
        direct.close()

    def _surprise(self, direct: BlockOnDisk, runs: list[Run], view: memoryview, log2: int) -> None:
        captured = sum(count for _, count, code in runs if not code)
        data = memoryview(bytes(view[: captured << log2]))  # the view goes with the first mark
        taken = 0
        for _, count, code in runs:
            if code:
                direct.mark(code, count)
            else:
                direct.captured(data[taken : taken + (count << log2)])
                taken += count << log2
        self.count(runs)

    # -- for the account ---------------------------------------------------------------

    def count(self, runs: Iterable[Run], width: int = 1) -> None:
        """Take note of pages that are in the file; see `Piece.width`."""
        for _, count, code in runs:
            self.states[code] += count * width

    def tell(self, done: int) -> None:
        """Say how many bytes of the region are done."""
        if self.watch is not None:
            self.watch(done)

    def check_plan(self, plan: Plan) -> None:
        """Refuse a plan with page states that the draft forbids.

        Raises:
            ConformanceError: it has some.
        """
        for what in {what for _, what in plan}:
            if what not in (READ, ZERO):
                self.state(what)

    # -- parts of a block --------------------------------------------------------------

    def planned_map(self, piece: Piece) -> bytes:
        """The stored map of a piece whose plan holds."""
        if piece.data == piece.pages:
            size = stored_size(piece.pages)
            if len(self._zeros) < size:
                self._zeros = bytes(size)
            return self._zeros[:size]
        return PageMap.from_runs(self._planned_runs(piece, piece.pages), piece.pages).stored

    def lay_header(self, buffer: Any, size: int, word: int, found: uuid.UUID) -> None:
        """The header of the next block, at a buffer's start."""
        self._header.pack_into(
            buffer,
            0,
            self.kind.code,
            word,
            size,
            found.bytes,
            NIL.bytes,
            self.writer.blocks.previous,
        )

    def lay_fixed(self, buffer: Any, offset: int, piece: Piece, shape: tuple[int, int]) -> None:
        """The fields in front of the page map; the time is now."""
        self._fixed.pack_into(
            buffer,
            offset,
            piece.base,
            piece.pages << piece.log2,
            *shape,
            piece.log2,
            self.writer.clock(),
        )

    @property
    def fixed_size(self) -> int:
        """Bytes of the fields in front of the page map."""
        return self._fixed.size

    def state(self, name: str) -> int:
        """The code of a page state that the draft permits.

        Raises:
            ConformanceError: it has no such state.
        """
        code = self._states.get(name)
        if code is None:
            states = self.schema.page_states
            try:
                code = states.encode(name)
            except ValueError as error:
                raise ConformanceError(f"{error} (§6)") from None
            if not states.permits(code):
                raise ConformanceError(
                    f"page state {abbreviated(name)}: {self.schema.name} does not permit it (§6)"
                )
            self._states[name] = code
        return code

    # -- inside ------------------------------------------------------------------------

    @property
    def _many(self) -> bool:
        """Whether blocks need nothing any more but to be written: the first one was checked,
        and nobody but us makes UUIDs."""
        writer = self.writer
        return self._admitted and writer.new_uuid is new_uuid and writer.ready

    def _admit(self) -> uuid.UUID:
        """A UUID for the next block; the first one is held against the file's promises."""
        if self._many:
            return new_uuid()
        found = self.writer.new_uuid()
        self.writer.admit(self.kind, 0, found, NIL)
        self._admitted = True
        return found

    def _check(self, protection: int, region_type: str, log2: int) -> tuple[int, int]:
        """The stored Protection and RegionType, once they are known to be permitted."""
        layout = self.kind.layout
        assert layout is not None
        if 1 << log2 > WINDOW:
            raise ConformanceError(f"pages of {1 << log2} bytes: a feed reads at most {WINDOW}")
        given = {"protection": protection, "region_type": region_type, "page_size_log2": log2}
        record = layout.before("page_state_map").complete(
            {"base_addr": 0, "region_size": 0, "timestamp": 0, **given}
        )
        for key in given:
            field = layout.field(key)
            for problem in field.type.problems(record[key], record):
                raise ConformanceError(f"{key} must not be written: {problem} ({field.section})")
        found = int(record["protection"]), int(record["region_type"])
        self._checked[protection, region_type, log2] = found
        return found

    def _planned_runs(self, piece: Piece, stop: int) -> list[Run]:
        """The states of a piece's first pages, if its plan holds."""
        runs: list[Run] = []
        page = 0
        for count, what in piece.plan:
            count = min(count, stop - page)
            if count <= 0:
                break
            note(runs, page, count, 0 if what in (READ, ZERO) else self.state(what))
            page += count
        return runs


def _nothing(_: int) -> None:
    """What `RegionFeed.before` does unless it is told."""


_BLANK = bytes(WINDOW)


def _zero(view: memoryview) -> None:
    for start in range(0, view.nbytes, WINDOW):
        part = view[start : start + WINDOW]
        part[:] = _BLANK[: part.nbytes]
