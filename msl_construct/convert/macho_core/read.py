"""Reading a Mach-O core: memory and threads."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import DamageError, FormatError, LimitError
from ...source import Source
from ..faults import Faults
from ..process import CapturedProcess, MappedRange, ProcessThread, byte_order_of
from ..segments import FileSegment, SegmentSpace
from ..structures import Held
from .states import PROCESSORS, registers_in
from .structures import (
    COMMAND,
    CORE,
    HEADER,
    MAGICS,
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
    faults: list[str] = Faults()
    segments: list[FileSegment] = []
    ranges: list[MappedRange] = []
    threads: list[ProcessThread] = []
    for kind, at, size in _commands(held, HEADER.size + (4 if wide else 0), header.commands):
        if kind in SEGMENT:
            _segment(held, kind, at, len(segments), segments, ranges, faults)
        elif kind == THREAD:
            content = held.source.read(at + COMMAND.size, min(size, _LARGEST_THREAD) - COMMAND.size)
            number = len(threads) + 1
            registers = tuple(registers_in(header.processor, content, held.order))
            flags = ("current",) if number == 1 else ()
            threads.append(ProcessThread(number, registers, "", 0, "unknown", flags))
    remarks = {"modules": "unknown: a core names none"}
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
        space=SegmentSpace(source, segments),
        byte_order=held.byte_order,
        mappings=_apart(ranges, faults),
        threads=threads,
        remarks=remarks,
        faults=faults,
    )


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
    end = min(address + memory, 1 << 64)
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
