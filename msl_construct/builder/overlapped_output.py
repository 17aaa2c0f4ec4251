"""An output that overlaps reading, hashing and writing.

What is being captured is read straight into large page-aligned buffers in which the file is
laid out byte after byte. The thread that reads also takes the bytes into their block's hash,
while they are in its caches; a second thread takes them into FileHash, writes whole buffers
and gives them back. A regular file has a third thread for writing, which waits for the disk;
see `Disk`.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import stat
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from queue import Empty, SimpleQueue
from typing import IO, Any

from ..hashing import Hasher, new_hasher
from ..source import Extent
from .disk import UNIT, Disk, write_all
from .output import Mark
from .sink import appends, read_back
from .worker_thread import WorkerThread

__all__ = ["SLOT", "Buffers", "Conveyor", "slots_for"]

SLOT = (2 << 20) + (260 << 10)
"""Bytes of one buffer: the most that `Conveyor.reserve` can give. A block with two megabytes of
data fits. What is smaller keeps fewer fresh pages busy, and more of it in the caches; larger
ones would be written no faster."""

SLOTS = 4
"""How many of them there are."""

_PIECE = 1 << 20
_PATIENCE = 0.2  # seconds between two looks at whether to go on waiting


class _Slot:
    """One buffer: memory at a page's start, with room for what is carried along."""

    __slots__ = ("memory", "view")

    def __init__(self) -> None:
        self.memory = mmap.mmap(-1, SLOT + UNIT)
        self.view = memoryview(self.memory)

    def touch(self) -> None:
        """Have the system provide all of it now, and not while it is being filled."""
        for start in range(0, len(self.memory), mmap.PAGESIZE):
            self.view[start] = 0

    def close(self) -> None:
        self.view.release()
        with contextlib.suppress(BufferError):  # a view that somebody still holds
            self.memory.close()


def slots_for(compression: str | None) -> int:
    """How many buffers do."""
    return SLOTS if compression in (None, "none") else 2


class Buffers:
    """The buffers of an output to come, made while there is time.

    Args:
        compression: what is written compressed with; others hold that meanwhile, so fewer do.
    """

    def __init__(self, compression: str | None) -> None:
        self._slots = [_Slot() for _ in range(slots_for(compression))]
        for slot in self._slots:
            slot.touch()

    def take(self) -> list[_Slot]:
        """Them; they belong to whoever takes them, and can be taken once."""
        taken, self._slots = self._slots, []
        return taken

    def close(self) -> None:
        """Free those that nobody took; more than once does no harm."""
        for slot in self.take():
            slot.close()


class Conveyor:
    """Does what `Sink` does, and lets callers fill its buffers in place.

    Args:
        file: where the bytes go; only `write` is needed. It must stand at its start.
        algorithm: HashAlgo name.
        slots: number of buffers, at least 2; fewer do where little is written.
        cache_room: bytes of the page cache that a regular file may take where it could be
            written past it; see `Disk`.
        buffers: made before; none of its own then, unless they are taken.
    """

    def __init__(
        self,
        file: IO[bytes],
        algorithm: str = "blake3",
        *,
        slots: int = SLOTS,
        cache_room: int = 0,
        buffers: Buffers | None = None,
    ) -> None:
        self.file = file
        self.algorithm = self.chained_by = algorithm
        self.position = 0
        self._slots: SimpleQueue[_Slot] = SimpleQueue()
        made = buffers.take() if buffers is not None else []
        made += [_Slot() for _ in range(slots - len(made))]
        self._slot = made.pop()
        for slot in made:
            self._slots.put(slot)
        self._view = self._slot.view
        self._filled = 0
        self._hashed = 0  # bytes at the slot's start that FileHash knows, or will in its turn
        self._whole = new_hasher(algorithm)
        self._piece_hash = new_hasher(algorithm)
        self._digest: bytes | None = None  # of what was committed last, where its maker knows it
        self._error: BaseException | None = None
        self._regular = _is_regular(file)
        self._disk = Disk(file, cache_room) if self._regular else None
        self._unit = UNIT if self._disk is not None and self._disk.past_cache else 1
        self._give_up_at = float("inf")
        self._hasher = WorkerThread("msl-file-hash", self._update)
        self._writer = WorkerThread("msl-write", memoryview.release) if self._regular else None
        self._closed = False

    @property
    def revisable(self) -> bool:
        """Whether what was written can be read back and corrected: a regular file."""
        return self._regular

    @staticmethod
    def is_regular(file: Any, *, at_start: bool = True) -> bool:
        """Whether a file is one that can be read back and corrected.

        Args:
            at_start: whether it must stand at its start.
        """
        return _is_regular(file, at_start)

    # -- the same as Sink --------------------------------------------------------------

    def begin(self) -> None:
        """Start a new structure: what follows goes into a fresh chain hash."""
        self._piece_hash = new_hasher(self.algorithm)
        self._digest = None

    def chain_digest(self) -> bytes:
        """Hash of everything since `begin`, or of the block that was committed last."""
        return self._digest or self._piece_hash.digest()

    def file_digest(self) -> bytes:
        """Hash of everything so far; waits for it.

        Raises:
            OSError: something before could not be written.
        """
        self._hand_to_hasher()
        self._wait(self._hasher)
        self._check()
        return self._whole.copy().digest()

    def write(self, data: bytes | bytearray | memoryview | Extent) -> None:
        """Copy bytes in; the caller may reuse its buffer at once."""
        if isinstance(data, Extent):
            for piece in data.chunks():
                self.write(piece)
            return
        view = memoryview(data).cast("B")
        for start in range(0, view.nbytes, _PIECE):
            piece = view[start : start + _PIECE]
            self.reserve(piece.nbytes)[:] = piece
            self.commit(piece.nbytes)

    def mark(self) -> Mark:
        """Remember this point, so that `revise` can hash again what follows it."""
        self._hand_to_hasher()
        found: Future[Hasher] = Future()
        self._hasher.put(lambda: found.set_result(self._whole.copy()))
        return self.position, found.result

    def patch(self, offset: int, data: bytes) -> None:
        """Correct bytes of the block being written; call `revise` before the next one."""
        self.flush()
        self.file.seek(offset)
        write_all(self.file, memoryview(data))
        self.file.seek(self.position)
        begin = self.position - self._filled  # what is carried along stands in the buffer as well
        first, stop = max(offset, begin), min(offset + len(data), self.position)
        if first < stop:
            self._view[first - begin : stop - begin] = data[first - offset : stop - offset]

    def revise(self, mark: Mark) -> None:
        """Hash again everything behind `mark`, read back from the file, as one structure."""
        self.flush()
        offset, whole = mark
        self._whole = whole().copy()
        self.begin()
        self.file.seek(offset)
        for piece in read_back(self.file, self.position - offset):
            self._whole.update(piece)
            self._piece_hash.update(piece)
        self.file.seek(self.position)

    def flush(self) -> None:
        """See to it that everything is hashed and with the operating system.

        Raises:
            OSError: it could not be written.
        """
        self._turn(whole=True)
        self._wait(self._hasher)
        if self._writer is not None:
            self._wait(self._writer)
        self._check()
        flush = getattr(self.file, "flush", None)
        if flush is not None:
            flush()

    def flush_and(self, action: Callable[[], object]) -> None:
        """Begin to write everything so far, and do something when it is with the operating system.

        Comes back at once. What `action` raises is a failure of the output.

        Raises:
            OSError: something before could not be written.
        """
        self._turn(whole=True)
        last = self._writer or self._hasher
        self._hasher.put(lambda: last.put(lambda: self._unless_failed(action)))

    def _unless_failed(self, action: Callable[[], object]) -> None:
        if self._failure() is None:
            action()

    def close(self) -> None:
        """End the threads and free the buffers; the file stays the caller's."""
        if self._closed:
            return
        self._closed = True
        self._hasher.close(wait=not self._given_up)
        if self._writer is not None:
            self._writer.close(wait=not self._given_up)
        if self._given_up:  # a thread may still be at it: the process ends them both
            return
        if self._disk is not None:
            self._disk.close()
        self._slot.close()
        while not self._slots.empty():
            self._slots.get().close()

    def give_up(self, after: float = 0.0) -> None:
        """Wait for nothing any more: whoever reads the output does not. From any thread.

        Args:
            after: seconds for which it is still worth waiting. Asked again, the sooner counts.
        """
        self._give_up_at = min(self._give_up_at, time.monotonic() + after)

    def be_patient(self) -> None:
        """Take `give_up` back where its time has not come yet."""
        if not self._given_up:
            self._give_up_at = float("inf")

    @property
    def _given_up(self) -> bool:
        return time.monotonic() >= self._give_up_at

    # -- filling buffers in place ------------------------------------------------------

    @property
    def room(self) -> int:
        """The most bytes that `reserve` can give."""
        return SLOT

    def reserve(self, size: int) -> memoryview:
        """Room for the next `size` bytes of the file, at most `SLOT`; valid until `commit`.

        Raises:
            OSError: something before could not be written.
        """
        if self._error is not None:
            self._check()
        if self._filled + size > SLOT + UNIT:
            if size > SLOT:
                raise ValueError(f"{size} bytes can't be reserved at once, at most {SLOT}")
            self._turn(whole=False)
        return self._view[self._filled : self._filled + size]

    def commit(self, size: int, *, digest: bytes | None = None) -> None:
        """The first `size` bytes of what was reserved belong to the file now.

        Args:
            digest: their hash, where the caller has taken it and they are a whole block.
        """
        start = self._filled
        self._filled += size
        self.position += size
        self._digest = digest
        if digest is None:
            self._piece_hash.update(self._view[start : self._filled])
        if self._filled - self._hashed >= _PIECE:
            self._hand_to_hasher()

    # -- inside ------------------------------------------------------------------------

    def _check(self) -> None:
        error = self._error or self._failure()
        if error is not None:
            self._error = error
            if isinstance(error, OSError):
                raise type(error)(*error.args)
            raise OSError(f"the output failed: {error}") from error

    def _failure(self) -> BaseException | None:
        """What a thread of ours has met with."""
        writing = None if self._writer is None else self._writer.error
        return writing or self._hasher.error

    def _hand_to_hasher(self) -> None:
        if self._filled > self._hashed:
            self._hasher.put(self._view[self._hashed : self._filled])
            self._hashed = self._filled

    def _update(self, piece: memoryview) -> None:
        self._whole.update(piece)
        piece.release()

    def _turn(self, *, whole: bool) -> None:
        """Hand what is filled to the threads, and go on in another buffer.

        What does not fill a unit of the device is carried along to that buffer.

        Args:
            whole: write that part as well; it is written once more with its whole unit.
        """
        self._check()
        self._hand_to_hasher()
        slot, filled = self._slot, self._filled
        if not filled:
            return
        begin = self.position - filled
        aligned = filled - filled % self._unit
        rest = bytes(slot.view[aligned:filled])
        self._hasher.put(partial(self._hashed_slot, slot, begin, aligned, rest if whole else b""))
        self._slot = self._next_slot()
        self._view = self._slot.view
        self._view[: len(rest)] = rest
        self._filled = self._hashed = len(rest)

    def _next_slot(self) -> _Slot:
        while True:
            try:
                return self._slots.get(timeout=_PATIENCE)
            except Empty:
                self._go_on_waiting()

    def _wait(self, stage: WorkerThread) -> None:
        reached = stage.reached()
        while not reached.wait(_PATIENCE):
            self._go_on_waiting()

    def _go_on_waiting(self) -> None:
        if self._given_up:
            self._error = self._error or OSError(
                errno.EPIPE, "nobody takes what is written: given up"
            )
            self._check()

    def _hashed_slot(self, slot: _Slot, begin: int, size: int, rest: bytes) -> None:
        """What became of a buffer of which FileHash knows everything: it is to be written."""
        if self._writer is None:
            self._store(slot, begin, size, rest)
        else:
            self._writer.put(partial(self._store, slot, begin, size, rest))

    def _store(self, slot: _Slot, begin: int, size: int, rest: bytes) -> None:
        """Write a buffer's front, and what does not fill a unit, and give the buffer back."""
        try:
            if self._failure() is None:
                with slot.view[:size] as front:
                    if self._disk is None:
                        write_all(self.file, front)
                    else:
                        self._disk.store(front, begin)
                        self._disk.store_rest(memoryview(rest), begin + size)
        finally:
            self._slots.put(slot)


def _is_regular(file: Any, at_start: bool = True) -> bool:
    """Whether it is a file of a file system, opened for reading as well, at its start."""
    try:
        return (
            stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            and file.readable()
            and file.seekable()
            and not (at_start and file.tell())
            and not appends(file)
        )
    except (AttributeError, OSError, ValueError):
        return False
