"""The file systems that a process has mounted, and which of them may never answer."""

from __future__ import annotations

import os
from contextlib import suppress

from .maps import read_whole

__all__ = ["RESTLESS", "Mounts", "is_remote"]

_REMOTE = ("fuse", "nfs", "cifs", "smb", "9p", "ceph", "afs", "lustre", "gfs", "ocfs", "coda")
_NOT_REMOTE = ("nfsd", "fusectl", "virtiofs")
RESTLESS = frozenset({"btrfs", "bcachefs", "overlay", "aufs", "fuse.fuse-overlayfs"})
"""File systems whose stat gives another device than maps does (a subvolume's, a layer's)."""
_FUSE_CONNECTIONS = "/sys/fs/fuse/connections"


def is_remote(system: str) -> bool:
    """Whether somebody else answers for a file system of this type: a server, or a program."""
    return system.startswith(_REMOTE) and system not in _NOT_REMOTE


class Mounts:
    """What we and a process have mounted, at one moment.

    Args:
        tid: a living thread of it.
    """

    def __init__(self, tid: int) -> None:
        self._by_device: dict[tuple[int, int], str] = {}
        self._by_number: dict[int, str] = {}
        self._remote_points: set[bytes] = set()
        for path in ("/proc/self/mountinfo", f"/proc/{tid}/mountinfo"):
            with suppress(OSError):
                for line in read_whole(path).split(b"\n"):
                    self._add(line)
        # One that was unmounted while it was in use is in no list but this.
        with suppress(OSError):
            for name in os.listdir(_FUSE_CONNECTIONS):
                if name.isdigit():
                    self._by_device.setdefault((0, int(name)), "fuse")

    def _add(self, line: bytes) -> None:
        front, _, back = line.partition(b" - ")
        with suppress(ValueError, IndexError):  # a name may hold anything but newlines
            fields = front.split(b" ")
            major, _, minor = fields[2].partition(b":")
            system = back.split(b" ")[0].decode("ascii", "replace")
            self._by_device[int(major), int(minor)] = system
            self._by_number[int(fields[0])] = system
            if is_remote(system):
                self._remote_points.add(_unescaped(fields[4]))

    def system(self, device: tuple[int, int]) -> str:
        """The type of the file system on (major, minor); empty if that is mounted nowhere."""
        return self._by_device.get(device, "")

    def system_of(self, number: int) -> str:
        """The type of the file system of the mount with this number; empty where unknown."""
        return self._by_number.get(number, "")

    def answers(self, path: bytes) -> bool:
        """Whether nothing remote is on the way to `path`, as far as its names tell."""
        at = path
        while self._remote_points and at and at != b"/":
            if at in self._remote_points:
                return False
            at = at.rpartition(b"/")[0]
        return b"/" not in self._remote_points


def _unescaped(name: bytes) -> bytes:
    for code, byte in ((b"\\040", b" "), (b"\\011", b"\t"), (b"\\012", b"\n"), (b"\\134", b"\\")):
        name = name.replace(code, byte)
    return name
