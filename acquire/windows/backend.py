"""Windows as a source of processes."""

from __future__ import annotations

import platform
import time
from typing import TYPE_CHECKING, Any

from msl_construct.errors import TargetError

from ..model import Limit
from . import structures as win
from .api import WindowsCallFailed, WindowsSystem, load_system
from .opening import architecture, open_target
from .target import WindowsTarget

if TYPE_CHECKING:
    from ..backend import Backend, Frozen, Target
    from ..suspension import Suspension

    # Held against the protocols by the type checker; nothing of it runs.
    def _satisfied(backend: Windows, target: WindowsTarget, held: Suspension) -> None:
        _backend: Backend = backend
        _target: Target = target
        _frozen: Frozen = held


__all__ = ["Windows"]


class Windows:
    """The operating system; satisfies `Backend`.

    Args:
        system: its calls; the real ones unless given.
        devices: read device memory as well.

    Raises:
        TargetError: this machine does not run Windows, or too old a one.
    """

    name = "Windows"
    freezers: tuple[str, ...] = ("suspend", "none")
    keeps_evidence = False

    def __init__(self, system: WindowsSystem | None = None, *, devices: bool = False) -> None:
        self._system = system or load_system()
        self._devices = devices

    def find(self, name: str) -> list[int]:
        """PIDs of the processes of this name; case and ``.exe`` don't matter."""
        wanted = {name.casefold(), f"{name.casefold()}.exe"}
        return sorted(pid for pid, _, exe in self._processes() if exe.casefold() in wanted)

    def members(self, kind: str, name: str) -> list[int]:
        """PIDs of the processes of this name.

        Raises:
            TargetError: it is asked for anything but a name.
        """
        if kind != "name":
            raise TargetError(f"on Windows no {kind} can be named", remedy="give names or PIDs")
        return self.find(name)

    def unfit(self, pid: int) -> str:
        """Never said here: `preflight` refuses."""
        return ""

    def describe(self, pid: int) -> str:
        """Its number has to do."""
        return f"process {pid}"

    def children(self, pid: int) -> list[int]:
        """PIDs of its descendants.

        Windows keeps a parent's number when the parent is gone and the number used again: who
        is older than its parent is no child.
        """
        listed = self._processes()
        found: set[int] = set()
        waiting = [pid]
        while waiting:
            parent = waiting.pop()
            for child, ppid, _ in listed:
                if ppid == parent and child not in {pid, 0} and child not in found:
                    born, parent_born = self._started(child), self._started(parent)
                    if not born or born >= parent_born:
                        found.add(child)
                        waiting.append(child)
        return sorted(found)

    def _processes(self) -> list[tuple[int, int, str]]:
        try:
            return [
                (int(entry.process_id), int(entry.parent_process_id), win.wide_text(entry.exe_file))
                for entry in self._system.processes()
            ]
        except WindowsCallFailed as error:
            raise TargetError(f"the processes can't be listed: {error}") from error

    def _started(self, pid: int) -> int:
        try:
            process = self._system.open_process(pid, win.PROCESS_QUERY_LIMITED_INFORMATION)
        except WindowsCallFailed:
            return 0
        try:
            return self._system.started(process)
        except WindowsCallFailed:
            return 0
        finally:
            self._system.close(process)

    def preflight(self, pid: int, method: str) -> dict[str, Any]:
        """Open the target and close it again; facts for the report.

        Turns SeDebugPrivilege on where this account holds it.

        Raises:
            TargetError: it can't be acquired.
        """
        if method not in self.freezers:
            raise TargetError(
                f"Windows has no freeze method {method}", remedy=f"use {' or '.join(self.freezers)}"
            )
        privileged = self._system.enable_debug_privilege()
        process = open_target(self._system, pid)
        try:
            return {
                "debug_privilege": privileged,
                "architecture": architecture(self._system, process),
                "working_set": self._system.working_set(process),
            }
        except WindowsCallFailed as error:
            raise TargetError(f"process {pid} can't be examined: {error}") from error
        finally:
            self._system.close(process)

    def limits(self, pid: int) -> list[Limit]:
        """None that are looked at."""
        return []

    def in_memory(self, device: int) -> bool:
        """Not looked at."""
        return False

    def target(self, pid: int) -> WindowsTarget:
        """Open it.

        Raises:
            TargetError: it is gone, or not ours to read.
        """
        return WindowsTarget(self._system, pid, devices=self._devices)

    def error_name(self, number: int) -> str:
        """An error code of the system's, as its documentation lists it."""
        return f"ERROR {number}"

    def host(self) -> dict[str, Any]:
        """Facts about the machine; Windows has no boot id."""
        now, up = time.time_ns(), self._system.uptime() * 1_000_000
        return {
            "name": platform.node(),
            "system": platform.platform(),
            "boot_id": "",
            "boot_time": str(now - up),
            "clocks": {"realtime": str(now), "monotonic": str(time.monotonic_ns())},
        }
