"""Streams that are taken from front to back: the stored one, and what inflates of it."""

from __future__ import annotations

from collections.abc import Iterator

from ..source import Extent

__all__ = ["Feed", "Passing"]


class Feed:
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


class Passing:
    """Inflated bytes that are taken from front to back."""

    def __init__(self, pieces: Iterator[bytes], end: int) -> None:
        self._pieces = pieces
        self._piece = b""
        self._start = 0
        self.at = 0
        self.end = end

    def take(self, offset: int, end: int) -> bytearray:
        """The bytes of [offset, end), none of which were taken before."""
        out = bytearray()
        while True:
            behind = self._start + len(self._piece)
            if behind > offset:
                out += memoryview(self._piece)[
                    max(0, offset + len(out) - self._start) : end - self._start
                ]
            if behind >= end:
                break
            self._piece, self._start = next(self._pieces), behind
        if end == self.end:  # what stands behind the last byte is looked at, too
            for _ in self._pieces:
                pass
        self.at = end
        return out
