"""Copies of the target's own files that may soon be nowhere: its program, what it runs from
deleted files and memfds, and what it holds open though it is deleted.

They are got hold of while the target stands still (O_PATH: nothing is read, nobody is asked),
and copied when it has been let go: a file system may be served by the target itself.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ...evidence import EvidenceFile, EvidenceFolder, EvidenceLimits, Row, failure, text_of
from ...model import EXECUTE, Mapping
from ..files_of_target import open_place
from ..proc_text import lines_of, read_bytes
from .files_in_turn import Turn

__all__ = ["Copier", "CopyCandidate", "hold"]

_PLACE = getattr(os, "O_PATH", 0) | os.O_CLOEXEC
_DELETED, _MEMFD = b" (deleted)", b"/memfd:"
_MEMORY = (b"/dev/zero (deleted)", b"/SYSV")
"""Names of shared memory that never was a file; the dump has it."""
_MOST_HELD = 256
_PIECE = 1 << 20
_LONGEST = 4 << 30
"""Bytes of a sparse file, holes included: hashing those takes time, and nothing else."""


@dataclass
class CopyCandidate:
    """A file that may be copied.

    Attributes:
        source: where it was found.
        name: as the system shows it, which the target may have chosen.
        word: of ours: ``exe``, ``mapped`` or ``open_file``.
        place: a descriptor of O_PATH; -1 where it could not be got hold of, and of those that
            are too many.
        problem: why not.
    """

    source: str
    name: bytes
    word: str
    place: int = -1
    problem: OSError | None = None

    def close(self) -> None:
        """Let go of it."""
        if self.place >= 0:
            os.close(self.place)
            self.place = -1


def hold(
    path: str, links: Iterable[tuple[int, bytes]], mappings: Iterable[Mapping]
) -> list[CopyCandidate]:
    """Get hold of what is to be copied.

    Args:
        path: the target's folder of /proc.
        links: number of each descriptor, and what it leads to.
        mappings: the target's.
    """
    found = [CopyCandidate(f"{path}/exe", _link(f"{path}/exe"), "exe")]
    seen: set[bytes] = set()
    for mapping in mappings:
        name = mapping.native.split(b" ", 5)[-1].strip()
        file = b" ".join(mapping.native.split(None, 5)[3:5])
        if not _passing(name) or not mapping.protection & EXECUTE or file in seen:
            continue
        seen.add(file)
        source = f"{path}/map_files/{mapping.start:x}-{mapping.end:x}"
        found.append(CopyCandidate(source, name, "mapped"))
    found += [
        CopyCandidate(f"{path}/fd/{number}", name, "open_file")
        for number, name in links
        if _passing(name)
    ]
    for one in found[:_MOST_HELD]:
        try:
            one.place = os.open(one.source, _PLACE)
        except OSError as error:
            one.problem = error
    return found


def _passing(name: bytes) -> bool:
    """Whether it is the name of a file that is in no folder."""
    if name.startswith(_MEMORY):
        return False
    return name.startswith(_MEMFD) or (name.startswith(b"/") and name.endswith(_DELETED))


def _link(path: str) -> bytes:
    try:
        return os.readlink(os.fsencode(path))
    except OSError:
        return b""


class Copier:
    """Copies them.

    Args:
        folder: where to.
        limits: what they may take.
    """

    def __init__(self, folder: EvidenceFolder, limits: EvidenceLimits) -> None:
        self._folder = folder
        self._limits = limits
        self._known: dict[tuple[int, int], str] = {}
        self._leased = _leased()

    def copy(self, held: CopyCandidate, turn: Turn) -> Row:
        """Copy one; its row."""
        row: Row = {
            "source": held.source,
            **text_of(held.name, "name"),
            "moment": "after",
            "taken": str(time.time_ns()),
        }
        try:
            return {**row, **self._copy(held, turn)}
        except OSError as error:
            return {**row, **failure(error)}

    def _copy(self, held: CopyCandidate, turn: Turn) -> Row:
        if held.problem is not None:
            raise held.problem
        if held.place < 0:
            held.place = os.open(held.source, _PLACE)
            if _link(held.source) != held.name:
                raise OSError(errno.ESTALE, "it leads to another file by now")
        told = os.fstat(held.place)
        row: Row = {
            "device": f"{os.major(told.st_dev)}:{os.minor(told.st_dev)}",
            "inode": told.st_ino,
            "links": told.st_nlink,
            "changed": str(told.st_mtime_ns),
        }
        key = (told.st_dev, told.st_ino)
        if key in self._known:
            return {**row, "same_as": self._known[key]}
        if key in self._leased:
            return {**row, "skipped": "somebody has a lease on it, who would be told to let go"}
        descriptor = open_place(held.place, held.source)  # a regular file, or ENODEV
        try:
            data = list(self._data(descriptor, told.st_size))
            amount = sum(end - start for start, end in data)
            skipped = self._too_much(told.st_size, amount)
            if skipped:
                return {**row, "length": told.st_size, "data": amount, "skipped": skipped}
            with turn:
                self._known[key] = held.source
                self._limits.left -= amount
                turn.output = output = self._folder.new(held.word)
            try:
                _fill(descriptor, data, told.st_size, output, turn)
            except OSError:
                with turn:
                    turn.output = None
                    output.discard()
                    del self._known[key]
                raise
            now = os.fstat(descriptor)
            if (now.st_size, now.st_mtime_ns) != (told.st_size, told.st_mtime_ns):
                row["restless"] = "it changed while it was copied"
            with turn:
                turn.output = None
                return {**row, "data": amount, **output.finish()}
        finally:
            os.close(descriptor)

    def _data(self, descriptor: int, size: int) -> Iterator[tuple[int, int]]:
        """Where it has data, until that is more than is wanted."""
        at = amount = 0
        while at < size and amount <= self._limits.max_file:
            try:
                start = os.lseek(descriptor, at, os.SEEK_DATA)
                end = min(size, os.lseek(descriptor, start, os.SEEK_HOLE))
            except OSError as error:
                if error.errno == errno.ENXIO:  # nothing but a hole is left
                    return
                start, end = at, size  # a file system that knows no holes
            if start >= size:
                return
            yield start, end
            at, amount = end, amount + end - start

    def _too_much(self, size: int, amount: int) -> str:
        if amount > self._limits.max_file:
            return f"more than the {self._limits.max_file} bytes of --evidence-max-file"
        if amount > self._limits.left:
            return f"{self._limits.left} bytes are left of --evidence-max-total"
        return f"more than {_LONGEST} bytes, its holes included" if size > _LONGEST else ""


def _fill(
    descriptor: int, data: Sequence[tuple[int, int]], size: int, output: EvidenceFile, turn: Turn
) -> None:
    """Copy the data, and leave the holes.

    Raises:
        OSError: it can't be read or written.
        GivenUp: it took too long.
    """
    buffer = memoryview(bytearray(_PIECE))
    for start, end in [*data, (size, size)]:
        while output.size < start:
            with turn:
                output.skip(start - output.size)
        while output.size < end:
            got = os.preadv(descriptor, [buffer[: end - output.size]], output.size)
            if not got:  # it has become shorter
                return
            with turn:
                output.write(buffer[:got])


def _leased() -> set[tuple[int, int]]:
    """Device and inode of the files that somebody has a lease on to write: to open one for
    reading sends its holder a signal."""
    found: set[tuple[int, int]] = set()
    try:
        lines = lines_of(read_bytes("/proc/locks"))
    except OSError:
        return found
    for line in lines:
        fields = line.split()
        if len(fields) > 5 and fields[1] == b"LEASE" and fields[3] != b"READ":
            major, minor, inode = fields[5].split(b":")
            found.add((os.makedev(int(major, 16), int(minor, 16)), int(inode)))
    return found
