"""One process told from the next, and one program from another in its place."""

from __future__ import annotations

import os
from typing import NamedTuple

from msl_construct.errors import TargetError

from .proc_text import lines_of, read_bytes, read_stat

__all__ = ["Handle", "Program", "program"]

_START_CODE, _START_STACK = 23, 25
"""Places in stat behind the name."""


class Handle:
    """Holds on to one process by a file descriptor, or, where there is none, by its start.

    Args:
        pid: in our PID namespace.

    Raises:
        TargetError: there is no such process, or /proc shows another one under its number.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._descriptor = -1
        self._start = self._ticks()
        if hasattr(os, "pidfd_open"):
            try:
                self._descriptor = os.pidfd_open(pid)
            except ProcessLookupError:
                raise _ended(pid) from None
            except OSError:
                pass  # an old kernel, or a sandbox: the start has to do
        if self._reached() not in (None, pid):
            self.close()
            raise TargetError(
                f"/proc shows another process {pid} than the system's calls reach",
                remedy="run where /proc is of our own PID namespace",
            )

    def _ticks(self) -> int:
        try:
            return read_stat(f"/proc/{self.pid}").start_ticks
        except OSError:
            raise _ended(self.pid) from None

    def check(self) -> None:
        """Check that its number still is that of the same process.

        Raises:
            TargetError: it isn't.
        """
        if self._ticks() != self._start or self._reached() not in (None, self.pid):
            raise TargetError(
                f"process {self.pid} has ended, and its number belongs to another process now",
                remedy="look for it again; nobody was read",
            )

    def same(self) -> bool:
        """Whether its number still is that of the same process, be it a zombie."""
        try:
            self.check()
        except TargetError:
            return False
        return True

    def _reached(self) -> int | None:
        """The number in /proc of the process that the descriptor leads to; -1 once it has been
        waited for; None where that is not known."""
        if self._descriptor < 0:
            return None
        try:
            for line in lines_of(read_bytes(f"/proc/self/fdinfo/{self._descriptor}")):
                key, _, value = line.partition(b":")
                if key == b"Pid":
                    return int(value)
        except (OSError, ValueError):
            pass
        return None

    def close(self) -> None:
        """Let it go; more than once does no harm."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _ended(pid: int) -> TargetError:
    return TargetError(f"process {pid} has ended", remedy="nothing is left to acquire")


class Program(NamedTuple):
    """What changes when a process executes a program, be it the same one again.

    Attributes:
        auxiliary: what the kernel told it at its start, addresses chosen at random among it;
            empty where we may not see it.
        file: device and inode of the executable.
        code, stack: where they began.
    """

    auxiliary: bytes
    file: tuple[int, int]
    code: int
    stack: int


def program(path: str) -> Program | None:
    """What a process executes; None where it has no memory (any more).

    Args:
        path: its folder of /proc, or that of a thread that lives.
    """
    try:
        auxiliary = read_bytes(f"{path}/auxv")
        if not auxiliary:
            return None
    except PermissionError:
        auxiliary = b""
    except OSError:
        return None
    try:
        found = os.stat(f"{path}/exe")
        file = (found.st_dev, found.st_ino)
    except OSError:
        file = (0, 0)
    try:
        fields = read_bytes(f"{path}/stat").rpartition(b")")[2].split()
        code, stack = int(fields[_START_CODE]), int(fields[_START_STACK])
    except (OSError, IndexError, ValueError):
        code = stack = 0
    return Program(auxiliary, file, code, stack)
