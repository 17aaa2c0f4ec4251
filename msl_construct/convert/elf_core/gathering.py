"""Which note of a core is for what: of the process, of its threads, or for nobody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .machines import ElfMachine
from .more_sets import ARM_FLOATING, FLOATING, XSAVE, has_set, is_x86
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

__all__ = ["MOST_THREADS", "GatheredNotes", "gather", "tell_unused"]

MOST_THREADS = 1 << 17
_MOST_TOLD = 64
_OF_A_THREAD = (FLOATING, XSAVE, ARM_FLOATING, FREE_NAME)
"""Types of notes of FreeBSD that belong to the thread before them."""
_SIZE_BEFORE = 4
_XSAVE_LAYOUT = 0x205
"""NT_X86_XSAVE_LAYOUT, of the process."""


@dataclass
class GatheredNotes:
    """What the notes of a core say.

    Attributes:
        threads: the notes of each thread.
        layout: where XSAVE images have what.
        mappings: FreeBSD's list of them.
        others: how many notes of which kind were not used.
        others_more: how many notes of further kinds were not.
        more: how many threads there are beyond the most that are read.
        following: the thread whose notes come now; none of one that is not read.
    """

    threads: list[list[ElfNote]] = field(default_factory=list)
    info: ElfNote | None = None
    auxiliary: ElfNote | None = None
    files: ElfNote | None = None
    layout: ElfNote | None = None
    mappings: ElfNote | None = None
    signal: ElfNote | None = None
    other: ElfNote | None = None
    owners: list[str] = field(default_factory=list)
    others: dict[str, int] = field(default_factory=dict)
    others_more: int = 0
    more: int = 0
    following: list[ElfNote] | None = None

    def take(self, use: str, note: ElfNote) -> None:
        """Take a note of the process: of each kind the first.

        Args:
            use: the attribute that it is for.
        """
        if getattr(self, use) is None:
            setattr(self, use, note)
        else:
            self.leave_out(note)

    def begin(self, note: ElfNote) -> None:
        """Take a note that a thread begins with."""
        if len(self.threads) == MOST_THREADS:
            self.more += 1
            self.following = None
            return
        self.following = [note]
        self.threads.append(self.following)

    def follow(self, note: ElfNote, machine: ElfMachine | None) -> None:
        """Take a further note of a thread: of each kind that is read the first."""
        thread = self.following
        if thread is None or not _is_used(note, machine) or note.type in (x.type for x in thread):
            self.leave_out(note)
        else:
            thread.append(note)

    def leave_out(self, note: ElfNote) -> None:
        """Count a note that is not used."""
        key = f"{note.owner}:{note.type:#x}"
        if key not in self.others and len(self.others) >= _MOST_TOLD:
            self.others_more += 1
        else:
            self.others[key] = self.others.get(key, 0) + 1


def gather(found: GatheredNotes, notes: Iterable[ElfNote], machine: ElfMachine | None) -> int:
    """Put notes where they belong; how many there were."""
    count = 0
    for note in notes:
        count += 1
        owner = note.owner.partition("@")[0]
        if owner not in found.owners and len(found.owners) < 16:
            found.owners.append(owner)
        if note.owner == "CORE" and note.type == STATUS:
            found.begin(note)
        elif note.owner == "CORE" and note.type == INFO:
            found.take("info", note)
        elif note.owner == "CORE" and note.type == AUXILIARY:
            found.take("auxiliary", note)
        elif note.owner == "CORE" and note.type == FILES:
            found.take("files", note)
        elif note.owner == "CORE" and note.type == SIGNAL:
            found.take("signal", note)
        elif note.owner == "LINUX" and note.type == _XSAVE_LAYOUT and _has_images(machine):
            found.take("layout", note)
        elif _is_of_another_system(found, note, machine):
            pass
        elif note.owner in ("CORE", "LINUX"):
            found.follow(note, machine)
        else:
            found.leave_out(note)
    return count


def tell_unused(found: GatheredNotes, machine: ElfMachine | None, sender: bool) -> None:
    """Count what threads begin with, where nobody here knows such registers.

    Args:
        sender: whether the signal's note may tell of who sent it, which is not read.
    """
    if found.signal is not None and sender:
        found.leave_out(found.signal)
    for first, *_ in found.threads:
        if not _is_used(first, machine):
            found.leave_out(first)


def _is_used(note: ElfNote, machine: ElfMachine | None) -> bool:
    if machine is None:
        return False
    if note.owner.startswith(NETBSD):
        return is_register_note(machine, note.type)
    named = note.owner == FREEBSD and note.type == FREE_NAME
    return note.type == STATUS or named or has_set(machine, note.type)


def _has_images(machine: ElfMachine | None) -> bool:
    return machine is not None and is_x86(machine)


def _without_size(note: ElfNote) -> ElfNote:
    """The note without the size of a structure, which it begins with."""
    return note._replace(offset=note.offset + _SIZE_BEFORE, size=note.size - _SIZE_BEFORE)


def _is_of_another_system(found: GatheredNotes, note: ElfNote, machine: ElfMachine | None) -> bool:
    """Whether it is a note of FreeBSD or NetBSD that is read; takes it."""
    if note.owner == FREEBSD:
        if note.type == STATUS:
            found.begin(note)
        elif note.type == INFO:
            found.take("other", note)
        elif note.type in _OF_A_THREAD:
            found.follow(note, machine)
        elif note.type == FREE_VECTOR and note.size >= _SIZE_BEFORE:
            found.take("auxiliary", _without_size(note))
        elif note.type == FREE_MAP:
            found.take("mappings", note)
        else:
            return False
        return True
    if note.owner.startswith(NETBSD):
        if note.owner == NETBSD:
            if note.type in (1, NET_VECTOR):
                found.take("other" if note.type == 1 else "auxiliary", note)
            return note.type in (1, NET_VECTOR)
        if found.following is not None and found.following[0].owner == note.owner:
            found.follow(note, machine)
        else:
            found.begin(note)
        return True
    return False
