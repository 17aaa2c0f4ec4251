"""The directory of a minidump, and its streams, none of which is believed to be there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from struct import Struct
from typing import TypeVar

from ...errors import DamageError, FormatError, LimitError
from ...source import Source
from ..faults import Faults
from ..structures import Held, PackedStructure
from .structures import DIRECTORY, HEADER, SIGNATURE, Directory, MinidumpHeader

__all__ = ["NAMES", "UNREAD", "Streams", "is_minidump"]

T = TypeVar("T")

THREADS, MODULES, MEMORY_LIST, EXCEPTION_STREAM, SYSTEM, MEMORY_64_LIST = 3, 4, 5, 6, 7, 9
THREADS_EX, COMMENT, WIDE_COMMENT, HANDLES = 8, 10, 11, 12
UNLOADED, MISC, MEMORY_INFO_LIST, THREAD_INFO, THREAD_NAMES = 14, 15, 16, 17, 24
BREAKPAD, LINUX_STATUS, LINUX_COMMAND = 0x47670001, 0x47670004, 0x47670006
LINUX_AUXILIARY, LINUX_MAPS, CRASHPAD = 0x47670008, 0x47670009, 0x43500001

NAMES = {
    THREADS: "thread list",
    MODULES: "module list",
    MEMORY_LIST: "memory list",
    EXCEPTION_STREAM: "exception",
    SYSTEM: "system info",
    THREADS_EX: "extended thread list",
    MEMORY_64_LIST: "memory64 list",
    COMMENT: "comment",
    WIDE_COMMENT: "wide comment",
    HANDLES: "handle data",
    UNLOADED: "unloaded module list",
    MISC: "misc info",
    MEMORY_INFO_LIST: "memory info list",
    THREAD_INFO: "thread info list",
    THREAD_NAMES: "thread names",
    LINUX_STATUS: "Linux status",
    LINUX_COMMAND: "Linux command line",
    LINUX_AUXILIARY: "Linux auxiliary vector",
    LINUX_MAPS: "Linux maps",
    BREAKPAD: "Breakpad info",
    CRASHPAD: "Crashpad info",
}
"""Streams that are read."""

UNREAD = {
    13: "FunctionTable",
    18: "HandleOperationList",
    19: "Token",
    20: "JavaScriptData",
    21: "SystemMemoryInfo",
    22: "ProcessVmCounters",
    23: "IptTrace",
    0x47670002: "AssertionInfo",
    0x47670003: "LinuxCpuInfo",
    0x47670005: "LinuxLsbRelease",
    0x47670007: "LinuxEnviron",
    0x4767000A: "LinuxDsoDebug",
    0x4767000B: "LinuxProcFd",
    0x4D7A0001: "MozMacosCrashInfo",
    0x4D7A0002: "MozMacosBootargs",
    0x4D7A0003: "MozLinuxLimits",
    0x4D7A0004: "MozSoftErrors",
}
"""Names of streams that are not read."""

_MOST_STREAMS = 1 << 16
_AT_ONCE = 1 << 16
_MOST_ROWS = 1 << 20
_LONGEST_NAME = 1 << 16
_LONGEST_TEXT = 16 << 20
_TEXT_TIMES = 4
"""How often the bytes of a file may be names: rows of a list may all lead to the same long one."""


def is_minidump(beginning: bytes) -> bool:
    """Whether a file begins as minidumps do, of either byte order."""
    return beginning[:4] in (SIGNATURE, SIGNATURE[::-1])


class Streams:
    """The streams of a minidump.

    Attributes:
        held: its bytes.
        header: its header.
        left_out: types of streams that are not read.
        faults: what is wrong with it.

    Raises:
        FormatError: it is no minidump.
        DamageError: its directory is not there whole.
        LimitError: it has very many streams.
    """

    def __init__(self, source: Source) -> None:
        held = Held(source)
        beginning = source.read(0, 4)
        if not is_minidump(beginning):
            raise FormatError('expected a minidump, which begins with "MDMP"', offset=0)
        held.order = "<" if beginning == SIGNATURE else ">"
        self.held = held
        self.header: MinidumpHeader = held.one(HEADER, 0, "minidump header")
        count = self.header.stream_count
        if count > _MOST_STREAMS:
            raise LimitError(f"{count} streams: expected at most {_MOST_STREAMS}")
        self.faults: list[str] = Faults()
        self.left_out: list[int] = []
        self._text_left = _TEXT_TIMES * held.size
        self._rows: dict[int, Directory] = {}
        for row in held.many(DIRECTORY, self.header.directory, count, "stream directory"):
            if row.type == 0:
                continue  # unused
            if row.type not in NAMES:
                self.left_out.append(row.type)
            elif row.type in self._rows:
                self.faults.append(f"a second {NAMES[row.type]} at {row.offset:#x} is left out")
            else:
                self._rows[row.type] = row

    def spare(self, read: Callable[[], Iterable[T]]) -> list[T]:
        """What a part of the file says that the others do without; as far as it can be read.

        What is wrong with it is a fault of the file, and no reason to leave the rest of it.
        """
        found: list[T] = []
        try:
            found.extend(read())
        except (DamageError, LimitError) as error:
            self.faults.append(str(error))
        return found

    def __contains__(self, kind: int) -> bool:
        return kind in self._rows

    def place(self, kind: int) -> tuple[int, int] | None:
        """Offset and size of a stream that is there whole; None if there is no such stream.

        Raises:
            DamageError: the file ends before it does.
        """
        row = self._rows.get(kind)
        if row is None:
            return None
        self.held.require(row.offset, row.size, NAMES[kind])
        return row.offset, row.size

    def one(self, kind: int, form: PackedStructure[T]) -> T | None:
        """The structure that a stream begins with; None if there is no such stream.

        Raises:
            DamageError: it is not there whole.
        """
        place = self.place(kind)
        if place is None:
            return None
        self._fits(kind, place, form.size)
        return self.held.one(form, place[0], NAMES[kind])

    def rows(self, kind: int, form: PackedStructure[T]) -> Iterator[T]:
        """The rows of a stream that begins with their number.

        Raises:
            DamageError: they are not there whole.
            LimitError: there are more than a million.
        """
        place = self.place(kind)
        if place is None:
            return iter(())
        self._fits(kind, place, 4)
        offset, size = place
        (count,) = Struct(self.held.order + "I").unpack(self.held.source.read(offset, 4))
        # Breakpad puts four bytes between, where the rows want to be aligned.
        gap = 4 if size == 8 + count * form.size else 0
        return self.table(kind, form, 4 + gap, count)

    def sized_rows(self, kind: int, form: PackedStructure[T], counted: str) -> Iterator[T]:
        """The rows of a stream that begins with the sizes of its header and of a row.

        Args:
            counted: format of the number that says how many there are.
        """
        place = self.place(kind)
        if place is None:
            return
        head = Struct(f"{self.held.order}II{counted}")
        self._fits(kind, place, head.size)
        header, width, count = head.unpack(self.held.source.read(place[0], head.size))
        if width < form.size:
            raise DamageError(
                f"{NAMES[kind]} at {place[0]:#x}: rows of {width} bytes: expected {form.size} "
                "or more",
                offset=place[0],
            )
        self._bounded(kind, place, count)
        self._fits(kind, place, header + width * count)
        step = max(1, _AT_ONCE // width)
        for first in range(0, count, step):
            some = min(step, count - first)
            data = self.held.source.read(place[0] + header + width * first, width * some)
            for number in range(some):
                yield form.read(self.held.order, data, width * number)

    def table(self, kind: int, form: PackedStructure[T], start: int, count: int) -> Iterator[T]:
        """Rows that begin somewhere in a stream.

        Raises:
            DamageError: they are not there whole.
            LimitError: there are more than a million.
        """
        place = self.place(kind)
        if place is None:
            return iter(())
        self._bounded(kind, place, count)
        self._fits(kind, place, start + count * form.size)
        return self.held.many(form, place[0] + start, count, NAMES[kind])

    def content(self, kind: int) -> bytes:
        """The bytes of a stream of text; empty if there is no such stream.

        Raises:
            DamageError: it is not there whole.
            LimitError: it is longer than a text should be.
        """
        place = self.place(kind)
        if place is None:
            return b""
        if place[1] > _LONGEST_TEXT:
            raise LimitError(
                f"{NAMES[kind]} at {place[0]:#x}: {place[1]} bytes: expected at most "
                f"{_LONGEST_TEXT}"
            )
        return self.held.source.read(*place)

    def spare_content(self, kind: int) -> bytes:
        """The same of a stream that the others do without; see `spare`."""
        return b"".join(self.spare(lambda: [self.content(kind)]))

    def text(self, offset: int, what: str) -> str:
        """A MINIDUMP_STRING; empty, and a fault, where there is none."""
        if not offset:
            return ""
        size = int.from_bytes(self.held.source.read(offset, 4), self.held.byte_order)
        if not self.held.has(offset, 4 + size) or size > _LONGEST_NAME:
            self.faults.append(f"{what}: its name at {offset:#x}: {size} bytes that are not there")
            return ""
        self._text_left -= size
        if self._text_left < 0:
            self.faults.append(
                f"{what}: its name at {offset:#x}: names are more than {_TEXT_TIMES} times as long "
                "as the file: left out"
            )
            return ""
        data = self.held.source.read(offset + 4, size)
        form = "utf-16-le" if self.held.order == "<" else "utf-16-be"
        return data.decode(form, "replace").rstrip("\0")

    def _bounded(self, kind: int, place: tuple[int, int], count: int) -> None:
        if count > _MOST_ROWS:
            raise LimitError(
                f"{NAMES[kind]} at {place[0]:#x}: {count} rows: expected at most {_MOST_ROWS}"
            )

    def _fits(self, kind: int, place: tuple[int, int], needed: int) -> None:
        if needed > place[1]:
            raise DamageError(
                f"{NAMES[kind]} at {place[0]:#x}: {needed} bytes needed, the stream has {place[1]}",
                offset=place[0],
            )
