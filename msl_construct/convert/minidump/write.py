"""Writing a minidump with all captured memory (memory64), for Windows' debuggers and others.

What was not captured is not in the memory list; that it was mapped stands in the memory info list.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from struct import Struct
from tempfile import SpooledTemporaryFile
from typing import IO, NamedTuple

from ...errors import ConformanceError, FormatError
from ...space import AddressSpace
from .. import x86_state
from ..copying import RunWriter
from ..memory_runs import NOTES_IN_MEMORY, CapturedRuns, can_seek
from ..process import CapturedProcess, ProcessModule
from ..told import Told, Written
from . import streams as kinds
from .context_forms import ARCHITECTURES
from .contexts import encode_context, general_names
from .exceptions import exception_in, write_exception
from .extended_state import write_layout
from .handles import write_handles
from .memory_info import COMMITTED, PROTECTIONS, TYPES
from .stacks import Stacks
from .structures import (
    DIRECTORY,
    HEADER,
    MEMORY_64,
    MEMORY_64_HEAD,
    MEMORY_INFO,
    MISC_INFO,
    MODULE,
    SIGNATURE,
    SYSTEM_INFO,
    THREAD,
    THREAD_NAME,
)

__all__ = ["write_minidump"]

_VERSION = 0xA793
_FULL_MEMORY, _MEMORY_INFO = 0x2, 0x800
_FILE_INFO = 0xFEEF04BD
_SECOND = 1_000_000_000
_MOST = 1 << 32
_PAGE = 4096
_COUNT, _ALIGNED = 4, 8
"""Bytes of a number of rows, and multiples of which each part begins at."""
_PLATFORMS = {
    "windows": 2,
    "macos": 0x8101,
    "ios": 0x8102,
    "linux": 0x8201,
    "android": 0x8203,
    "fuchsia": 0x8206,
}
_GUARD = 8
_VERSIONS = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})\.([0-9]{1,9}) ?(.*)")


class _Thread(NamedTuple):
    """A thread whose context has been written.

    Attributes:
        pointer: its stack pointer.
        context: offset of its context.
    """

    number: int
    pointer: int
    context_size: int
    context: int


class _Body:
    """What stands behind the directory, and where.

    Args:
        start: offset of its first byte.
        parts: an empty file, which takes it.
    """

    def __init__(self, start: int, parts: IO[bytes]) -> None:
        self._parts = parts
        self.end = start

    def put(self, data: bytes) -> int:
        """Add bytes; where they begin."""
        at = self.end
        padded = data + bytes(-len(data) % 8)
        self._parts.write(padded)
        self.end += len(padded)
        return at

    def text(self, text: str) -> int:
        """Add a MINIDUMP_STRING; where it begins."""
        data = text.encode("utf-16-le", "replace")
        return self.put(len(data).to_bytes(4, "little") + data + bytes(2))

    def write(self, file: IO[bytes]) -> None:
        self._parts.seek(0)
        shutil.copyfileobj(self._parts, file)


def write_minidump(process: CapturedProcess, file: IO[bytes]) -> Written:
    """Write a process as a minidump, from front to back.

    Raises:
        FormatError: no minidump can be of this machine.
        ConformanceError: what stands before the memory is longer than 4 GiB.
        OSError: it can't be written.
    """
    architecture = next(
        (code for code, name in ARCHITECTURES.items() if name == process.arch_type), None
    )
    if architecture is None or process.byte_order != "little":
        raise FormatError(
            f"a minidump of a process of {process.arch_type}, {process.byte_order}-endian: "
            f"expected one of {', '.join(sorted(set(ARCHITECTURES.values())))}, little-endian"
        )
    runs = CapturedRuns(process)
    told = Told(auxiliary="not in minidumps")
    told.fields = ["processors", "processor_level", "threads.priority"]
    if not all(one.debug_record for one in process.modules):
        told.fields.append("modules.codeview")
    version = _VERSIONS.match(process.remarks.get("os_version", ""))
    told.fields += [] if version else ["os_version"]
    told.fields += [name for name in ("pid", "start_time") if not getattr(process, name)]
    told.fields += ["handles.access"] if process.handles else []
    with SpooledTemporaryFile(NOTES_IN_MEMORY) as parts:
        end = _write(process, architecture, version, runs, told, parts, file)
    return Written(process, len(runs), runs.total, end, told)


def _write(
    process: CapturedProcess,
    architecture: int,
    version: re.Match[str] | None,
    runs: CapturedRuns,
    told: Told,
    parts: IO[bytes],
    file: IO[bytes],
) -> int:
    """Write the file, from front to back; its size.

    Args:
        parts: an empty file, which takes what stands before the memory.
    """
    stopped_by = exception_in(process)
    count = 7 + bool(process.handles) + (stopped_by is not None)
    body = _Body(HEADER.size + count * DIRECTORY.size, parts)
    places: list[tuple[int, int, int]] = []

    def stream(kind: int, data: bytes) -> None:
        places.append((kind, len(data), body.put(data)))

    stream(kinds.SYSTEM, _system(process, architecture, version, body))
    stream(kinds.MODULES, _modules(process, body))
    threads, names, (features, longest) = _threads(process, architecture, body, told)
    misc = _misc(process)
    stream(kinds.MISC, write_layout(misc, features, longest) if features else misc)
    stream(kinds.THREAD_NAMES, names)
    stream(kinds.MEMORY_INFO_LIST, _memory_info(process))
    if process.handles:
        stream(kinds.HANDLES, write_handles(process.handles, body.text))
    if stopped_by is not None:
        contexts = {one.number: (one.context_size, one.context) for one in threads}
        stream(kinds.EXCEPTION_STREAM, write_exception(stopped_by, contexts, told))
    rows = b"".join(MEMORY_64.write("<", at, length) for at, length, _ in runs)
    data_at = body.end + _COUNT + THREAD.size * len(threads) + _ALIGNED
    data_at += MEMORY_64_HEAD.size + len(rows)
    data_at += -data_at % _PAGE
    stream(kinds.THREADS, _thread_list(threads, Stacks(runs, process.mappings, data_at)))
    head = MEMORY_64_HEAD.write("<", len(runs), data_at)
    stream(kinds.MEMORY_64_LIST, head + rows)
    if body.end >= _MOST:
        raise ConformanceError(f"{body.end} bytes before the memory: expected less than 4 GiB")
    seconds = process.timestamp // _SECOND & 0xFFFFFFFF
    flags = _FULL_MEMORY | _MEMORY_INFO
    seekable = can_seek(file)
    file.write(HEADER.write("<", SIGNATURE, _VERSION, count, HEADER.size, 0, seconds, flags))
    file.writelines(DIRECTORY.write("<", *place) for place in places)
    body.write(file)
    file.write(bytes(data_at - body.end))
    with RunWriter(process.space, file, seekable) as memory:
        for address, length, _ in runs:
            memory.put(address, length)
    end = data_at + runs.total
    if seekable:
        file.truncate(end)
    return end


def _system(
    process: CapturedProcess, architecture: int, version: re.Match[str] | None, body: _Body
) -> bytes:
    """What is not known (processors, perhaps the version) is 0."""
    platform = _PLATFORMS.get(process.os_type, 0x8000)
    numbers, text = ((0, 0, 0), "") if version is None else (_numbers(version), version[4])
    pack = body.text(text)
    known = SYSTEM_INFO.write("<", architecture, 0, 0, 0, 1, *numbers, platform, pack, 0, 0)
    return known + bytes(24)


def _numbers(version: re.Match[str]) -> tuple[int, int, int]:
    return int(version[1]), int(version[2]), int(version[3])


def _misc(process: CapturedProcess) -> bytes:
    started = process.start_time // _SECOND
    known = (1 if process.pid else 0) | (2 if started else 0)
    return MISC_INFO.write("<", MISC_INFO.size, known, process.pid, started & 0xFFFFFFFF, 0, 0)


def _modules(process: CapturedProcess, body: _Body) -> bytes:
    rows = []
    # Debuggers take the first module for the program.
    ordered = sorted(process.modules, key=lambda one: (one.path != process.exe_path, one.base))
    for module in ordered:
        stamp, checksum = _portable_executable(process.space, module)
        parts = module.version.split(".")
        plain = all(one.isascii() and one.isdigit() and len(one) < 6 for one in parts)
        numbers = [int(one) for one in parts] if plain else []
        told = len(numbers) == 4 and max(numbers) < 1 << 16
        high, low = (
            (numbers[0] << 16 | numbers[1], numbers[2] << 16 | numbers[3]) if told else (0, 0)
        )
        rows.append(
            MODULE.write(
                "<",
                module.base,
                min(module.size, _MOST - 1),
                checksum,
                stamp,
                body.text(module.path),
                _FILE_INFO if told else 0,
                0x10000 if told else 0,
                high,
                low,
                bytes(36),
                len(module.debug_record),
                body.put(module.debug_record) if module.debug_record else 0,
                0,
                0,
                bytes(16),
            )
        )
    return len(rows).to_bytes(4, "little") + b"".join(rows)


def _portable_executable(space: AddressSpace, module: ProcessModule) -> tuple[int, int]:
    """TimeDateStamp and CheckSum of an image's captured header; 0 if it has none."""
    head = space.read(module.base, 64)
    if not head.complete or bytes(head.data[:2]) != b"MZ":
        return 0, 0
    at = int.from_bytes(head.data[60:64], "little")
    header = space.read(module.base + at, 92) if at < module.size else head
    if not header.complete or bytes(header.data[:4]) != b"PE\0\0":
        return 0, 0
    return (
        int.from_bytes(header.data[8:12], "little"),
        int.from_bytes(header.data[88:92], "little"),
    )


def _threads(
    process: CapturedProcess, architecture: int, body: _Body, told: Told
) -> tuple[list[_Thread], bytes, tuple[int, int]]:
    """The threads, the list of their names, and what stands behind contexts: features, and the
    bytes of the longest context with them."""
    found: list[_Thread] = []
    names: list[bytes] = []
    features = longest = 0
    known = general_names(architecture)
    for thread in process.threads:
        number = thread.thread_id
        values = {one.name: one.value for one in thread.registers}
        pointer = thread.register("sp")
        if pointer is None or thread.register("pc") is None:
            told.threads[thread.thread_id] = "its program counter or stack pointer is not known"
            continue
        if number >= _MOST:
            told.threads[number] = f"a minidump has numbers below {_MOST}"
            continue
        context, held, behind = encode_context(architecture, values)
        if not context:
            told.threads[thread.thread_id] = f"no context of {process.arch_type} can be written"
            continue
        if thread.partial:
            told.partial.append(number)
        lacking = sorted((known | held) - x86_state.with_narrower(values))
        if lacking:
            told.registers[thread.thread_id] = lacking
        lost = sorted(values.keys() - held)
        if lost:
            told.left_out[thread.thread_id] = lost
        features |= behind
        longest = max(longest, len(context))
        found.append(_Thread(number, pointer, len(context), body.put(context)))
        if thread.name:
            names.append(THREAD_NAME.write("<", number, body.text(thread.name)))
    return (
        found,
        len(names).to_bytes(4, "little") + b"".join(names),
        (features, longest),
    )


def _thread_list(threads: Sequence[_Thread], stacks: Stacks) -> bytes:
    rows = (
        THREAD.write(
            "<", one.number, 0, 0, 0, 0, *stacks.of(one.pointer), one.context_size, one.context
        )
        for one in threads
    )
    return len(threads).to_bytes(_COUNT, "little") + b"".join(rows)


def _memory_info(process: CapturedProcess) -> bytes:
    rights = {bits: code for code, bits in PROTECTIONS.items()}
    types = {name: code for code, name in TYPES.items()}
    rows = []
    for one in process.stretches():
        plain = one.protection & ~_GUARD
        code = rights.get(plain, rights.get(plain & 7, _like(plain & 7)))
        code |= 0x100 if one.protection & _GUARD else 0
        kind = types.get(one.region_type, 0x20000)
        size = one.end - one.start
        rows.append(
            MEMORY_INFO.write("<", one.start, one.start, code, 0, size, COMMITTED, code, kind, 0)
        )
    head = Struct("<IIQ").pack(16, MEMORY_INFO.size, len(rows))
    return head + b"".join(rows)


def _like(rights: int) -> int:
    """PAGE_… of rights that Windows does not have: who may write may read there."""
    return {2: 0x04, 6: 0x40}.get(rights, 0x01)
