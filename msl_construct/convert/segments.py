"""Memory that a file holds in pieces, each at an address: segments of a core, ranges of a dump."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ..errors import LimitError, MemoryAccessError
from ..source import PathSource, Source
from ..space import CAPTURED, LayeredSpace
from ..space.layers import Wanted

__all__ = ["FAILED", "LACKING", "FileSegment", "SegmentSpace"]

FAILED = "failed"
"""State of addresses that the file names and has no bytes of."""

LACKING = "truncated"
"""State of addresses whose bytes the file should hold, and ends before."""


_MOST_TIMES = 8
"""How often the bytes of a file may be memory. Nobody writes one of which they are so twice; of one
that claims it a dump would be as large as its author likes."""


class FileSegment(NamedTuple):
    """One of them.

    Attributes:
        base, end: its addresses.
        order: its place in the file.
        offset: where its bytes stand.
        held: how many the file says that there are.
        present: how many there are.
        lacking: state of the addresses behind those.
    """

    base: int
    end: int
    order: int
    offset: int
    held: int
    present: int
    lacking: str = FAILED

    def runs(self, start: int, end: int) -> Iterator[tuple[int, int, str, int]]:
        """See `msl_construct.space.Claim`."""
        edges = (
            (self.base, self.base + self.present, CAPTURED),
            (self.base + self.present, self.base + self.held, LACKING),
            (self.base + self.held, self.end, self.lacking),
        )
        for first, stop, state in edges:
            low, high = max(start, first), min(end, stop)
            if low < high:
                yield low, high - low, state, low - self.base


class SegmentSpace(LayeredSpace[FileSegment]):
    """The address space of such a file.

    Raises:
        LimitError: the same bytes of the file are memory at very many addresses.
    """

    def __init__(self, source: Source, segments: Iterable[FileSegment]) -> None:
        self._source = source
        super().__init__(segments)
        most = _MOST_TIMES * (source.size or 0)
        if sum(one.present for one in self._parts) > most:  # of which addresses may be the same
            held = 0
            for start, stop in self.ranges():
                runs = self.states(start, stop)
                held += sum(length for _, length, state in runs if state == CAPTURED)
                if held > most:
                    raise LimitError(
                        f"more than {most} bytes of memory in a file of {source.size}: expected "
                        f"no byte of it to be at more than {_MOST_TIMES} addresses"
                    )

    @property
    def segments(self) -> Sequence[FileSegment]:
        """All of them, by address."""
        return self._parts

    def read_into(self, address: int, buffer: memoryview) -> None:
        """Fill a buffer with captured bytes.

        Raises:
            MemoryAccessError: not all of them are captured.
        """
        size = buffer.nbytes
        pieces = list(self._painted(address, address + size))
        if len(pieces) == 1 and pieces[0][2] == CAPTURED and isinstance(self._source, PathSource):
            part, offset = pieces[0][3:]
            assert part is not None
            self._source.read_into(part.offset + offset, buffer)
            return
        memory = self.read(address, size)
        if not memory.complete:
            raise MemoryAccessError(
                f"{size} bytes at {address:#x}: expected captured ones, found {memory.data.nbytes}"
            )
        buffer[:] = memory.data

    def place_of_part(self, part: FileSegment) -> tuple[Source, int]:
        """See `LayeredSpace.place_of_part`."""
        return self._source, part.offset

    def bytes_of(self, wanted: Sequence[Wanted[FileSegment]]) -> memoryview:
        """See `LayeredSpace.bytes_of`."""
        views = [self._source.view(part.offset + at, length) for part, at, length in wanted]
        return views[0] if len(views) == 1 else memoryview(b"".join(views))
