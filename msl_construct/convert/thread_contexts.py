"""Thread Contexts of an import: payloads, of which there may be a hundred thousand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..drafts import layout_of
from ..schema import Schema, Table
from ..schema.packing import RowPacker
from .process import ProcessThread
from .provenance import clean_text

__all__ = ["thread_contexts"]

_WIDEST_REGISTER = 255
_CURRENT = "current"


def thread_contexts(
    threads: Sequence[ProcessThread], usable: Sequence[int], form: Schema
) -> Iterator[bytes]:
    """The payload of each Thread Context (§5.7), when it is asked for.

    Args:
        usable: numbers of the threads that one is written of, in order.
    """
    layout = layout_of(form, "thread_context")
    assert layout is not None
    table = layout.field("registers").type
    assert isinstance(table, Table)
    entries = RowPacker(table.entry, "name", "width", "flags", "value")
    head = RowPacker(
        layout.before("registers"),
        *("thread_id", "start_time", "thread_state", "flags", "thread_name", "reg_count"),
    )
    chosen = _current(threads, usable)
    for number in usable:
        thread = threads[number]
        rows = [
            (
                one.name.lower(),
                min(len(one.value), _WIDEST_REGISTER),
                one.roles,
                one.value[:_WIDEST_REGISTER],
            )
            for one in thread.registers
            if one.value
        ]
        front = (
            thread.thread_id,
            thread.start_time,
            thread.state,
            _flags(thread, number == chosen),
            clean_text(thread.name),
            len(rows),
        )
        yield head.rows([front]) + entries.rows(rows)


def _flags(thread: ProcessThread, current: bool) -> tuple[str, ...]:
    flags = {one for one in thread.flags if one != _CURRENT}
    return tuple(sorted(flags | {_CURRENT} if current else flags))


def _current(threads: Sequence[ProcessThread], usable: Sequence[int]) -> int:
    """Which thread is the current one: the one that the source says, else its first."""
    for number in usable:
        if _CURRENT in threads[number].flags:
            return number
    return min(usable, default=-1)
