"""Compressed payloads: inflated on demand, never beyond what they declare (§4.2)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import IO, Any, cast

from ..budget import Budget
from ..errors import CompressionError, LimitError
from ..source import CHUNK, BufferSource, Extent
from .front_to_back import Feed, Passing
from .streams import LZ4_FRAME, LZ4_SIZE, inflate_lz4, library
from .zstd_frame import zstd_frame_length

__all__ = [
    "DEFAULT_INFLATE_LIMIT",
    "InflatedSource",
]

DEFAULT_INFLATE_LIMIT = 1 << 30
"""Bytes that one payload may inflate to unless the caller allows more."""

_PIECE = 1 << 14  # of input
_OUTPUT = 1 << 20
_ENTRIES = 4096
_ENTRIES_PER_BYTE = 16
_DECOMPRESSOR = 384 << 10  # of zstd, beside its window
_LARGEST_WINDOW = 1 << 27  # that the library opens
_LONGEST_FRAME_HEADER = 18
_LZ4_LONGEST = 255  # LZ4 can't expand a byte to more than this many


_AS_A_WHOLE = ("lz4", LZ4_FRAME)


class InflatedSource:
    """The inflated payload as a source of its own; offsets count from its first byte.

    zstd is inflated only as far as somebody reads, so that listing a region costs the few
    bytes in front of its page data; what is too large to be kept is inflated as it passes by.
    An LZ4 block can be inflated only as a whole.

    Args:
        stream: the stored bytes.
        algorithm: ``zstd`` or ``lz4``.
        declared: how many bytes they are said to inflate to.
        limit: how many they may.
        budget: for what is kept of them, and for the decompressor.

    Raises:
        CompressionError: from all that inflates: it does not inflate to the declared size.
        LimitError: likewise: it would be larger than the limit, or more than may be kept, or
            there is not enough memory.
    """

    def __init__(
        self, stream: Extent, algorithm: str, declared: int, limit: int, budget: Budget
    ) -> None:
        self._stream = stream
        self._algorithm = algorithm
        self._declared = declared
        self._limit = limit
        self._budget = budget
        self._charged = 0
        self._held: bytes | bytearray = bytearray()
        self._reader: Any = None
        self._passing: Passing | None = None
        if algorithm == "lz4":
            self._check_lz4()
        elif algorithm == LZ4_FRAME and declared > stream.length * _LZ4_LONGEST:
            expected = f"at most {_LZ4_LONGEST} bytes for each that is stored"
            raise self._error(expected, f"{stream.length} bytes that claim to be {declared}")

    @property
    def size(self) -> int:
        return self._declared

    @property
    def entry_budget(self) -> int:
        """How many table entries may be made of it: a small stream inflates to very many."""
        return _ENTRIES + _ENTRIES_PER_BYTE * self._stream.length

    def release(self) -> None:
        """Let go of what was inflated; it is inflated again when somebody asks."""
        self._held, self._reader, self._passing = bytearray(), None, None
        charged, self._charged = self._charged, 0
        self._budget.give_back(charged)

    @property
    def kept(self) -> int:
        """How many bytes `release` frees."""
        return self._charged

    def __del__(self) -> None:
        self._budget.give_back(self._charged)

    def read(self, offset: int, length: int) -> bytes:
        end = min(offset + length, self._declared)
        if end <= offset:
            return b""
        self._hold(end)
        if end - offset < CHUNK:
            return bytes(self._held[offset:end])
        with self._budget.lent(end - offset, self), self._enough_memory():
            return bytes(memoryview(self._held)[offset:end])

    def view(self, offset: int, length: int) -> memoryview:
        end = min(offset + length, self._declared)
        if end <= offset:
            return memoryview(b"")
        if self._is_whole or self._algorithm in _AS_A_WHOLE or self._can_be_kept:
            return memoryview(self.whole()).toreadonly()[offset:end]
        if self._declared > self._limit:
            self._refuse(self._declared)
        return self._part(offset, end)

    def pieces(self, offset: int, length: int, size: int = CHUNK) -> Iterator[memoryview]:
        end = min(offset + length, self._declared)
        if self._is_whole or self._algorithm in _AS_A_WHOLE:
            yield from BufferSource(self.whole()).pieces(offset, length, size)
            return
        at, self._passing = 0, None
        for piece in self._passed(end):
            first = max(0, offset - at)
            at += len(piece)
            for start in range(first, len(piece), size):
                yield memoryview(piece)[start : start + size]

    def forget(self, before: int) -> None:
        pass

    def whole(self) -> bytes | bytearray:
        """All of it."""
        self._hold(self._declared)
        return self._held

    def check(self) -> None:
        """Inflate everything and keep nothing."""
        if self._is_whole:
            return
        if self._algorithm in _AS_A_WHOLE:  # an LZ4 block comes as a whole
            with self._budget.lent(self._lz4_cost, self):
                self._inflate_lz4()
            return
        self._passing = None
        for _ in self._passed(self._declared):
            pass

    # -- what is kept ------------------------------------------------------------------

    @property
    def _is_whole(self) -> bool:
        return bool(self._held) and len(self._held) == self._declared

    @property
    def _can_be_kept(self) -> bool:
        """Whether all of it may be kept, beside what others keep that can't be made again."""
        return self._declared + self._window <= self._budget.room(self)

    def _hold(self, end: int) -> None:
        """Inflate until `end` bytes are kept; to the frame's end if that is all."""
        if end <= len(self._held) and (end < self._declared or self._is_whole):
            return
        if self._algorithm in _AS_A_WHOLE:
            self._charge(self._lz4_cost)
            found = self._inflate_lz4()
            self._held = found
            self._charge(len(found) - self._charged)
            return
        if end > self._limit:
            self._refuse(end)
        if self._reader is None:
            self.release()
            self._charge(self._window)
            self._reader = self._new_reader()
        self._charge(end - len(self._held))
        assert isinstance(self._held, bytearray)
        try:
            with self._enough_memory():
                for piece in self._pieces(self._reader, len(self._held), end):
                    self._held += piece
        except (CompressionError, LimitError):
            self.release()
            raise
        if end == self._declared:
            self._reader = None
            self._charge(len(self._held) - self._charged)

    def _charge(self, size: int) -> None:
        if size > 0:
            try:
                self._budget.take(size, self)
            except LimitError as error:
                self.release()
                raise self._limited(str(error)) from None
        else:
            self._budget.give_back(-size)
        self._charged += size

    # -- zstd --------------------------------------------------------------------------

    def _passed(self, end: int) -> Iterator[bytes]:
        """Everything up to `end`, piece by piece; nothing is kept."""
        if end > self._limit:
            self._refuse(end)
        try:
            self._budget.take(self._window + 2 * _OUTPUT, self)
        except LimitError as error:
            raise self._limited(str(error)) from None
        try:
            with self._enough_memory():
                yield from self._pieces(self._new_reader(), 0, end)
        finally:
            self._budget.give_back(self._window + 2 * _OUTPUT)

    def _part(self, offset: int, end: int) -> memoryview:
        """A part of what is too large to be kept; the next one behind it continues from there."""
        passing = self._passing
        if passing is None or passing.at > offset or passing.end < end:
            passing = self._passing = Passing(self._passed(self._declared), self._declared)
        try:
            self._budget.take(end - offset, self)
        except LimitError as error:
            raise self._limited(str(error)) from None
        try:
            with self._enough_memory():
                return memoryview(passing.take(offset, end)).toreadonly()
        except (CompressionError, LimitError):
            self._passing = None
            raise
        finally:
            self._budget.give_back(end - offset)

    @cached_property
    def _window(self) -> int:
        """Bytes that a decompressor of the frame takes.

        Raises:
            LimitError: more than the library gives one.
        """
        zstandard = library("zstandard")
        head = self._head()
        try:
            frame = zstandard.get_frame_parameters(head)
        except zstandard.ZstdError:  # it is no frame: the decompressor will say so
            return _DECOMPRESSOR
        if frame.window_size > _LARGEST_WINDOW:
            raise self._limited(f"its window of {frame.window_size} bytes is too large")
        known = frame.content_size != zstandard.CONTENTSIZE_UNKNOWN
        window = min(frame.window_size, frame.content_size) if known else frame.window_size
        return int(window) + _DECOMPRESSOR

    def _head(self) -> bytes:
        return self._stream.source.read(
            self._stream.offset, min(self._stream.length, _LONGEST_FRAME_HEADER)
        )

    def _new_reader(self) -> Any:
        zstandard = library("zstandard")

        stream = self._stream
        if not self._declared:  # a frame of nothing would be read on from
            stream = stream.part(0, zstd_frame_length(stream) or stream.length)
        feed = cast("IO[bytes]", Feed(stream))
        with self._enough_memory():
            return zstandard.ZstdDecompressor().stream_reader(feed, read_size=_PIECE)

    def _refuse(self, size: int) -> None:
        """Say that a size is over the limit, or that the frame itself has another one."""
        said = self._frame_size()
        if said not in (None, self._declared):
            raise self._error(f"a frame of {self._declared} bytes", f"one of {said}")
        raise self._too_large(size)

    def _pieces(self, reader: Any, done: int, end: int) -> Iterator[bytes]:
        """What the reader gives up to `end`, of which `done` bytes have been given."""
        zstandard = library("zstandard")

        # One byte more than declared is asked for along with the last: only a read that is not
        # filled sees the frame's end, and one that gives nothing goes on into what is behind it.
        wanted = end + 1 if end == self._declared else end
        while done < wanted:
            asked = min(_OUTPUT, wanted - done)
            if wanted - done - asked == 1:
                asked += 1
            try:
                piece = reader.read(asked)
            except zstandard.ZstdError as error:
                if "memory" in str(error):  # the allocator's or the library's: not the file's
                    raise self._limited(f"not enough memory to inflate it ({error})") from None
                raise self._error("one zstd frame", "something else, or a damaged one") from None
            done += len(piece)
            if done > self._declared:
                raise self._error(f"exactly {self._declared} bytes", "more")
            yield piece
            if len(piece) < asked:  # the frame's end; reading on would start another one
                break
        if done < end:
            raise self._error(f"{self._declared} bytes", f"only {done}")
        if end == self._declared and zstd_frame_length(self._stream) is None:
            # All bytes are there, but not what tells whether they are the right ones.
            raise self._error("one zstd frame", "one that is cut off behind its last byte")

    def _frame_size(self) -> int | None:
        """What the zstd frame itself says that it inflates to; None if it does not say it.

        Raises:
            CompressionError: it is no frame.
        """
        zstandard = library("zstandard")

        try:
            size = int(zstandard.get_frame_parameters(self._head()).content_size)
        except zstandard.ZstdError:
            raise self._error("one zstd frame", "something else, or a damaged one") from None
        return None if size == zstandard.CONTENTSIZE_UNKNOWN else size

    def _check_lz4(self) -> None:
        stored = self._stream.length
        if stored < LZ4_SIZE.size:
            raise self._error("a size and an LZ4 block", f"{stored} bytes")
        if self._declared > (stored - LZ4_SIZE.size) * _LZ4_LONGEST:
            raise self._error(
                f"at most {_LZ4_LONGEST} bytes for each that is stored",
                f"{stored} bytes that claim to be {self._declared}",
            )

    @property
    def _lz4_cost(self) -> int:
        """Bytes that inflating takes: those that come of it, and those that are stored."""
        return min(self._declared, self._limit) + self._stream.length

    def _inflate_lz4(self) -> bytes:
        with self._enough_memory():
            return self._inflated_frame() if self._algorithm == LZ4_FRAME else self._whole_lz4()

    def _whole_lz4(self) -> bytes:
        stored = self._stream.view()
        (said,) = LZ4_SIZE.unpack_from(stored)
        if said != self._declared:
            raise self._error(f"an LZ4 size of {self._declared}", str(said))
        if self._declared > self._limit:
            raise self._too_large(self._declared)
        found, _, problem = inflate_lz4(stored, self._declared)
        if found is None:
            raise self._error(f"one LZ4 block of {self._declared} bytes", problem)
        return found

    def _inflated_frame(self) -> bytes:
        """What an LZ4 frame holds: no more than it declares, and no less."""
        lz4_frame = library("lz4.frame")

        if self._declared > self._limit:
            raise self._too_large(self._declared)
        decompressor = lz4_frame.LZ4FrameDecompressor()
        try:
            found = decompressor.decompress(bytes(self._stream.view()), self._declared + 1)
        except (RuntimeError, ValueError, EOFError):
            raise self._error("one LZ4 frame", "something else, or a damaged one") from None
        if len(found) != self._declared or not decompressor.eof:
            raise self._error(f"a frame of {self._declared} bytes", f"{len(found)} or more")
        return bytes(found)

    def _too_large(self, size: int) -> LimitError:
        return LimitError(
            f"payload at {self._stream.offset:#x}: inflating {size} bytes exceeds the limit of "
            f"{self._limit}; raise it with max_inflate (--max-inflate)",
            offset=self._stream.offset,
        )

    def _limited(self, why: str) -> LimitError:
        return LimitError(f"payload at {self._stream.offset:#x}: {why}", offset=self._stream.offset)

    @contextmanager
    def _enough_memory(self) -> Iterator[None]:
        """What the system refuses is said to be that, and not the file's fault."""
        try:
            yield
        except MemoryError:
            self.release()
            raise self._limited(
                "not enough memory to inflate it, see ulimit -a and the control group"
            ) from None

    def _error(self, expected: str, found: str) -> CompressionError:
        return CompressionError(
            f"{self._algorithm} stream at {self._stream.offset:#x}: expected {expected}, found "
            f"{found} (§4.2.1)",
            offset=self._stream.offset,
        )
