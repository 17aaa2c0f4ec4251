"""Which note of a core is for what: of the process, of its threads, or for nobody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .machines import ElfMachine
from .more_sets import ARM_FLOATING, FLOATING, XSAVE, has_set
from .note_walk import ElfNote
from .notes import AUXILIARY, FILES, INFO, SIGNAL, STATUS
from .other_systems import (
    FREE_MAP,
    FREE_NAME,
    FREE_VECTOR,
    FREEBSD,
    NET_VECTOR,
    NETBSD,
    is_register_note,
)

__all__ = ["GatheredNotes", "gather", "tell_unused"]

_MOST_TOLD = 64
_OF_A_THREAD = (FLOATING, XSAVE, ARM_FLOATING, FREE_NAME)
"""Types of notes of FreeBSD that belong to the thread before them."""
_SIZE_BEFORE = 4


@dataclass
class GatheredNotes:
    """What the notes of a core say.

    Attributes:
        threads: the notes of each thread.
        mappings: FreeBSD's list of them.
        others: how many notes of which kind were not used.
    """

    threads: list[list[ElfNote]] = field(default_factory=list)
    info: ElfNote | None = None
    auxiliary: ElfNote | None = None
    files: ElfNote | None = None
    mappings: ElfNote | None = None
    signal: ElfNote | None = None
    other: ElfNote | None = None
    owners: list[str] = field(default_factory=list)
    others: dict[str, int] = field(default_factory=dict)

    def leave_out(self, note: ElfNote) -> None:
        """Count a note that is not used."""
        key = f"{note.owner}:{note.type:#x}"
        if key in self.others or len(self.others) < _MOST_TOLD:
            self.others[key] = self.others.get(key, 0) + 1


def gather(found: GatheredNotes, notes: Iterable[ElfNote]) -> int:
    """Put notes where they belong; how many there were."""
    count = 0
    for note in notes:
        count += 1
        owner = note.owner.partition("@")[0]
        if owner not in found.owners and len(found.owners) < 16:
            found.owners.append(owner)
        if note.owner == "CORE" and note.type == STATUS:
            found.threads.append([note])
        elif note.owner == "CORE" and note.type == INFO:
            found.info = found.info or note
        elif note.owner == "CORE" and note.type == AUXILIARY:
            found.auxiliary = found.auxiliary or note
        elif note.owner == "CORE" and note.type == FILES:
            found.files = found.files or note
        elif note.owner == "CORE" and note.type == SIGNAL:
            found.signal = found.signal or note
        elif _is_of_another_system(found, note):
            pass
        elif note.owner in ("CORE", "LINUX") and found.threads:
            found.threads[-1].append(note)
        else:
            found.leave_out(note)
    return count


def tell_unused(found: GatheredNotes, machine: ElfMachine | None) -> None:
    """Count the notes of threads that hold no registers which somebody here knows."""
    unused = [] if found.signal is None else [found.signal]  # but for the signal's number
    for notes in found.threads:
        unused += [one for one in notes if not _is_used(one, machine)]
    for one in unused:
        found.leave_out(one)


def _is_used(note: ElfNote, machine: ElfMachine | None) -> bool:
    if machine is None:
        return False
    if note.owner.startswith(NETBSD):
        return is_register_note(machine, note.type)
    named = note.owner == FREEBSD and note.type == FREE_NAME
    return note.type == STATUS or named or has_set(machine, note.type)


def _without_size(note: ElfNote) -> ElfNote:
    """The note without the size of a structure, which it begins with."""
    return note._replace(offset=note.offset + _SIZE_BEFORE, size=note.size - _SIZE_BEFORE)


def _is_of_another_system(found: GatheredNotes, note: ElfNote) -> bool:
    """Whether it is a note of FreeBSD or NetBSD that is read; takes it."""
    if note.owner == FREEBSD:
        if note.type == STATUS:
            found.threads.append([note])
        elif note.type == INFO:
            found.other = found.other or note
        elif note.type in _OF_A_THREAD and found.threads:
            found.threads[-1].append(note)
        elif note.type == FREE_VECTOR and note.size >= _SIZE_BEFORE:
            found.auxiliary = found.auxiliary or _without_size(note)
        elif note.type == FREE_MAP:
            found.mappings = found.mappings or note
        else:
            return False
        return True
    if note.owner.startswith(NETBSD):
        if note.owner == NETBSD:
            found.other = found.other or (note if note.type == 1 else None)
            if note.type == NET_VECTOR:
                found.auxiliary = found.auxiliary or note
            return note.type in (1, NET_VECTOR)
        if found.threads and found.threads[-1][0].owner == note.owner:
            found.threads[-1].append(note)
        else:
            found.threads.append([note])
        return True
    return False
