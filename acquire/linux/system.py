"""Linux, as the session asks for it: its processes, and what holds for us on it."""

from __future__ import annotations

import errno
import os
from typing import Any

from msl_construct.errors import TargetError

from ..machine import Machine
from ..model import Limit
from .freeze import METHODS
from .modules import ModuleCache
from .preflight import preflight
from .target import LinuxTarget

__all__ = ["Linux"]


class Linux:
    """The operating system."""

    name = "Linux"
    freezers = METHODS
    keeps_evidence = True
    lists = "ps -e"

    def __init__(self, *, devices: bool = False, touch_shared: bool = False) -> None:
        self._devices = devices
        self._touch_shared = touch_shared
        self._caches: dict[str, ModuleCache] = {}

    def members(self, kind: str, name: str) -> list[int]:
        """PIDs of the processes of a name, a container or a unit."""
        from .find import members

        return members(kind, name)

    def unfit(self, pid: int) -> str:
        """Why there is nothing to acquire of it; empty otherwise."""
        from .find import unfit

        return unfit(pid)

    def describe(self, pid: int) -> str:
        """Whose it is, since when, and its command."""
        from .find import describe

        return describe(pid)

    def children(self, pid: int) -> list[int]:
        """PIDs of its descendants."""
        from .find import children

        return children(pid)

    def preflight(self, pid: int, method: str) -> dict[str, Any]:
        """Check that the target can be acquired, without touching it.

        Raises:
            TargetError: it can't.
        """
        if pid == os.getpid():
            raise TargetError(f"process {pid} is this very program: it can't stop itself")
        return preflight(pid, method)

    def limits(self, pid: int) -> list[Limit]:
        """What limits this process, and whether the target shares it."""
        from .limits import limits

        return limits(pid)

    def in_memory(self, device: int) -> bool:
        """Whether the file system of this device number keeps its files in memory."""
        from .limits import in_memory

        return in_memory(device)

    def target(self, pid: int) -> LinuxTarget:
        """Open it.

        Raises:
            TargetError: it is gone, or not ours to read.
        """
        return LinuxTarget(
            pid,
            devices=self._devices,
            touch_shared=self._touch_shared,
            caches=self._caches,
        )

    def resume(self, pid: int) -> str:
        """Nothing is left stopped here by whoever ends.

        Raises:
            TargetError: always.
        """
        raise TargetError(
            "--resume is for Windows: on Linux guardians, or the kernel, let a target go",
            remedy=f"if something else has stopped process {pid}: kill -CONT {pid}",
        )

    def error_name(self, number: int) -> str:
        """The symbol of an errno, such as EFAULT."""
        return errno.errorcode.get(number, str(number))

    def machine(self) -> Machine:
        """What runs on the machine, and who is connected."""
        from .machine import machine

        return machine()

    def host(self) -> dict[str, Any]:
        """Facts about the machine."""
        from .host import host

        return host()
