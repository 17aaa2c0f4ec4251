"""The threads of a core, whose registers are decoded when somebody asks for them."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence

from ...xsave_layout import HEADER_END, StateLayout, told_features
from .. import x86_state
from ..process import Pointers, ProcessRegister, ProcessThread, ThreadsOnDemand
from ..structures import Held
from .machines import ElfMachine, needed_for, registers_of
from .more_sets import (
    FLOATING,
    FXSAVE,
    SCALABLE,
    SCALABLE_HEAD,
    XSAVE,
    decode_set,
    has_set,
    is_x86,
    lacks_registers,
    too_wide,
)
from .note_walk import ElfNote
from .other_systems import (
    FREE_NAME,
    FREEBSD,
    NETBSD,
    free_floats,
    free_lacks,
    free_name,
    free_registers,
    free_thread,
    net_lacks,
    net_registers,
    net_thread,
)
from .status import read_status, registers_at
from .structures import STATE_COMPONENT

__all__ = ["CoreThreads", "state_layout"]

_LARGEST_SET = 1 << 16
_MOST_FEATURES = 64
_LINUX = ("CORE", "LINUX")
_STATUS_SIZE = 512
"""Bytes of a status that are enough for the number of its thread."""


class CoreThreads(ThreadsOnDemand):
    """The threads in the order of the file; the first one is the one that was dumped for.

    Args:
        groups: for each thread its notes: its NT_PRSTATUS, and whatever follows up to the next.
        layout: where XSAVE images have the features of the processor; None: nobody says.

    Attributes:
        unnumbered: the numbers of threads that the file has none for; no other thread has them.
    """

    def __init__(
        self,
        held: Held,
        machine: ElfMachine,
        groups: Sequence[Sequence[ElfNote]],
        layout: StateLayout | None = None,
    ) -> None:
        self._held = held
        self._layout = layout
        self._partial: set[int] = set()
        self._machine = machine
        self._groups = groups
        self._numbers, self.unnumbered = _distinct(self._number(notes[0]) for notes in groups)

    def __len__(self) -> int:
        return len(self._groups)

    def lacking(self) -> int:
        """How many threads have notes that are too short for their registers.

        They are Partial from then on.
        """
        count = 0
        for number, notes in enumerate(self._groups):
            if any(self._lacks(note, note is notes[0]) for note in notes):
                self._partial.add(number)
                count += 1
        return count

    def _lacks(self, note: ElfNote, first: bool) -> bool:
        machine = self._machine
        if note.owner == FREEBSD:
            return free_lacks(machine, note.type, note.size, first)
        if note.owner.startswith(NETBSD):
            return net_lacks(machine, note.type, note.size)
        if first:
            return note.size < registers_at(machine.wide) + needed_for(machine.general)
        if note.owner not in _LINUX or not has_set(machine, note.type):
            return False
        head = b""
        if note.type == SCALABLE:
            head = self._held.source.read(note.offset, min(note.size, SCALABLE_HEAD))
        return lacks_registers(machine, note.type, note.size, head)

    def left_out(self) -> list[str]:
        """What notes that are read have in use, and of which no register is read.

        The threads that have such are Partial from then on.
        """
        mask = wide = 0
        for number, notes in enumerate(self._groups):
            for note in notes[1:]:
                unread = 0
                if note.type == XSAVE and note.size > HEADER_END and is_x86(self._machine):
                    head = self._held.source.read(note.offset, HEADER_END)
                    unread = x86_state.unread_in_image(head, note.size, self._layout)
                    mask |= unread
                elif note.type == SCALABLE and has_set(self._machine, SCALABLE):
                    head = self._held.source.read(note.offset, min(note.size, SCALABLE_HEAD))
                    unread = too_wide(head)
                    wide = max(wide, unread)
                if unread:
                    self._partial.add(number)
        found = [told_features(mask)] if mask else []
        return [*found, f"z registers of {wide} bytes"] if wide else found

    def _thread(self, number: int) -> ProcessThread:
        notes = self._groups[number]
        flags: tuple[str, ...] = ("current",) if number == 0 else ()
        flags += ("partial",) if number in self._partial else ()
        owner = notes[0].owner
        if owner.startswith(NETBSD):
            registers = self._of_netbsd(notes)
        elif owner == FREEBSD:
            registers = self._of_freebsd(notes)
        else:
            registers = tuple(self._registers(notes))
        return ProcessThread(self._numbers[number], registers, self._name(notes), flags=flags)

    def pointers(self, number: int) -> Pointers:
        """See `ThreadsOnDemand.pointers`: of Linux the general registers have them."""
        first = self._groups[number][0]
        if first.owner.startswith(NETBSD) or first.owner == FREEBSD:
            return super().pointers(number)
        counter = stack = None
        for one in self._general(first):
            counter = one.number if counter is None and "pc" in one.roles else counter
            stack = one.number if stack is None and "sp" in one.roles else stack
        return Pointers(self._numbers[number], counter, stack)

    def _general(self, note: ElfNote) -> Iterator[ProcessRegister]:
        machine = self._machine
        content = self._content(note)[registers_at(machine.wide) :]
        return registers_of(machine, content, self._held.order, machine.general)

    def _name(self, notes: Sequence[ElfNote]) -> str:
        for note in notes:
            if note.owner == FREEBSD and note.type == FREE_NAME:
                return free_name(self._content(note))
        return ""

    def _number(self, first: ElfNote) -> int | None:
        """What the first note of a thread says that its number is; None: nothing."""
        if first.owner.startswith(NETBSD):
            return net_thread(first.owner)
        content = self._held.source.read(first.offset, min(first.size, _STATUS_SIZE))
        order = self._held.order
        if first.owner == FREEBSD:
            return free_thread(content, order, self._machine.wide)
        status = read_status(content, self._machine.wide, order)
        return None if status is None else status.thread_id & 0xFFFFFFFF

    def _registers(self, notes: Sequence[ElfNote]) -> list[ProcessRegister]:
        machine, order = self._machine, self._held.order
        found = list(self._general(notes[0]))
        kinds = {note.type for note in notes[1:] if not self._lacks(note, False)}
        for note in notes[1:]:
            # What an XSAVE image has, the older notes have too.
            if note.type in (FLOATING, FXSAVE) and XSAVE in kinds and note.type != XSAVE:
                continue
            if note.type == FLOATING and FXSAVE in kinds:
                continue
            more = decode_set(machine, note.type, self._content(note), order, self._layout)
            if more is not None:
                names = {one.name for one in found}
                found += [one for one in more if one.name not in names]
        return found

    def _of_netbsd(self, notes: Sequence[ElfNote]) -> tuple[ProcessRegister, ...]:
        return tuple(
            register
            for note in notes
            for register in net_registers(
                self._machine, note.type, self._content(note), self._held.order
            )
        )

    def _of_freebsd(self, notes: Sequence[ElfNote]) -> tuple[ProcessRegister, ...]:
        machine, order = self._machine, self._held.order
        found = free_registers(machine, self._content(notes[0]), order)
        kinds = {note.type for note in notes[1:] if not self._lacks(note, False)}
        for note in notes[1:]:
            if (note.type == FLOATING and XSAVE in kinds) or not has_set(machine, note.type):
                continue
            content = self._content(note)
            more = free_floats(machine, content, order) if note.type == FLOATING else None
            if more is None:
                more = decode_set(machine, note.type, content, order, self._layout)
            names = {one.name for one in found}
            found += [one for one in more or () if one.name not in names]
        return tuple(found)

    def _content(self, note: ElfNote) -> bytes:
        return self._held.source.read(note.offset, min(note.size, _LARGEST_SET))


def state_layout(held: Held, note: ElfNote | None) -> StateLayout | None:
    """Where XSAVE images have which feature (NT_X86_XSAVE_LAYOUT); None where nobody says."""
    if note is None:
        return None
    data = held.source.read(note.offset, min(note.size, _MOST_FEATURES * STATE_COMPONENT.size))
    return {
        one.type: (one.offset, one.size)
        for one in STATE_COMPONENT.rows(held.order, data)
        if one.type < _MOST_FEATURES
    }


def _distinct(numbers: Iterable[int | None]) -> tuple[array[int], list[int]]:
    """The numbers, those that lack replaced by some that no other has; and which these are."""
    known = list(numbers)
    taken, following = {one for one in known if one is not None}, 1
    found, made = array("Q"), []
    for one in known:
        if one is None:
            while following in taken:
                following += 1
            one = following
            following += 1
            made.append(one)
        found.append(one)
    return found, made
