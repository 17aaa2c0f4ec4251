"""A copy of a process, which is read while the process runs on: made, told of, and ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from msl_construct.errors import TargetError

from ..backend import Chosen
from ..model import Mapping, Module, Thread
from ..plain_target import CallFailed
from ..suspension import Suspension
from . import structures as win
from .calls import WindowsSystem
from .copied_memory import CopiedMemory
from .memory import WindowsMemory

__all__ = ["TargetCopy", "check_room"]

_LOOKING = win.PROCESS_QUERY_LIMITED_INFORMATION | win.SYNCHRONIZE
_ROOM = 128 << 20
"""Bytes that the machine must have left when a copy is made."""
_RATE = 1 << 30
"""Bytes that are surely read in a second."""


class TargetCopy:
    """A copy of a process, and what of it no copy holds.

    Args:
        system: the calls.
        process: the handle of the target, which stands still.
        make: makes the copy; its handle is ours to close.
        live: the target's memory.
        mappings: all of the target's.
        threads: the target's, with registers.
        modules: the target's.
        devices: read device memory as well.

    Attributes:
        handle: of the copy.
        number: the copy's, as a process.
        memory: of the moment of the copy.
        threads: as they were.
        modules: as they were.

    Raises:
        CallFailed: it can't be made; nothing is left of it.
    """

    def __init__(
        self,
        system: WindowsSystem,
        process: int,
        make: Callable[[], int],
        live: WindowsMemory,
        mappings: Sequence[Mapping],
        threads: list[Thread],
        modules: list[Module],
        devices: bool,
    ) -> None:
        self._system = system
        self._process = process
        self.threads = threads
        self.modules = modules
        began = time.perf_counter_ns()
        self.handle = make()
        self._nanoseconds = time.perf_counter_ns() - began
        try:
            self.number = system.process_id(self.handle)
            page_size = live.page_size
            self.memory = CopiedMemory(system, live, mappings, self.handle, page_size, devices)
        except BaseException:
            self._end()
            raise

    def keep(self, chosen: Chosen, frozen: Suspension) -> dict[str, Any]:
        """Read from the target what the copy lacks; what is said of both in the report.

        Raises:
            TargetError: it is more than can be read in the stop.
        """
        self.memory.keep(chosen(self.memory.mappings()), self._most(frozen))
        return {
            "copy": self.number,
            "nanoseconds_to_copy": self._nanoseconds,
            "read_in_stop": self.memory.kept,
            "nanoseconds_to_read_in_stop": self.memory.nanoseconds,
        }

    def _most(self, frozen: Suspension) -> int:
        """Bytes that may be read while it stands still: in half of the time, and of the memory."""
        most = int(self._system.memory_status().available_physical) // 2
        left = frozen.left()
        return most if left is None else min(most, int(left / 2 * _RATE))

    def end(self, born: int) -> dict[str, Any]:
        """End it, where its guardian was killed; when that was, and whether it is still there.

        Args:
            born: when it was made, as the system says.
        """
        self._end()
        return {"ended": str(time.time_ns()), "copy_left": self._is_there(born)}

    def _end(self) -> None:
        system, handle = self._system, self.handle
        try:
            calls = system.copying(self._process)
            if not system.ended(handle) and calls.is_another(handle):
                calls.end(handle)
        finally:
            system.close(handle)

    def _is_there(self, born: int) -> bool:
        try:
            process = self._system.open_process(self.number, _LOOKING)
        except CallFailed:
            return False
        try:
            return self._system.started(process) == born and not self._system.ended(process)
        except CallFailed:
            return False
        finally:
            self._system.close(process)


def check_room(system: WindowsSystem, process: int, pid: int) -> None:
    """Refuse where a copy would take what the target may need: it counts as memory at once.

    Raises:
        TargetError: it would.
    """
    needed = system.committed(process) + _ROOM
    left = int(system.memory_status().available_page_file)
    if left < needed:
        raise TargetError(
            f"a copy of process {pid} takes up to {needed >> 20} MiB, and only "
            f"{left >> 20} MiB can be committed",
            remedy="use --freeze suspend",
        )
