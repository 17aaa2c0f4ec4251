"""Reading an ELF core: both classes, both byte orders, whatever its lengths say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ...errors import DamageError, FormatError, LimitError
from ...source import Source
from ..faults import Faults
from ..process import (
    EXECUTE,
    READ,
    WRITE,
    CapturedProcess,
    MappedRange,
    ProcessThread,
    byte_order_of,
    pointers_of,
)
from ..segments import FileSegment, SegmentSpace
from ..structures import Held
from .auxiliary import HEADERS_AT, PAGE_SIZE, entries_of
from .gathering import MOST_THREADS, GatheredNotes, gather, tell_unused
from .machines import ElfMachine, machine_of
from .mapped_files import file_rows, images_of, mappings_of, modules_of
from .note_walk import MOST_NOTES, ElfNote, notes_of
from .other_systems import (
    FREEBSD,
    FoundProcess,
    free_files,
    free_process,
    net_process,
)
from .status import Info, read_info
from .stopping import exception_of, first_status, signal_of
from .structures import (
    CORE,
    HEADER_32,
    HEADER_64,
    IDENT,
    LOAD,
    MAGIC,
    NOTE,
    PAST_COUNTS,
    PROGRAM_32,
    PROGRAM_64,
    PROGRAM_HEADERS,
    SECTION_32,
    SECTION_64,
    Header32,
    Header64,
    ProgramHeader32,
    ProgramHeader64,
)
from .threads import CoreThreads, state_layout

__all__ = ["is_core", "read_core"]

_MOST_SEGMENTS = 1 << 20
_LARGEST_NOTE = 64 << 20
_OWNERS = {
    "LINUX": "linux",
    "CORE": "linux",
    "FreeBSD": "freebsd",
    "NetBSD-CORE": "netbsd",
    "OpenBSD": "openbsd",
}
_TAGS = 0x70000002
"""PT_AARCH64_MEMTAG_MTE, whose bytes are no memory."""
_NOT_A_PROCESS = {"VMCOREINFO", "QEMU"}
_PAGE_SIZES = (1024, 2048, 4096, 8192, 16384, 65536)
_CUT = 79
_MOST_TOLD = 64

_Row = ProgramHeader32 | ProgramHeader64


class _Header(NamedTuple):
    order: str
    wide: bool
    machine: int
    table: int
    segments: int


def is_core(beginning: bytes) -> bool:
    """Whether a file begins as ELF files do."""
    return beginning[:4] == MAGIC


def read_core(source: Source) -> CapturedProcess:
    """The process of an ELF core.

    Raises:
        FormatError: it is no ELF core of a process.
        DamageError: its header or its table of segments is not there whole.
        LimitError: it has more than a million segments or notes.
    """
    header, held = _header(source)
    faults: list[str] = Faults()
    segments, loads, note_segments, other_segments = _segments(held, header, faults)
    notes = GatheredNotes()
    left = MOST_NOTES
    machine = machine_of(header.machine, header.wide)
    for offset, size in _read_once(note_segments, faults):
        left -= gather(notes, notes_of(held, offset, size, faults, left), machine)
    if notes.more:
        faults.append(f"{notes.more} threads more than {MOST_THREADS}: they are left out")
    if _NOT_A_PROCESS & set(notes.owners):
        raise FormatError(
            f"a core of a machine (notes of {', '.join(sorted(notes.owners))}): expected one of a "
            "process"
        )
    space = SegmentSpace(source, segments)
    word = 8 if header.wide else 4
    rows = []
    if notes.files is not None:
        rows = file_rows(_content(held, notes.files), word, header.order, faults)
    elif notes.mappings is not None and header.wide:
        rows = free_files(_content(held, notes.mappings), header.order, faults)
    elif notes.mappings is not None:
        notes.leave_out(notes.mappings)
    images = images_of(space, loads, rows)
    mappings = mappings_of(loads, rows, images)
    auxiliary = b"" if notes.auxiliary is None else _content(held, notes.auxiliary)
    entries = entries_of(auxiliary, word, header.order)
    info = None if notes.info is None else read_info(_content(held, notes.info), header.order)
    status = first_status(held, notes.threads, header.wide)
    signal = signal_of(held, notes.signal, header.wide, machine)
    tell_unused(notes, machine, signal is None or signal.address is None)
    remarks = _remarks(header, machine, notes, info)
    if other_segments:
        remarks["segments_left_out"] = _told_kinds(other_segments, machine)
    if notes.files is None and not rows:
        remarks["modules"] = "unknown: no NT_FILE"
    page = entries.get(PAGE_SIZE, 4096)
    other = _other_process(held, notes, header.wide)
    threads: Sequence[ProcessThread] = ()
    if machine is not None and notes.threads:
        threads = CoreThreads(held, machine, notes.threads, state_layout(held, notes.layout))
        if threads.unnumbered:
            shown = " ".join(map(str, threads.unnumbered[:_MOST_TOLD]))
            count = len(threads.unnumbered)
            remarks["thread_ids"] = f"unknown of {count} threads, which got others: {shown}"
        lacking = threads.lacking()
        if lacking:
            remarks["registers_lacking"] = f"of {lacking} threads, whose notes are too short"
        unread = threads.left_out()
        if unread:
            remarks["registers_left_out"] = ", ".join(unread)
    mappings = _with_kinds(mappings, threads, bool(rows))
    exe = _executable(mappings, entries.get(HEADERS_AT, 0))
    stated = "little" if header.order == "<" else "big"
    _, contradiction = byte_order_of("" if machine is None else machine.arch_type, stated)
    if contradiction:
        faults.append(f"e_ident and e_machine: {contradiction}: read as the first says")
    number = max(0, other.signal if status is None else status)
    return CapturedProcess(
        os_type=next((_OWNERS[one] for one in notes.owners if one in _OWNERS), "unknown"),
        arch_type="unknown" if machine is None else machine.arch_type,
        space=space,
        byte_order=stated,
        page_size=page if page in _PAGE_SIZES else 4096,
        mappings=mappings,
        modules=modules_of(rows, images),
        threads=threads,
        pid=_number(info.pid if info is not None else other.pid),
        ppid=_number(info.parent if info is not None else other.parent),
        session_id=_number(info.session if info is not None else 0),
        exe_path=exe or (other.name if info is None else _text(info.name)),
        command_line=other.arguments if info is None else _text(info.arguments).strip(),
        remarks=remarks,
        faults=faults,
        auxiliary=auxiliary,
        signal=number,
        exception=exception_of(number, signal, threads),
        identity={}
        if info is None
        else {"user": info.user, "group": info.user_group, "process_group": info.group},
    )


def _header(source: Source) -> tuple[_Header, Held]:
    held = Held(source)
    if source.read(0, 4) != MAGIC:
        raise FormatError("expected an ELF file, which begins with 7f 45 4c 46", offset=0)
    ident = held.one(IDENT, 0, "e_ident")
    if ident.file_class not in (1, 2) or ident.data not in (1, 2):
        raise FormatError(
            f"e_ident: class {ident.file_class} and data {ident.data}: expected 1 or 2 of both",
            offset=4,
        )
    held.order = "<" if ident.data == 1 else ">"
    wide = ident.file_class == 2
    header: Header32 | Header64
    if wide:
        header = held.one(HEADER_64, IDENT.size, "ELF header")
    else:
        header = held.one(HEADER_32, IDENT.size, "ELF header")
    if header.type != CORE:
        raise FormatError(
            f"an ELF file of type {header.type}: expected a core ({CORE})", offset=IDENT.size
        )
    count = header.program_header_count
    if count == PAST_COUNTS:
        at = header.section_headers
        count = (held.one(SECTION_64, at) if wide else held.one(SECTION_32, at)).info
    form = PROGRAM_HEADERS[wide]
    if count and header.program_header_size != form.size:
        raise DamageError(
            f"ELF header: e_phentsize {header.program_header_size}: expected {form.size}",
            offset=IDENT.size,
        )
    if count > _MOST_SEGMENTS:
        raise LimitError(f"{count} program headers: expected at most {_MOST_SEGMENTS}")
    if not count:
        raise DamageError("ELF header: no program headers: expected some", offset=IDENT.size)
    return _Header(held.order, wide, header.machine, header.program_headers, count), held


def _segments(
    held: Held, header: _Header, faults: list[str]
) -> tuple[list[FileSegment], list[MappedRange], list[tuple[int, int]], dict[int, int]]:
    """Memory, the mappings that it makes, where the notes are, and how many others have bytes."""
    others: dict[int, int] = {}
    segments: list[FileSegment] = []
    ranges: list[MappedRange] = []
    notes: list[tuple[int, int]] = []
    top = 1 << (64 if header.wide else 32)
    at, count = header.table, header.segments
    wide = header.wide
    rows_64 = held.many(PROGRAM_64, at, count if wide else 0, "program headers")
    rows_32 = held.many(PROGRAM_32, at, 0 if wide else count, "program headers")
    table: Iterator[_Row] = rows_64 if wide else rows_32
    for number, row in enumerate(table):
        if row.type == NOTE:
            notes.append((row.offset, row.file_size))
        if row.type != LOAD:
            if row.type not in (0, NOTE) and row.file_size:
                others[row.type] = others.get(row.type, 0) + 1
            continue
        if row.file_size > row.memory_size:
            faults.append(
                f"segment {number} at {row.offset:#x}: {row.file_size} bytes of memory that has "
                f"{row.memory_size}: what is beyond them has no address, and is left out"
            )
        if not row.memory_size:
            continue
        end = row.address + row.memory_size
        if end > top:
            faults.append(
                f"segment {number}: {row.memory_size:#x} bytes at {row.address:#x}: the "
                "address space ends before that"
            )
            end = top
        stored = min(row.file_size, end - row.address)
        present = max(0, min(stored, held.size - row.offset))
        if present < stored:
            faults.append(
                f"segment {number} at {row.offset:#x}: expected {stored} bytes, the file ends "
                f"after {held.size}: {stored - present} bytes at {row.address + present:#x} are "
                "missing"
            )
        segments.append(FileSegment(row.address, end, number, row.offset, stored, present))
        ranges.append(MappedRange(row.address, end, _rights(row.flags)))
    ranges.sort()
    apart: list[MappedRange] = []
    last = 0
    for one in ranges:
        if one.start < last:
            faults.append(f"segments overlap at {one.start:#x}")
        if one.end > last:
            apart.append(one._replace(start=max(one.start, last)))
            last = one.end
    return segments, apart, notes, others


def _told_kinds(counts: Mapping[int, int], machine: ElfMachine | None) -> str:
    """Types of segments, and how many there are of each."""
    tagged = machine is not None and machine.arch_type == "arm64"
    shown = [
        ("memory_tags" if kind == _TAGS and tagged else f"{kind:#x}") + f"*{count}"
        for kind, count in sorted(counts.items())[:_MOST_TOLD]
    ]
    more = len(counts) - len(shown)
    return " ".join(shown) + (f" and {more} more types" if more > 0 else "")


def _read_once(places: list[tuple[int, int]], faults: list[str]) -> list[tuple[int, int]]:
    """Where notes are, without those of which others have bytes, too: a file could name the same
    ones in each of its segments."""
    found: list[tuple[int, int]] = []
    behind = 0
    for offset, size in sorted(places):
        if size and offset < behind:
            faults.append(f"notes at {offset:#x}: those before them end at {behind:#x}: left out")
            continue
        found.append((offset, size))
        behind = max(behind, offset + size)
    kept = set(found)
    return [one for one in dict.fromkeys(places) if one in kept]


def _rights(flags: int) -> int:
    return (READ if flags & 4 else 0) | (WRITE if flags & 2 else 0) | (EXECUTE if flags & 1 else 0)


def _content(held: Held, note: ElfNote) -> bytes:
    if note.size > _LARGEST_NOTE:
        raise LimitError(
            f"note of {note.owner}, type {note.type:#x}, at {note.offset:#x}: {note.size} bytes: "
            f"expected at most {_LARGEST_NOTE}"
        )
    return held.source.read(note.offset, note.size)


def _other_process(held: Held, notes: GatheredNotes, wide: bool) -> FoundProcess:
    """What FreeBSD or NetBSD say of the process."""
    found = None
    if notes.other is not None:
        content = _content(held, notes.other)
        if notes.other.owner == FREEBSD:
            found = free_process(content, held.order, wide)
        else:
            found = net_process(content, held.order)
    return found or FoundProcess(0, 0, "", "", 0)


def _remarks(
    header: _Header, machine: ElfMachine | None, notes: GatheredNotes, info: Info | None
) -> dict[str, str]:
    """What else is to be known of the source."""
    found: dict[str, str] = {}
    if header.order == ">":
        found["byte_order"] = "big"
    if machine is None:
        found["machine"] = f"{header.machine}, whose registers nobody here knows"
    if info is None and notes.info is not None:
        found["process"] = f"unknown: an NT_PRPSINFO of {notes.info.size} bytes"
    elif info is None and notes.other is None:
        found["process"] = "unknown: no NT_PRPSINFO"
    elif info is not None and len(_text(info.arguments)) >= _CUT:
        found["cmd_line"] = "cut after 79 bytes by the source"
    if not notes.threads:
        found["threads"] = "unknown: no NT_PRSTATUS"
    if notes.others:
        found["notes_left_out"] = " ".join(
            f"{kind}*{count}" for kind, count in sorted(notes.others.items())
        ) + (f" and {notes.others_more} of other kinds" if notes.others_more else "")
    return found


def _number(value: int) -> int:
    return value & 0xFFFFFFFF


def _text(data: bytes) -> str:
    return data.partition(b"\0")[0].decode("utf-8", "backslashreplace")


def _executable(mappings: Sequence[MappedRange], headers_at: int) -> str:
    """The file whose program headers the kernel told the process of."""
    for one in mappings:
        if headers_at and one.start <= headers_at < one.end:
            return one.name
    return ""


def _with_kinds(
    mappings: list[MappedRange], threads: Sequence[ProcessThread], files_known: bool
) -> list[MappedRange]:
    """Stacks of threads by their stack pointers; what no file backs is anonymous."""
    pointers = sorted(one.stack for one in pointers_of(threads) if one.stack)
    found = []
    at = 0
    for one in mappings:
        while at < len(pointers) and pointers[at] < one.start:
            at += 1
        if not one.name and at < len(pointers) and pointers[at] < one.end:
            one = one._replace(region_type="stack")
        elif not one.name and files_known:
            one = one._replace(region_type="anonymous")
        found.append(one)
    return found
