"""The threads of a core, whose registers are decoded when somebody asks for them."""

from __future__ import annotations

from collections.abc import Sequence

from ..process import ProcessRegister, ProcessThread, ThreadsOnDemand
from ..structures import Held
from .machines import ElfMachine, registers_of
from .more_sets import FLOATING, FXSAVE, XSAVE, decode_set
from .note_walk import ElfNote
from .other_systems import (
    FREEBSD,
    NETBSD,
    free_registers,
    free_thread,
    net_registers,
    net_thread,
)
from .status import read_status, registers_at

__all__ = ["CoreThreads"]

_LARGEST_SET = 1 << 16


class CoreThreads(ThreadsOnDemand):
    """The threads in the order of the file; the first one is the one that was dumped for.

    Args:
        groups: for each thread its notes: its NT_PRSTATUS, and whatever follows up to the next.
    """

    def __init__(
        self, held: Held, machine: ElfMachine, groups: Sequence[Sequence[ElfNote]]
    ) -> None:
        self._held = held
        self._machine = machine
        self._groups = groups

    def __len__(self) -> int:
        return len(self._groups)

    def _thread(self, number: int) -> ProcessThread:
        notes = self._groups[number]
        flags = ("current",) if number == 0 else ()
        owner = notes[0].owner
        if owner.startswith(NETBSD):
            return ProcessThread(net_thread(owner) or 0, self._of_netbsd(notes), flags=flags)
        if owner == FREEBSD:
            number = free_thread(self._content(notes[0]), self._held.order) or 0
            return ProcessThread(number, self._of_freebsd(notes), flags=flags)
        status = read_status(self._content(notes[0]), self._machine.wide, self._held.order)
        if status is None:
            return ProcessThread(0, flags=flags)
        return ProcessThread(
            status.thread_id & 0xFFFFFFFF, tuple(self._registers(notes)), "", 0, "unknown", flags
        )

    def _registers(self, notes: Sequence[ElfNote]) -> list[ProcessRegister]:
        machine, order = self._machine, self._held.order
        content = self._content(notes[0])
        general = content[registers_at(machine.wide) :]
        found = list(registers_of(machine, general, order, machine.general))
        kinds = {note.type for note in notes[1:]}
        for note in notes[1:]:
            # What an XSAVE image has, the older notes have too.
            if note.type in (FLOATING, FXSAVE) and XSAVE in kinds and note.type != XSAVE:
                continue
            if note.type == FLOATING and FXSAVE in kinds:
                continue
            more = decode_set(machine, note.type, self._content(note), order)
            if more is not None:
                names = {one.name for one in found}
                found += [one for one in more if one.name not in names]
        return found

    def _of_netbsd(self, notes: Sequence[ElfNote]) -> tuple[ProcessRegister, ...]:
        return tuple(
            register
            for note in notes
            for register in net_registers(self._machine, note.type, self._content(note))
        )

    def _of_freebsd(self, notes: Sequence[ElfNote]) -> tuple[ProcessRegister, ...]:
        found = free_registers(self._machine, self._content(notes[0]))
        for note in notes[1:]:
            more = decode_set(self._machine, note.type, self._content(note), self._held.order)
            names = {one.name for one in found}
            found += [one for one in more or () if one.name not in names]
        return tuple(found)

    def _content(self, note: ElfNote) -> bytes:
        return self._held.source.read(note.offset, min(note.size, _LARGEST_SET))
