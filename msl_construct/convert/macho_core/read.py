"""Reading a Mach-O core: memory and threads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from ...errors import DamageError, FormatError, LimitError
from ...source import Source
from ...space import ADDRESSES_END
from ..faults import Faults
from ..named_ranges import named_ranges
from ..process import CapturedProcess, MappedRange, ProcessThread, byte_order_of, pointers_of
from ..segments import FileSegment, SegmentSpace
from ..structures import Held
from .images import IMAGES, FoundImages, images_in
from .states import PROCESSORS, registers_in, unread_in
from .structures import (
    COMMAND,
    CORE,
    HEADER,
    MAGICS,
    NOTE,
    NOTE_FORM,
    SEGMENT,
    SEGMENT_32,
    SEGMENT_32_FORM,
    SEGMENT_64,
    SEGMENT_64_FORM,
    THREAD,
)

__all__ = ["is_macho_core", "read_macho_core"]

_LARGEST_THREAD = 1 << 16
_RIGHTS = 7
_MOST_TOLD = 64
_MORE = ""
"""Stands for the kinds beyond."""
_MOST_COMMANDS = 1 << 16
_LEAST = {SEGMENT_32: SEGMENT_32_FORM.size, SEGMENT_64: SEGMENT_64_FORM.size}
"""Bytes of those commands that are more than their type and size."""


def is_macho_core(beginning: bytes) -> bool:
    """Whether a file begins as Mach-O files do."""
    return beginning[:4] in MAGICS


def read_macho_core(source: Source) -> CapturedProcess:
    """The process of a Mach-O core.

    Raises:
        FormatError: it is no Mach-O core.
        DamageError: its load commands are not there whole.
        LimitError: it has more than 65,536 of them.
    """
    held = Held(source)
    found = MAGICS.get(source.read(0, 4))
    if found is None:
        raise FormatError(
            "expected a Mach-O file, which begins with feedface or feedfacf", offset=0
        )
    held.order, wide = found
    header = held.one(HEADER, 0, "mach_header")
    if header.file_type != CORE:
        raise FormatError(
            f"a Mach-O file of type {header.file_type}: expected a core ({CORE})", offset=12
        )
    core = _Core(held, header.processor)
    for kind, at, size in _commands(held, HEADER.size + (4 if wide else 0), header.commands):
        core.take(kind, at, size)
    faults, threads = core.faults, core.threads
    space = SegmentSpace(source, core.segments)
    images = FoundImages([], [], "")
    remarks = core.left_out()
    if core.images is None:
        remarks["modules"] = "unknown: the core names none"
    else:
        images = images_in(held, *core.images, space, faults)
        if images.left_out:
            shown = ", ".join(images.left_out[:_MOST_TOLD])
            more = len(images.left_out) - _MOST_TOLD
            remarks["modules_left_out"] = shown + (f", and {more} more" if more > 0 else "")
    pointers = sorted(one.stack for one in pointers_of(threads) if one.stack is not None)
    if threads:
        remarks["thread_ids"] = "unknown: numbered in the order of the file"
    if held.order == ">":
        remarks["byte_order"] = "big"
    if header.processor not in PROCESSORS:
        remarks["machine"] = f"{header.processor:#x}, whose registers nobody here knows"
    arch_type = PROCESSORS.get(header.processor, "unknown")
    _, contradiction = byte_order_of(arch_type, held.byte_order)
    if contradiction:
        faults.append(f"magic and cputype: {contradiction}: read as the first says")
    return CapturedProcess(
        os_type="macos",
        arch_type=arch_type,
        space=space,
        byte_order=held.byte_order,
        mappings=named_ranges(_apart(core.ranges, faults), images.modules, pointers),
        modules=images.modules,
        exe_path=images.executable,
        threads=threads,
        remarks=remarks,
        faults=faults,
    )


class _Core:
    """What the load commands of a core say.

    Attributes:
        segments, ranges: memory, and the mappings that it makes.
        images: offset and size of the note that names the images; None: there is none.
        faults: what is wrong with them.
    """

    def __init__(self, held: Held, processor: int) -> None:
        self._held, self._processor = held, processor
        self.segments: list[FileSegment] = []
        self.ranges: list[MappedRange] = []
        self.threads: list[ProcessThread] = []
        self.images: tuple[int, int] | None = None
        self.faults: list[str] = Faults()
        self._states: Counter[str] = Counter()
        self._others: Counter[str] = Counter()

    def take(self, kind: int, at: int, size: int) -> None:
        """Read a load command."""
        if kind in SEGMENT:
            number = len(self.segments)
            _segment(self._held, kind, at, number, self.segments, self.ranges, self.faults)
        elif kind == THREAD:
            self._thread(at, size)
        elif kind == NOTE and size >= NOTE_FORM.size:
            note = self._held.one(NOTE_FORM, at)
            owner = note.owner.partition(b"\0")[0]
            if owner == IMAGES and self.images is None:
                self.images = note.offset, note.length
            else:
                shown = owner.decode("ascii", "backslashreplace")
                _count(self._others, f"{kind:#x} ({shown})")
        else:
            _count(self._others, f"{kind:#x}")

    def _thread(self, at: int, size: int) -> None:
        content = self._held.source.read(
            at + COMMAND.size, min(size, _LARGEST_THREAD) - COMMAND.size
        )
        number = len(self.threads) + 1
        if size > _LARGEST_THREAD:
            self.faults.append(
                f"thread {number} at {at:#x}: {size} bytes of states: what is beyond "
                f"{_LARGEST_THREAD} of them is left out"
            )
        registers = tuple(registers_in(self._processor, content, self._held.order))
        unread = unread_in(self._processor, content, self._held.order)
        for one in unread.flavours:
            _count(self._states, f"flavour {one}")
        flags: tuple[str, ...] = ("current",) if number == 1 else ()
        flags += ("partial",) if unread.partial or size > _LARGEST_THREAD else ()
        self.threads.append(ProcessThread(number, registers, "", 0, "unknown", flags))

    def left_out(self) -> dict[str, str]:
        """What is not read, for a note."""
        found = {}
        if self._states and self._processor in PROCESSORS:
            found["thread_states_left_out"] = _told(self._states)
        if self._others:
            found["commands_left_out"] = _told(self._others)
        return found


def _count(counts: Counter[str], what: str) -> None:
    """Count something of a kind: of kinds beyond those that are told, all together."""
    counts[what if what in counts or len(counts) < _MOST_TOLD else _MORE] += 1


def _told(counts: Mapping[str, int]) -> str:
    shown = [f"{what}*{count}" for what, count in sorted(counts.items()) if what != _MORE]
    more = counts.get(_MORE, 0)
    return ", ".join([*shown, f"and {more} of other kinds"] if more else shown)


def _commands(held: Held, at: int, count: int) -> Iterator[tuple[int, int, int]]:
    """Type, offset and size of the load commands."""
    if count > _MOST_COMMANDS:
        raise LimitError(f"{count} load commands: expected at most {_MOST_COMMANDS}")
    for number in range(count):
        command = held.one(COMMAND, at, f"load command {number}")
        least = _LEAST.get(command.type, COMMAND.size)
        if command.size < least:
            raise DamageError(
                f"load command {number} at {at:#x}: {command.size} bytes: expected {least} or more",
                offset=at,
            )
        held.require(at, command.size, f"load command {number}")
        yield command.type, at, command.size
        at += command.size


def _segment(
    held: Held,
    kind: int,
    at: int,
    number: int,
    segments: list[FileSegment],
    ranges: list[MappedRange],
    faults: list[str],
) -> None:
    if kind == SEGMENT_64:
        wide = held.one(SEGMENT_64_FORM, at)
        address, memory, offset, stored, protection = (
            wide.address,
            wide.memory_size,
            wide.offset,
            wide.file_size,
            wide.protection,
        )
    else:
        row = held.one(SEGMENT_32_FORM, at)
        address, memory, offset, stored, protection = (
            row.address,
            row.memory_size,
            row.offset,
            row.file_size,
            row.protection,
        )
    if stored > memory:
        faults.append(
            f"segment at {at:#x}: {stored} bytes of memory that has {memory}: what is beyond them "
            "has no address, and is left out"
        )
    end = min(address + memory, ADDRESSES_END)
    if end < address + memory:
        faults.append(
            f"segment at {at:#x}: {memory:#x} bytes at {address:#x}: the address space ends "
            "before that"
        )
    if end <= address:
        return
    stored = min(stored, end - address)
    present = max(0, min(stored, held.size - offset))
    if present < stored:
        faults.append(
            f"segment at {at:#x}: expected {stored} bytes at {offset:#x}, the file ends after "
            f"{held.size}"
        )
    segments.append(FileSegment(address, end, number, offset, stored, present))
    ranges.append(MappedRange(address, end, protection & _RIGHTS))


def _apart(ranges: list[MappedRange], faults: list[str]) -> list[MappedRange]:
    apart: list[MappedRange] = []
    end = 0
    for one in sorted(ranges):
        if one.start < end:
            faults.append(f"segments overlap at {one.start:#x}")
        if one.end > end:
            apart.append(one._replace(start=max(one.start, end)))
            end = one.end
    return apart
