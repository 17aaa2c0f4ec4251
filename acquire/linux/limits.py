"""Limits that hold for this process: of its control groups, and its own (ulimit)."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import suppress

from ..model import Limit
from .control_groups import Levels, levels, number_in
from .proc_text import lines_of, read_bytes, read_status

__all__ = ["group_limits", "in_memory", "limits"]

_MANY = 1 << 60
_KERNEL = "/proc/sys/kernel"


def limits(pid: int, proc: str = "/proc") -> list[Limit]:
    """What limits us, whether or not anything of it is used up.

    Args:
        pid: the target, to tell which limits it shares with us.
    """
    return [*group_limits("self", pid, proc), *_kernel(), *_own(pid)]


def group_limits(who: int | str, other: int | None = None, proc: str = "/proc") -> list[Limit]:
    """The memory and the tasks that a process's control groups leave it.

    Args:
        who: the process, or ``self``.
        other: another one, of which it is to be told whether it shares the limit.
    """
    found: list[Limit] = []
    for controller, look in (("memory", _memory), ("pids", _tasks)):
        theirs = {} if other is None else {o.version: o for o in levels(other, controller, proc)}
        for each in levels(who, controller, proc):
            shared = theirs.get(each.version, Levels(each.version, ())).directories
            for directory in each.directories:
                found += look(each.version, directory, directory in shared)
                if number_in(f"{os.path.dirname(directory)}/memory.use_hierarchy") == 0:
                    break  # version 1: what is around is not told
    return found


def _memory(version: int, directory: str, shared: bool) -> Iterator[Limit]:
    # What the kernel takes back first, and without anybody's noticing, is not used up.
    if version == 2:
        used = number_in(f"{directory}/memory.current")
        spare = number_in(f"{directory}/memory.stat", "inactive_file") or 0
        names = ("memory.max", "memory.high")
        uses = (used, used)
    else:
        spare = number_in(f"{directory}/memory.stat", "total_inactive_file") or 0
        names = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes")
        uses = (
            number_in(f"{directory}/memory.usage_in_bytes"),
            number_in(f"{directory}/memory.memsw.usage_in_bytes"),
        )
    for name, used in zip(names, uses):
        most = number_in(f"{directory}/{name}")
        if most is not None and used is not None:
            yield Limit("memory", name, f"{directory}/{name}", most, max(0, used - spare), shared)


def _tasks(version: int, directory: str, shared: bool) -> Iterator[Limit]:
    most = number_in(f"{directory}/pids.max")
    used = number_in(f"{directory}/pids.current")
    if most is not None and used is not None:
        yield Limit("tasks", "pids.max", f"{directory}/pids.max", most, used, shared)


def _kernel() -> Iterator[Limit]:
    """Tasks of the whole machine."""
    with suppress(OSError, ValueError, IndexError):
        used = int(read_bytes("/proc/loadavg").split()[3].partition(b"/")[2])
        for name in ("threads-max", "pid_max"):
            most = number_in(f"{_KERNEL}/{name}")
            if most is not None:
                yield Limit("tasks", f"kernel.{name}", f"{_KERNEL}/{name}", most, used, True)


def in_memory(device: int) -> bool:
    """Whether a file system is a tmpfs or a ramfs: what is written to it counts as memory."""
    wanted = f"{os.major(device)}:{os.minor(device)}".encode()
    with suppress(OSError):
        for line in lines_of(read_bytes("/proc/self/mountinfo")):
            front, _, back = line.partition(b" - ")
            if front.split(b" ")[2:3] == [wanted]:
                return back.partition(b" ")[0] in (b"tmpfs", b"ramfs")
    return False


# -- ulimit ----------------------------------------------------------------------------


def _own(pid: int) -> Iterator[Limit]:
    status = read_status("/proc/self")
    data = _kilobytes(status, "VmData")
    for kind, name, option, used in (
        ("address_space", "RLIMIT_AS", "v", _kilobytes(status, "VmSize")),
        ("address_space", "RLIMIT_DATA", "d", data),
        ("descriptors", "RLIMIT_NOFILE", "n", None),
        ("file_size", "RLIMIT_FSIZE", "f", 0),
        ("tasks", "RLIMIT_NPROC", "u", None),
    ):
        most, _ = resource.getrlimit(getattr(resource, name))
        if most == resource.RLIM_INFINITY or most > _MANY:
            continue
        if name == "RLIMIT_NPROC" and not _counts_tasks(status):
            continue
        shared = False
        if kind == "descriptors":
            used = len(os.listdir("/proc/self/fd"))
        elif name == "RLIMIT_NPROC":
            user = os.getuid()
            used = _tasks_of(user)
            shared = _user_of(pid) == user
        yield Limit(kind, name, f"ulimit -{option}", most, used or 0, shared)


_CAP_SYS_ADMIN, _CAP_SYS_RESOURCE = 21, 24


def _counts_tasks(status: dict[str, str]) -> bool:
    """Whether RLIMIT_NPROC holds: not for root, nor with these capabilities."""
    held = int(status.get("CapEff", "0"), 16)
    return os.getuid() != 0 and not held >> _CAP_SYS_ADMIN & 1 and not held >> _CAP_SYS_RESOURCE & 1


def _tasks_of(user: int) -> int:
    """How many threads a user has, as far as /proc shows."""
    count = 0
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                status = read_status(f"/proc/{name}")
            except OSError:
                continue
            if status.get("Uid", "").split()[:1] == [str(user)]:
                count += int(status.get("Threads", 1))
    return count


def _user_of(pid: int) -> int | None:
    try:
        return int(read_status(f"/proc/{pid}")["Uid"].split()[0])
    except (OSError, KeyError, ValueError, IndexError):
        return None


def _kilobytes(status: dict[str, str], key: str) -> int:
    words = status.get(key, "").split()
    return int(words[0]) << 10 if words and words[0].isdigit() else 0
