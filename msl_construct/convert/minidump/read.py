"""Reading a minidump: memory, threads with contexts, modules, mappings, process and system."""

from __future__ import annotations

from ...errors import FormatError
from ...source import Source
from ..process import CapturedProcess, byte_order_of
from ..segments import SegmentSpace
from . import streams as kinds
from .context_forms import ARCHITECTURES
from .crashpad import crashpad_remarks
from .exceptions import signal_in, told_exception
from .extended_state import read_layout
from .handles import handles_of
from .memory_ranges import mappings_of, segments_of
from .modules import modules_of, tell_unloaded
from .streams import Streams
from .structures import EXCEPTION, MISC_INFO, SYSTEM_INFO
from .threads import MinidumpThreads, tell_unread_registers, thread_rows

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
_SECOND = 1_000_000_000
_PID, _TIMES = 1, 2
_MOST_TOLD = 64
_LONGEST_COMMENT = 4096


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
    rows = thread_rows(streams)
    exception = streams.one(kinds.EXCEPTION_STREAM, EXCEPTION)
    remarks.update(streams.spare(lambda: crashpad_remarks(streams).items()))
    space = SegmentSpace(source, segments_of(streams, rows))
    modules = modules_of(streams, remarks)
    layout = read_layout(streams.spare_content(kinds.MISC))
    threads = MinidumpThreads(streams, rows, exception, architecture, layout)
    mappings = mappings_of(streams, space, modules, threads)
    misc = streams.one(kinds.MISC, MISC_INFO)
    status = _status(streams.spare_content(kinds.LINUX_STATUS))
    command = streams.spare_content(kinds.LINUX_COMMAND).rstrip(b"\0").replace(b"\0", b" ")
    pid = status.get("Pid", 0) or (misc.pid if misc is not None and misc.flags & _PID else 0)
    created = misc.created if misc is not None and misc.flags & _TIMES else 0
    comment = _comment(streams)
    if comment:
        remarks["comment"] = comment[:_LONGEST_COMMENT]
    if len(comment) > _LONGEST_COMMENT:
        streams.faults.append(
            f"comment: {len(comment)} characters: the first {_LONGEST_COMMENT} of them are kept"
        )
    handles = streams.spare(lambda: handles_of(streams))
    tell_unloaded(streams, remarks)
    if streams.left_out:
        shown = sorted(set(streams.left_out))[:_MOST_TOLD]
        more = len(set(streams.left_out)) - len(shown)
        remarks["streams_left_out"] = " ".join(
            f"{kinds.UNREAD.get(kind, 'unknown')}:{kind:#x}" for kind in shown
        ) + (f" and {more} more" if more else "")
    tell_unread_registers(streams, threads, architecture, layout, remarks)
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


def _status(data: bytes) -> dict[str, int]:
    """The numbers of /proc/PID/status."""
    found = {}
    for line in data.split(b"\n"):
        key, _, value = line.partition(b":")
        text = value.strip(b" \t\0")
        if key in (b"Pid", b"PPid") and text.isdigit() and len(text) < 10:
            found[key.decode()] = int(text)
    return found
