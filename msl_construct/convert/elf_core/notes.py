"""The notes of a core: process, threads, auxiliary vector, mapped files."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from struct import Struct

from .. import x86_state
from ..process import CapturedProcess, ProcessThread
from ..told import Told
from .auxiliary import GROUP, USER, entries_of
from .machines import ElfMachine, Slot
from .more_sets import FLOATING, FXSAVE, XSAVE, floating_notes, slots_of
from .status import (
    Info,
    SignalInfo,
    Status,
    info_size,
    write_info,
    write_signal,
    write_status,
)
from .structures import NOTE_HEADER

__all__ = ["AUXILIARY", "CODE_FIRST", "FILES", "INFO", "SIGNAL", "STATUS", "note", "process_notes"]

STATUS, INFO, AUXILIARY, SIGNAL, FILES = 1, 3, 6, 0x53494749, 0x46494C45
"""NT_PRSTATUS, NT_PRPSINFO, NT_AUXV, NT_SIGINFO, NT_FILE."""

CODE_FIRST = ("mips32", "mips64")
"""Processors whose siginfo has the code before the error number."""

_CORE, _LINUX = b"CORE\0", b"LINUX\0"
_LARGEST_ID = 0x7FFFFFFF
_LARGEST_SIGNAL = 0x7FFF
"""pr_cursig has 16 bits."""
_NAME, _ARGUMENTS = 15, 79


def note(owner: bytes, kind: int, content: bytes, order: str) -> bytes:
    """A note, with its padding."""
    head = NOTE_HEADER.write(order, len(owner), len(content), kind)
    return head + owner + bytes(-len(owner) % 4) + content + bytes(-len(content) % 4)


def process_notes(
    process: CapturedProcess, machine: ElfMachine, order: str, auxiliary: bytes, told: Told
) -> Iterator[bytes]:
    """PRPSINFO, the notes of every thread, and AUXV behind those of the first one.

    Args:
        auxiliary: the vector; empty: unknown.
        told: takes what can't be said.
    """
    threads = iter(process.threads)
    first = next(threads, None)
    yield note(_CORE, INFO, _info(process, first, machine, order, auxiliary, told), order)
    if first is not None:
        yield from _thread_notes(process, first, machine, order, told)
        swapped = machine.arch_type in CODE_FIRST
        signal = write_signal(_signal_info(process), machine.wide, order, swapped)
        yield note(_CORE, SIGNAL, signal, order)
    if auxiliary:
        yield note(_CORE, AUXILIARY, auxiliary, order)
    for thread in threads:
        yield from _thread_notes(process, thread, machine, order, told)


def _signal(process: CapturedProcess) -> int:
    """Which signal stopped it; 0 of one that a status has no room for."""
    return process.signal if process.signal <= _LARGEST_SIGNAL else 0


def _signal_info(process: CapturedProcess) -> SignalInfo:
    """The signal, and what it was sent for, where that is known."""
    number, told = _signal(process), process.exception
    if told is None or told.code != number or process.os_type not in ("linux", "android"):
        return SignalInfo(number, 0, None)
    code = told.flags - (1 << 32) if told.flags >> 31 else told.flags
    return SignalInfo(number, code, told.address)


def _number(number: int | None) -> int | None:
    """Of a process, a group or a session; None of one that a core has no room for."""
    return None if number is None or number > _LARGEST_ID else number


def _info(
    process: CapturedProcess,
    first: ProcessThread | None,
    machine: ElfMachine,
    order: str,
    auxiliary: bytes,
    told: Told,
) -> bytes:
    entries = entries_of(auxiliary, machine.word, order)
    name = process.exe_path.replace("\\", "/").rpartition("/")[2]
    if not name and first is not None:
        name = first.name
    known = {
        "user": process.identity.get("user", entries.get(USER)),
        "group": process.identity.get("group", entries.get(GROUP)),
        "pid": _number(process.pid) or None,
        "ppid": _number(process.ppid) or None,
        "process_group": _number(process.identity.get("process_group")),
        "session_id": _number(process.session_id) or None,
    }
    told.fields = [name for name, value in known.items() if value is None]
    # Of no dump of ours anybody knows these.
    told.fields += ["state", "nice", "flags", "signals_pending", "signals_held", "times"]
    told.fields += [] if _signal(process) else ["signal"]
    numbers = {name: value or 0 for name, value in known.items()}
    return write_info(
        Info(
            0,
            numbers["user"] & 0xFFFFFFFF,
            numbers["group"] & 0xFFFFFFFF,
            numbers["pid"],
            numbers["ppid"],
            numbers["process_group"],
            numbers["session_id"],
            name.encode("utf-8", "surrogateescape")[:_NAME],
            process.command_line.encode("utf-8", "surrogateescape")[:_ARGUMENTS],
        ),
        info_size(machine.arch_type, machine.wide),
        order,
    )


def _thread_notes(
    process: CapturedProcess, thread: ProcessThread, machine: ElfMachine, order: str, told: Told
) -> Iterator[bytes]:
    values = {one.name: one.value for one in thread.registers}
    if thread.register("pc") is None or thread.register("sp") is None:
        told.threads[thread.thread_id] = "its program counter or stack pointer is not known"
        return
    if thread.thread_id > _LARGEST_ID:
        told.threads[thread.thread_id] = f"a core has numbers up to {_LARGEST_ID}"
        return
    names = {name for name, _ in machine.general if name}
    if not names & values.keys():
        told.threads[thread.thread_id] = f"its registers are not those of {machine.arch_type}"
        return
    if thread.partial:
        told.partial.append(thread.thread_id)
    general = _packed(values, machine.general, order)
    further, written = _further(values, machine, order)
    unknown = sorted((names | written) - x86_state.with_narrower(values))
    if unknown:
        told.registers[thread.thread_id] = unknown
    status = Status(
        _signal(process),
        thread.thread_id,
        _number(process.ppid) or 0,
        _number(process.identity.get("process_group")) or 0,
        _number(process.session_id) or 0,
    )
    floating = any(kind in (FLOATING, FXSAVE) for _, kind, _ in further)
    content = write_status(status, general, machine.wide, order, floating)
    yield note(_CORE, STATUS, content, order)
    for owner, kind, data in further:
        yield note(owner, kind, data, order)
    lost = sorted(values.keys() - names - written)
    if lost:
        told.left_out[thread.thread_id] = lost


def _packed(values: Mapping[str, bytes], slots: tuple[Slot, ...], order: str) -> bytes:
    parts = []
    for name, width in slots:
        value = values.get(name, b"")[:width].ljust(width, b"\0")
        parts.append(value if order == "<" else value[::-1])
    return b"".join(parts)


def _further(
    values: Mapping[str, bytes], machine: ElfMachine, order: str
) -> tuple[list[tuple[bytes, int, bytes]], set[str]]:
    """Owner, type and content of the notes beyond PRSTATUS, and which registers they hold."""
    found: list[tuple[bytes, int, bytes]] = []
    if machine.arch_type in ("x86", "x86_64"):
        front, whole = x86_state.fxsave(values), x86_state.xsave(values)
        if front is not None:
            owner, set_type = (_CORE, FLOATING) if machine.wide else (_LINUX, FXSAVE)
            found.append((owner, set_type, front))
        if whole is not None:
            found.append((_LINUX, XSAVE, whole))
        held = whole if whole is not None else front
        count = 16 if machine.wide else 8
        written = set() if held is None else {one.name for one in x86_state.decode(held, count)}
        return found, written
    written = set()
    for kind in floating_notes(machine):
        slots = slots_of(machine, kind) or ()
        if not any(name in values for name, _ in slots if name):
            continue
        # Of optional registers at a set's end, those that are not known are left away.
        last = max(index for index, (name, _) in enumerate(slots) if name in values)
        content = _packed(values, slots[: last + 1], order)
        content += bytes(-len(content) % (16 if machine.arch_type == "arm64" and last > 1 else 1))
        found.append((_CORE if kind == FLOATING else _LINUX, kind, content))
        written.update(name for name, _ in slots[: last + 1] if name)
    return found, written


def files_note(
    rows: list[tuple[int, int, int, str]], page: int, machine: ElfMachine, order: str
) -> bytes:
    """NT_FILE: start, end, offset and path of mapped files."""
    word = "Q" if machine.wide else "I"
    mask = (1 << 8 * machine.word) - 1
    numbers = itertools.chain(
        (len(rows), page), *((start, end, at // page) for start, end, at, _ in rows)
    )
    packed = [value & mask for value in numbers]
    head = Struct(f"{order}{len(packed)}{word}").pack(*packed)
    names = b"".join(path.encode("utf-8", "surrogateescape") + b"\0" for *_, path in rows)
    return note(_CORE, FILES, head + names, order)
