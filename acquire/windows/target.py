"""One Windows process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from ..model import Identity, Mapping, Module, Thread
from ..plain_target import CallFailed, PlainTarget
from ..reading import hash_file
from . import structures as win
from .calls import WindowsSystem
from .holding import Hold, Holder, OwnCalls
from .memory import WindowsMemory
from .modules import modules_of
from .opening import architecture, open_target, open_to_stop
from .peb import Stack, command_line, environment, heaps, stack_of
from .threads import threads_of

__all__ = ["WindowsTarget"]


class WindowsTarget(PlainTarget):
    """Satisfies `Target`.

    Windows keeps the suspend counts of whoever ends: so a guardian stops the target.

    Raises:
        TargetError: the process is gone, or not ours to read.
    """

    system_name = "Windows"
    remedy_of_stopped = "msl acquire --resume lets it go"

    def __init__(
        self, system: WindowsSystem, pid: int, *, devices: bool = False, hold: Hold = OwnCalls
    ) -> None:
        super().__init__(pid)
        self._system = system
        self._hold = hold
        self._holder: Holder | None = None
        self._to_stop = 0
        self._armed: float | None = None
        with ExitStack() as opened:
            opened.enter_context(system.debug_privilege())
            self._process = open_target(system, pid)
            self._privilege = opened.pop_all()
        self.page_size = int(system.system_info().page_size)
        self._memory: WindowsMemory = WindowsMemory(system, self._process, self.page_size, devices)

    def arm(self, method: str, max_freeze: float | None) -> None:
        """Start whoever will stop it.

        Raises:
            TargetError: the method is unknown, it is not ours to stop, or nobody can be started.
        """
        super().arm(method, max_freeze)
        if method == "none" or (self._holder is not None and self._armed == max_freeze):
            return
        self._disarm()
        self._to_stop = open_to_stop(self._system, self.pid)
        self._holder = self._hold(self._system, self._to_stop, max_freeze, self._lost)
        self._armed = max_freeze

    def ready(self) -> None:
        """Wait for whoever will stop it.

        Raises:
            TargetError: he could not be started.
        """
        if self._holder is not None:
            self._holder.ready()

    def _lost(self) -> None:
        if self._suspension is not None:
            self._suspension.lost("guardian_ended")

    def _disarm(self) -> None:
        holder, self._holder = self._holder, None
        if holder is not None:
            holder.close()
        handle, self._to_stop = self._to_stop, 0
        if handle:
            self._system.close(handle)

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
        assert self._holder is not None
        self._holder.ready()
        self._holder.suspend()
        if self._suspension is not None:
            self._suspension.facts.update(self._holder.facts)

    def _let_go(self) -> str:
        assert self._holder is not None
        return self._holder.resume()

    def _release(self) -> None:
        self._disarm()
        handle, self._process = self._process, 0
        if handle:
            self._system.close(handle)
        self._privilege.close()

    def mappings(self) -> list[Mapping]:
        """What it has mapped; what lies in the allocations of heaps and stacks is called so."""
        known = {}
        try:
            known = dict.fromkeys(heaps(self._system, self._process), "heap")
        except CallFailed as error:
            self._unknown("heaps", error)
        known |= {stack.base - 1: "stack" for stack in self._stacks()}
        return self._memory.mappings(known)

    def _stacks(self) -> Iterator[Stack]:
        try:
            threads = self._system.threads(self.pid)
        except CallFailed:  # `threads` meets the same error, and says so
            return
        for number in threads:
            try:
                handle = self._system.open_thread(number, win.THREAD_QUERY_LIMITED_INFORMATION)
            except CallFailed:
                continue
            try:
                yield stack_of(self._system, self._process, handle)
            except CallFailed as error:
                self._unknown("stacks", error)
            finally:
                self._system.close(handle)

    def _command_line(self, process: int) -> str:
        try:
            return self._system.command_line(process)
        except CallFailed:  # Wine, and Windows before 8.1
            return command_line(self._system, process)

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
            cmd_line=self._asked("cmd_line", "", self._command_line, self._process),
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
        return threads_of(
            self._system, self.pid, self._process, stopped, readable, frozen.facts, self._facts
        )

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
        """Reserved address space, environment, where modules came from, what stayed unknown."""
        try:
            self._facts["environment"] = environment(self._system, self._process)
        except CallFailed as error:
            self._unknown("environment", error)
        return {**self._facts, **self._memory.facts}
