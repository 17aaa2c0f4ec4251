"""Which files of /proc are kept, and when each is taken."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from ..proc_text import text

__all__ = ["ProcFile", "of_descriptors", "of_process", "of_threads", "walks_and_waits"]

_LONGEST = 64 << 20
_WALKS = ("smaps", "numa_maps")
"""Files for which the kernel walks all pages: they take long."""
_WAITS = ("stack", "wchan", "syscall")
"""Files that say where a thread waits: stopped, it would wait for whoever stopped it."""
_STATES = ("stat", "status")
"""Files that say in which state it is, which stopping changes as well."""
_PROCESS = (
    *("status", "stat", "statm", "comm", "maps", "cmdline", "auxv", "environ", "limits", "cgroup"),
    *("io", "sched", "schedstat", "oom_score", "oom_score_adj", "coredump_filter", "personality"),
    *("loginuid", "sessionid", "uid_map", "gid_map", "projid_map", "setgroups", "cpuset"),
    *("timers", "timerslack_ns", "timens_offsets", "autogroup", "arch_status", "seccomp_cache"),
    *("ksm_stat", "mountinfo", "mounts", "mountstats"),
)
_THREAD = ("stat", "status", "comm", "children")
_NETWORK_FILES = 256
_ODD = re.compile("[^a-z0-9_]")


class ProcFile(NamedTuple):
    """One file of /proc.

    Attributes:
        path: of it.
        word: of ours, for the name under which it is stored.
        limit: bytes that are taken of it.
    """

    path: str
    word: str
    limit: int = _LONGEST


def walks_and_waits(path: str) -> Iterator[ProcFile]:
    """What is taken before the target is stopped: the longest first, the shortest-lived last."""
    for name in _WALKS:
        yield ProcFile(f"{path}/{name}", name)
    yield from _folder(f"{path}/net", "net", _NETWORK_FILES)
    for name in (*_STATES, *_WAITS):
        yield ProcFile(f"{path}/{name}", name)
    for task in _tasks(path):
        for name in (*_STATES, *_WAITS):
            yield ProcFile(f"{task}/{name}", f"task_{name}")


def of_process(path: str) -> Iterator[ProcFile]:
    """What is taken of the process while it stands still."""
    for name in _PROCESS:
        yield ProcFile(f"{path}/{name}", name)
    yield from _folder(f"{path}/attr", "attr")


def of_threads(path: str) -> Iterator[ProcFile]:
    """The same of each of its threads."""
    for task in _tasks(path):
        for name in _THREAD:
            yield ProcFile(f"{task}/{name}", f"task_{name}")


def of_descriptors(path: str, numbers: list[int]) -> Iterator[ProcFile]:
    """The same of its descriptors."""
    for number in numbers:
        yield ProcFile(f"{path}/fdinfo/{number}", "fdinfo")


def _tasks(path: str) -> Iterator[str]:
    try:
        numbers = sorted(map(int, os.listdir(f"{path}/task")))
    except OSError:
        return
    for number in numbers:
        yield f"{path}/task/{number}"


def _folder(path: str, word: str, most: int = 64) -> Iterator[ProcFile]:
    """The plain files of a folder and, for security modules, of the folders in it."""
    try:
        with os.scandir(path) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        yield ProcFile(path, word)  # to read it says why
        return
    for entry in found[:most]:
        if entry.is_dir(follow_symlinks=False):
            if word == "attr":
                yield from _folder(f"{path}/{text(os.fsencode(entry.name))}", word, most)
        elif entry.is_file(follow_symlinks=False):
            yield ProcFile(entry.path, f"{word}_{_ODD.sub('_', entry.name)}")
