"""A source over ciphertext that gives plaintext, and one that is put together of several."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from ..source import CHUNK, Source
from .ciphers import SLACK, Cipher, Stream

__all__ = ["DecryptedSource", "PartedSource"]


class DecryptedSource:
    """The plaintext of one message, at the offsets that its ciphertext has in the file.

    Only for messages whose tag was found to match.
    """

    def __init__(self, inner: Source, cipher: Cipher, start: int, length: int) -> None:
        self._inner = inner
        self._cipher = cipher
        self._start = start
        self._end = start + length
        self._spare: list[memoryview] = []

    @property
    def size(self) -> int:
        return self._end

    def read(self, offset: int, length: int) -> bytes:
        return bytes(self.view(offset, length))

    def view(self, offset: int, length: int) -> memoryview:
        wanted = max(0, min(length, self._end - offset))
        if not wanted:
            return memoryview(b"")
        stream, before = self._cipher.stream(offset - self._start)
        buffer = memoryview(bytearray(before + wanted + SLACK))
        done = 0
        for piece in self._inner.pieces(offset - before, before + wanted):
            done += stream.update_into(piece, buffer[done:])
        return buffer[before : before + wanted].toreadonly()

    def pieces(self, offset: int, length: int, size: int = CHUNK) -> Iterator[memoryview]:
        end = min(offset + length, self._end)
        if offset >= end:
            return
        stream, before = self._cipher.stream(offset - self._start)
        try:
            buffer = self._spare.pop()  # of a caller that is done with it
        except IndexError:
            buffer = memoryview(bytearray(CHUNK + SLACK))
        try:
            if before:
                self._inner_into(stream, offset - before, before, buffer)
            for piece in self._inner.pieces(offset, end - offset, min(size, CHUNK)):
                done = stream.update_into(piece, buffer)
                yield buffer[:done].toreadonly()
        finally:
            self._spare.append(buffer)

    def _inner_into(self, stream: Stream, offset: int, length: int, buffer: memoryview) -> None:
        stream.update_into(self._inner.read(offset, length), buffer)

    def forget(self, before: int) -> None:
        pass


class PartedSource:
    """Several sources one behind the other, each with the offsets of the file.

    Args:
        parts: sources, each with the offset at which the next begins.
    """

    def __init__(self, parts: Sequence[tuple[Source, int]]) -> None:
        self._sources = [source for source, _ in parts]
        self._ends = [end for _, end in parts]

    def put(self, source: Source, start: int, end: int) -> None:
        """Put another source in the place of some bytes of the last."""
        last, size = self._sources.pop(), self._ends.pop()
        self._sources += [last, source, last]
        self._ends += [start, end, size]

    @property
    def size(self) -> int:
        return self._ends[-1]

    def read(self, offset: int, length: int) -> bytes:
        at = bisect_right(self._ends, offset)
        if at < len(self._ends) and offset + length <= self._ends[at]:
            return self._sources[at].read(offset, length)
        return b"".join(bytes(piece) for piece in self.pieces(offset, length))

    def view(self, offset: int, length: int) -> memoryview:
        at = bisect_right(self._ends, offset)
        if at < len(self._ends) and offset + length <= self._ends[at]:
            return self._sources[at].view(offset, length)
        return memoryview(self.read(offset, length))

    def pieces(self, offset: int, length: int, size: int = CHUNK) -> Iterator[memoryview]:
        end = min(offset + length, self.size)
        for at in range(bisect_right(self._ends, offset), len(self._ends)):
            stop = min(end, self._ends[at])
            if offset >= stop:
                return
            yield from self._sources[at].pieces(offset, stop - offset, size)
            offset = stop

    def forget(self, before: int) -> None:
        pass
