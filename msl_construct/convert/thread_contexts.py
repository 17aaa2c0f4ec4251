"""Thread Contexts of an import: payloads, of which there may be a hundred thousand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..drafts import layout_of
from ..schema import Layout, Schema, Table
from ..schema.packing import RowPacker
from .process import ProcessRegister, ProcessThread
from .provenance import clean_text

__all__ = ["thread_contexts"]

_WIDEST = 255
_MOST_SHAPES = 256
_CURRENT = "current"

_Shape = tuple[str, int, tuple[str, ...]]
"""Name, width and roles of a register."""


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
    registers = _RegisterTables(table.entry)
    head = RowPacker(
        layout.before("registers"),
        *("thread_id", "start_time", "thread_state", "flags", "thread_name", "reg_count"),
    )
    chosen = _current(threads, usable)
    for number in usable:
        thread = threads[number]
        values = [one for one in thread.registers if one.value]
        front = (
            thread.thread_id,
            thread.start_time,
            thread.state,
            _flags(thread, number == chosen),
            clean_text(thread.name),
            len(values),
        )
        yield head.rows([front]) + registers.stored(values)


class _RegisterTables:
    """Registers as they are stored: what differs from thread to thread are their values.

    Args:
        entry: the layout of one.
    """

    def __init__(self, entry: Layout) -> None:
        self._packer = RowPacker(entry, "name", "width", "flags", "value")
        self._known: dict[tuple[_Shape, ...], list[bytes]] = {}

    def stored(self, registers: Sequence[ProcessRegister]) -> bytes:
        """The table of a thread.

        Raises:
            ConformanceError: the draft has no such registers.
        """
        shape = tuple((name, min(len(value), _WIDEST), roles) for name, value, roles in registers)
        parts = self._known.get(shape)
        if parts is None:
            parts = self._parts(shape)
            if len(self._known) < _MOST_SHAPES:
                self._known[shape] = parts
        parts = parts[:]
        parts[1::2] = [one.value[:_WIDEST] for one in registers]
        return b"".join(parts)

    def _parts(self, shape: tuple[_Shape, ...]) -> list[bytes]:
        """The table, with room for a value in every second place."""
        found = [b""]
        for name, width, roles in shape:
            stored, other = (
                self._packer.rows([(name.lower(), width, roles, bytes([fill]) * width)])
                for fill in (1, 2)
            )
            at = next(place for place, pair in enumerate(zip(stored, other)) if pair[0] != pair[1])
            found[-1] += stored[:at]
            found += [b"", stored[at + width :]]
        return found


def _flags(thread: ProcessThread, current: bool) -> tuple[str, ...]:
    flags = {one for one in thread.flags if one != _CURRENT}
    return tuple(sorted(flags | {_CURRENT} if current else flags))


def _current(threads: Sequence[ProcessThread], usable: Sequence[int]) -> int:
    """Which thread is the current one: the one that the source says, else its first."""
    for number in usable:
        if _CURRENT in threads[number].flags:
            return number
    return min(usable, default=-1)
