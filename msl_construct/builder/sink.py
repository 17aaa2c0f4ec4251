"""The output file with its two hashes: one pass, whatever the size.

Large pieces are taken into FileHash by a second thread while this one takes them into the
block's hash and writes them. `write` comes back only when the piece has been hashed, so a
caller may reuse its buffer.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, Any

from ..hashing import new_hasher
from ..pool import started_pool
from ..source import BufferSource, Extent
from .output import Mark

__all__ = ["Sink", "appends", "read_back"]

_PIECE = 1 << 20
_WORTH_A_THREAD = 1 << 18


class Sink:
    """Writes bytes and hashes them, for the chain and for FileHash.

    Args:
        file: where the bytes go; only `write` is needed.
        algorithm: HashAlgo name.
        position: bytes that the file already holds.
    """

    def __init__(self, file: IO[bytes], algorithm: str = "blake3", position: int = 0) -> None:
        self.file = file
        self._failed = False
        self._base = _standing(file) - position
        self.algorithm = algorithm
        self.position = position
        self._whole = new_hasher(algorithm)
        self._piece_hash = new_hasher(algorithm)
        self._helper: ThreadPoolExecutor | None = None
        self._tried = False

    @property
    def revisable(self) -> bool:
        """Whether what was written can be read back and corrected: a file, not a pipe."""
        try:
            if appends(self.file):
                return False
            return self.file.seekable() and self.file.readable()
        except (AttributeError, ValueError):
            return False

    def begin(self) -> None:
        """Start a new structure: what follows goes into a fresh chain hash."""
        self._piece_hash = new_hasher(self.algorithm)

    def chain_digest(self) -> bytes:
        """Hash of everything since `begin`: the PrevHash of the next block."""
        return self._piece_hash.digest()

    def file_digest(self) -> bytes:
        """Hash of everything so far: the FileHash of an End-of-Capture written now."""
        return self._whole.copy().digest()

    def write(self, data: bytes | bytearray | memoryview | Extent) -> None:
        """Write and hash; large pieces in two threads."""
        if isinstance(data, Extent):
            if isinstance(data.source, BufferSource):  # in memory: no need to come in pieces
                self.write(data.view())
                return
            for piece in data.chunks():
                self.write(piece)
            return
        view = memoryview(data).cast("B")
        helper = self._helping() if view.nbytes >= _WORTH_A_THREAD else None
        if helper is None:
            self._whole.update(view)
            self._piece_hash.update(view)
            self._put(view)
            return
        pending: Future[Any] | None = None
        try:
            for start in range(0, view.nbytes, _PIECE):
                piece = view[start : start + _PIECE]
                pending = helper.submit(self._whole.update, piece)
                self._piece_hash.update(piece)
                self._put(piece)
        finally:
            if pending is not None:
                pending.result()  # the caller may reuse its buffer now

    def _helping(self) -> ThreadPoolExecutor | None:
        if not self._tried:
            self._tried = True
            self._helper = started_pool(1, "msl-file-hash")
        return self._helper

    def mark(self) -> Mark:
        """Remember this point, so that `revise` can hash again what follows it."""
        whole = self._whole.copy()
        return self.position, lambda: whole

    def patch(self, offset: int, data: bytes) -> None:
        """Correct bytes of the block being written; call `revise` before the next one."""
        self.file.seek(self._base + offset)
        self._put(memoryview(data), advance=False)
        self.file.seek(self._base + self.position)

    def revise(self, mark: Mark) -> None:
        """Hash again everything behind `mark`, read back from the file, as one structure."""
        offset, whole = mark
        self._whole = whole().copy()
        self._piece_hash = new_hasher(self.algorithm)
        self.file.seek(self._base + offset)
        for piece in read_back(self.file, self.position - offset):
            self._whole.update(piece)
            self._piece_hash.update(piece)
        self.file.seek(self._base + self.position)

    def flush(self) -> None:
        """Hand buffered bytes to the operating system."""
        flush = getattr(self.file, "flush", None)
        if flush is not None:
            flush()

    def close(self) -> None:
        """End the helper thread; the file stays the caller's."""
        if self._helper is not None:
            self._helper.shutdown()
            self._helper, self._tried = None, False

    def _put(self, view: memoryview, *, advance: bool = True) -> None:
        """Write all of it: a raw, unbuffered file may take only a part at a time.

        Raises:
            OSError: it can't be written; nor can anything after it, because nobody knows how
                much of it is there.
        """
        if self._failed:
            raise OSError("an earlier write failed: nothing may follow what it left")
        self._failed = True  # until all of it is there
        done = 0
        while done < view.nbytes:
            count = self.file.write(view[done:] if done else view)
            if count is None:
                raise BlockingIOError("the output is non-blocking and full")
            done += count
            if advance:
                self.position += count
        self._failed = False


def read_back(file: IO[bytes], size: int) -> Iterator[bytes]:
    """The next `size` bytes of a file that was written, piece by piece.

    Raises:
        io.UnsupportedOperation: they are not there.
    """
    while size:
        piece = file.read(min(_PIECE, size))
        if not piece:
            raise io.UnsupportedOperation("what was written can't be read back")
        yield piece
        size -= len(piece)


def appends(file: Any) -> bool:
    """Whether a file puts what is written at its end, wherever it was sent."""
    if "a" in str(getattr(file, "mode", "")):
        return True
    try:
        import fcntl

        return bool(fcntl.fcntl(file.fileno(), fcntl.F_GETFL) & os.O_APPEND)
    except (ImportError, AttributeError, OSError, ValueError):
        return False


def _standing(file: IO[bytes]) -> int:
    """Where a seekable file stands; 0 for a pipe."""
    try:
        return file.tell() if file.seekable() else 0
    except (AttributeError, OSError, ValueError):
        return 0
