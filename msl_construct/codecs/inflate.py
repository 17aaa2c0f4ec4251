"""Compressed payloads: inflated on demand, never beyond what they declare (§4.2)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from importlib import import_module
from typing import IO, Any, cast

from ..errors import CompressionError, LimitError
from ..source import CHUNK, BufferSource, Extent

__all__ = [
    "DEFAULT_INFLATE_LIMIT",
    "LZ4_FRAME",
    "TOLERATED_PADDING",
    "InflatedSource",
    "frame_size",
    "inflate_lz4",
]

DEFAULT_INFLATE_LIMIT = 1 << 30
"""Bytes that one payload may inflate to unless the caller allows more."""

_PIECE = 1 << 14  # of input
_OUTPUT = 1 << 20
_ENTRIES = 4096
_ENTRIES_PER_BYTE = 16
_LZ4_SIZE = struct.Struct("<I")  # python-lz4's own prefix: little-endian in every file
_LONGEST_FRAME_HEADER = 18
_LZ4_LONGEST = 255  # LZ4 can't expand a byte to more than this many
TOLERATED_PADDING = 7  # what 1.0 producers put behind the stream to align the block


LZ4_FRAME = "lz4_frame"
"""LZ4's own frame instead of a size and a block."""
_AS_A_WHOLE = ("lz4", LZ4_FRAME)


class _Feed:
    """The stored stream as the file that a decompressor reads."""

    def __init__(self, stream: Extent) -> None:
        self._stream = stream
        self._done = 0

    def read(self, size: int) -> bytes:
        """The next bytes."""
        wanted = min(size, self._stream.length - self._done)
        piece = self._stream.source.read(self._stream.offset + self._done, wanted)
        self._done += len(piece)
        return piece


class InflatedSource:
    """The inflated payload as a source of its own; offsets count from its first byte.

    zstd is inflated only as far as somebody reads, so that listing a region costs the few
    bytes in front of its page data. An LZ4 block can be inflated only as a whole.
    """

    def __init__(self, stream: Extent, algorithm: str, declared: int, limit: int) -> None:
        self._stream = stream
        self._algorithm = algorithm
        self._declared = declared
        self._limit = limit
        self._prefix = bytearray()
        self._whole: bytes | None = None
        self._reader: Any = None
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
        self._whole, self._prefix, self._reader = None, bytearray(), None

    def read(self, offset: int, length: int) -> bytes:
        end = min(offset + length, self._declared)
        if self._whole is None:
            if self._algorithm in _AS_A_WHOLE:
                self._inflate_lz4()
            else:
                self._extend(end)
        held: bytes | bytearray = self._prefix if self._whole is None else self._whole
        return bytes(held[offset:end])

    def view(self, offset: int, length: int) -> memoryview:
        return memoryview(self.whole())[offset : offset + length]

    def pieces(self, offset: int, length: int, size: int = CHUNK) -> Iterator[memoryview]:
        return BufferSource(self.whole()).pieces(offset, length, size)

    def forget(self, before: int) -> None:
        pass

    def whole(self) -> bytes:
        """All of it.

        Raises:
            CompressionError: it does not inflate to the declared size.
            LimitError: it would be larger than the limit.
        """
        if self._whole is None:
            if self._algorithm in _AS_A_WHOLE:
                self._inflate_lz4()
            else:
                self._extend(self._declared)
        assert self._whole is not None
        return self._whole

    def check(self) -> None:
        """Inflate everything and keep nothing.

        Raises:
            CompressionError: it does not inflate to the declared size.
            LimitError: it would be larger than the limit.
        """
        if self._algorithm in _AS_A_WHOLE:
            self._inflate_lz4()  # an LZ4 block comes as a whole
        elif self._whole is None:
            for _ in self._pieces(self._new_reader(), 0, self._declared):
                pass

    def _extend(self, end: int) -> None:
        """Inflate zstd until `end` bytes are there; to the frame's end if that is all."""
        if self._reader is None:
            self._reader = self._new_reader()
        for piece in self._pieces(self._reader, len(self._prefix), end):
            self._prefix += piece
        if end == self._declared:
            self._whole = bytes(self._prefix)
            self._prefix, self._reader = bytearray(), None

    def _new_reader(self) -> Any:
        zstandard = _library("zstandard")

        feed = cast("IO[bytes]", _Feed(self._stream))
        return zstandard.ZstdDecompressor().stream_reader(feed, read_size=_PIECE)

    def _pieces(self, reader: Any, done: int, end: int) -> Iterator[bytes]:
        """What the reader gives up to `end`, of which `done` bytes have been given."""
        zstandard = _library("zstandard")

        if end > self._limit:
            said = self._frame_size()
            if said not in (None, self._declared):
                raise self._error(f"a frame of {self._declared} bytes", f"one of {said}")
            raise self._too_large(end)
        # One byte more than declared is asked for in the end: only a read that is not filled
        # sees the frame's end, and one that is has found too much.
        wanted = end + 1 if end == self._declared else end
        while done < wanted:
            asked = min(_OUTPUT, wanted - done)
            try:
                piece = reader.read(asked)
            except zstandard.ZstdError:
                raise self._error("one zstd frame", "something else, or a damaged one") from None
            done += len(piece)
            if done > self._declared:
                raise self._error(f"exactly {self._declared} bytes", "more")
            yield piece
            if len(piece) < asked:  # the frame's end; reading on would start another one
                break
        if done < end:
            raise self._error(f"{self._declared} bytes", f"only {done}")

    def _frame_size(self) -> int | None:
        """What the zstd frame itself says that it inflates to; None if it does not say it.

        Raises:
            CompressionError: it is no frame.
        """
        zstandard = _library("zstandard")

        head = self._stream.source.read(
            self._stream.offset, min(self._stream.length, _LONGEST_FRAME_HEADER)
        )
        try:
            size = int(zstandard.get_frame_parameters(head).content_size)
        except zstandard.ZstdError:
            raise self._error("one zstd frame", "something else, or a damaged one") from None
        return None if size == zstandard.CONTENTSIZE_UNKNOWN else size

    def _check_lz4(self) -> None:
        stored = self._stream.length
        if stored < _LZ4_SIZE.size:
            raise self._error("a size and an LZ4 block", f"{stored} bytes")
        if self._declared > (stored - _LZ4_SIZE.size) * _LZ4_LONGEST:
            raise self._error(
                f"at most {_LZ4_LONGEST} bytes for each that is stored",
                f"{stored} bytes that claim to be {self._declared}",
            )

    def _inflate_lz4(self) -> None:
        if self._algorithm == LZ4_FRAME:
            self._whole = self._inflated_frame()
            return
        stored = self._stream.view()
        (said,) = _LZ4_SIZE.unpack_from(stored)
        if said != self._declared:
            raise self._error(f"an LZ4 size of {self._declared}", str(said))
        if self._declared > self._limit:
            raise self._too_large(self._declared)
        found, _, problem = inflate_lz4(stored, self._declared)
        if found is None:
            raise self._error(f"one LZ4 block of {self._declared} bytes", problem)
        self._whole = found

    def _inflated_frame(self) -> bytes:
        """What an LZ4 frame holds: no more than it declares, and no less."""
        lz4_frame = _library("lz4.frame")

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

    def _error(self, expected: str, found: str) -> CompressionError:
        return CompressionError(
            f"{self._algorithm} stream at {self._stream.offset:#x}: expected {expected}, found "
            f"{found} (§4.2.1)",
            offset=self._stream.offset,
        )


def frame_size(algorithm: str, head: bytes) -> int | None:
    """What a codec's frame says that it inflates to; None where it is none or does not say it.

    Args:
        head: its first bytes, 19 of them if there are so many.
    """
    import lz4.frame
    import zstandard

    try:
        if algorithm == "zstd":
            size = int(zstandard.get_frame_parameters(head).content_size)
            return None if size == zstandard.CONTENTSIZE_UNKNOWN else size
        return int(lz4.frame.get_frame_info(head)["content_size"]) or None
    except (zstandard.ZstdError, RuntimeError, ValueError):
        return None


def _library(name: str) -> Any:
    """A codec.

    Raises:
        LimitError: it can't be loaded here, which says nothing about the file.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise LimitError(f"the library {name}, which inflates such payloads: {error}") from None


def inflate_lz4(stored: memoryview, declared: int) -> tuple[bytes | None, int, str]:
    """Inflate an LZ4 block behind its size, with zeros behind it if need be.

    The block does not say where it ends, so that one zero fewer is tried after the other.

    Returns:
        The content, or None; how many zeros stand behind the block; what was found instead.
    """
    lz4_block = _library("lz4.block")

    body = stored[_LZ4_SIZE.size :]
    zeros = 0
    while zeros < min(TOLERATED_PADDING, len(body)) and body[len(body) - 1 - zeros] == 0:
        zeros += 1
    problem = ""
    for cut in range(zeros + 1):
        try:
            found = lz4_block.decompress(body[: len(body) - cut], uncompressed_size=declared)
        except (lz4_block.LZ4BlockError, ValueError, OverflowError):
            # What the library says of it differs between its versions, and documents show this.
            problem = problem or "something else, or a damaged one"
            continue
        if len(found) == declared:
            return found, cut, ""
        problem = problem or f"{len(found)} bytes"
    return None, 0, problem
