"""A region's block being written straight to a file that can be corrected."""

from __future__ import annotations

import uuid

from ..page_map import PAGES_PER_BYTE, PageMap
from ..schema import BlockType
from .blocks import NIL, BlockStream

__all__ = ["BlockOnDisk"]


class BlockOnDisk:
    """One block of which every page is taken for what is expected until it is known better.

    What is on disk is right for the data that is there at every moment: a page that has no
    bytes is marked, and BlockLength corrected, before anything else is written.
    """

    def __init__(
        self,
        blocks: BlockStream,
        kind: BlockType,
        fields: bytes,
        expected: PageMap,
        page_size: int,
        word: int,
        found: uuid.UUID,
    ) -> None:
        """Begin the block.

        Args:
            fields: of its payload, up to the page map.
            expected: the page map, as it will be if nothing is amiss.
            word, found: flags and BlockUUID.

        Raises:
            ConformanceError: it must not be written; nothing of it is.
            OSError: the output failed.
        """
        self._blocks = blocks
        self._output = blocks.output
        self._expected = expected
        self._map = bytearray(expected.stored)
        self._page = page_size
        payload = len(fields) + len(self._map) + expected.counts()[0] * page_size
        header = blocks.header(kind, payload, flags=word, block_uuid=found, parent_uuid=NIL)
        blocks.admit(kind, word, found, NIL)
        self._mark = self._output.mark()
        self._map_at = self._mark[0] + len(header) + len(fields)
        self._length = len(header) + payload
        self._done = 0
        self._surprised = False
        self._output.begin()
        self._output.write(header)
        self._output.write(fields + self._map)

    def captured(self, view: memoryview) -> None:
        """Pages that are as the map says, and their bytes."""
        self._output.write(view)
        self._done += view.nbytes // self._page

    def filled(self, count: int) -> None:
        """Pages whose bytes the output has already."""
        self._done += count

    def mark(self, state: int, count: int) -> None:
        """Pages without bytes: map and BlockLength are right before anything else is written."""
        first, stop = self._done, self._done + count
        self._done = stop
        expected = self._expected.counts(first, stop)
        if expected[state] == count:
            return
        begin, end = first // PAGES_PER_BYTE, -(-stop // PAGES_PER_BYTE)
        ahead = first - begin * PAGES_PER_BYTE
        runs = [run for run in ((0, ahead, 0), (ahead, count, state)) if run[1]]
        window = PageMap.from_runs(runs, ahead + count)
        for index in range(begin, end):
            self._map[index] |= window.stored[index - begin]
        self._output.patch(self._map_at + begin, bytes(self._map[begin:end]))
        self._length -= expected[0] * self._page
        layout = self._blocks.schema.block_header
        field = layout.field("block_length").type
        at = self._mark[0] + layout.offset_of("block_length")
        self._output.patch(at, field.encode(self._length, {}))
        self._surprised = True

    def close(self) -> None:
        """The block is complete."""
        if self._surprised:
            self._output.flush()
            self._output.revise(self._mark)
        self._blocks.finished()
