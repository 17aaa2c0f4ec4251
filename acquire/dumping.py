"""The file of one acquisition, from its header to the hashes of the whole."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import IO, Any, cast

from msl_construct import Writer
from msl_construct.builder import RegionFeed
from msl_construct.builder.overlapped_output import Buffers, Conveyor
from msl_construct.encryption.parameters import TAG
from msl_construct.errors import ConformanceError

from . import blocks, dump_hashes, machine_blocks, model
from .backend import Pageable
from .blocks import Related
from .bounds import Bounds, Stopped
from .dump_hashes import HashedOutput
from .model import Known, Thread
from .options import Options
from .pages import Pages, Part
from .saving import Saved, save_tail
from .tally import Tally

__all__ = ["Dumping", "Progress", "Shown"]

_SMALL_PARTS = 1 << 20
"""Bytes of data in a block where the size of the dump is bounded: little is lost at its end."""

Progress = Callable[[int, int], None]
"""Told of bytes of address space that are done, and how many there are."""

Shown = Callable[[int], None]
"""The same, of a part of them."""


class Dumping:
    """Writes a dump.

    Args:
        file: where it goes: a binary file that stands at its start, or a pipe.
        options: what the caller chose.
        bounds: what may end it early.
        on_begin: called when its header and its first block are written.

    Attributes:
        writer: once it has been begun.
        failed: whether the output failed: what was read is not what could be written.
        put_off: parts of mappings that are to be read when the target has been let go.
    """

    def __init__(
        self, file: IO[bytes], options: Options, bounds: Bounds, on_begin: Callable[[], None]
    ) -> None:
        self._file = file
        self._options = options
        self._bounds = bounds
        self._on_begin = on_begin
        self.writer: Writer | None = None
        self.failed = False
        self._begun = self._read_back = False
        self._buffers: Buffers | None = None
        self._feed: RegionFeed | None = None
        self._targets: list[int] = []  # that are acquired together
        self._modules: list[uuid.UUID] = []  # of the Module Entries to come
        self.put_off: list[Part] = []
        self._thread = b""  # the first Thread Context
        self._hashed: HashedOutput | None = None
        self._saved: Saved | None = None

    def get_ready(self) -> None:
        """Take the memory that writing needs."""
        self._buffers = Buffers(self._options.compress)
        if self._options.encryption is not None:
            self._options.encryption.get_ready()

    # -- in the order of the file ------------------------------------------------------

    def begin(
        self,
        header: Mapping[str, Any],
        known: Known,
        threads: Sequence[Thread],
        related: Sequence[Related],
        cache_room: int,
        tied: str = "",
    ) -> None:
        """The header, and what stands in front of the regions.

        Args:
            threads: those that Thread Contexts are written of.
            cache_room: bytes that may wait in the page cache; see `Writer`.
            tied: where the machine is described, hash of what the report says of the target.

        Raises:
            OSError: it can't be written.
        """
        output = self._file
        if not Conveyor.is_regular(output) and not dump_hashes.is_device(output):
            self._hashed = HashedOutput(output)
            output = cast("IO[bytes]", self._hashed)
        self.writer = writer = Writer(
            output,
            header,
            draft=self._options.draft,
            compression=self._options.compress,
            level=self._options.level,
            overlapped=True,
            cache_room=cache_room,
            buffers=self._buffers,
            encryption=self._options.encryption,
        )
        conveyor = self._conveyor
        self._read_back = conveyor.revisable
        if conveyor.revisable:
            self._file.truncate(0)  # nothing was written yet: now it is certain to be
        self._bounds.watch(conveyor, self._file)
        blocks.add_identity(writer, known.identity, known.outcomes)
        if conveyor.revisable:
            conveyor.flush_and(self._appear)  # whoever sees the file sees a dump
        else:
            self._appear()
        self._modules = blocks.add_module_list(writer, known.modules, known.outcomes)
        if known.machine is not None:
            machine_blocks.add_system_context(
                writer,
                known.machine,
                targets=1 + len(related),
                case=self._options.case,
                facts=known.facts,
                tied=tied,
                outcomes=known.outcomes,
            )
            self._targets = [one.pid for one in related]
        blocks.add_related(writer, related)
        self._thread = blocks.add_threads(writer, threads)

    def _appear(self) -> None:
        """Header and first block are with the operating system; in a thread of the output's."""
        self._on_begin()
        self._begun = True

    def add_regions(
        self,
        target: Pageable,
        planned: Iterable[tuple[model.Mapping, Sequence[model.Stretch]]],
        tally: Tally,
        tail: int,
        progress: Shown | None,
    ) -> None:
        """Read memory; may be called several times, as `add_parts`, and `end_regions` behind that.

        Args:
            target: reads it.
            planned: which mappings, in the order in which they are read, and how.
            tail: bytes that must still fit the dump behind them.
            progress: told of the bytes of these.

        Raises:
            Stopped: a bound was reached; what was read is written.
            OSError: the output failed.
        """
        feed = self._ready_feed(tail)
        pages = Pages(target, feed, tally)
        done = 0
        try:
            for mapping, plan in planned:
                if progress is not None:
                    feed.watch = partial(_tell, progress, done)
                pages.capture(mapping, plan)
                done += mapping.size
                if progress is not None:
                    progress(done)
            feed.finish()
        except Stopped:
            feed.finish()
            raise
        finally:
            self.put_off += pages.put_off
            feed.watch = None

    def add_parts(
        self,
        reader: Pageable,
        parts: Iterable[Part],
        tally: Tally,
        tail: int,
        progress: Shown | None,
        *,
        read_at: int = 0,
    ) -> None:
        """Read parts of mappings.

        Args:
            reader, tally, tail, progress: as for `add_regions`.
            read_at: nanoseconds since the Unix epoch when they were read, if that is over.

        Raises:
            Stopped, OSError: as by `add_regions`.
        """
        assert self.writer is not None
        feed, clock = self._ready_feed(tail), self.writer.blocks.clock
        pages = Pages(reader, feed, tally)
        done = 0
        if read_at:
            self.writer.blocks.clock = lambda: read_at
        try:
            for part in parts:
                if progress is not None:
                    feed.watch = partial(_tell, progress, done)
                pages.capture_parts((part,))
                done += part.part.size
                if progress is not None:
                    progress(done)
            feed.finish()
        except Stopped:
            feed.finish()
            raise
        finally:
            feed.watch = None
            self.writer.blocks.clock = clock

    def _ready_feed(self, tail: int) -> RegionFeed:
        assert self.writer is not None
        if self._feed is None:
            few = None if self._options.max_bytes is None else _SMALL_PARTS
            self._feed = self.writer.feed(longest=few)
            tag = 0 if self._options.encryption is None else TAG
            self._bounds.bound(self._feed, tail + tag)
        return self._feed

    def end_regions(self) -> None:
        """No more memory is read; more than once does no harm."""
        if self._feed is not None:
            self._feed.close()

    def add_tail(self, known: Known, *, complete: bool) -> None:
        """What stands behind the regions.

        Args:
            complete: write the End-of-Capture as well.

        Raises:
            OSError: it can't be written.
        """
        assert self.writer is not None
        blocks.check_thread(self.writer, self._thread)
        self._add_tail(self.writer, known)
        if complete:
            self.writer.close()
        else:
            self.writer.sink.flush()  # while it still counts for how long nobody takes it

    def _add_tail(self, writer: Writer, known: Known) -> None:
        if known.machine is not None:
            pid = known.identity.pid
            machine_blocks.add_tables(writer, known.machine, pid, known.facts, self._targets)
        blocks.add_modules(writer, known.modules, self._modules)
        blocks.add_vas_map(writer, known.mappings)

    # -- when that is over -------------------------------------------------------------

    def abandon(self) -> None:
        """Write nothing any more; more than once does no harm."""
        self.end_regions()
        if self._buffers is not None:
            self._buffers.close()
        if self.writer is not None:
            with contextlib.suppress(OSError):
                self.writer.abandon()

    def save_tail(self, known: Known, page_size: int) -> int | None:
        """The tail of a dump whose disk is full: it takes the place of what was cut.

        Returns:
            How many bytes gave way; None where it can't be.
        """
        if self.writer is None or not self._begun or not self.writer.sink.revisable:
            return None
        writer = self.writer
        # Where not even the module list was written, there is nothing to be saved.
        with contextlib.suppress(OSError, ConformanceError):
            self._saved = save_tail(
                self._file,
                writer,
                lambda resumed: self._add_tail(resumed, known),
                self._modules,
                page_size,
            )
        if self._saved is None:
            return None
        self.writer = self._saved.writer
        return self._saved.given_up

    # -- what is known of it -----------------------------------------------------------

    @property
    def _conveyor(self) -> Conveyor:
        """What writes the file: the writer's output, or what is below its encryption."""
        found = None if self.writer is None else self.writer.conveyor
        assert found is not None
        return found

    @property
    def position(self) -> int:
        """Bytes written so far, those under way included."""
        return 0 if self.writer is None else self.writer.sink.position

    @property
    def pages(self) -> dict[str, int]:
        """Pages in the file, by state; empty where nobody knows."""
        if self._saved is not None:
            return self._saved.pages
        if self.failed or self._feed is None or self.writer is None:
            return {}
        decode = self.writer.schema.page_states.decode
        return {decode(code).name: n for code, n in enumerate(self._feed.states) if n}

    @property
    def size(self) -> int | None:
        """Bytes of the file; None where a failing output does not tell."""
        try:
            if Conveyor.is_regular(self._file, at_start=False):
                return self._file.seek(0, 2)
        except (AttributeError, OSError, ValueError):
            return None
        return None if self.failed or self.writer is None else self.writer.sink.position

    def hashes(self) -> dict[str, Any]:
        """Of the whole file, for the report; reads it back."""
        if self.writer is None or not self._begun:
            return dump_hashes.none("nothing was written")
        if self._hashed is not None:
            if self.failed:
                return dump_hashes.none("it is not known how much of it was taken")
            return self._hashed.section(self.writer.sink.position)
        if not self._read_back:
            return dump_hashes.none("a device")
        interrupt = self._bounds.interrupt
        asked = interrupt.requests
        return dump_hashes.read_back(
            self._file, lambda: interrupt.reason if interrupt.requests > asked else ""
        )


def _tell(progress: Shown, done: int, size: int) -> None:
    progress(done + size)
