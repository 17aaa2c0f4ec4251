"""Writing an ELF core that debuggers read: every captured byte, and nothing that was not captured.

One PT_LOAD for each captured run, as long in the file as in memory. What was not captured is in
no PT_LOAD, which debuggers would show as zeros, and in no NT_FILE row, for which gdb would read the
file on the disk of whoever looks.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from tempfile import SpooledTemporaryFile
from typing import IO

from ...errors import ConformanceError, FormatError
from ...space import Cover
from ..copying import RunWriter
from ..memory_runs import NOTES_IN_MEMORY, CapturedRuns, can_seek
from ..process import EXECUTE, READ, WRITE, CapturedProcess, MappedRange, ProcessModule
from ..told import Told, Written
from .auxiliary import find_auxiliary
from .images import LoadedImage, image_at
from .machines import MACHINES, ElfMachine
from .notes import files_note, process_notes
from .structures import (
    CORE,
    HEADERS,
    IDENT,
    LOAD,
    MAGIC,
    NOTE,
    PAST_COUNTS,
    PROGRAM_HEADERS,
    SECTION_HEADERS,
)

__all__ = ["write_core"]

_PAGE = 4096
_NARROW = 1 << 32


def write_core(process: CapturedProcess, file: IO[bytes]) -> Written:
    """Write a process as an ELF core, from front to back.

    Args:
        file: a new file, or a pipe.

    Raises:
        FormatError: no ELF core can be of this machine.
        ConformanceError: the memory does not fit a core of 32 bits.
        OSError: it can't be written.
    """
    machine = _machine(process)
    order = "<" if process.byte_order == "little" else ">"
    runs = CapturedRuns(process)
    if not machine.wide and len(runs) and runs.starts[-1] + runs.lengths[-1] > _NARROW:
        raise ConformanceError(
            f"{runs.lengths[-1]} bytes at {runs.starts[-1]:#x}: a core of {machine.arch_type} has "
            "addresses of 32 bits; take --to raw"
        )
    told = Told()
    auxiliary = process.auxiliary
    if auxiliary:
        told.auxiliary = "as the source has it"
    elif process.os_type in ("linux", "android"):
        auxiliary = find_auxiliary(process.space, _stacks(process), process.mappings, machine.word)
        told.auxiliary = "found in the captured stack" if auxiliary else ""
    with SpooledTemporaryFile(NOTES_IN_MEMORY) as notes:
        # One at a time: `writelines` of such a file takes all of them before it looks for room.
        for each in process_notes(process, machine, order, auxiliary, told):
            notes.write(each)
        rows = list(_file_rows(process, runs, told))
        if rows:
            notes.write(files_note(rows, _PAGE, machine, order))
        end = _write(process, machine, order, runs, notes, file)
    return Written(process, len(runs), runs.total, end, told)


def _write(
    process: CapturedProcess,
    machine: ElfMachine,
    order: str,
    runs: CapturedRuns,
    notes: IO[bytes],
    file: IO[bytes],
) -> int:
    """Write the file, from front to back; its size.

    Args:
        notes: stands behind them.
    """
    sizes = _Places(machine, len(runs) + 1, notes.tell())
    end = sizes.data + runs.total
    if not machine.wide and end > _NARROW:
        raise ConformanceError(
            f"{end} bytes: a core of {machine.arch_type} has 4 GiB at most; take --to raw"
        )
    seekable = can_seek(file)
    file.write(_header(machine, order, len(runs) + 1, sizes))
    _write_program_headers(file, machine, order, runs, sizes)
    if sizes.sections:
        file.write(_first_section(machine, order, len(runs) + 1))
    notes.seek(0)
    shutil.copyfileobj(notes, file)
    file.write(bytes(sizes.data - sizes.notes - sizes.notes_size))
    with RunWriter(process.space, file, seekable) as memory:
        for address, length, _ in runs:
            memory.put(address, length)
    if seekable:
        file.truncate(end)
    return end


def _machine(process: CapturedProcess) -> ElfMachine:
    found = next((one for one in MACHINES if one.arch_type == process.arch_type), None)
    if found is None:
        raise FormatError(
            f"an ELF core of a process of {process.arch_type}: expected one of "
            f"{', '.join(one.arch_type for one in MACHINES)}; take --to raw"
        )
    return found


class _Places:
    """Where the parts of the file begin.

    Args:
        count: of program headers.
        notes: bytes of all notes.
    """

    def __init__(self, machine: ElfMachine, count: int, notes: int) -> None:
        wide = int(machine.wide)
        self.headers = IDENT.size + HEADERS[wide].size
        end = self.headers + count * PROGRAM_HEADERS[wide].size
        self.sections = end if count >= PAST_COUNTS else 0
        self.notes = end + (SECTION_HEADERS[wide].size if self.sections else 0)
        self.notes_size = notes
        self.data = -(-(self.notes + notes) // _PAGE) * _PAGE


def _header(machine: ElfMachine, order: str, count: int, places: _Places) -> bytes:
    wide = int(machine.wide)
    ident = IDENT.write(order, MAGIC, 1 + wide, 1 if order == "<" else 2, 1, 0, 0, bytes(7))
    section = SECTION_HEADERS[wide].size if places.sections else 0
    form = HEADERS[wide]
    return ident + form.write(
        order,
        CORE,
        machine.number,
        1,
        0,
        places.headers,
        places.sections,
        0,
        IDENT.size + form.size,
        PROGRAM_HEADERS[wide].size,
        min(count, PAST_COUNTS),
        section,
        1 if section else 0,
        0,
    )


def _write_program_headers(
    file: IO[bytes], machine: ElfMachine, order: str, runs: CapturedRuns, places: _Places
) -> None:
    file.write(_program(machine, order, NOTE, 0, places.notes, 0, places.notes_size, 0, 4))
    aligned = all(at % _PAGE == 0 for at in runs.starts)
    aligned = aligned and all(length % _PAGE == 0 for length in runs.lengths)
    offset = places.data
    for address, length, mapping in runs:
        flags = _rights(mapping.protection)
        step = _PAGE if aligned else 1
        file.write(_program(machine, order, LOAD, flags, offset, address, length, length, step))
        offset += length


def _rights(protection: int) -> int:
    """p_flags."""
    return (
        (4 if protection & READ else 0)
        | (2 if protection & WRITE else 0)
        | (1 if protection & EXECUTE else 0)
    )


def _program(
    machine: ElfMachine,
    order: str,
    kind: int,
    flags: int,
    offset: int,
    address: int,
    file_size: int,
    memory_size: int,
    alignment: int,
) -> bytes:
    # The physical address is said too: Volatility maps by it, and debuggers don't look at it.
    if machine.wide:
        values = (kind, flags, offset, address, address, file_size, memory_size, alignment)
    else:
        values = (kind, offset, address, address, file_size, memory_size, flags, alignment)
    return PROGRAM_HEADERS[int(machine.wide)].write(order, *values)


def _first_section(machine: ElfMachine, order: str, count: int) -> bytes:
    """Section 0, which says how many program headers there are."""
    return SECTION_HEADERS[int(machine.wide)].write(order, 0, 0, 0, 0, 0, 1, 0, count, 0, 0)


# -- where the stack is, and which files are mapped ------------------------------------


def _stacks(process: CapturedProcess) -> Iterator[MappedRange]:
    """Where the auxiliary vector may stand: stacks, those first that are called so."""
    named = [one for one in process.mappings if one.name == "[stack]"]
    yield from named
    pointers = [
        found
        for thread in list(process.threads[:1])
        if (found := thread.register("sp")) is not None
    ]
    for one in process.mappings:
        if one.name == "[stack]":
            continue
        if one.region_type == "stack" or any(one.start <= at < one.end for at in pointers):
            yield one


def _file_rows(
    process: CapturedProcess, runs: CapturedRuns, told: Told
) -> Iterator[tuple[int, int, int, str]]:
    """Captured runs of files: start, end, offset and path."""
    modules = Cover((one.base, one.base + one.size, one) for one in process.modules)
    images: dict[int, LoadedImage | None] = {}
    unknown: set[tuple[int, str]] = set()
    for address, length, mapping in runs:
        if not mapping.name.startswith("/"):
            continue
        found = _offset(process, mapping, address, modules, images)
        if found is None or found % _PAGE:
            unknown.add((mapping.start, mapping.name))
        else:
            yield address, address + length, found, mapping.name
    told.files = sorted(unknown)


def _offset(
    process: CapturedProcess,
    mapping: MappedRange,
    address: int,
    modules: Cover[ProcessModule],
    images: dict[int, LoadedImage | None],
) -> int | None:
    """Where in its file an address of a mapping stands; None where nobody knows."""
    if mapping.file_offset is not None:
        return mapping.file_offset + address - mapping.start
    module = modules.at(mapping.start)
    if module is None or module.path != mapping.name:
        return None
    if module.base == mapping.start:
        stated = _maps_offset(module)
        if stated is not None:
            return stated + address - mapping.start
    if module.base not in images:
        images[module.base] = image_at(process.space, module)
    image = images[module.base]
    return None if image is None else image.offset_of(address)


def _maps_offset(module: ProcessModule) -> int | None:
    """The offset that the line of /proc/PID/maps has for where the module begins."""
    fields = module.native.split()
    with suppress(ValueError, IndexError):
        if int(fields[0].partition(b"-")[0], 16) == module.base:
            return int(fields[2], 16)
    return None
