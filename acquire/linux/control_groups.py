"""Which control groups a process is in, and what those let their processes have.

A limit of any group on the way up holds for all below. Of a container only what is mounted in it
can be seen: its own group, and not the ones around.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from .proc_text import lines_of, read_bytes

__all__ = ["Hierarchy", "Levels", "hierarchies", "levels", "number_in"]

_OCTAL = re.compile(rb"\\([0-7]{3})")
_UNLIMITED = 1 << 62
"""Version 1 says so with the largest number of pages that fits."""


class Hierarchy(NamedTuple):
    """A mounted hierarchy of control groups.

    Attributes:
        version: 1 or 2.
        controllers: of version 1; empty for version 2.
        root: which group of it is mounted.
        mount: where.
    """

    version: int
    controllers: frozenset[str]
    root: str
    mount: str


class Levels(NamedTuple):
    """The groups of a process in one hierarchy.

    Attributes:
        version: 1 or 2.
        directories: of its own group, then of those around it, as far as they are mounted.
    """

    version: int
    directories: tuple[str, ...]


def hierarchies(proc: str = "/proc") -> list[Hierarchy]:
    """All that are mounted here; version 2 first.

    Raises:
        OSError: the mounts can't be read.
    """
    found = []
    for line in lines_of(read_bytes(f"{proc}/self/mountinfo")):
        front, _, back = line.partition(b" - ")
        fields, (kind, _, options) = front.split(b" "), back.partition(b" ")
        if len(fields) < 6 or kind not in (b"cgroup", b"cgroup2"):
            continue
        root, mount = (os.fsdecode(_unescaped(field)) for field in fields[3:5])
        version = 2 if kind == b"cgroup2" else 1
        named = options.rpartition(b" ")[2].decode("ascii", "replace").split(",")
        found.append(Hierarchy(version, frozenset(named if version == 1 else ()), root, mount))
    return sorted(found, key=lambda one: -one.version)


def levels(pid: int | str, controller: str, proc: str = "/proc") -> list[Levels]:
    """The groups in which a controller may limit a process; none where nothing can be seen.

    Args:
        pid: the process, or ``self``.
        controller: such as ``memory``.
    """
    paths: dict[int, str] = {}
    try:
        for line in lines_of(read_bytes(f"{proc}/{pid}/cgroup")):
            number, _, rest = os.fsdecode(line).partition(":")
            controllers, _, path = rest.partition(":")
            if number == "0":
                paths[2] = path
            elif controller in controllers.split(","):
                paths[1] = path
        mounted = hierarchies(proc)
    except OSError:
        return []
    found: dict[int, Levels] = {}
    for one in mounted:
        if one.version == 1 and controller not in one.controllers:
            continue
        if one.version not in paths:
            continue
        directories = _upwards(one, paths[one.version])
        if len(directories) > len(found.get(one.version, Levels(0, ())).directories):
            found[one.version] = Levels(one.version, directories)
    return list(found.values())


def _upwards(mounted: Hierarchy, path: str) -> tuple[str, ...]:
    root = mounted.root.rstrip("/")
    if ".." in path.split("/") or not (path == root or path.startswith(root + "/")):
        return ()  # outside of what is mounted, or of our namespace
    directory = os.path.join(mounted.mount, path[len(root) :].strip("/")).rstrip("/")
    found = []
    while os.path.isdir(directory):
        found.append(directory)
        if len(directory) <= len(mounted.mount.rstrip("/")):
            break
        directory = os.path.dirname(directory)
    return tuple(found)


def number_in(path: str, key: str = "") -> int | None:
    """A number that a file holds; None where there is none, or it says that there is no limit.

    Args:
        key: of the line that is meant, in a file of several.
    """
    try:
        lines = lines_of(read_bytes(path))
    except OSError:
        return None
    for line in lines:
        words = line.split()
        if key and (len(words) < 2 or words.pop(0) != key.encode()):
            continue
        if words and words[0].isdigit():
            number = int(words[0])
            return number if number < _UNLIMITED else None
        return None
    return None


def _unescaped(field: bytes) -> bytes:
    return _OCTAL.sub(lambda found: bytes((int(found[1], 8),)), field)
