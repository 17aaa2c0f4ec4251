"""The address space as /proc/PID/maps tells it.

smaps says more and costs five times as much: it is read only where a question needs it.
"""

from __future__ import annotations

import errno
import gc
import os
import sys
from array import array
from binascii import unhexlify
from collections.abc import Iterable
from itertools import repeat
from operator import itemgetter
from typing import NamedTuple

from msl_construct.errors import TargetError

from ..model import COPY_ON_WRITE, EXECUTE, READ, WRITE, Mapping, Shared

__all__ = [
    "Details",
    "details",
    "living_thread",
    "mappings",
    "parse",
    "read_whole",
    "shared_memory",
]

_PIECE = 1 << 18


class Details(NamedTuple):
    """What a maps line says besides the fields of a Mapping.

    Attributes:
        shared: MAP_SHARED; otherwise the mapping is private.
        offset: bytes into the file.
        device: (major, minor) of the file system; (0, 0) without a file.
        inode: 0 without a file.
    """

    shared: bool
    offset: int
    device: tuple[int, int]
    inode: int


def details(mapping: Mapping) -> Details:
    """Take apart the maps line that `mapping` keeps."""
    _, permissions, offset, device, inode, _ = mapping.native.split(b" ", 5)
    major, _, minor = device.partition(b":")
    return Details(
        permissions[3:4] == b"s", int(offset, 16), (int(major, 16), int(minor, 16)), int(inode)
    )


def shared_memory(mappings: Iterable[Mapping]) -> Shared:
    """The files and shared memory that are mapped, and those that are written to so.

    A file that is only read (a cache of character sets, which all programs map) is not written
    to; shared memory that nobody may write to now may have been, and may be again.
    """
    mapped, written = set(), set()
    for mapping in mappings:
        if mapping.name:  # without a file there is no name, or one in brackets
            more = details(mapping)
            if more.inode:
                mapped.add((more.device, more.inode))
                if more.shared and (
                    mapping.protection & WRITE or mapping.region_type == "shared_mem"
                ):
                    written.add((more.device, more.inode))
    return Shared(frozenset(written), frozenset(mapped))


def read_whole(path: str) -> bytes:
    """A file of /proc from its beginning to its end.

    Raises:
        OSError: as opening and reading do.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        pieces = []
        while piece := os.read(descriptor, _PIECE):
            pieces.append(piece)
    finally:
        os.close(descriptor)
    return b"".join(pieces)


def living_thread(pid: int) -> int:
    """A thread whose /proc files show the address space.

    This is `pid` itself, unless its first thread has ended and others go on: the files of
    such a leader are empty, those of the others are not.

    Raises:
        TargetError: there is no such process, or nothing of it is alive.
    """
    try:
        if _alive(pid, pid):
            return pid
        for name in os.listdir(f"/proc/{pid}/task"):
            if int(name) != pid and _alive(pid, int(name)):
                return int(name)
    except (FileNotFoundError, ProcessLookupError):
        raise TargetError(
            f"there is no process {pid}", remedy="see ps for those that there are"
        ) from None
    raise TargetError(
        f"process {pid} has ended (a zombie): its memory is gone",
        remedy="nothing but its parent's memory is left to acquire",
    )


def _alive(pid: int, tid: int) -> bool:
    try:
        stat = read_whole(f"/proc/{pid}/task/{tid}/stat")
    except (FileNotFoundError, ProcessLookupError):
        if tid == pid:
            raise
        return False
    # The name may hold anything, parentheses and newlines included: the last one counts.
    return stat.rpartition(b")")[2].split()[0] not in (b"Z", b"X", b"x")


def mappings(pid: int) -> list[Mapping]:
    """The mappings of a process, in address order; none for a kernel thread.

    Raises:
        TargetError: it is gone, or not ours to look into.
    """
    tid = living_thread(pid)
    try:
        return parse(read_whole(f"/proc/{tid}/maps"))
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ESRCH):
            raise TargetError(f"process {pid} has just ended") from error
        raise TargetError(
            f"the mappings of process {pid} can't be read: {error.strerror}",
            remedy="run as root, or as the same user with CAP_SYS_PTRACE",
        ) from error


def parse(text: bytes) -> list[Mapping]:
    """Turn the text of a /proc/PID/maps into mappings.

    Raises:
        TargetError: a line is not what Linux writes.
    """
    lines = text.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    # Most addresses have twelve digits. Those with fewer come first, those with more last,
    # so that what is between can be treated as columns, without a look at each line.
    first, last = 0, len(lines)
    while first < last and lines[first][12:26:13] != b"- ":
        first += 1
    while last > first and lines[last - 1][12:26:13] != b"- ":
        last -= 1
    collecting = gc.isenabled()
    gc.disable()  # Else it looks again and again through what is growing here.
    try:
        return _parse(lines[:first], lines[first:last], lines[last:])
    except (IndexError, ValueError) as error:
        raise TargetError(f"a line of /proc/PID/maps is not understood: {error}") from None
    finally:
        if collecting:
            # Asking that takes milliseconds: what is frozen is counted one by one.
            if len(lines) >= _MANY and not gc.get_freeze_count():
                # What was made is not looked through as soon as it goes on: both calls together
                # put it where what is old is, which is looked through seldom.
                gc.freeze()
                gc.unfreeze()
            gc.enable()


_MANY = 8192
"""Mappings from which on it takes long to look through them all."""
_addresses, _rest = itemgetter(slice(0, 25)), itemgetter(slice(26, None))
_PATH = 73 - 26
_BEGINNINGS = (b"/", b"[", b"anon_inode:", b"socket:", b"dmabuf:")


def _parse(low: list[bytes], middle: list[bytes], high: list[bytes]) -> list[Mapping]:
    """Mappings from lines whose addresses are shorter than, exactly, longer than 12 digits."""
    # Many lines are the same but for their addresses: what is cut out of each of them is one
    # piece, and only of the different ones is more asked.
    rests = list(map(_rest, middle))
    keys = {rest: rest[:4] + rest[_PATH:] for rest in set(rests)}
    kinds = dict.fromkeys(keys.values(), _UNKNOWN)
    if not all(len(key) == 4 or key[4:].startswith(_BEGINNINGS) for key in kinds):
        # Numbers so large that a path is not in its column; or something new.
        low, middle, high, kinds = [*low, *middle, *high], [], [], {}
    rows = [_row(line) for line in (*low, *high)]
    kinds.update((row[2], _UNKNOWN) for row in rows)
    _tell(kinds)
    found = [Mapping(start, end, *kinds[key], line) for start, end, key, line in rows]
    if not middle:
        return found
    addresses = _numbers(map(_addresses, middle))
    by_rest = {rest: kinds[key] for rest, key in keys.items()}
    columns = zip(*map(by_rest.__getitem__, rests))
    # Straight to the tuple: the class's own constructor takes twice as long.
    every = list(
        map(
            tuple.__new__,
            repeat(Mapping),
            zip(addresses[0::2], addresses[1::2], *columns, middle),
        )
    )
    return found[: len(low)] + every + found[len(low) :] if found else every


def _row(line: bytes) -> tuple[int, int, bytes, bytes]:
    """Start, end, permissions together with path, and the line itself."""
    addresses, permissions, _, _, _, path = line.split(b" ", 5)
    start, _, end = addresses.partition(b"-")
    return int(start, 16), int(end, 16), permissions + path.lstrip(b" "), line


def _numbers(pairs: Iterable[bytes]) -> array[int]:
    """The numbers of pairs like ``55d0c8a00000-55d0c8a21000``, twelve digits each."""
    digits = b"0000" + b"-".join(pairs).replace(b"-", b"0000")
    numbers = array("Q", unhexlify(digits))
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers


_Kind = tuple[int, str, str]
_UNKNOWN: _Kind = (0, "unknown", "")


def _tell(kinds: dict[bytes, _Kind]) -> None:
    """For permissions and path: put down protection, region type and name."""
    modules = {key[4:] for key in kinds if _is_code(key[:4], key[4:])}
    for key in kinds:
        permissions, path = key[:4], key[4:]
        region_type = "image" if path in modules else _region_type(permissions, path)
        name = os.fsdecode(path.replace(b"\\012", b"\n"))
        kinds[key] = (_protection(permissions, region_type, path), region_type, name)


def _protection(permissions: bytes, region_type: str, path: bytes) -> int:
    protection = 0
    if permissions[0:1] == b"r":
        protection |= READ
    if permissions[1:2] == b"w":
        protection |= WRITE
    if permissions[2:3] == b"x":
        protection |= EXECUTE
    if permissions[1:4:2] == b"wp" and path[:1] == b"/" and region_type != "anonymous":
        protection |= COPY_ON_WRITE
    return protection


_SHARED_MEMORY = (b"/memfd:", b"/SYSV", b"/dev/shm/", b"/secretmem", b"[anon_shmem:")


def _is_code(permissions: bytes, path: bytes) -> bool:
    """Whether a mapping so permitted makes a module of what it maps."""
    if path == b"[vdso]":
        return True
    if permissions[2:3] != b"x" or path[:1] != b"/":
        return False
    kind = _region_type(permissions, path)
    # Memory that several processes run code from is a just-in-time compiler's. Only a
    # private mapping of it is a program, loaded from a memfd or out of /dev/shm.
    return kind == "mapped_file" or (kind == "shared_mem" and permissions[3:4] == b"p")


def _region_type(permissions: bytes, path: bytes) -> str:
    """What backs a mapping, as far as permissions and path say it."""
    private = permissions[3:4] == b"p"
    if not path or path.startswith(b"[anon:"):
        return "anonymous"
    if path == b"[heap]":
        return "heap"
    if path.startswith(b"[stack"):
        return "stack"
    if path == b"/dev/zero" or path.startswith((b"/dev/zero (", b"/anon_hugepage")):
        return "anonymous" if private else "shared_mem"
    if path.startswith(_SHARED_MEMORY):
        return "shared_mem"
    if path.startswith(b"anon_inode:"):
        return "other" if private else "shared_mem"
    if path.startswith(b"/") and not path.startswith((b"/dmabuf:", b"/dev/")):
        return "mapped_file"
    return "mapped_file" if path.startswith(b"/dev/hugepages/") else "other"
