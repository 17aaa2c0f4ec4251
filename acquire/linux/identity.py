"""Who the target is (§5.4): all of it from /proc, nothing from the target's memory."""

from __future__ import annotations

import os

from msl_construct.errors import TargetError

from ..model import Identity
from .elf import ElfError, read_elf
from .proc_text import read_bytes, read_stat, since_epoch, text, without_root

__all__ = ["architecture", "command_line", "executable", "identity", "start_time"]

_ARGUMENTS_LIMIT = 8 << 20  # the kernel's own bound on arguments is 6 MiB


def identity(pid: int, path: str | None = None) -> Identity:
    """Collect the identity of process `pid`.

    What can't be read is empty or 0: the executable and command line of a kernel thread or a
    zombie do not exist, those of somebody else's process may be refused.

    Args:
        pid: in our PID namespace.
        path: a folder of /proc to ask instead of ``/proc/PID``: that of a living thread
            where the first one has ended.

    Raises:
        TargetError: there is no such process.
    """
    path = path or f"/proc/{pid}"
    try:
        # Always of the process: a thread has a start of its own.
        stat = read_stat(f"/proc/{pid}")
    except OSError as error:
        raise TargetError(f"process {pid} is gone ({error.strerror})") from error
    return Identity(
        pid=pid,
        ppid=stat.ppid,
        session_id=stat.session,
        start_time=since_epoch(stat.start_ticks),
        exe_path=executable(path),
        cmd_line=" ".join(command_line(path)),
        name=text(stat.name),
        os_type="linux",
        arch_type=architecture(path),
        page_size=os.sysconf("SC_PAGE_SIZE"),
    )


def start_time(path: str) -> int:
    """When a process or thread began: nanoseconds since the Unix epoch, good to 10 ms.

    0 where unknown.
    """
    try:
        return since_epoch(read_stat(path).start_ticks)
    except OSError:
        return 0


def executable(path: str) -> str:
    """The path of the executable as the target sees it; empty where unknown.

    The kernel's mark `` (deleted)`` stays: the file behind the name is another one, or none.
    """
    try:
        link = text(os.readlink(os.fsencode(f"{path}/exe")))
    except OSError:
        return ""
    try:
        root = text(os.readlink(os.fsencode(f"{path}/root")))
    except OSError:
        root = "/"
    return without_root(link, root)


def command_line(path: str) -> list[str]:
    """The arguments as the target holds them now; empty for kernel threads and zombies.

    A process may overwrite them: this is what it shows, not what it was started with.
    """
    try:
        data = read_bytes(f"{path}/cmdline", _ARGUMENTS_LIMIT)
    except OSError:
        return []
    if not data:
        return []
    # Only the last terminator goes: an empty last argument is an argument. A process that
    # wrote a title over its arguments pads with many, which are no arguments.
    stripped = data.rstrip(b"\0")
    if len(data) - len(stripped) <= 2:
        stripped = data[:-1] if data.endswith(b"\0") else data
    return [text(argument) for argument in stripped.split(b"\0")]


def architecture(path: str) -> str:
    """The schema's name of the architecture that the executable was built for.

    A 32-bit program on a 64-bit kernel is a 32-bit one. ``unknown`` where the executable
    can't be read or is of an architecture that the schema has no name for.
    """
    try:
        descriptor = os.open(f"{path}/exe", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return "unknown"
    try:
        return read_elf(descriptor).architecture
    except (OSError, ElfError):
        return "unknown"
    finally:
        os.close(descriptor)
