"""Whether /proc shows the very processes that system calls reach.

Memory and names come from /proc, stopping goes by number: if /proc is of another PID namespace,
or something lies over it, the two are different processes. Asked before anybody is touched.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from collections.abc import Iterator

from msl_construct.errors import TargetError

from .proc_text import lines_of, read_bytes, read_status

__all__ = ["check_entry", "check_proc", "exists", "mount_of"]

_PROC_SUPER_MAGIC = 0x9FA0
_LARGEST_STATFS = 256
_TOO_MANY_OPEN = (errno.EMFILE, errno.ENFILE)
_NEEDED = ("", "stat", "status", "mem", "maps", "pagemap", "smaps", "auxv", "task", "fd")
"""What of a process's folder must lie on /proc itself."""
_MOUNT_ONE = (
    "mount one of our own PID namespace: unshare --mount sh -c 'mount -t proc proc /proc && exec "
    "msl acquire …', with the number that the target has there"
)


def check_proc() -> None:
    """Check that /proc is the kernel's, and of our own PID namespace.

    Raises:
        TargetError: it isn't; the message says what it is.
    """
    if not _is_proc("/proc"):
        raise TargetError(
            "/proc is not the kernel's: it is not mounted, or something else lies over it",
            remedy=_MOUNT_ONE,
        )
    own = os.getpid()
    try:
        known = os.readlink("/proc/self")
    except OSError:
        known = ""
    if not known:
        raise TargetError(
            "/proc is that of another PID namespace, in which this program does not exist",
            remedy=_MOUNT_ONE,
        )
    try:
        status = read_status(f"/proc/{known}")
    except OSError as error:
        if error.errno in _TOO_MANY_OPEN:
            raise
        raise _covered(own) from error
    numbers = status.get("NSpid", str(own)).split()
    # The first is that of the namespace of /proc, the last that of our own.
    if known != str(own) or len(numbers) > 1:
        raise TargetError(
            f"/proc is that of another PID namespace: there this program is process {known}, for "
            f"the system's calls it is {own}",
            remedy=_MOUNT_ONE,
        )
    if status.get("Pid") != str(own) or mount_of("/proc/self/fdinfo") < 0:
        raise _covered(own)
    _check_children()
    check_entry(own)


def _check_children() -> None:
    """Check that processes that we start see the same numbers.

    Raises:
        TargetError: they are made in another PID namespace.
    """
    try:
        ours, theirs = os.readlink("/proc/self/ns/pid"), ""
        if "pid_for_children" not in os.listdir("/proc/self/ns"):
            return  # before Linux 4.12
        with contextlib.suppress(OSError):  # another one, in which nobody has been born yet
            theirs = os.readlink("/proc/self/ns/pid_for_children")
    except OSError:
        return
    if ours != theirs:
        raise TargetError(
            "whatever this program starts is in another PID namespace than this program itself",
            remedy="give unshare or nsenter its option --fork (unshare --pid --fork --mount-proc)",
        )


def check_entry(pid: int) -> None:
    """Check that nothing lies over the folder of a process, nor over anything in it.

    A process that /proc does not show is none of this function's business.

    Raises:
        TargetError: something does, so that it shows something else than that process.
    """
    here = f"/proc/{pid}"
    proc = mount_of("/proc")
    for name in _NEEDED:
        path = f"{here}/{name}" if name else here
        mount = mount_of(path)
        if mount >= 0 and mount != proc:
            raise _covered(pid)
    try:
        shown = read_status(here).get("Pid", "")
    except OSError:
        shown = str(pid)  # gone, or hidden
    if shown != str(pid) or any(
        point == here or point.startswith(f"{here}/") for point in _mounted_on(proc)
    ):
        raise _covered(pid)


def _covered(pid: int) -> TargetError:
    return TargetError(
        f"something is mounted over /proc/{pid}: it does not show process {pid} as it is",
        remedy=f"see grep /proc/{pid} /proc/self/mountinfo, and umount it; or {_MOUNT_ONE}",
    )


def mount_of(path: str) -> int:
    """The number of the mount that a path leads to; -1 where it can't be had.

    Raises:
        OSError: there is no file descriptor left, which says nothing about this path.
    """
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in _TOO_MANY_OPEN:
            raise
        return -1
    try:
        for line in lines_of(read_bytes(f"/proc/self/fdinfo/{descriptor}")):
            key, _, value = line.partition(b":")
            if key == b"mnt_id":
                return int(value)
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in _TOO_MANY_OPEN:
            raise
    finally:
        os.close(descriptor)
    return -1


def _mounted_on(mount: int) -> Iterator[str]:
    """The places in this mount, and in those upon it, where others lie."""
    above = {mount}
    try:
        lines = lines_of(read_bytes("/proc/self/mountinfo"))
    except OSError:
        return
    for line in lines:  # a mount stands behind the one that it lies on
        fields = line.split(b" ", 5)
        with contextlib.suppress(ValueError, IndexError):
            if int(fields[1]) in above and int(fields[0]) not in above:
                above.add(int(fields[0]))
                yield os.fsdecode(fields[4])


def _is_proc(path: str) -> bool:
    """Whether a proc file system is there."""
    library = ctypes.CDLL(None, use_errno=True)
    found = ctypes.create_string_buffer(_LARGEST_STATFS)  # struct statfs begins with the type
    if library.statfs(os.fsencode(path), found):
        return False
    return ctypes.c_long.from_buffer(found).value == _PROC_SUPER_MAGIC


def exists(pid: int) -> bool:
    """Whether there is such a process, by the system's calls and not by /proc."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True
