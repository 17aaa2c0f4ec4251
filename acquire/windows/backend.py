"""Windows as a source of processes."""

from __future__ import annotations

import platform
import time
from typing import TYPE_CHECKING, Any

from msl_construct.errors import TargetError

from ..machine import Machine
from ..plain_backend import PlainBackend, descendants
from ..plain_target import CallFailed, demand_method
from . import structures as win
from .calls import WindowsSystem, load_system
from .guardian_link import guarded
from .holding import Hold
from .machine import machine
from .opening import architecture, open_target, open_to_copy, open_to_stop
from .own_calls import OwnCalls
from .target import FREEZERS, WindowsTarget

if TYPE_CHECKING:
    from ..backend import Backend, Frozen, Target
    from ..suspension import Suspension

    # Held against the protocols by the type checker; nothing of it runs.
    def _satisfied(backend: Windows, target: WindowsTarget, held: Suspension) -> None:
        _backend: Backend = backend
        _target: Target = target
        _frozen: Frozen = held


__all__ = ["Windows"]


class Windows(PlainBackend):
    """The operating system; satisfies `Backend`.

    Args:
        system: its calls; the real ones unless given.
        devices: read device memory as well.
        hold: who stops a target; a guardian, unless there is a system of one's own.

    Raises:
        TargetError: this machine does not run Windows, or too old a one.
    """

    name = "Windows"
    lists = "tasklist"

    def __init__(
        self,
        system: WindowsSystem | None = None,
        *,
        devices: bool = False,
        hold: Hold | None = None,
    ) -> None:
        self._hold: Hold = hold or (guarded if system is None else OwnCalls)
        self._system = system or load_system()
        self._devices = devices
        copies = self._system.copies()
        self.freezers = tuple(one for one in FREEZERS if copies or one != "snapshot")

    def find(self, name: str) -> list[int]:
        """PIDs of the processes of this name; case and ``.exe`` don't matter."""
        wanted = {name.casefold(), f"{name.casefold()}.exe"}
        return sorted(pid for pid, _, exe in self._processes() if exe.casefold() in wanted)

    def children(self, pid: int) -> list[int]:
        """PIDs of its descendants.

        Windows keeps a parent's number when the parent is gone and the number used again: who
        is older than its parent is no child.
        """
        listed = [(child, parent) for child, parent, _ in self._processes() if child]
        return descendants(pid, listed, self._may_have_started)

    def _may_have_started(self, child: int, parent: int) -> bool:
        born = self._started(child)
        return not born or born >= self._started(parent)

    def _processes(self) -> list[tuple[int, int, str]]:
        try:
            return [
                (int(entry.process_id), int(entry.parent_process_id), win.wide_text(entry.exe_file))
                for entry in self._system.processes()
            ]
        except CallFailed as error:
            raise TargetError(f"the processes can't be listed: {error}") from error

    def machine(self) -> Machine:
        """Its processes and connections, as far as this account may see them."""
        return machine(self._system)

    def _started(self, pid: int) -> int:
        try:
            process = self._system.open_process(pid, win.PROCESS_QUERY_LIMITED_INFORMATION)
        except CallFailed:
            return 0
        try:
            return self._system.started(process)
        except CallFailed:
            return 0
        finally:
            self._system.close(process)

    def preflight(self, pid: int, method: str) -> dict[str, Any]:
        """Open the target and close it again; facts for the report.

        SeDebugPrivilege is on meanwhile, where this account holds it.

        Raises:
            TargetError: it can't be acquired.
        """
        demand_method(self.name, method, self.freezers)
        with self._system.debug_privilege() as privileged:
            process = open_target(self._system, pid)
            try:
                if method != "none":
                    opened = open_to_copy if method == "snapshot" else open_to_stop
                    self._system.close(opened(self._system, pid))
                return {
                    "debug_privilege": privileged,
                    "architecture": architecture(self._system, process),
                    "working_set": self._system.working_set(process),
                }
            except CallFailed as error:
                raise TargetError(f"process {pid} can't be examined: {error}") from error
            finally:
                self._system.close(process)

    def target(self, pid: int) -> WindowsTarget:
        """Open it.

        Raises:
            TargetError: it is gone, or not ours to read.
        """
        return WindowsTarget(self._system, pid, devices=self._devices, hold=self._hold)

    def resume(self, pid: int) -> str:
        """Let a process run that was left suspended; what was done.

        Raises:
            TargetError: it can't be.
        """
        with self._system.debug_privilege():
            process = open_to_stop(self._system, pid)
            try:
                counts = self._system.suspend_counts(pid)
                if not counts:
                    raise TargetError(
                        f"whether process {pid} is suspended can't be learnt: nothing was done",
                        remedy="run as the account that acquired it, elevated",
                    )
                if not min(counts.values()):
                    some = sum(count > 0 for count in counts.values())
                    of_it = f" ({some} of its {len(counts)} threads are)" if some else ""
                    return f"process {pid} is not suspended{of_it}: nothing was done"
                self._system.resume_process(process)
                left = self._system.suspend_counts(pid)
            except CallFailed as error:
                raise TargetError(f"process {pid} can't be resumed: {error}") from error
            finally:
                self._system.close(process)
        if left and min(left.values()):
            return f"process {pid} was resumed, and is suspended {min(left.values())} times more"
        return f"process {pid} was resumed"

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
