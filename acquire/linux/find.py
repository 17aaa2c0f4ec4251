"""Processes by name, by container, by unit, and descendants of a process."""

from __future__ import annotations

import os
import re
import time
from collections import defaultdict
from collections.abc import Iterable

from msl_construct.errors import TargetError

from .facts.container import containers
from .freeze import guardian
from .own_proc import check_proc
from .proc_text import (
    KERNEL_THREAD,
    Stat,
    lines_of,
    read_bytes,
    read_lines,
    read_stat,
    read_status,
    since_epoch,
    text,
)

__all__ = ["children", "describe", "find", "members", "unfit"]

_NAME_LENGTH = 15  # bytes of a short name that the kernel keeps
_LONGEST_COMMAND = 60
_UNIT = re.compile(r"\.(service|scope|slice|socket|mount|swap)$")


def find(name: str) -> list[int]:
    """PIDs, ascending, of the processes called `name`; the acquirer itself is none of them.

    A process goes by its short name, and by the last part of the path of its executable and
    of its first argument. Those that have ended (zombies) don't count. None are found where
    /proc hides other users' processes.
    """
    return [pid for pid in members("name", name) if not unfit(pid).startswith("is a zombie")]


def members(kind: str, name: str) -> list[int]:
    """PIDs, ascending, of the processes that belong together, zombies and all.

    Args:
        kind: ``name``: as in `find`. ``container``: its number, or what that begins with, as the
            control groups tell it (or, within a container, the mounts); no daemon is asked.
            ``unit``: a unit of systemd, whose name is that of a control group that they are in.

    Raises:
        TargetError: it begins the numbers of several containers.
    """
    stats = _processes()
    if kind == "name":
        found = [stat.pid for stat in stats if name in _names(stat)]
    elif kind == "container":
        found = _in_container([stat.pid for stat in stats], name)
    else:
        unit = name if _UNIT.search(name) else f"{name}.service"
        found = [stat.pid for stat in stats if unit in _groups(stat.pid)]
    return sorted(_foreign(found))


def _groups(pid: int) -> set[str]:
    """The names of all control groups that a process is in, and of those that they are in."""
    try:
        lines = lines_of(read_bytes(f"/proc/{pid}/cgroup"))
    except OSError:
        return set()
    return {name for line in lines for name in text(line.split(b":", 2)[-1]).split("/") if name}


def _in_container(pids: list[int], name: str) -> list[int]:
    found: dict[str, list[int]] = defaultdict(list)
    for pid in pids:
        for number in _containers(pid):
            if number == name or (len(number) == 64 and number.startswith(name.lower())):
                found[number].append(pid)
    exact = found.get(name)
    if exact is not None:
        return exact
    if len(found) > 1:
        raise TargetError(
            f"{name!r} begins the numbers of {len(found)} containers: {', '.join(sorted(found))}",
            remedy="give more of it",
        )
    return next(iter(found.values()), [])


def _containers(pid: int) -> set[str]:
    try:
        groups = read_lines(f"/proc/{pid}/cgroup")
    except OSError:
        return set()
    try:
        mounts = read_lines(f"/proc/{pid}/mountinfo")
    except OSError:
        mounts = []
    return containers(groups, mounts)


def unfit(pid: int) -> str:
    """Why a process can't be acquired whatever our rights; empty if it can."""
    try:
        stat = read_stat(f"/proc/{pid}")
    except OSError:
        return "has ended"
    if stat.ended:
        return f"is a zombie ({text(stat.name)})"
    if stat.flags & KERNEL_THREAD:
        return f"is a thread of the kernel ({text(stat.name)})"
    return ""


def describe(pid: int) -> str:
    """A process in a few words: whose, since when, and its command."""
    path = f"/proc/{pid}"
    try:
        stat, status = read_stat(path), read_status(path)
    except OSError:
        return "has ended"
    since = time.localtime(since_epoch(stat.start_ticks) / 1e9)
    try:
        line = read_bytes(f"{path}/cmdline", 4096).rstrip(b"\0").replace(b"\0", b" ")
    except OSError:
        line = b""
    command = text(line) or f"[{text(stat.name)}]"
    if len(command) > _LONGEST_COMMAND:
        command = f"{command[: _LONGEST_COMMAND - 1]}…"
    user = _user(int(status.get("Uid", "0").split()[0]))
    return f"{user}, since {time.strftime('%Y-%m-%d %H:%M:%S', since)}, {command}"


def _user(number: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except (KeyError, OSError):
        return f"user {number}"


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

    Zombies are left out, but not what they have left behind, and so is the acquirer. One that
    starts a process while we look may be missed; so may a process whose parent has ended, which
    is nobody's then.
    """
    return _foreign(stat.pid for stat in _below(_processes(), pid) if not stat.ended)


def _foreign(pids: Iterable[int]) -> list[int]:
    """All but this process, and what guards the targets of an acquirer."""
    mark = os.fsencode(guardian.__path__[0])
    found = []
    for pid in pids:
        try:
            if pid != os.getpid() and mark not in read_bytes(f"/proc/{pid}/cmdline", 4096):
                found.append(pid)
        except OSError:
            found.append(pid)  # whoever reads it will be told why it can't be
    return found


def _below(stats: list[Stat], pid: int) -> list[Stat]:
    """All descendants of a process, parents before their children."""
    by_parent: dict[int, list[Stat]] = defaultdict(list)
    for stat in stats:
        by_parent[stat.ppid].append(stat)
    found: list[Stat] = []
    generation = [pid]
    seen = {pid}
    while generation:
        following = []
        for parent in generation:
            for stat in by_parent.get(parent, ()):
                if stat.pid not in seen:
                    seen.add(stat.pid)
                    following.append(stat)
        following.sort()
        found += following
        generation = [stat.pid for stat in following]
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
