"""One Windows process."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence, Set
from typing import Any, NoReturn

from msl_construct.errors import TargetError

from ..backend import Chosen
from ..model import Failure, Identity, Mapping, Module, Stretch, Thread
from ..plain_target import PlainTarget
from ..reading import hash_file
from ..suspension import Suspension
from . import structures as win
from .api import WindowsCallFailed, WindowsSystem
from .memory import WindowsMemory
from .modules import modules_of
from .opening import architecture, open_target
from .threads import threads_of

__all__ = ["WindowsTarget"]


class WindowsTarget(PlainTarget):
    """Satisfies `Target`.

    Raises:
        TargetError: the process is gone, or not ours to read.
    """

    def __init__(self, system: WindowsSystem, pid: int, *, devices: bool = False) -> None:
        self.pid = pid
        self._system = system
        self._process = open_target(system, pid)
        self.page_size = int(system.system_info().page_size)
        self._memory = WindowsMemory(system, self._process, self.page_size, devices)
        self._suspension: Suspension | None = None
        self._hashes: dict[str, bytes | None] = {}
        self._facts: dict[str, Any] = {}

    def prepare(self, hash_algo: str = "blake3") -> None:
        """Hash the files of its modules."""
        try:
            paths = [win.wide_text(entry.exe_path) for entry in self._system.modules(self.pid)]
        except WindowsCallFailed:
            # `modules` meets the same error, and says so.
            return
        for path in paths:
            if path not in self._hashes:
                self._hashes[path] = hash_file(path, hash_algo)

    def arm(self, method: str, max_freeze: float | None) -> None:
        """There is nobody to start: it is stopped by one call of ours.

        Raises:
            TargetError: the method is unknown.
        """
        if method not in ("suspend", "none"):
            raise TargetError(f"Windows has no freeze method {method}", remedy="suspend or none")

    def ready(self) -> None:
        """There is nobody to wait for."""

    def freeze(self, method: str, max_freeze: float | None) -> Suspension:
        """Stop every thread (``suspend``), or none (``none``).

        Windows keeps the suspend counts: an acquirer that is terminated while it holds the
        target leaves it suspended.

        Raises:
            TargetError: the method is unknown, or refused by the system.
        """
        self.arm(method, max_freeze)
        self._suspension = Suspension(method, self._stop, self._resume, self.alive, max_freeze)
        self._suspension.begin()
        return self._suspension

    def copy(self, chosen: Chosen, written: Set[Hashable] = frozenset()) -> None:
        """No method reads a copy."""

    def run_on(self) -> None:
        """No method reads a copy."""

    def _stop(self) -> None:
        try:
            self._system.suspend_process(self._process)
        except WindowsCallFailed as error:
            raise TargetError(
                f"process {self.pid} can't be suspended: {error}",
                remedy="acquire it running, with the freeze method none",
            ) from error

    def _resume(self) -> None:
        try:
            self._system.resume_process(self._process)
        except WindowsCallFailed as error:
            raise TargetError(
                f"process {self.pid} could not be resumed: {error}",
                remedy="resume it in the Resource Monitor",
            ) from error

    def identity(self) -> Identity:
        """Who it is; what the system does not tell stays empty, and is listed in `facts`."""
        parent, name = 0, ""
        try:
            for entry in self._system.processes():
                if entry.process_id == self.pid:
                    parent, name = int(entry.parent_process_id), win.wide_text(entry.exe_file)
        except WindowsCallFailed as error:
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

    def _asked(self, what: str, otherwise: Any, function: Any, argument: int) -> Any:
        try:
            return function(argument)
        except WindowsCallFailed as error:
            self._unknown(what, error)
            return otherwise

    def _unknown(self, what: str, error: WindowsCallFailed) -> None:
        self._facts.setdefault("unknown", {})[what] = str(error)

    def mappings(self) -> list[Mapping]:
        """What is committed, in address order."""
        return self._memory.mappings()

    def modules(self, mappings: Sequence[Mapping]) -> list[Module]:
        """The loader's modules."""
        return modules_of(self._system, self.pid, mappings, self._hashes, self._facts)

    def threads(self, frozen: Any) -> list[Thread]:
        """Its threads; registers of amd64 programs that stand still."""
        readable = architecture(self._system, self._process) == "x86_64"
        stopped = frozen.method == "suspend" and not frozen.ended
        return threads_of(self._system, self.pid, stopped, readable, frozen.facts)

    def plans(self, mappings: Sequence[Mapping]) -> Iterator[Sequence[Stretch]]:
        """For each mapping, in order, what to do about its pages."""
        return (self._memory.stretches(mapping) for mapping in mappings)

    def read(self, mapping: Mapping, address: int, into: memoryview) -> int:
        """Read whole pages up to the first that can't be read."""
        return self._memory.read(address, into)

    def failure(self, mapping: Mapping, address: int, pages: int) -> Failure:
        """Why the page at `address` can't be read; `errno` is GetLastError's."""
        return self._memory.failure(address, pages)

    def resident(self) -> int:
        """The working set."""
        try:
            return self._system.working_set(self._process)
        except WindowsCallFailed:
            return 0

    def alive(self) -> bool:
        """Whether it has not ended."""
        return not self._system.ended(self._process)

    def facts(self) -> dict[str, Any]:
        """Reserved address space, where the modules came from, what stayed unknown."""
        return {**self._facts, **self._memory.facts}

    def evidence(self) -> NoReturn:
        """Not offered.

        Raises:
            TargetError: always.
        """
        raise TargetError("no evidence is kept on Windows", remedy="leave --evidence out")

    def close(self) -> None:
        """Let the target go, if it still stands still, and close the handle."""
        try:
            if self._suspension is not None:
                self._suspension.thaw()
        finally:
            handle, self._process = self._process, 0
            if handle:
                self._system.close(handle)
