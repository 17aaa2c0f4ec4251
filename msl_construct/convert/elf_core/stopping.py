"""What a process of a core was stopped by."""

from __future__ import annotations

from collections.abc import Sequence

from ..process import ProcessException, ProcessThread
from ..structures import Held
from .machines import ElfMachine
from .note_walk import ElfNote
from .notes import CODE_FIRST
from .status import SIGNAL_SIZE, SignalInfo, read_signal, read_status

__all__ = ["exception_of", "first_status", "signal_of"]

_STATUS_SIZE = 512
"""Bytes of a status that are enough for its signal."""


def first_status(held: Held, threads: Sequence[Sequence[ElfNote]], wide: bool) -> int | None:
    """The signal of the first thread of Linux; None where there is none.

    Args:
        threads: the notes of each.
        wide: whether words have 64 bits.
    """
    if not threads or threads[0][0].owner != "CORE":
        return None
    first = threads[0][0]
    content = held.source.read(first.offset, min(_STATUS_SIZE, first.size))
    status = read_status(content, wide, held.order)
    return None if status is None else status.signal


def signal_of(
    held: Held, note: ElfNote | None, wide: bool, machine: ElfMachine | None
) -> SignalInfo | None:
    """The signal of an NT_SIGINFO; None where there is none that can be read."""
    if note is None:
        return None
    content = held.source.read(note.offset, min(note.size, SIGNAL_SIZE))
    swapped = machine is not None and machine.arch_type in CODE_FIRST
    return read_signal(content, wide, held.order, swapped)


def exception_of(
    number: int, signal: SignalInfo | None, threads: Sequence[ProcessThread]
) -> ProcessException | None:
    """What is known of a signal besides its number, which the first thread got."""
    if not number or signal is None or signal.number != number or not threads:
        return None
    return ProcessException(threads[0].thread_id, number, signal.code & 0xFFFFFFFF, signal.address)
