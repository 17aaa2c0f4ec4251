"""macOS as a source of processes."""

from __future__ import annotations

import platform
import time
from typing import TYPE_CHECKING, Any

from msl_construct.errors import TargetError

from ..plain_backend import PlainBackend, descendants
from ..plain_target import demand_method
from .api import MacosCallFailed, MacosSystem, load_system
from .opening import open_task
from .target import MacOSTarget

if TYPE_CHECKING:
    from ..backend import Backend, Target

    # Held against the protocols by the type checker; nothing of it runs.
    def _satisfied(backend: MacOS, target: MacOSTarget) -> None:
        _backend: Backend = backend
        _target: Target = target


__all__ = ["MacOS"]


class MacOS(PlainBackend):
    """The operating system; satisfies `Backend`.

    Args:
        system: its calls; the real ones unless given.
        devices: read device memory as well.

    Raises:
        TargetError: this machine does not run macOS, or too old a one.
    """

    name = "macOS"

    def __init__(self, system: MacosSystem | None = None, *, devices: bool = False) -> None:
        self._system = system or load_system()
        self._devices = devices

    def find(self, name: str) -> list[int]:
        """PIDs of the processes of this name."""
        wanted = name.encode("utf-8", "surrogateescape")
        return [pid for pid, _, names in self._processes() if wanted in names]

    def children(self, pid: int) -> list[int]:
        """PIDs of its descendants."""
        return descendants(pid, ((child, parent) for child, parent, _ in self._processes()))

    def _processes(self) -> list[tuple[int, int, tuple[bytes, bytes]]]:
        found = []
        try:
            every = self._system.processes()
        except MacosCallFailed as error:
            raise TargetError(f"the processes can't be listed: {error}") from error
        for pid in every:
            try:
                info = self._system.process(pid)
            except MacosCallFailed:
                # It ended meanwhile, or belongs to somebody else.
                continue
            found.append((pid, int(info.ppid), (bytes(info.name), bytes(info.comm))))
        return found

    def preflight(self, pid: int, method: str) -> dict[str, Any]:
        """Open the target and release it again; facts for the report.

        Raises:
            TargetError: it can't be acquired.
        """
        demand_method(self.name, method)
        task = open_task(self._system, pid)
        try:
            info = self._system.basic_info(task)
            return {
                "page_size": self._system.page_size(task),
                "resident": int(info.resident_size),
                "suspend_count": int(info.suspend_count),
            }
        except MacosCallFailed as error:
            raise TargetError(f"process {pid} can't be examined: {error}") from error
        finally:
            self._system.release(task)

    def target(self, pid: int) -> MacOSTarget:
        """Open it.

        Raises:
            TargetError: it is gone, or not ours to read.
        """
        return MacOSTarget(self._system, pid, devices=self._devices)

    def error_name(self, number: int) -> str:
        """A kern_return_t, as the system's headers list it."""
        return f"KERN {number}"

    def host(self) -> dict[str, Any]:
        """Facts about the machine."""
        try:
            boot = self._system.boot_session()
        except MacosCallFailed:
            boot = ""
        return {
            "name": platform.node(),
            "system": platform.platform(),
            "boot_id": boot,
            "clocks": {"realtime": str(time.time_ns()), "monotonic": str(time.monotonic_ns())},
        }
