"""Holding a process by calls of our own: nobody undoes them if we end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..plain_target import CallFailed
from .calls import WindowsSystem
from .guardian import StoppedThreads, TargetCalls, TargetCopier
from .holding import CALLS, THREAD_ACCESS

__all__ = ["OwnCalls"]


class _Process:
    """Our own calls to a process as a whole."""

    way = "suspend_process"

    def __init__(self, system: WindowsSystem, process: int) -> None:
        self._system = system
        self._process = process

    def suspend(self) -> int:
        self._system.suspend_process(self._process)
        return 0

    def resume(self) -> int:
        self._system.resume_process(self._process)
        return 0


class _Threads:
    """Our own calls to the threads of a process."""

    def __init__(self, system: WindowsSystem, process: int) -> None:
        self._system = system
        self._pid = system.process_id(process)

    def numbers(self) -> list[int]:
        return self._system.threads(self._pid)

    def open(self, number: int) -> int:
        try:
            return self._system.open_thread(number, THREAD_ACCESS, self._pid)
        except CallFailed:
            return 0

    def count(self, handle: int) -> int:
        count = self._system.suspend_count(handle)
        return -1 if count is None else count

    def suspend(self, handle: int) -> bool:
        try:
            self._system.suspend_thread(handle)
        except CallFailed:
            return False
        return True

    def resume(self, handle: int) -> bool:
        try:
            self._system.resume_thread(handle)
        except CallFailed:
            return False
        return True

    def close(self, handle: int) -> None:
        self._system.close(handle)


class OwnCalls:
    """Our own calls: nobody undoes them if we end."""

    def __init__(
        self,
        system: WindowsSystem,
        process: int,
        method: str,
        _: float | None,
        __: Callable[[], None],
    ) -> None:
        self._method = "threads" if method == "threads" else "suspend"
        self._system = system
        self._copier: TargetCopier | None = None
        if method == "snapshot":
            self._copier = TargetCopier(system.copying(process))
        self._calls: TargetCalls = _Process(system, process)
        if method == "threads":
            self._calls = StoppedThreads(_Threads(system, process), lambda _: None)
        self.facts: dict[str, Any] = {"guardian": 0, "held_by": self._calls.way}

    def ready(self) -> None:
        """There is nobody to wait for."""

    def suspend(self) -> None:
        """Stop it."""
        self._check("suspend", self._calls.suspend())

    def resume(self) -> str:
        """Let it go."""
        self._check("resume", self._calls.resume())
        return ""

    def _check(self, word: str, status: int) -> None:
        if status < 0:
            raise CallFailed(CALLS[self._method, word], status & 0xFFFF_FFFF)

    def copy(self) -> int:
        """Copy it."""
        assert self._copier is not None
        code, copy = self._copier.copy()
        if code:
            raise CallFailed(CALLS["suspend", "copy"], code)
        return self._system.taken_from(self._system.own_process(), copy)

    def discard(self) -> None:
        """End the copy."""
        if self._copier is not None:
            self._copier.discard()

    def close(self) -> None:
        """End the copy; nothing else was taken."""
        self.discard()
