"""Every open file descriptor, the deleted, the anonymous and the odd ones included."""

from __future__ import annotations

import os
import stat
from typing import Any

from ..proc_text import lines_of, read_bytes, text
from .items import not_read

__all__ = ["descriptors", "mount_types"]

_DELETED = " (deleted)"
_ACCESS = ("read", "write", "read_write", "none")
_FLAGS = tuple(
    (getattr(os, name), name[2:].lower())
    for name in (
        "O_APPEND",
        "O_ASYNC",
        "O_CLOEXEC",
        "O_DIRECT",
        "O_DIRECTORY",
        "O_NOATIME",
        "O_NOFOLLOW",
        "O_NONBLOCK",
        "O_PATH",
        "O_SYNC",
        "O_TMPFILE",
    )
    if hasattr(os, name)
)
_NAMES = (
    "nfs nfs4 cifs smb3 smbfs 9p afs ceph coda glusterfs lustre gpfs beegfs ocfs2 gfs2 "
    "orangefs pvfs2 ncpfs autofs virtiofs"
)
_REMOTE = frozenset(_NAMES.split())
"""File systems whose server may not answer: their files are not asked for their type."""

_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFCHR: "character_device",
    stat.S_IFBLK: "block_device",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFLNK: "symbolic_link",
}
_COMMON = (b"pos", b"flags", b"mnt_id", b"ino")
_MAX_DETAILS = 256
_USUAL, _LIMIT = 2048, 1 << 18


def descriptors(path: str) -> list[dict[str, Any]]:
    """The descriptors in order.

    Each has ``fd``, ``target`` (as the link shows it), ``kind`` (``file``, ``socket``,
    ``pipe``, ``eventfd``, ``memfd`` …), ``deleted``, ``inode``, ``position``, ``access``,
    ``flags`` and ``flag_names``, ``mount`` and its ``file_system``, and ``details``: the
    further lines of fdinfo, which epoll, inotify and others have. One that was closed
    meanwhile has an ``error``.

    Raises:
        OSError: as the system says it.
    """
    mounts = mount_types(path)
    numbers = sorted(map(int, os.listdir(f"{path}/fd")))
    return [_one(path, number, mounts) for number in numbers]


def mount_types(path: str) -> dict[str, str]:
    """Number of a mount to the type of its file system: those of the process, and our own."""
    types: dict[str, str] = {}
    for place in ("/proc/self", path):
        try:
            lines = lines_of(read_bytes(f"{place}/mountinfo"))
        except OSError:
            continue
        for line in lines:
            number, _, rest = line.partition(b" ")
            kind = rest.partition(b" - ")[2].partition(b" ")[0]
            if number.isdigit() and kind:
                types[text(number)] = text(kind)
    return types


def _one(path: str, number: int, mounts: dict[str, str]) -> dict[str, Any]:
    link = f"{path}/fd/{number}"
    try:
        target = text(os.readlink(os.fsencode(link)))
        lines = lines_of(_information(f"{path}/fdinfo/{number}"))
    except OSError as error:
        return {"fd": number, **not_read(error)}
    told: dict[bytes, str] = {}
    details: list[str] = []
    for line in lines:
        key, _, value = line.partition(b":")
        if key in _COMMON and key not in told:
            told[key] = value.strip().decode("ascii", "replace")
        else:
            details.append(text(line))
    flags = int(told.get(b"flags", "0"), 8)
    mount = told.get(b"mnt_id", "")
    file_system = mounts.get(mount, "")
    found: dict[str, Any] = {
        "fd": number,
        "target": target,
        "kind": _kind(link, target, file_system),
        "deleted": target.endswith(_DELETED) and not target.startswith("/memfd:"),
        "inode": _inode(target, told),
        "position": int(told.get(b"pos", "0")),
        "access": "path" if flags & getattr(os, "O_PATH", 0) else _ACCESS[flags & 3],
        "flags": hex(flags),
        "flag_names": [name for bit, name in _FLAGS if bit and flags & bit == bit],
        "mount": int(mount) if mount else 0,
        "file_system": file_system,
    }
    if details:
        found["details"] = details[:_MAX_DETAILS]
        if len(details) > _MAX_DETAILS:
            found["details_left_out"] = len(details) - _MAX_DETAILS
    return found


def _information(path: str) -> bytes:
    """A file of fdinfo. The kernel gives all of it at once: a second call is seldom needed."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = os.read(descriptor, _USUAL)
        if len(data) == _USUAL:
            data += os.read(descriptor, _LIMIT)
        return data
    finally:
        os.close(descriptor)


def _inode(target: str, told: dict[bytes, str]) -> int:
    """The inode number; 0 where unknown (before Linux 5.14, fdinfo doesn't tell it)."""
    if told.get(b"ino", "").isdecimal():
        return int(told[b"ino"])
    kind, _, number = target.partition(":[")
    return int(number[:-1]) if kind in ("socket", "pipe") and number[:-1].isdigit() else 0


def _kind(link: str, target: str, file_system: str) -> str:
    """What it is, without waiting for anybody's server."""
    if target.startswith("/memfd:"):
        return "memfd"
    if target.startswith("anon_inode:"):
        return target[len("anon_inode:") :].strip("[]")
    if not target.startswith("/"):
        return target.partition(":")[0]
    if not file_system:
        return "unknown"  # of a mount that nobody sees any more: perhaps a server's
    if file_system in _REMOTE or file_system.startswith("fuse"):
        return "remote"
    try:
        return _KINDS.get(stat.S_IFMT(os.stat(link).st_mode), "unknown")
    except OSError:
        return "unknown"
