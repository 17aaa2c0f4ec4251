"""Memory regions compressed by several threads, written in the order in which they came."""

from __future__ import annotations

import mmap
import os
from collections import deque
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from ..page_map import PageMap, Run, stored_size
from ..pool import started_pool
from ..source import BufferSource, Extent
from .compress import compressed
from .feed import RegionFeed
from .plan import Piece, Plan, Read, pieces

if TYPE_CHECKING:
    from .writer import Writer

__all__ = ["WORKERS", "CompressingFeed"]

_NAME = "msl-compress"
_CHUNK = 4 << 20
WORKERS = min(4, os.cpu_count() or 1)
"""Threads that compress."""
_SMALL = 1 << 17  # below this, handing it to a thread costs more than compressing it
_WAITING = 64
_PROBE = 1 << 16
_WORTH_IT = 0.97  # a probe that stays longer than this part of itself says: store it


class _Result:
    """A payload, ready to be written; `buffer` is free when that is done."""

    __slots__ = ("buffer", "parts", "runs", "size", "width", "word")

    def __init__(
        self,
        parts: list[bytes | Extent],
        word: int,
        buffer: mmap.mmap | None,
        runs: list[Run],
        size: int,
        width: int,
    ) -> None:
        self.parts = parts
        self.size = size
        self.width = width
        self.runs = runs
        self.word = word
        self.buffer = buffer


class CompressingFeed(RegionFeed):
    """A `RegionFeed` whose regions are read and compressed in parallel.

    A region becomes several Memory Regions side by side, so that a reader of one page need
    not inflate gigabytes, and neither side needs them in memory.

    Args:
        algorithm: ``zstd`` or ``lz4``.
    """

    def __init__(self, writer: Writer, algorithm: str, *, longest: int | None = None) -> None:
        super().__init__(writer, longest=longest)
        self.algorithm = algorithm
        self._word = writer.compression_flags(algorithm)
        self._queue: deque[_Result | Future[_Result]] = deque()
        self._free: SimpleQueue[mmap.mmap] = SimpleQueue()
        for _ in range(WORKERS + 1):
            self._free.put(mmap.mmap(-1, _CHUNK + (1 << 20)))
        self._workers = started_pool(WORKERS, _NAME) or started_pool(1, _NAME)

    def _add(
        self, base_addr: int, log2: int, plan: Plan, shape: tuple[int, int], read: Read
    ) -> None:
        self.check_plan(plan)
        self.writer.check_ready()
        for piece in pieces(base_addr, log2, plan, min(_CHUNK, self._longest) >> log2):
            self._within(piece)
            size = self.held_size(piece)
            self.before(size)
            if size <= _SMALL:
                buffer: Any = bytearray(size)
                self._queue.append(self._job(piece, shape, read, buffer, None))
                self._emit(_WAITING)
            else:
                while self._free.empty():
                    self._emit(len(self._queue) - 1)
                held = self._free.get()
                if self._workers is None:
                    self._queue.append(self._job(piece, shape, read, held, held))
                    self._emit(1)
                else:
                    self._queue.append(
                        self._workers.submit(self._job, piece, shape, read, held, held)
                    )
            self.pending += size
            self.tell(piece.base - base_addr + (piece.pages << log2))

    def finish(self) -> None:
        self._emit(0)

    def close(self) -> None:
        """End the threads; what was not written is not."""
        super().close()
        if self._workers is not None:
            self._workers.shutdown(cancel_futures=True)
        self._queue.clear()

    @property
    def _many(self) -> bool:
        return False  # small regions are compressed, too

    # -- in the threads ----------------------------------------------------------------

    def _job(
        self,
        piece: Piece,
        shape: tuple[int, int],
        read: Read,
        buffer: Any,
        held: mmap.mmap | None,
    ) -> _Result:
        with memoryview(buffer) as view:
            start = self.fixed_size + stored_size(piece.pages)
            self.lay_fixed(view, 0, piece, shape)
            end, runs = self.fill(piece, view, start, read)
            if runs is None:
                runs = self._planned_runs(piece, piece.pages)
            view[self.fixed_size : start] = PageMap.from_runs(runs, piece.pages).stored
            parts, word = self._smaller(view[:end], held is None)
            return _Result(parts, word, held, runs, self.held_size(piece), piece.width)

    def _smaller(self, payload: memoryview, passing: bool) -> tuple[list[bytes | Extent], int]:
        """A payload as it is stored, and the flags that say how.

        Args:
            passing: whether its buffer does not outlive this.
        """
        if payload.nbytes > _SMALL:
            begin = (payload.nbytes - _PROBE) // 2
            probe = payload[begin : begin + _PROBE]
            if len(self._compress(probe)) > _PROBE * _WORTH_IT:
                return [_whole(payload)], 0
        stream = compressed(self.schema, [_whole(payload)], self.algorithm, self.writer.level)
        if sum(map(len, stream)) < payload.nbytes:
            return stream, self._word
        return [_whole(bytes(payload) if passing else payload)], 0

    def _compress(self, data: memoryview) -> bytes:
        parts = compressed(self.schema, [_whole(data)], self.algorithm, self.writer.level)
        return b"".join(map(bytes, parts))

    # -- in order ----------------------------------------------------------------------

    def _emit(self, most: int) -> None:
        """Write what is ready, and wait until at most `most` are not."""
        queue = self._queue
        while queue:
            first = queue[0]
            if isinstance(first, Future):
                if len(queue) <= most and not first.done():
                    return
                first = first.result()
            queue.popleft()
            self._write(first)

    def _write(self, result: _Result) -> None:
        found = self._admit()
        size = self._header.size + sum(map(len, result.parts))
        header = bytearray(self._header.size)
        self.lay_header(header, size, result.word, found)
        blocks = self.writer.blocks
        blocks.put(bytes(header), result.parts)
        self.blocks += 1
        self.count(result.runs, result.width)
        self.pending -= result.size
        if result.buffer is not None:
            self._free.put(result.buffer)


def _whole(data: bytes | memoryview) -> Extent:
    return Extent(BufferSource(data), 0, len(data))
