"""Writing a memory region: the one way, whether all of it is there or it is still being read.

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
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..abbreviated import abbreviated
from ..errors import ConformanceError
from ..page_map import PageMap, Run, stored_size
from ..schema import Record
from ..source import BufferSource, Extent
from .block_on_disk import BlockOnDisk
from .blocks import NIL, BlockStream, checked
from .laying import put_zeros
from .output import BufferedOutput
from .page_buffer import PageBuffer
from .region_plan import READ, WINDOW, ZERO, Outcome, Plan, Read, fitting, note, part_of, runs_of

if TYPE_CHECKING:
    from typing_extensions import Self

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
        stream: BlockStream,
        fields: Mapping[str, Any],
        *,
        buffer: PageBuffer,
        buffer_limit: int,
        word: int = 0,
        block_uuid: uuid.UUID | None = None,
        algorithm: str | None = None,
        states: list[int] | None = None,
        expected: PageMap | None = None,
    ) -> None:
        """Begin a region; see `Writer.region`.

        Args:
            stream: the file's blocks.
            fields: of the Memory Region, but for its pages.
            buffer: where pages wait that can't be written at once.
            buffer_limit: how many bytes of them.
            word: block flags.
            algorithm: of compression.
            states: where pages are counted, by the code of their state.
            expected: what the pages will be, as far as it is known; all captured unless given.
                A page that comes otherwise must be expected as captured.

        Raises:
            ConformanceError: the draft forbids a value, or no block can be added now.
        """
        stream.check_ready()
        self._stream = stream
        self._kind = stream.schema.block("memory_region")
        assert self._kind.layout is not None
        self._layout = self._kind.layout
        self._word = word
        self._algorithm = algorithm
        self._buffer_limit = buffer_limit
        self._states = [0, 0, 0, 0] if states is None else states
        self.uuid = block_uuid or stream.new_uuid()
        where = f"block {stream.index} (memory_region)"
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
        stream.state.check_region(probe["base_addr"])
        self._fields = {k: v for k, v in probe.items() if k not in empty}
        self._base: int = probe["base_addr"]
        self._log2: int = log2
        self.page_size = 1 << log2
        self.done = 0
        self.fragments = 0
        self._captured = 0
        self._first = 0  # page with which the fragment being gathered begins
        self._runs: list[Run] = []
        self._held = buffer
        self._held.clear()
        self._expected = expected
        self._on_disk: BlockOnDisk | None = None
        stream.region_open = True

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
        on_disk = self._begin_on_disk()
        if on_disk is not None:
            on_disk.captured(view)
            self._account(count, 0)
            return
        step = max(1, self._buffer_limit >> self._log2)
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
        code = self._code(state)
        if code == 0 or not self._stream.schema.page_states.permits(code):
            raise ConformanceError(
                f"page state {abbreviated(state)}: expected a state without bytes that "
                f"{self._stream.schema.name} permits (§6)"
            )
        self._take(count)
        if not count:
            return
        self._stream.state.check_missing()
        on_disk = self._begin_on_disk()
        if on_disk is not None:
            on_disk.mark(code, count)
            self._account(count, code)
            return
        self._note(count, code)

    def read(self, plan: Plan, read: Read, tell: Callable[[int], None]) -> None:
        """The next pages as a plan says it, read a window at a time.

        Where the output has buffers, they are read straight into them.

        Args:
            plan: what to do about them.
            read: reads those that are to be read.
            tell: told how many bytes of the region are done.

        Raises:
            ConformanceError: the draft has no such state, or the region no such pages.
            ValueError: what was read does not account for every page once.
        """
        output = self._stream.output
        buffers = output if isinstance(output, BufferedOutput) else None
        for count, what in plan:
            if what not in (READ, ZERO):
                self.mark(what, count)
                continue
            step = max(1, WINDOW >> self._log2)
            for first in range(0, count, step):
                self._read(min(step, count - first), what, read, buffers)
                tell(self.done << self._log2)

    def _read(self, pages: int, what: str, read: Read, buffers: BufferedOutput | None) -> None:
        self._take(pages)
        size = pages << self._log2
        on_disk = self._begin_on_disk()
        if on_disk is None or buffers is None:
            view = memoryview(bytearray(size))
        else:
            view = buffers.reserve(size)
        outcome = None
        if what == ZERO:
            put_zeros(view)
        else:
            outcome = read(self._base + (self.done << self._log2), view)
        if outcome is not None:
            self._surprise(outcome, pages, view)
        elif on_disk is None or buffers is None:
            self.captured(view)
        else:
            buffers.commit(size)
            on_disk.filled(pages)
            self._account(pages, 0)

    def _surprise(self, outcome: Outcome, pages: int, view: memoryview) -> None:
        runs = runs_of(outcome, pages, self._code)
        captured = sum(count for _, count, code in runs if not code)
        data = memoryview(bytes(view[: captured << self._log2]))  # as the view goes with a mark
        taken = 0
        for _, count, code in runs:
            if code:
                self.mark(code, count)
            else:
                self.captured(data[taken : taken + (count << self._log2)])
                taken += count << self._log2

    def whole(self, page_map: PageMap, data: memoryview | Extent) -> None:
        """The whole region at once, with states known before.

        Args:
            data: bytes of the captured pages; those of an extent are read as they are written.

        Raises:
            ConformanceError: the data is not as long as the captured pages.
        """
        if page_map.pages != self.pages:
            raise ConformanceError(
                f"PageStateMap covers {page_map.pages} pages, the region has {self.pages} (§5.1)"
            )
        states = self._stream.schema.page_states
        for state, count in enumerate(page_map.counts()):
            if count and not states.permits(state):
                raise ConformanceError(
                    f"PageStateMap: {count} pages are {states.decode(state).name}, which "
                    f"{self._stream.schema.name} does not permit (§6)"
                )
        if not page_map.canonical:
            raise ConformanceError("PageStateMap: bits behind the last page must be zero (§1.3)")
        expected = page_map.captured << self._log2
        given = data if isinstance(data, Extent) else _extent(data)
        if given.length != expected:
            raise ConformanceError(
                f"PageData: expected {expected} bytes for the captured pages, found "
                f"{given.length} (§5.1)"
            )
        room = self._stream.max_payload - self._layout.minimum
        if self._algorithm is not None:
            room = min(room, max(self._buffer_limit, self.page_size + 8))
        if page_map.captured != self.pages:
            self._stream.state.check_missing()
        first, taken = 0, 0
        while True:
            stop = fitting(page_map, first, self._log2, room)
            size = page_map.counts(first, stop)[0] << self._log2
            last = stop == self.pages
            part = page_map if last and not first else part_of(page_map, first, stop)
            self._emit(first, part, given.part(taken, size), last=last)
            for state, count in enumerate(part.counts()):
                self._account(count, state)
            taken += size
            first = stop
            if last:
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
        if self._on_disk is not None:
            self._on_disk.close()
        elif self._runs or not self.fragments:
            self._flush(last=True)
        self._stream.region_open = False
        self._stream.state.region_written(self.uuid, self._captured << self._log2)

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
        self._stream.region_open = False
        if self._on_disk is not None or self.done:
            with suppress(OSError):  # what was raised says more
                self._stream.abandon()  # not all is known of the region: nothing may follow

    # -- inside ------------------------------------------------------------------------

    @property
    def _limit(self) -> int:
        room = self._stream.max_payload - self._layout.minimum - stored_size(self.pages)
        return int(max(self.page_size, min(self._buffer_limit, room)))

    def _take(self, count: int) -> None:
        if count < 0 or self.done + count > self.pages:
            raise ConformanceError(
                f"region at {self._base:#x}: {count} pages more than its {self.pages} "
                f"({self.done} are accounted for)"
            )

    def _code(self, state: str | int) -> int:
        try:
            return self._stream.schema.page_states.encode(state)
        except ValueError as error:
            raise ConformanceError(f"{error} (§6)") from None

    def _account(self, count: int, state: int) -> None:
        self.done += count
        self._states[state] += count
        self._captured += 0 if state else count

    def _note(self, count: int, state: int) -> None:
        note(self._runs, self.done - self._first, count, state)
        self._account(count, state)

    def _flush(self, *, last: bool) -> None:
        """Write what is held as one fragment."""
        pages = self.done - self._first
        part = PageMap.from_runs(self._runs, pages)
        self._emit(self._first, part, _extent(self._held.view()), last=last)
        self._first, self._runs = self.done, []
        self._held.clear()

    def _emit(self, first: int, part: PageMap, data: Extent, *, last: bool) -> None:
        flag = self._stream.schema.flags["BlockFlags"].mask
        word, found, parent = self._word, self.uuid, NIL
        if self.fragments:
            word = self._word & ~flag("has_key_hints") & ~flag("has_children")
            word |= flag("continuation")
            found, parent = self._stream.new_uuid(), self.uuid
        elif not last:
            word |= flag("has_children")
        payload = self._payload(first, part, data)
        self._stream.append(self._kind, payload, word, found, parent, self._algorithm)
        self.fragments += 1

    def _payload(self, first: int, part: PageMap, data: Extent) -> list[bytes | Extent]:
        """What stands in a fragment from page `first` on; its fields are known to be right."""
        own = {
            "base_addr": self._base + (first << self._log2),
            "region_size": part.pages << self._log2,
            "page_state_map": part,
            "page_data": data,
        }
        return list(self._layout.pieces(Record({**self._fields, **own})))

    def _begin_on_disk(self) -> BlockOnDisk | None:
        """The block in which pages go straight to the file, if they do; begins it."""
        if self._on_disk is not None or self.fragments or self._runs:
            return self._on_disk
        stream = self._stream
        if self._algorithm is not None or not stream.output.revisable:
            return None
        expected = self._expected or PageMap.uniform(self.pages)
        head = self._payload(0, expected, _extent(b""))
        fields = b"".join(map(bytes, head)).removesuffix(expected.stored)
        if len(fields) + len(expected.stored) + (self.pages << self._log2) > stream.max_payload:
            return None
        self._on_disk = BlockOnDisk(
            stream, self._kind, fields, expected, self.page_size, self._word, self.uuid
        )
        self.fragments = 1
        return self._on_disk


def _extent(data: bytes | memoryview) -> Extent:
    return Extent(BufferSource(data), 0, len(data))
