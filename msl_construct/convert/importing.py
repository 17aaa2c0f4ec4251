"""Writing a captured process as a Memory Slice that says what it was imported from."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

from .. import __version__
from ..builder import Writer
from ..drafts import NEWEST_DRAFT, schema
from ..errors import MemoryAccessError
from ..source import Source
from .faults import Faults
from .process import (
    CapturedProcess,
    MappedRange,
    ProcessHandle,
    ProcessModule,
    ProcessThread,
    pointers_of,
)
from .provenance import (
    IMPORTER,
    clean_text,
    handle_code,
    provenance_note,
    tell_cut,
    usable_handles,
)
from .region_plan import LARGEST_LOG2, PlannedRegion, planned
from .segments import SegmentSpace
from .thread_contexts import thread_contexts

__all__ = ["TOOL", "Imported", "Origin", "distinct_modules", "import_process"]

TOOL = f"{IMPORTER} {__version__}"
_STREAM = "raw_byte_stream"


@dataclass(frozen=True)
class Origin:
    """The file that is imported.

    Attributes:
        source_format: the schema's name of a SourceFormat (§9).
        name: what it is called.
    """

    source: Source
    source_format: str
    name: str


@dataclass
class Imported:
    """What became of an import.

    Attributes:
        regions: how many regions there are.
        pages: by the name of their state.
        lines: what the Memory Slice does not say, or says otherwise; a line each.
        more_lines: how many more there would be.
    """

    regions: int = 0
    modules: int = 0
    threads: int = 0
    edges: int = 0
    note: str = ""
    lines: tuple[str, ...] = ()
    more_lines: int = 0


def import_process(
    process: CapturedProcess,
    origin: Origin,
    file: IO[bytes],
    *,
    compression: str | None = None,
    clock: Callable[[], int] = time.time_ns,
    overlapped: bool = False,
    **options: Any,
) -> Imported:
    """Write a process as a Memory Slice.

    Args:
        file: takes it.
        compression, overlapped, options: of the `Writer`.
        clock: for the time of the import.

    Raises:
        LimitError: more bytes of pages that are not held whole than a note should have.
        OSError: it can't be written.
    """
    lines = Faults(process.faults)
    lines.more = process.faults.more if isinstance(process.faults, Faults) else 0
    modules = distinct_modules(process.modules, lines)
    threads = list(_usable(process.threads, lines))
    regions = bool(next((one for one in planned(process) if one.plan), None))
    capabilities = ["process_identity"]
    capabilities += ["memory_regions"] if regions else []
    capabilities += ["module_list"] if modules else []
    capabilities += ["thread_contexts"] if threads else []
    handles = usable_handles(process.handles, lines)
    tell_cut(process, modules, handles, lines)
    capabilities += ["system_context", "system_handle_table"] if handles else []
    found = Imported(modules=len(modules), threads=len(threads))
    note, found.edges = provenance_note(process, modules, origin.source, origin.name, lines)
    form = schema(NEWEST_DRAFT)
    stamped = _always(process.timestamp)
    header: dict[str, Any] = {
        "flags": ["imported", *(["investigation"] if handles else [])],
        "cap_bitmap": capabilities,
        "os_type": process.os_type,
        "arch_type": process.arch_type,
        "pid": process.pid,
        "timestamp": process.timestamp,
        "clock_source": "unknown",
    }
    writer = Writer(
        file,
        header,
        draft=form.draft,
        compression=compression,
        clock=stamped,
        overlapped=overlapped,
        **options,
    )
    try:
        writer.add_import_provenance(
            source_format=origin.source_format,
            tool_name=TOOL,
            import_time=clock(),
            orig_file_size=origin.source.size or 0,
            note=note,
        )
        writer.add_process_identity(
            ppid=process.ppid,
            session_id=process.session_id,
            start_time=process.start_time,
            exe_path=clean_text(process.exe_path),
            cmd_line=clean_text(process.command_line),
        )
        _write_modules(writer, modules)
        if handles:
            _write_handles(writer, process, handles)
        writer.add_stored("thread_context", thread_contexts(process.threads, threads, form))
        if origin.source_format == _STREAM:
            found.regions = _write_stream(writer, process, origin.source)
        else:
            found.regions = _write_regions(writer, process)
        _write_map(writer, process.mappings)
        writer.close(process.timestamp)
    finally:
        writer.abandon()
    found.note, found.lines, found.more_lines = note, tuple(lines), lines.more
    return found


def _always(moment: int) -> Callable[[], int]:
    return lambda: moment


# -- blocks ----------------------------------------------------------------------------


def distinct_modules(modules: Iterable[ProcessModule], lines: list[str]) -> list[ProcessModule]:
    """Those that Module Entries can be written of.

    Args:
        lines: takes the others.
    """
    found: dict[int, ProcessModule] = {}
    for module in modules:
        if module.base in found:
            lines.append(f"module {module.path} at {module.base:#x}: another one is there already")
        elif module.size <= 0 or module.base + module.size > 1 << 64:
            lines.append(f"module {module.path} at {module.base:#x}: {module.size} bytes")
        else:
            found[module.base] = module
    return list(found.values())


def _usable(threads: Sequence[ProcessThread], lines: list[str]) -> Iterator[int]:
    """The numbers of threads that a Thread Context can be written of."""
    seen: set[int] = set()
    for number, one in enumerate(pointers_of(threads)):
        if one.thread_id in seen:
            lines.append(f"thread {one.thread_id}: there is one already; left out")
        elif not one.known:
            lines.append(f"thread {one.thread_id}: no program counter or stack pointer; left out")
        else:
            seen.add(one.thread_id)
            yield number


def _write_modules(writer: Writer, modules: Sequence[ProcessModule]) -> None:
    if not modules:
        return
    rows = [
        {"base_addr": one.base, "module_size": one.size, "path": clean_text(one.path)}
        for one in modules
    ]
    parent = writer.schema.block("module_list_index")
    assert parent.layout is not None
    index = writer.new_uuid()
    uuids = writer.add_module_list_index(rows, block_uuid=index)
    for one, row, found in zip(modules, rows, uuids):
        writer.add_module_entry(
            block_uuid=found,
            parent_uuid=index,
            **row,
            version=clean_text(one.version),
            native_blob=one.native,
        )


def _write_handles(
    writer: Writer, process: CapturedProcess, handles: Sequence[ProcessHandle]
) -> None:
    """The Handle Table, below a System Context that knows no more than the system's version."""
    context = writer.new_uuid()
    writer.add_system_context(
        block_uuid=context,
        block_flags=["has_children"],
        target_count=1,
        table_bitmap=["handle_table"],
        os_detail=clean_text(process.remarks.get("os_version", "")),
    )
    rows = [
        {
            "pid": process.pid,
            "fd": one.number,
            "handle_type": handle_code(one.kind, process.os_type),
            "path": clean_text(one.name),
        }
        for one in handles
    ]
    writer.add_handle_table(parent_uuid=context, entries=rows)


def _write_regions(writer: Writer, process: CapturedProcess) -> int:
    feed = writer.feed()
    space = process.space

    def read(address: int, buffer: memoryview) -> None:
        if isinstance(space, SegmentSpace):
            space.read_into(address, buffer)
            return
        memory = space.read(address, buffer.nbytes)
        if not memory.complete:
            raise MemoryAccessError(
                f"{buffer.nbytes} bytes at {address:#x}: expected captured ones, found "
                f"{memory.data.nbytes}"
            )
        buffer[:] = memory.data

    vast = 0
    for region in planned(process):
        if region.plan and region.page_size_log2 == LARGEST_LOG2:
            feed.finish()
            _write_vast(writer, region)
            vast += 1
        elif region.plan:
            feed.add(
                region.base,
                region.mapping.protection,
                region.mapping.region_type,
                _plan(region),
                read,
                page_size_log2=region.page_size_log2,
            )
    feed.finish()
    return feed.blocks + vast


def _write_vast(writer: Writer, region: PlannedRegion) -> None:
    """A region of terabytes without bytes, of which a feed reads no pages."""
    pages = sum(count for count, _ in region.plan)
    with writer.region(
        base_addr=region.base,
        region_size=pages << region.page_size_log2,
        protection=region.mapping.protection,
        region_type=region.mapping.region_type,
        page_size_log2=region.page_size_log2,
    ) as written:
        for count, state in region.plan:
            written.mark(state, count)


def _write_stream(writer: Writer, process: CapturedProcess, source: Source) -> int:
    """The one region of a raw byte stream (§9)."""
    (planned_region,) = planned(process)
    size = source.size or 0
    with writer.region(
        base_addr=0, region_size=size, page_size_log2=planned_region.page_size_log2
    ) as region:
        for piece in source.pieces(0, size):
            region.captured(piece)
    return 1


def _plan(region: PlannedRegion) -> list[tuple[int, str]]:
    return list(region.plan)


def _write_map(writer: Writer, mappings: Sequence[MappedRange]) -> None:
    if not mappings:
        return
    writer.add_table(
        "vas_map",
        ["base_addr", "region_size", "protection", "region_type", "name_source", "mapped_path"],
        [
            (
                one.start,
                one.end - one.start,
                one.protection,
                one.region_type,
                "source_metadata" if one.name else "unspecified",
                clean_text(one.name),
            )
            for one in mappings
        ],
    )
