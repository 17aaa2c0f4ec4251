"""The small files of /proc, read whole and picked apart.

Everything here takes the folder of a process or of one of its threads (``/proc/7``,
``/proc/7/task/9``): the second kind still answers where the first thread has ended.
"""

from __future__ import annotations

import os
import sys
import time
from typing import NamedTuple

__all__ = [
    "KERNEL_THREAD",
    "Stat",
    "lines_of",
    "read_bytes",
    "read_lines",
    "read_stat",
    "read_status",
    "read_text",
    "since_epoch",
    "text",
    "ticks_per_second",
    "without_root",
]

KERNEL_THREAD = 0x00200000
"""The bit of `Stat.flags` that marks a thread of the kernel itself."""

_LIMIT = 64 << 20
_NANOSECONDS = 1_000_000_000


class Stat(NamedTuple):
    """Part of ``stat``.

    Attributes:
        pid, ppid, group, session: in the reader's PID namespace; 0 for what lies outside it.
        name: the short name, as bytes that the kernel cut at 15.
        state: one letter: R, S, D, T, t, Z, X, I …
        flags: of the kernel's own, see `KERNEL_THREAD`.
        threads: how many the process has.
        start_ticks: from boot to start, in units of `ticks_per_second`.
    """

    pid: int
    name: bytes
    state: str
    ppid: int
    group: int
    session: int
    flags: int
    threads: int
    start_ticks: int

    @property
    def ended(self) -> bool:
        """Whether nothing of the process runs: a first thread may end before the others."""
        return self.state in "ZXx" and self.threads <= 1


def read_bytes(path: str, limit: int = _LIMIT) -> bytes:
    """The bytes of a file of /proc, at most `limit`.

    Raises:
        OSError: as the system says it.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # Most of these files fit a page or two; only large ones pay for the second read.
        data = os.read(descriptor, min(limit, 1 << 16))
        if not data:
            return data
        pieces = [data]
        got = len(data)
        while got < limit:
            data = os.read(descriptor, min(limit - got, 1 << 20))
            if not data:
                break
            pieces.append(data)
            got += len(data)
        return b"".join(pieces)
    finally:
        os.close(descriptor)


def text(data: bytes) -> str:
    """Bytes from the system as text that can be stored anywhere; what isn't UTF-8 as ``\\xNN``."""
    return data.decode("utf-8", "backslashreplace")


def read_text(path: str, limit: int = _LIMIT) -> str:
    """A file of /proc as `text`.

    Raises:
        OSError: as the system says it.
    """
    return text(read_bytes(path, limit))


def lines_of(data: bytes) -> list[bytes]:
    """The lines of a file of /proc.

    Only a newline ends one. Names, which anybody may choose, are printed with their carriage
    returns and the like; ``splitlines`` would make lines of what stands behind those.
    """
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return lines


def read_lines(path: str, limit: int = _LIMIT) -> list[str]:
    """The `lines_of` a file of /proc, each as `text`.

    Raises:
        OSError: as the system says it.
    """
    return [text(line) for line in lines_of(read_bytes(path, limit))]


def read_stat(path: str) -> Stat:
    """Parse ``stat`` of the process or thread whose folder is `path`.

    Raises:
        OSError: as the system says it; ProcessLookupError where there is no such process.
    """
    data = read_bytes(f"{path}/stat")
    if not data:
        raise ProcessLookupError(3, "the process is gone", f"{path}/stat")
    # The name may hold anything, blanks and parentheses too, but it is the only such field.
    head, _, rest = data.rpartition(b")")
    number, _, name = head.partition(b"(")
    fields = rest.split()
    return Stat(
        pid=int(number),
        name=name,
        state=chr(fields[0][0]),
        ppid=int(fields[1]),
        group=int(fields[2]),
        session=int(fields[3]),
        flags=int(fields[6]),
        threads=int(fields[17]),
        start_ticks=int(fields[19]),
    )


def read_status(path: str) -> dict[str, str]:
    """The lines of ``status``, name to text, in the kernel's order.

    Raises:
        OSError: as the system says it.
    """
    found: dict[str, str] = {}
    # Only the name is of the process's own choosing; the kernel escapes newlines in it.
    for line in lines_of(read_bytes(f"{path}/status")):
        key, colon, value = line.partition(b":")
        if colon:
            found.setdefault(text(key), text(value.strip()))
    return found


def ticks_per_second() -> int:
    """The unit of `Stat.start_ticks`; 100 nearly everywhere, so that times are good to 10 ms."""
    return os.sysconf("SC_CLK_TCK")


def since_epoch(start_ticks: int) -> int:
    """When something began, in nanoseconds since the Unix epoch.

    Good to one tick (10 ms), and to what the wall clock was set by since boot: the kernel
    keeps the time since boot, and today's difference of the two clocks is applied to it.
    """
    if sys.platform != "linux":
        return 0
    tick = _NANOSECONDS // ticks_per_second()
    boot = time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    # Rounded to whole ticks, so that whoever asks again is told the same: the difference of
    # the clocks is constant, but two readings of it differ by what lies between them.
    return (boot + start_ticks * tick + tick // 2) // tick * tick


def without_root(path: str, root: str) -> str:
    """`path`, as /proc shows it, as a process with the root folder `root` names it.

    /proc shows paths from the reader's own root. A process of another mount namespace has
    ``/`` there, and its paths are shown as it sees them; one that merely called chroot has not.
    """
    if root in ("", "/") or not path.startswith("/"):
        return path
    if path == root:
        return "/"
    return path[len(root) :] if path.startswith(root + "/") else path
