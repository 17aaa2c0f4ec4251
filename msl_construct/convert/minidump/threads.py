"""The threads of a minidump, whose contexts are decoded when somebody asks for them."""

from __future__ import annotations

from collections.abc import Sequence

from ...xsave_layout import StateLayout, told_features
from ..process import ProcessThread, ThreadsOnDemand
from . import streams as kinds
from .contexts import decode_context, lacks_area, lacks_registers, unread_parts
from .streams import Streams
from .structures import (
    REQUESTED,
    THREAD,
    THREAD_EX,
    THREAD_INFO,
    THREAD_NAME,
    Exception_,
    MinidumpThread,
    ThreadEx,
)

__all__ = ["MinidumpThreads", "ThreadRow", "tell_unread_registers", "thread_rows"]

_LARGEST_CONTEXT = 1 << 16
_REQUESTED = 2
"""Bit of the validity of Breakpad's info: the thread that asked for the dump is known."""
_BEFORE_1970 = 116_444_736_000_000_000
"""Hundreds of nanoseconds from 1601, where Windows begins to count."""

ThreadRow = MinidumpThread | ThreadEx


def thread_rows(streams: Streams) -> list[ThreadRow]:
    """What the file has of each thread: those of the list, else those of the one with more."""
    rows: list[ThreadRow] = [*streams.rows(kinds.THREADS, THREAD)]
    if not rows:
        rows = [*streams.rows(kinds.THREADS_EX, THREAD_EX)]
    return _with_own_contexts(rows, streams)


def _with_own_contexts(rows: list[ThreadRow], streams: Streams) -> list[ThreadRow]:
    """The threads up to one with which contexts would be more bytes than the file has."""
    left = streams.held.size
    for number, row in enumerate(rows):
        left -= min(row.context_size, _LARGEST_CONTEXT)
        if left < 0:
            streams.faults.append(
                f"thread {row.thread_id}: contexts are more than the {streams.held.size} bytes of "
                f"the file: {len(rows) - number} threads are left out"
            )
            return rows[:number]
    return rows


class MinidumpThreads(ThreadsOnDemand):
    """The threads of a minidump, made when they are asked for.

    Attributes:
        partial: numbers of those that have more registers than are read.
    """

    def __init__(
        self,
        streams: Streams,
        rows: Sequence[ThreadRow],
        exception: Exception_ | None,
        architecture: int,
        layout: StateLayout,
    ) -> None:
        self._streams = streams
        self._layout = layout
        self._rows = rows
        self._exception = exception
        self._architecture = architecture
        self._names = {
            row.thread_id: streams.text(row.name, f"thread {row.thread_id}")
            for row in streams.spare(lambda: streams.rows(kinds.THREAD_NAMES, THREAD_NAME))
        }
        self._created = {
            row.thread_id: max(0, row.created - _BEFORE_1970) * 100
            for row in streams.spare(
                lambda: streams.sized_rows(kinds.THREAD_INFO, THREAD_INFO, "I")
            )
        }
        self.partial: set[int] = set()
        self._asking = None
        for asked in streams.spare(lambda: [streams.one(kinds.BREAKPAD, REQUESTED)]):
            if asked is not None and asked.validity & _REQUESTED and exception is None:
                self._asking = asked.requesting_thread

    def __len__(self) -> int:
        return len(self._rows)

    def context(self, number: int) -> bytes:
        """The bytes of a thread's context: of one that crashed, from when it did."""
        row, crashed = self._rows[number], self._exception
        size, offset = row.context_size, row.context_offset
        if crashed is not None and self._has_crashed(row) and crashed.context_size:
            size, offset = crashed.context_size, crashed.context_offset
        return self._streams.held.source.read(offset, min(size, _LARGEST_CONTEXT))

    def tell_of_nobody(self) -> None:
        """Say where the exception has registers of a thread that is in no list."""
        crashed = self._exception
        if crashed is None or not crashed.context_size or any(map(self._has_crashed, self._rows)):
            return
        self._streams.faults.append(
            f"exception: thread {crashed.thread_id} is in no list of threads: its registers are "
            "left out"
        )

    def _has_crashed(self, row: ThreadRow) -> bool:
        return self._exception is not None and self._exception.thread_id == row.thread_id

    def _thread(self, number: int) -> ProcessThread:
        row = self._rows[number]
        flags: tuple[str, ...] = ("current",) if row.thread_id == self._asking else ()
        if self._has_crashed(row):
            flags = ("current", "crashed")
        data = self.context(number)
        order = self._streams.held.order
        registers = decode_context(self._architecture, data, order, self._layout)
        flags += ("partial",) if number in self.partial else ()
        name = self._names.get(row.thread_id, "")
        created = self._created.get(row.thread_id, 0)
        return ProcessThread(row.thread_id, tuple(registers), name, created, "unknown", flags)


def tell_unread_registers(
    streams: Streams,
    threads: MinidumpThreads,
    architecture: int,
    layout: StateLayout,
    remarks: dict[str, str],
) -> None:
    """Name the parts of the threads' contexts of which nothing is read, or which are not there.

    Threads that have such are Partial from then on.
    """
    order = streams.held.order
    threads.tell_of_nobody()
    mask = lacking = short = 0
    for number in range(len(threads)):
        data = threads.context(number)
        unread = unread_parts(architecture, data, order, layout)
        lacks = lacks_area(architecture, data, order, layout)
        mask |= unread
        lacking += lacks
        cut = lacks_registers(architecture, data, order)
        short += cut
        if unread or lacks or cut:
            threads.partial.add(number)
    told = [f"the XSAVE areas behind contexts of {lacking} threads"] if lacking else []
    told += [f"of {short} threads, whose contexts are too short"] if short else []
    if told:
        remarks["registers_lacking"] = ", ".join(told)
    if mask:
        remarks["registers_left_out"] = told_features(mask)
