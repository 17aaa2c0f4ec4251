"""A region's block being written straight to a file that can be corrected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..page_map import PAGES_PER_BYTE, PageMap
from .overlapped_output import Conveyor
from .sink import Mark

if TYPE_CHECKING:
    from .writer import Writer

__all__ = ["BlockOnDisk"]


class BlockOnDisk:
    """One block of which every page is taken for captured until it is known better.

    What is on disk is right for the data that is there at every moment: a page that has no
    bytes is marked, and BlockLength corrected, before anything else is written.
    """

    def __init__(
        self, writer: Writer, header: bytes, head: bytes, stored: bytes, length: int, page: int
    ) -> None:
        """Begin the block.

        Args:
            header, head: of the block, and of its payload up to the data.
            stored: the page map at the head's end, as it will be if nothing is amiss.
            length: BlockLength, likewise.
            page: bytes of a page.
        """
        self._writer = writer
        self._sink = writer.sink
        self._mark: Mark = self._sink.mark()
        self._map = bytearray(stored)
        self._map_at = self._mark[0] + len(header) + len(head) - len(self._map)
        self._length = length
        self._page = page
        self._done = 0
        self._surprised = False
        self._sink.begin()
        self._sink.write(header)
        self._sink.write(head)

    def captured(self, view: memoryview) -> None:
        """Pages that are as the map says, and their bytes."""
        self._sink.write(view)
        self._done += view.nbytes // self._page

    def filled(self, count: int) -> None:
        """Pages whose bytes were read into what a `Conveyor` had reserved for them."""
        assert isinstance(self._sink, Conveyor)
        self._sink.commit(count * self._page)
        self._done += count

    def planned(self, count: int) -> None:
        """Pages without bytes, of which the map says so already."""
        self._done += count

    def mark(self, state: int, count: int) -> None:
        """Correct the map and BlockLength on disk, before anything else is written."""
        first, stop = self._done, self._done + count
        begin, end = first // PAGES_PER_BYTE, -(-stop // PAGES_PER_BYTE)
        window = PageMap.from_runs(
            [
                run
                for run in (
                    (0, first - begin * PAGES_PER_BYTE, 0),
                    (first - begin * PAGES_PER_BYTE, count, state),
                )
                if run[1]
            ],
            stop - begin * PAGES_PER_BYTE,
        )
        for index in range(begin, end):
            self._map[index] |= window.stored[index - begin]
        self._sink.patch(self._map_at + begin, bytes(self._map[begin:end]))
        self._length -= count * self._page
        layout = self._writer.schema.block_header
        field = layout.field("block_length").type
        at = self._mark[0] + layout.offset_of("block_length")
        self._sink.patch(at, field.encode(self._length, {}))
        self._surprised = True
        self._done = stop

    def close(self) -> None:
        if self._surprised:
            self._sink.flush()
            self._sink.revise(self._mark)
        self._writer.blocks.finished()
