"""A Linux process, as the session asks for it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from typing import Any

from msl_construct.errors import TargetError

from ..backend import Frozen
from ..model import Failure, Identity, Mapping, Module, Stretch, Thread
from . import identity as identities
from . import maps, threads
from .facts import facts
from .freeze import METHODS, Hold, freeze
from .memory import Memory
from .modules import ModuleCache, modules, prehash
from .preflight import preflight

__all__ = ["LinuxTarget"]


class LinuxTarget:
    """One process.

    Args:
        pid: its number in our PID namespace.
        devices: read device memory as well.

    Raises:
        TargetError: it is gone, or not ours to read.
    """

    def __init__(self, pid: int, *, devices: bool = False) -> None:
        self.pid = pid
        self.page_size = os.sysconf("SC_PAGESIZE")
        self._memory = Memory(pid, devices=devices)
        self._memory.runs = True
        self.read = self._memory.read  # without a call in between: there may be very many
        self._path = f"/proc/{self._memory.tid}"
        self._cache: ModuleCache | None = None
        self._listed: list[Mapping] = []

    def prepare(self, hash_algo: str = "blake3") -> None:
        """Read and hash the files of all modules: that takes long, and need not be frozen."""
        self._cache = prehash(
            self.pid, self._listed or self.mappings(), path=self._path, hash_algo=hash_algo
        )

    def freeze(self, method: str, max_freeze: float | None) -> Hold:
        """Stop every thread; see `linux.freeze.freeze`."""
        hold = freeze(self.pid, method, max_freeze)
        self._memory.runs = method == "none" or max_freeze is not None
        return hold

    def identity(self) -> Identity:
        """Who it is."""
        return identities.identity(self.pid, self._path)

    def mappings(self) -> list[Mapping]:
        """Its address space, in address order."""
        self._listed = maps.mappings(self.pid)
        return self._listed

    def modules(self, mappings: Sequence[Mapping]) -> list[Module]:
        """What is mapped as code."""
        return modules(self.pid, mappings, self._cache, path=self._path)

    def threads(self, frozen: Frozen) -> list[Thread]:
        """Its threads, with registers where the freeze permits."""
        assert isinstance(frozen, Hold)
        return threads.threads(frozen)

    def plans(self, mappings: Sequence[Mapping]) -> Iterator[Sequence[Stretch]]:
        """For each mapping what to do about its pages."""
        return self._memory.plans(mappings)

    def failure(self, mapping: Mapping, address: int, pages: int) -> Failure:
        """Why a page can't be read."""
        return self._memory.failure(mapping, address, pages)

    def resident(self) -> int:
        """Bytes of memory that the target occupies now."""
        try:
            with open(f"{self._path}/statm", "rb") as file:
                return int(file.read().split()[1]) * self.page_size
        except (OSError, IndexError, ValueError):
            return 0

    def alive(self) -> bool:
        """Whether its address space is still there."""
        return self._memory.pagemap.alive()

    def facts(self) -> dict[str, Any]:
        """Everything else that Linux knows of it."""
        found = facts(self.pid, self._path)
        found["means"] = self._means()
        if self._cache is not None and self._cache.problems:
            found["module_problems"] = self._cache.problems
        return found

    def _means(self) -> dict[str, str]:
        """How its pages are looked at; with less, more of them are read through the target."""
        try:
            with os.scandir(f"{self._path}/map_files") as entries:
                entry = next(entries, None)
            if entry is not None:
                os.close(os.open(entry.path, os.O_PATH | os.O_CLOEXEC))  # asks no server
            files = "permitted"
        except OSError as error:
            files = errno.errorcode.get(error.errno or 0, str(error.errno))
        return {"pagemap": self._memory.pagemap.method, "map_files": files}

    def close(self) -> None:
        """Let go of everything but the target."""
        self._memory.close()


class Linux:
    """The operating system."""

    name = "Linux"
    freezers = METHODS

    def __init__(self, *, devices: bool = False) -> None:
        self._devices = devices

    def find(self, name: str) -> list[int]:
        """PIDs of the processes of this name."""
        from .find import find

        return find(name)

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

    def target(self, pid: int) -> LinuxTarget:
        """Open it.

        Raises:
            TargetError: it is gone, or not ours to read.
        """
        return LinuxTarget(pid, devices=self._devices)

    def error_name(self, number: int) -> str:
        """The symbol of an errno, such as EFAULT."""
        return errno.errorcode.get(number, str(number))

    def host(self) -> dict[str, Any]:
        """Facts about the machine."""
        from .host import host

        return host()
