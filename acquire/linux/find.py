"""Processes by name, and descendants of a process."""

from __future__ import annotations

import os
from collections import defaultdict

from .own_proc import check_proc
from .proc_text import Stat, read_bytes, read_stat, text

__all__ = ["children", "find"]

_NAME_LENGTH = 15  # bytes of a short name that the kernel keeps


def find(name: str) -> list[int]:
    """PIDs, ascending, of the processes called `name`; the acquirer itself is none of them.

    A process goes by its short name, and by the last part of the path of its executable and
    of its first argument. Those that have ended (zombies) don't count. None are found where
    /proc hides other users' processes.
    """
    found = []
    for stat in _processes():
        if stat.pid != os.getpid() and not stat.ended and name in _names(stat):
            found.append(stat.pid)
    return sorted(found)


def _names(stat: Stat) -> set[str]:
    names = {text(stat.name)}
    path = f"/proc/{stat.pid}"
    try:
        executable = text(os.readlink(os.fsencode(f"{path}/exe"))).removesuffix(" (deleted)")
        names.add(executable.rpartition("/")[2])
    except OSError:
        pass  # somebody else's, or a thread of the kernel
    try:
        first = text(read_bytes(f"{path}/cmdline", 4096).split(b"\0", 1)[0])
    except OSError:
        return names
    # A process may show anything here. What goes on behind a blank is a title, not a path.
    names.add(first.rpartition("/")[2])
    return names


def children(pid: int) -> list[int]:
    """PIDs of all descendants of `pid`, parents before their children, else ascending.

    Zombies are left out, but not what they have left behind. One that starts a process while
    we look may be missed; so may a process whose parent has ended, which is nobody's then.
    """
    by_parent: dict[int, list[Stat]] = defaultdict(list)
    for stat in _processes():
        by_parent[stat.ppid].append(stat)
    found: list[int] = []
    generation = [pid]
    seen = {pid}
    while generation:
        following = []
        for parent in generation:
            for stat in by_parent.get(parent, ()):
                if stat.pid not in seen:
                    seen.add(stat.pid)
                    following.append(stat.pid)
                    if not stat.ended:
                        found.append(stat.pid)
        generation = sorted(following)
    return found


def _processes() -> list[Stat]:
    check_proc()  # else these are numbers of other processes
    stats = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                stats.append(read_stat(f"/proc/{name}"))
            except OSError:
                continue  # it ended in between
    return stats
