"""Writing a memory region while it is being read.

A region's page states and BlockLength stand in front of its data, and while the target is
being read nobody knows them yet. There are two ways out, chosen by what the output can do:

* A seekable file gets the header of a region in which every page is captured, and then the
  data as it comes. At the first page that turns out otherwise, the map and BlockLength on
  disk are corrected before another byte is written, so that what is on disk is right for
  the data that is there at every moment; when the region is finished, its block is read
  back once and hashed again. A region without surprises costs nothing extra.
* A pipe, and any compressed region, is held in memory up to the writer's `buffer_limit`.
  When there is more, what is held becomes a fragment of its own, and the rest of the
  region follows in Continuation fragments (§5.1).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..abbreviated import abbreviated
from ..errors import ConformanceError
from ..page_map import PageMap, Run, stored_size
from ..source import BufferSource, Extent
from .block_on_disk import BlockOnDisk
from .blocks import checked, total
from .compress import compressed
from .promises import NIL

if TYPE_CHECKING:
    from typing_extensions import Self

    from .writer import Writer

__all__ = ["RegionWriter"]


class RegionWriter:
    """Pages of one region, in address order; made by `Writer.region`.

    Every page must be accounted for: `captured` takes bytes, `mark` takes a number of
    pages that have none. Leaving the context finishes the region; leaving it by an
    exception abandons the file at the last complete block.

    Attributes:
        uuid: BlockUUID of the region's first fragment.
        pages: pages of the region.
        done: pages accounted for so far.
        fragments: blocks written so far.
    """

    def __init__(
        self,
        writer: Writer,
        fields: Mapping[str, Any],
        word: int,
        found: uuid.UUID,
        algorithm: str | None,
    ) -> None:
        self._writer = writer
        self._kind = writer.schema.block("memory_region")
        assert self._kind.layout is not None
        self._layout = self._kind.layout
        self._word = word
        self._algorithm = algorithm
        self.uuid = found
        where = f"block {writer.blocks.index} (memory_region)"
        # The map and the data come later; everything else is checked before a byte is written.
        exponent = self._layout.field("page_size_log2")
        if not all(isinstance(fields.get(key, 0), int) for key in ("base_addr", "region_size")):
            raise ConformanceError(f"{where}: base_addr and region_size must be numbers (§5.1)")
        size, log2 = fields["region_size"], fields.get(exponent.key, exponent.default)
        for problem in exponent.type.problems(log2, {}):
            raise ConformanceError(f"{where}: {exponent.key}: {problem} ({exponent.section})")
        if size < 0 or size % (1 << log2):
            raise ConformanceError(
                f"{where}: RegionSize {size}: expected a multiple of the page size {1 << log2} "
                f"({self._layout.section})"
            )
        self.pages = size >> log2
        empty = {"page_state_map": PageMap.uniform(0), "page_data": _extent(b"")}
        probe = checked(self._layout, {**fields, **empty, "region_size": 0}, where)
        self._fields = {k: v for k, v in probe.items() if k not in empty}
        self._base: int = probe["base_addr"]
        self._log2: int = log2
        self.page_size = 1 << log2
        self.done = 0
        self.fragments = 0
        self._first = 0  # page with which the fragment being gathered begins
        self._runs: list[Run] = []
        self._held = writer.held
        self._held.clear()
        self._direct: BlockOnDisk | None = None
        writer.region_opened(self)

    # -- accounting for pages ----------------------------------------------------------

    def captured(self, data: bytes | bytearray | memoryview) -> None:
        """The bytes of the next pages; a whole number of them. The buffer may be reused.

        Raises:
            ConformanceError: not whole pages, or more than the region has.
        """
        view = memoryview(data).cast("B")
        count, odd = divmod(view.nbytes, self.page_size)
        if odd:
            raise ConformanceError(
                f"{view.nbytes} bytes are not a whole number of pages of {self.page_size} (§5.1)"
            )
        self._take(count)
        if self._begin_direct():
            assert self._direct is not None
            self._direct.captured(view)
            self.done += count
            return
        step = max(1, self._writer.buffer_limit >> self._log2)
        for first in range(0, count, step):
            pages = min(step, count - first)
            if len(self._held) and len(self._held) + (pages << self._log2) > self._limit:
                self._flush(last=False)
            self._held.add(view[first << self._log2 : (first + pages) << self._log2])
            self._note(pages, 0)

    def mark(self, state: str | int, count: int = 1) -> None:
        """The next pages hold no bytes: ``failed``, ``unmapped`` or (1.1) ``not_resident``.

        Raises:
            ConformanceError: the draft has no such state, or the region no such pages.
        """
        states = self._writer.schema.page_states
        try:
            code = states.encode(state)
        except ValueError as error:
            raise ConformanceError(f"{error} (§6)") from None
        if code == 0 or not states.permits(code):
            raise ConformanceError(
                f"page state {abbreviated(state)}: expected a state without bytes that "
                f"{self._writer.schema.name} permits (§6)"
            )
        self._take(count)
        if not count:
            return
        if self._begin_direct():
            assert self._direct is not None
            self._direct.mark(code, count)
            self.done += count
            return
        self._note(count, code)

    def whole(self, page_map: PageMap, data: memoryview) -> None:
        """The whole region at once, with states known before.

        Raises:
            ConformanceError: the data is not as long as the captured pages.
        """
        if page_map.pages != self.pages:
            raise ConformanceError(
                f"PageStateMap covers {page_map.pages} pages, the region has {self.pages} (§5.1)"
            )
        states = self._writer.schema.page_states
        for state, count in enumerate(page_map.counts()):
            if count and not states.permits(state):
                raise ConformanceError(
                    f"PageStateMap: {count} pages are {states.decode(state).name}, which "
                    f"{self._writer.schema.name} does not permit (§6)"
                )
        if not page_map.canonical:
            raise ConformanceError("PageStateMap: bits behind the last page must be zero (§1.3)")
        expected = page_map.captured << self._log2
        if data.nbytes != expected:
            raise ConformanceError(
                f"PageData: expected {expected} bytes for the captured pages, found "
                f"{data.nbytes} (§5.1)"
            )
        first, taken = 0, 0
        while True:
            stop = self._fitting(page_map, first)
            size = page_map.counts(first, stop)[0] << self._log2
            last = stop == self.pages
            part = page_map if last and not first else _part(page_map, first, stop)
            self._emit(first, part, data[taken : taken + size], last=last)
            taken += size
            first = stop
            if last:
                self.done = self.pages
                return

    # -- life cycle --------------------------------------------------------------------

    def close(self) -> None:
        """Finish the region.

        Raises:
            ConformanceError: pages are not accounted for.
        """
        if self.done != self.pages:
            raise ConformanceError(
                f"region at {self._base:#x}: {self.pages - self.done} of {self.pages} pages are "
                "not accounted for: mark them failed or unmapped (§6)"
            )
        if self._direct is not None:
            self._direct.close()
        elif self._runs or not self.fragments:
            self._flush(last=True)
        self._writer.region_opened(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
            return
        self._writer.region_opened(None)
        if self._direct is not None or self.done:
            self._writer.abandon()  # what is known of the region is not all: nothing may follow

    # -- inside ------------------------------------------------------------------------

    @property
    def _limit(self) -> int:
        room = self._writer.max_payload - self._layout.minimum - stored_size(self.pages)
        return int(max(self.page_size, min(self._writer.buffer_limit, room)))

    def _take(self, count: int) -> None:
        if count < 0 or self.done + count > self.pages:
            raise ConformanceError(
                f"region at {self._base:#x}: {count} pages more than its {self.pages} "
                f"({self.done} are accounted for)"
            )

    def _note(self, count: int, state: int) -> None:
        if self._runs and self._runs[-1][2] == state:
            first, before, _ = self._runs[-1]
            self._runs[-1] = (first, before + count, state)
        else:
            self._runs.append((self.done - self._first, count, state))
        self.done += count

    def _flush(self, *, last: bool) -> None:
        """Write what is held as one fragment."""
        pages = self.done - self._first
        part = PageMap.from_runs(self._runs, pages)
        self._emit(self._first, part, self._held.view(), last=last)
        self._first, self._runs = self.done, []
        self._held.clear()

    def _emit(self, first: int, part: PageMap, data: memoryview, *, last: bool) -> None:
        writer = self._writer
        word, found, parent = self._word, self.uuid, NIL
        if self.fragments:
            word = self._word & ~writer.flag("has_key_hints") & ~writer.flag("has_children")
            word |= writer.flag("continuation")
            found, parent = writer.new_uuid(), self.uuid
        elif not last:
            word |= writer.flag("has_children")
        record = self._layout.complete(
            {
                **self._fields,
                "base_addr": self._base + (first << self._log2),
                "region_size": part.pages << self._log2,
                "page_state_map": part,
                "page_data": _extent(data),
            }
        )
        payload = list(self._layout.pieces(record))
        if self._algorithm is not None:
            smaller = compressed(writer.schema, payload, self._algorithm, writer.level)
            if total(smaller) < total(payload):
                payload, word = smaller, word | writer.compression_flags(self._algorithm)
        header = writer.blocks.header(
            self._kind,
            total(payload) + writer.schema.block_header_size,
            flags=word,
            block_uuid=found,
            parent_uuid=parent,
        )
        writer.region_opened(None)
        writer.admit(self._kind, word, found, parent)
        writer.region_opened(self)
        writer.blocks.put(header, payload)
        self.fragments += 1

    def _fitting(self, page_map: PageMap, first: int) -> int:
        """The page behind the longest fragment from `first` on that BlockLength can describe."""
        low, high = first, page_map.pages
        room = self._writer.max_payload - self._layout.minimum
        if self._algorithm is not None:
            room = min(room, max(self._writer.buffer_limit, self.page_size + 8))

        def fits(stop: int) -> bool:
            data = page_map.counts(first, stop)[0] << self._log2
            return stored_size(stop - first) + data <= room

        if fits(high):
            return high
        while high - low > 1:
            middle = (low + high) // 2
            if fits(middle):
                low = middle
            else:
                high = middle
        if low == first:
            raise ConformanceError(
                f"a page of {self.page_size} bytes does not fit a block of {room} (§5.1)"
            )
        return low

    def _begin_direct(self) -> bool:
        """Whether pages go straight to the file; the first one writes the block's head."""
        if self._direct is not None:
            return True
        writer = self._writer
        if self._algorithm is not None or self.fragments or self._runs or not writer.sink.revisable:
            return False
        if (
            self._layout.minimum + stored_size(self.pages) + (self.pages << self._log2)
            > writer.max_payload
        ):
            return False
        record = self._layout.complete(
            {
                **self._fields,
                "region_size": self.pages << self._log2,
                "page_state_map": PageMap.uniform(self.pages),
                "page_data": _extent(b""),
            }
        )
        head = b"".join(bytes(piece) for piece in self._layout.pieces(record))
        length = writer.schema.block_header_size + len(head) + (self.pages << self._log2)
        header = writer.blocks.header(
            self._kind,
            length,
            flags=self._word,
            block_uuid=self.uuid,
            parent_uuid=NIL,
        )
        writer.region_opened(None)
        writer.admit(self._kind, self._word, self.uuid, NIL)
        writer.region_opened(self)
        stored = bytes(stored_size(self.pages))
        self._direct = BlockOnDisk(writer, header, head, stored, length, self.page_size)
        self.fragments = 1
        return True


def _part(page_map: PageMap, first: int, stop: int) -> PageMap:
    runs = [(page - first, count, state) for page, count, state in page_map.runs(first, stop)]
    return PageMap.from_runs(runs, stop - first)


def _extent(data: bytes | memoryview) -> Extent:
    return Extent(BufferSource(data), 0, len(data))
