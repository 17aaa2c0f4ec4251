"""Memory that is left for a copy of the target, on the machine and in its control groups.

What the target writes while a copy of it lives is memory twice. Where that would be too much, the
kernel ends a process, and the copy is its first choice; but the copy is given up before that.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["MemoryGroup", "Room", "groups", "machine", "room", "times_short"]

_NO_LIMIT = 1 << 62
_LEAST, _MOST = 4 << 20, 64 << 20
"""Bytes that stay free in a control group: a sixteenth of its limit, within these."""
_MACHINE = 128 << 20
"""The same of the machine: a thirty-second of its memory, but not more than this."""


class MemoryGroup(NamedTuple):
    """A control group whose memory is limited.

    Attributes:
        limits: files with the limit; the lowest holds.
        usage: the file with what is used.
        statistics: the file that says how much of that is only cache.
    """

    limits: tuple[str, ...]
    usage: str
    statistics: str


class Room(NamedTuple):
    """What is free somewhere.

    Attributes:
        where: for people.
        free: bytes that can be had without ending anybody.
        kept: bytes that are to stay free.
    """

    where: str
    free: int
    kept: int


def _text(path: str) -> str:
    with open(path, encoding="ascii", errors="replace") as file:
        return file.read()


def _number(path: str) -> int:
    try:
        text = _text(path).strip()
    except OSError:  # the root of the hierarchy has none
        return _NO_LIMIT
    return _NO_LIMIT if text == "max" else min(int(text), _NO_LIMIT)


def groups(told: str) -> list[MemoryGroup]:
    """The groups that limit memory.

    Args:
        told: for each group a line: its version, a space and its directory.
    """
    found = []
    for line in told.splitlines():
        version, _, directory = line.partition(" ")
        if version == "2":
            names: tuple[str, ...] = ("memory.max", "memory.high")
            usage = "memory.current"
        else:
            names, usage = ("memory.limit_in_bytes",), "memory.usage_in_bytes"
        limits = tuple(f"{directory}/{name}" for name in names)
        if min(map(_number, limits)) < _NO_LIMIT:
            found.append(MemoryGroup(limits, f"{directory}/{usage}", f"{directory}/memory.stat"))
    return found


def _of_group(group: MemoryGroup) -> Room:
    """What is free in one group."""
    limit = min(map(_number, group.limits))
    used = _number(group.usage)
    cache = 0
    totals = {}
    for line in _text(group.statistics).splitlines():
        key, _, value = line.partition(" ")
        totals[key] = value
    # Version 1 counts what is below the group under names of its own. What was read or written
    # of files goes before anybody is ended; memory that processes share doesn't.
    for kind in ("inactive_file", "active_file"):
        cache += int(totals.get(f"total_{kind}", totals.get(kind, "0")))
    where = f"the control group {os.path.dirname(group.usage)}"
    return Room(where, limit - used + cache, min(max(limit >> 4, _LEAST), _MOST))


def machine() -> Room:
    """What is free on the machine."""
    found = {}
    for line in _text("/proc/meminfo").splitlines():
        key, _, value = line.partition(":")
        found[key] = value
    total, available = (int(found[key].split()[0]) << 10 for key in ("MemTotal", "MemAvailable"))
    return Room("the machine", available, min(total >> 5, _MACHINE))


def room(limited: Iterable[MemoryGroup]) -> Room:
    """Where the least is left above what is to stay free."""
    rooms = [machine()]
    for group in limited:
        try:
            rooms.append(_of_group(group))
        except (OSError, ValueError):
            continue  # it has gone, or the process was moved out of it
    return min(rooms, key=lambda one: one.free - one.kept)


def times_short() -> int:
    """How many processes the kernel has ended since memory was short, on the machine or in a
    group."""
    for line in _text("/proc/vmstat").splitlines():
        key, _, value = line.partition(" ")
        if key == "oom_kill":
            return int(value)
    return 0
