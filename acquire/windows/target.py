"""One Windows process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..model import Identity, Mapping, Module, Thread
from ..plain_target import CallFailed, PlainTarget
from ..reading import hash_file
from . import structures as win
from .api import WindowsSystem
from .memory import WindowsMemory
from .modules import modules_of
from .opening import architecture, open_target
from .threads import threads_of

__all__ = ["WindowsTarget"]


class WindowsTarget(PlainTarget):
    """Satisfies `Target`.

    Windows keeps the suspend counts: an acquirer that is terminated while it holds the target
    leaves it suspended.

    Raises:
        TargetError: the process is gone, or not ours to read.
    """

    system_name = "Windows"
    remedy_of_stopped = "resume it in the Resource Monitor"

    def __init__(self, system: WindowsSystem, pid: int, *, devices: bool = False) -> None:
        super().__init__(pid)
        self._system = system
        self._process = open_target(system, pid)
        self.page_size = int(system.system_info().page_size)
        self._memory: WindowsMemory = WindowsMemory(system, self._process, self.page_size, devices)

    def prepare(self, hash_algo: str = "blake3") -> None:
        """Hash the files of its modules."""
        try:
            paths = [win.wide_text(entry.exe_path) for entry in self._system.modules(self.pid)]
        except CallFailed:
            # `modules` meets the same error, and says so.
            return
        for path in paths:
            if path not in self._hashes:
                self._hashes[path] = hash_file(path, hash_algo)

    def _suspend(self) -> None:
        self._system.suspend_process(self._process)

    def _let_go(self) -> None:
        self._system.resume_process(self._process)

    def _release(self) -> None:
        handle, self._process = self._process, 0
        if handle:
            self._system.close(handle)

    def identity(self) -> Identity:
        """Who it is; what the system does not tell stays empty, and is listed in `facts`."""
        parent, name = 0, ""
        try:
            for entry in self._system.processes():
                if entry.process_id == self.pid:
                    parent, name = int(entry.parent_process_id), win.wide_text(entry.exe_file)
        except CallFailed as error:
            self._unknown("parent", error)
        return Identity(
            pid=self.pid,
            ppid=parent,
            session_id=self._asked("session", 0, self._system.session, self.pid),
            start_time=self._asked("start_time", 0, self._system.started, self._process),
            exe_path=self._asked("exe_path", "", self._system.image_path, self._process),
            cmd_line=self._asked("cmd_line", "", self._system.command_line, self._process),
            name=name,
            os_type="windows",
            arch_type=architecture(self._system, self._process),
            page_size=self.page_size,
        )

    def modules(self, mappings: Sequence[Mapping]) -> list[Module]:
        """The loader's modules."""
        return modules_of(self._system, self.pid, mappings, self._hashes, self._facts)

    def threads(self, frozen: Any) -> list[Thread]:
        """Its threads; registers of amd64 programs that stand still."""
        readable = architecture(self._system, self._process) == "x86_64"
        stopped = frozen.method == "suspend" and not frozen.ended
        return threads_of(self._system, self.pid, stopped, readable, frozen.facts)

    def resident(self) -> int:
        """The working set."""
        try:
            return self._system.working_set(self._process)
        except CallFailed:
            return 0

    def alive(self) -> bool:
        """Whether it has not ended."""
        return not self._system.ended(self._process)

    def facts(self) -> dict[str, Any]:
        """Reserved address space, where the modules came from, what stayed unknown."""
        return {**self._facts, **self._memory.facts}
