"""Memory regions compressed by several threads, written in the order in which they came."""

from __future__ import annotations

import mmap
import os
import threading
from collections import deque
from queue import SimpleQueue

from ..page_map import PageMap, Run, stored_size
from ..source import BufferSource, Extent
from .blocks import BlockStream, Pieces
from .compress import Compressor
from .feed import RegionFeed
from .laying import Shape
from .region_plan import LARGEST_MAP, Piece, Plan, Read, pieces

__all__ = ["WORKERS", "CompressingFeed"]

_CHUNK = 1 << 20
"""Bytes of data in a block: what is compressed stays in the caches, and what comes out is small
enough to be put where the last one was."""
WORKERS = min(4, os.cpu_count() or 1)
"""Threads that compress."""
_AHEAD = WORKERS + 2
"""Blocks that are read and not yet written, at most."""
_SMALL = 1 << 17  # a region below this is compressed sooner than it is handed to a thread
_WAITING = 64
_PROBE = 1 << 16
_PROBE_EVERY = 16
_WORTH_IT = 0.97  # a probe that stays longer than this part of itself says: store it


class _Task:
    """A piece on its way from the target to the file.

    Attributes:
        buffer: where it is read to; None: in memory of its own.
        probe: whether to try a part of it first.
        verdicts: of the region's pieces in order; takes that of this one.
        parts, word, runs: what comes of it: the payload, block flags, page states.
        error: or what was raised instead.
        done: held until one or the other is there.
    """

    __slots__ = (
        *("buffer", "done", "error", "parts", "piece", "probe", "read", "runs", "shape", "size"),
        *("verdicts", "word"),
    )

    def __init__(
        self,
        piece: Piece,
        size: int,
        shape: Shape,
        read: Read,
        verdicts: list[bool],
    ) -> None:
        self.piece = piece
        self.size = size
        self.shape = shape
        self.read = read
        self.buffer: mmap.mmap | None = None
        self.probe = False
        self.verdicts = verdicts
        self.parts: Pieces = []
        self.word = 0
        self.runs: list[Run] = []
        self.error: BaseException | None = None
        self.done = threading.Lock()


class CompressingFeed(RegionFeed):
    """A `RegionFeed` whose regions are read and compressed in parallel.

    A region becomes several Memory Regions side by side, so that a reader of one page need
    not inflate gigabytes, and neither side needs them in memory.

    Args:
        algorithm: ``zstd`` or ``lz4``.
    """

    def __init__(self, stream: BlockStream, algorithm: str, *, longest: int | None = None) -> None:
        super().__init__(stream, longest=longest)
        self.algorithm = algorithm
        self._word = stream.compression_flags(algorithm)
        self._compress = Compressor(stream.schema, algorithm, stream.level)
        self._queue: deque[_Task] = deque()
        self._under_way = 0  # of those in the queue: handed to the threads
        room = self._laying.fields_size + LARGEST_MAP + _CHUNK
        self._free = [mmap.mmap(-1, room) for _ in range(_AHEAD)]
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._workers: list[threading.Thread] = []
        for number in range(WORKERS):
            worker = threading.Thread(target=self._work, name=f"msl-compress_{number}", daemon=True)
            try:
                worker.start()
            except (
                RuntimeError,
                MemoryError,
            ):  # the system permits no more: fewer do, and none at all, too
                break
            self._workers.append(worker)

    def _add(self, base_addr: int, log2: int, plan: Plan, shape: Shape, read: Read) -> None:
        self._laying.check_plan(plan)
        self._stream.check_ready()
        verdicts: list[bool] = []
        parts = pieces(base_addr, log2, plan, min(_CHUNK, self._longest) >> log2)
        for number, piece in enumerate(parts):
            self._within(piece)
            size = self._laying.size_of(piece)
            self.before(size)
            task = _Task(piece, size, shape, read, verdicts)
            self.pending += size
            if (not number and size <= _SMALL) or not self._workers:
                self._do(task)
                self._queue.append(task)
                self._emit(_WAITING)
            else:
                # Whether to probe must not depend on which thread was quicker: so the piece is
                # asked that came so long before that it must have been written by now.
                told = number - _AHEAD
                while self._under_way >= _AHEAD or len(verdicts) <= told:
                    self._emit(len(self._queue) - 1)
                task.probe = not number % _PROBE_EVERY or (told >= 0 and not verdicts[told])
                task.buffer = self._free.pop()
                task.done.acquire()
                self._queue.append(task)
                self._under_way += 1
                self._tasks.put(task)
            self.tell(piece.base - base_addr + (piece.pages << log2))

    def finish(self) -> None:
        self._emit(0)

    def close(self) -> None:
        """End the threads; what was not written is not."""
        super().close()
        for _ in self._workers:
            self._tasks.put(None)
        for worker in self._workers:
            worker.join()
        self._workers.clear()
        self._queue.clear()

    @property
    def _many(self) -> bool:
        return False  # small regions are compressed, too

    # -- in the threads ----------------------------------------------------------------

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                if not self._closed:
                    self._do(task)
            except BaseException as error:
                task.error = error
            finally:
                task.done.release()

    def _do(self, task: _Task) -> None:
        piece, laying = task.piece, self._laying
        front = laying.fields_size
        start = front + stored_size(piece.pages)
        buffer = bytearray(task.size) if task.buffer is None else task.buffer
        with memoryview(buffer) as view:
            laying.lay_fields(view, 0, piece, task.shape)
            end, runs = laying.fill(piece, view, start, task.read)
            task.runs = laying.planned_runs(piece, piece.pages) if runs is None else runs
            view[front:start] = PageMap.from_runs(task.runs, piece.pages).stored
            with view[:end] as payload:
                smaller = self._smaller(payload, task.probe)
                if smaller is not None:
                    task.parts, task.word = list(smaller), self._word
                elif task.buffer is None:
                    task.parts = [bytes(payload)]
        if not task.parts:
            assert task.buffer is not None
            task.parts = [Extent(BufferSource(memoryview(task.buffer)[:end]), 0, end)]

    def _smaller(self, payload: memoryview, probe: bool) -> list[bytes] | None:
        """A payload as it is stored where that takes less room."""
        if probe and payload.nbytes > _SMALL:
            begin = (payload.nbytes - _PROBE) // 2
            with payload[begin : begin + _PROBE] as part:
                if sum(map(len, self._compress(part))) > _PROBE * _WORTH_IT:
                    return None
        parts = self._compress(payload)
        return parts if sum(map(len, parts)) < payload.nbytes else None

    # -- in order ----------------------------------------------------------------------

    def _emit(self, most: int) -> None:
        """Write what is ready, and wait until at most `most` are not."""
        queue = self._queue
        while queue:
            first = queue[0]
            if first.buffer is not None:
                if not first.done.acquire(len(queue) > most):
                    return
                if first.error is not None:
                    first.done.release()
                    raise first.error  # now and ever again: nothing may follow what is missing
                self._under_way -= 1
            queue.popleft()
            self._append(first)
            if first.buffer is not None:
                self._free.append(first.buffer)

    def _append(self, task: _Task) -> None:
        stream, laying = self._stream, self._laying
        stream.check_ready()
        stream.append(laying.kind, task.parts, task.word, stream.new_uuid())
        laying.count(task.runs, task.piece.width)
        self.pending -= task.size
        task.verdicts.append(bool(task.word))
