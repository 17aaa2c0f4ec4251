"""Reading a minidump: memory, threads with contexts, modules, mappings, process and system."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ...errors import FormatError
from ...source import Source
from ...space import ADDRESSES_END
from ...xsave_layout import StateLayout, told_features
from ..linux_maps import mappings_from
from ..process import (
    CapturedProcess,
    MappedRange,
    ProcessModule,
    ProcessThread,
    ThreadsOnDemand,
    byte_order_of,
    pointers_of,
)
from ..segments import FileSegment, SegmentSpace
from . import streams as kinds
from .context_forms import ARCHITECTURES
from .contexts import decode_context, lacks_area, unread_parts
from .crashpad import crashpad_remarks
from .exceptions import signal_in, told_exception
from .extended_state import read_layout
from .handles import handles_of
from .memory_info import ranges_of
from .streams import Streams
from .structures import (
    EXCEPTION,
    MEMORY,
    MEMORY_64,
    MEMORY_64_HEAD,
    MISC_INFO,
    MODULE,
    REQUESTED,
    SYSTEM_INFO,
    THREAD,
    THREAD_EX,
    THREAD_INFO,
    THREAD_NAME,
    UNLOADED_MODULE,
    Exception_,
    ThreadEx,
)
from .structures import MinidumpModule as ModuleRow
from .structures import MinidumpThread as ThreadRow

__all__ = ["read_minidump", "written_by_procdump"]

_PLATFORMS = {
    0: "windows",
    1: "windows",
    2: "windows",
    3: "windows",
    0x8101: "macos",
    0x8102: "ios",
    0x8201: "linux",
    0x8203: "android",
    0x8206: "fuchsia",
}
_OF_A_PROCESS = (
    kinds.SYSTEM,
    kinds.THREADS,
    kinds.THREADS_EX,
    kinds.MODULES,
    kinds.MEMORY_LIST,
    kinds.MEMORY_64_LIST,
)
_VERSION = 0xFEEF04BD
_LARGEST_CONTEXT = 1 << 16
_SECOND = 1_000_000_000
_PID, _TIMES = 1, 2
_MOST_TOLD = 64
_LONGEST_COMMENT = 4096
_LONGEST_RECORD = 4096
_MOST_OF_RECORDS = 1 << 20
"""Bytes of a CodeView record, and of all of them, that the note takes."""
_REQUESTED = 2
"""Bit of the validity of Breakpad's info: the thread that asked for the dump is known."""
_BEFORE_1970 = 116_444_736_000_000_000
"""Hundreds of nanoseconds from 1601, where Windows begins to count."""

_Row = ThreadRow | ThreadEx


def read_minidump(source: Source) -> CapturedProcess:
    """The process of a minidump.

    Raises:
        FormatError: it is no minidump.
        DamageError: its directory, or a stream that is needed, is not there whole.
        LimitError: a list has more than a million rows.
    """
    streams = Streams(source)
    if not any(kind in streams for kind in _OF_A_PROCESS):
        raise FormatError(
            "a minidump without system info, threads, modules and memory: it holds nothing of a "
            "process"
        )
    system = streams.one(kinds.SYSTEM, SYSTEM_INFO)
    remarks: dict[str, str] = {}
    os_type = "unknown" if system is None else _PLATFORMS.get(system.platform, "unknown")
    architecture = -1 if system is None else system.architecture
    if system is None:
        remarks["system"] = "unknown: no system info"
    else:
        pack = streams.text(system.service_pack, "service pack")
        version = f"{system.major}.{system.minor}.{system.build} {pack}".strip()
        remarks["os_version"] = version
        if system.platform not in _PLATFORMS:
            remarks["platform"] = f"{system.platform:#x}, which nobody here knows"
        if architecture not in ARCHITECTURES:
            remarks["machine"] = f"{architecture:#x}, whose registers nobody here knows"
    rows: list[_Row] = [*streams.rows(kinds.THREADS, THREAD)]
    if not rows:
        rows = [*streams.rows(kinds.THREADS_EX, THREAD_EX)]
    rows = _with_own_contexts(rows, streams)
    exception = streams.one(kinds.EXCEPTION_STREAM, EXCEPTION)
    remarks.update(streams.spare(lambda: crashpad_remarks(streams).items()))
    space = SegmentSpace(source, _segments(streams, rows))
    records = _DebugRecords(streams)
    modules = [_module(streams, row, records) for row in _modules(streams)]
    remarks.update(records.remarks())
    layout = read_layout(streams.spare_content(kinds.MISC))
    threads = _Threads(streams, rows, exception, architecture, layout)
    mappings = _mappings(streams, space, modules, threads)
    misc = streams.one(kinds.MISC, MISC_INFO)
    status = _status(streams.spare_content(kinds.LINUX_STATUS))
    command = streams.spare_content(kinds.LINUX_COMMAND).rstrip(b"\0").replace(b"\0", b" ")
    pid = status.get("Pid", 0) or (misc.pid if misc is not None and misc.flags & _PID else 0)
    created = misc.created if misc is not None and misc.flags & _TIMES else 0
    comment = _comment(streams)
    if comment:
        remarks["comment"] = comment[:_LONGEST_COMMENT]
    handles = streams.spare(lambda: handles_of(streams))
    _tell_unloaded(streams, remarks)
    if streams.left_out:
        shown = sorted(set(streams.left_out))[:_MOST_TOLD]
        remarks["streams_left_out"] = " ".join(
            f"{kinds.UNREAD.get(kind, 'unknown')}:{kind:#x}" for kind in shown
        )
    _tell_unread_registers(streams, threads, architecture, layout, remarks)
    if streams.held.order == ">":
        remarks["byte_order"] = "big"
    arch_type = ARCHITECTURES.get(architecture, "unknown")
    _, contradiction = byte_order_of(arch_type, streams.held.byte_order)
    if contradiction:
        streams.faults.append(f"signature and system info: {contradiction}: read as the first says")
    stopped_by = told_exception(exception, streams.held.order)
    return CapturedProcess(
        os_type=os_type,
        arch_type=arch_type,
        space=space,
        byte_order=streams.held.byte_order,
        mappings=mappings,
        modules=modules,
        threads=threads,
        pid=pid,
        ppid=status.get("PPid", 0),
        exe_path=modules[0].path if modules else "",
        command_line=command.decode("utf-8", "backslashreplace"),
        timestamp=streams.header.time * _SECOND,
        start_time=created * _SECOND,
        handles=handles,
        auxiliary=streams.spare_content(kinds.LINUX_AUXILIARY),
        signal=signal_in(stopped_by, os_type),
        exception=stopped_by,
        remarks=remarks,
        faults=streams.faults,
    )


def written_by_procdump(source: Source) -> bool:
    """Whether a minidump's comment says that ProcDump wrote it."""
    streams = Streams(source)
    return "procdump" in _comment(streams).lower()


def _comment(streams: Streams) -> str:
    """What whoever wrote it says of it, in one line."""
    form = "utf-16-le" if streams.held.order == "<" else "utf-16-be"
    plain = streams.spare_content(kinds.COMMENT).decode("utf-8", "backslashreplace")
    wide = streams.spare_content(kinds.WIDE_COMMENT).decode(form, "replace")
    return " ".join(f"{plain} {wide}".replace("\0", " ").split())


# -- memory ----------------------------------------------------------------------------


def _segments(streams: Streams, threads: Sequence[_Row]) -> list[FileSegment]:
    """Every range of which the file has bytes, each once."""
    found: dict[tuple[int, int, int], None] = {}
    for row in streams.rows(kinds.MEMORY_LIST, MEMORY):
        found[row.base, row.size, row.offset] = None
    head = streams.one(kinds.MEMORY_64_LIST, MEMORY_64_HEAD)
    if head is not None:
        offset = head.offset
        start, count = MEMORY_64_HEAD.size, head.rows
        for wide in streams.table(kinds.MEMORY_64_LIST, MEMORY_64, start, count):
            found[wide.base, wide.size, offset] = None
            offset += wide.size
    for thread in threads:
        if thread.stack_size and thread.stack_offset:
            found[thread.stack, thread.stack_size, thread.stack_offset] = None
    segments = []
    lacking: list[int] = []
    for order, (base, size, offset) in enumerate(found):
        end = min(base + size, ADDRESSES_END)
        if end <= base:
            continue
        size = end - base
        present = max(0, min(size, streams.held.size - offset))
        if present < size:
            lacking.append(base + present)
        segments.append(FileSegment(base, end, order, offset, size, present))
    for address in lacking[:_MOST_TOLD]:
        streams.faults.append(
            f"memory from {address:#x} on: the file ends after {streams.held.size} bytes"
        )
    if len(lacking) > _MOST_TOLD:
        streams.faults.append(f"{len(lacking) - _MOST_TOLD} more ranges are not there whole")
    return segments


def _mappings(
    streams: Streams,
    space: SegmentSpace,
    modules: Sequence[ProcessModule],
    threads: Sequence[ProcessThread],
) -> list[MappedRange]:
    """What is mapped: as the file says, else the ranges that it has, named by the modules."""
    if kinds.MEMORY_INFO_LIST in streams:
        found = ranges_of(streams)
    elif kinds.LINUX_MAPS in streams:
        found = mappings_from(streams.content(kinds.LINUX_MAPS), streams.faults)
    else:
        found = [MappedRange.bare(start, end) for start, end in space.ranges()]
    pointers = sorted(one.stack for one in pointers_of(threads) if one.stack is not None)
    return _named(found, modules, pointers)


def _named(
    given: Iterable[MappedRange], modules: Sequence[ProcessModule], pointers: Sequence[int]
) -> list[MappedRange]:
    """With the names of modules, cut where one begins or ends, and the stacks marked."""
    found: list[MappedRange] = []
    images = sorted(modules, key=lambda one: one.base)
    image, pointer = 0, 0
    for one in given:
        at = one.start
        while at < one.end:
            while image < len(images) and images[image].base + images[image].size <= at:
                image += 1
            stop, name = one.end, ""
            if image < len(images) and images[image].base <= at:
                name = images[image].path
                stop = min(stop, images[image].base + images[image].size)
            elif image < len(images):
                stop = min(stop, images[image].base)
            part = one._replace(start=at, end=stop)
            if name and not one.name:
                part = part._replace(name=name, region_type="image")
            while pointer < len(pointers) and pointers[pointer] < at:
                pointer += 1
            stack = pointer < len(pointers) and pointers[pointer] < stop
            if stack and part.region_type in ("unknown", "anonymous"):
                part = part._replace(region_type="stack")
            if found and found[-1].end == at and found[-1]._replace(start=at, end=stop) == part:
                found[-1] = found[-1]._replace(end=stop)
            else:
                found.append(part)
            at = stop
    return found


# -- modules ---------------------------------------------------------------------------


def _modules(streams: Streams) -> Iterable[ModuleRow]:
    return streams.rows(kinds.MODULES, MODULE)


class _DebugRecords:
    """The CodeView records of modules, as many as a note has room for."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._left = _MOST_OF_RECORDS
        self._left_out = self._older = 0

    def of(self, row: ModuleRow) -> bytes:
        """The record of a module; empty where it has none, or it is left out."""
        self._older += bool(row.misc_size)
        size = row.debug_size
        if not size:
            return b""
        held = self._streams.held
        if not held.has(row.debug_offset, size):
            self._streams.faults.append(
                f"module at {row.base:#x}: its CodeView record at {row.debug_offset:#x}: {size} "
                "bytes that are not there"
            )
            return b""
        if size > min(_LONGEST_RECORD, self._left):
            self._left_out += 1
            return b""
        self._left -= size
        return held.source.read(row.debug_offset, size)

    def remarks(self) -> Iterator[tuple[str, str]]:
        """What is left out."""
        if self._left_out:
            yield "codeview_left_out", f"of {self._left_out} modules"
        if self._older:
            yield "misc_records_left_out", f"of {self._older} modules"


def _module(streams: Streams, row: ModuleRow, records: _DebugRecords) -> ProcessModule:
    version = ""
    if row.version_signature == _VERSION:
        high, low = row.file_version_high, row.file_version_low
        version = f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}"
    return ProcessModule(
        row.base,
        row.size,
        streams.text(row.name, f"module at {row.base:#x}"),
        version,
        debug_record=records.of(row),
    )


def _tell_unloaded(streams: Streams, remarks: dict[str, str]) -> None:
    rows = streams.spare(lambda: streams.sized_rows(kinds.UNLOADED, UNLOADED_MODULE, "I"))
    told = [
        f"{streams.text(row.name, 'unloaded module')}@{row.base:#x}+{row.size:#x}"
        for row in rows[:_MOST_TOLD]
    ]
    if len(rows) > _MOST_TOLD:
        told.append(f"and {len(rows) - _MOST_TOLD} more")
    if told:
        remarks["unloaded_modules"] = ", ".join(told)


# -- threads ---------------------------------------------------------------------------


def _with_own_contexts(rows: list[_Row], streams: Streams) -> list[_Row]:
    """The threads up to one with which contexts would be more bytes than the file has."""
    left = streams.held.size
    for number, row in enumerate(rows):
        left -= min(row.context_size, _LARGEST_CONTEXT)
        if left < 0:
            streams.faults.append(
                f"thread {row.thread_id}: contexts are more than the {streams.held.size} bytes of "
                f"the file: {len(rows) - number} threads are left out"
            )
            return rows[:number]
    return rows


class _Threads(ThreadsOnDemand):
    """The threads of a minidump, made when they are asked for.

    Attributes:
        partial: numbers of those that have more registers than are read.
    """

    def __init__(
        self,
        streams: Streams,
        rows: Sequence[_Row],
        exception: Exception_ | None,
        architecture: int,
        layout: StateLayout,
    ) -> None:
        self._streams = streams
        self._layout = layout
        self._rows = rows
        self._exception = exception
        self._architecture = architecture
        self._names = {
            row.thread_id: streams.text(row.name, f"thread {row.thread_id}")
            for row in streams.spare(lambda: streams.rows(kinds.THREAD_NAMES, THREAD_NAME))
        }
        self._created = {
            row.thread_id: max(0, row.created - _BEFORE_1970) * 100
            for row in streams.spare(
                lambda: streams.sized_rows(kinds.THREAD_INFO, THREAD_INFO, "I")
            )
        }
        self.partial: set[int] = set()
        self._asking = None
        for asked in streams.spare(lambda: [streams.one(kinds.BREAKPAD, REQUESTED)]):
            if asked is not None and asked.validity & _REQUESTED and exception is None:
                self._asking = asked.requesting_thread

    def __len__(self) -> int:
        return len(self._rows)

    def context(self, number: int) -> bytes:
        """The bytes of a thread's context: of one that crashed, from when it did."""
        row, crashed = self._rows[number], self._exception
        size, offset = row.context_size, row.context_offset
        if crashed is not None and self._has_crashed(row) and crashed.context_size:
            size, offset = crashed.context_size, crashed.context_offset
        return self._streams.held.source.read(offset, min(size, _LARGEST_CONTEXT))

    def _has_crashed(self, row: _Row) -> bool:
        return self._exception is not None and self._exception.thread_id == row.thread_id

    def _thread(self, number: int) -> ProcessThread:
        row = self._rows[number]
        flags: tuple[str, ...] = ("current",) if row.thread_id == self._asking else ()
        if self._has_crashed(row):
            flags = ("current", "crashed")
        data = self.context(number)
        order = self._streams.held.order
        registers = decode_context(self._architecture, data, order, self._layout)
        flags += ("partial",) if number in self.partial else ()
        name = self._names.get(row.thread_id, "")
        created = self._created.get(row.thread_id, 0)
        return ProcessThread(row.thread_id, tuple(registers), name, created, "unknown", flags)


def _tell_unread_registers(
    streams: Streams,
    threads: _Threads,
    architecture: int,
    layout: StateLayout,
    remarks: dict[str, str],
) -> None:
    """Name the parts of the threads' contexts of which nothing is read, or which are not there.

    Threads that have such are Partial from then on.
    """
    order = streams.held.order
    mask = lacking = 0
    for number in range(len(threads)):
        data = threads.context(number)
        unread = unread_parts(architecture, data, order, layout)
        lacks = lacks_area(architecture, data, order, layout)
        mask |= unread
        lacking += lacks
        if unread or lacks:
            threads.partial.add(number)
    if lacking:
        remarks["registers_lacking"] = f"the XSAVE areas behind contexts of {lacking} threads"
    if mask:
        remarks["registers_left_out"] = told_features(mask)


def _status(data: bytes) -> dict[str, int]:
    """The numbers of /proc/PID/status."""
    found = {}
    for line in data.split(b"\n"):
        key, _, value = line.partition(b":")
        text = value.strip(b" \t\0")
        if key in (b"Pid", b"PPid") and text.isdigit() and len(text) < 10:
            found[key.decode()] = int(text)
    return found
