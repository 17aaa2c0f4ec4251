"""Stopping by moving into a control group of its own, and freezing that."""

from __future__ import annotations

import contextlib
import os
import time

from .method import Limits
from .thread_state import look

__all__ = ["Grouping"]

_LAST_FOR = 5.0
"""Seconds within which a control group has to get empty to be removed."""


class Grouping:
    """Holds a process in a control group that is frozen.

    Args:
        pid: the target.
        start_ticks: tells it from another process that got its number later.
        directory: the group that the target is in.
        child: the group to make in it.
        file: the file of that group that freezes.
        freeze, thaw: what to write into it.
    """

    ends_with_us = False
    ends_with_both = False

    def __init__(
        self,
        pid: str,
        start_ticks: str,
        directory: str,
        child: str,
        file: str,
        freeze: str,
        thaw: str,
    ) -> None:
        self._pid, self._start_ticks = int(pid), int(start_ticks)
        self._directory, self._child, self._file = directory, child, file
        self._freeze, self._thaw = freeze, thaw

    def _write(self, path: str, text: str) -> None:
        descriptor = os.open(path, os.O_WRONLY)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)

    def _inside(self) -> list[str]:
        """Numbers of the processes in the group, or of a thread of one."""
        for name in ("cgroup.procs", "cgroup.threads", "tasks"):
            # A process whose leader has ended stands only in the lists of threads.
            try:
                with open(f"{self._child}/{name}", encoding="ascii") as file:
                    inside = file.read().split()
            except OSError:
                continue
            if inside:
                return inside if name == "cgroup.procs" else inside[:1]
        return []

    def hold(self, until: float | None) -> None:
        """Move it, then freeze it: moving takes long, and it need not stand still for that."""
        leader = look(self._pid, self._pid)
        if leader is None or leader.start_ticks != self._start_ticks:
            raise ProcessLookupError(3, "it has ended")
        os.mkdir(self._child)
        self._write(f"{self._child}/cgroup.procs", str(self._pid))
        self._write(f"{self._child}/{self._file}", self._freeze)

    def as_deputy(self) -> None:
        """There is nothing to prepare."""

    def order(self, words: list[str], limits: Limits) -> object:
        """There is nothing else that it could do."""
        return None

    def look(self) -> str:
        """The limits are never dropped."""
        return ""

    def let_go(self) -> None:
        """Let it run on."""
        if os.path.isdir(self._child):
            self._write(f"{self._child}/{self._file}", self._thaw)

    def clean_up(self) -> None:
        """Move it back, with whatever it has started since, and remove the group."""
        if not os.path.isdir(self._child):
            return
        until = time.monotonic() + _LAST_FOR
        while True:
            try:
                for pid in self._inside():
                    with contextlib.suppress(ProcessLookupError):
                        self._write(f"{self._directory}/cgroup.procs", pid)
                os.rmdir(self._child)
                return
            except FileNotFoundError:  # a deputy, or the acquirer, was faster
                return
            except OSError:
                # Busy while processes in it end or are being made.
                if time.monotonic() > until:
                    raise
                time.sleep(0.005)
