"""The threads of a Windows process."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ..model import Register, Thread
from ..plain_target import CallFailed
from . import structures as win
from .calls import WindowsSystem
from .calls.lists import ThreadNow
from .peb import stack_of, stack_of_32_bits
from .registers import registers_of

__all__ = ["ThreadReader", "states_of"]

_WAITING = 5
_STATES = {
    **dict.fromkeys((1, 2, 3, 7), "running"),  # ready, running, standby, deferred ready
    **dict.fromkeys((_WAITING, 6, 8, 9), "waiting"),
    4: "zombie",
}
"""KTHREAD_STATE."""
_RUNS = 2
_REASONS = {4: "sleeping", 11: "sleeping", 5: "stopped", 12: "stopped"}
"""KWAIT_REASON: delay of execution, suspended; each also as drivers ask for it."""


def states_of(system: WindowsSystem, pid: int) -> dict[int, ThreadNow]:
    """How its threads are, as far as the system tells that; Wine says 0 of all.

    Raises:
        CallFailed: it does not.
    """
    found = system.threads_now(pid)
    return found if any(now.state for now in found.values()) else {}


class ThreadReader:
    """Reads the threads of one process.

    Args:
        system: the calls.
        pid: the process.
        process: its handle.
        architecture: the schema's name; registers are read of ``x86_64`` and ``x86``.
        stopped: whether the process stands still; only then are registers read.
        before: how its threads were right before it was stopped, by their numbers.
        facts: takes ``not_stopped``, the threads that turned out to run on, and
            ``thread_errors``, what failed, by thread.
        known: takes ``thread_facts``, TEB, stack, start address and more by thread, and
            ``current_thread``.
    """

    def __init__(
        self,
        system: WindowsSystem,
        pid: int,
        process: int,
        *,
        architecture: str,
        stopped: bool,
        before: Mapping[int, ThreadNow],
        facts: dict[str, Any],
        known: dict[str, Any],
    ) -> None:
        self._system = system
        self._pid = pid
        self._process = process
        self._architecture = architecture
        self._stopped = stopped
        self._before = before
        self._facts = facts
        self._known = known
        self._told: dict[int, Any] = {}

    def all(self) -> list[Thread]:
        """Every thread: the current one, then the others in the order of the system's list."""
        try:
            identifiers = self._system.threads(self._pid)
        except CallFailed as error:
            self._facts["threads_error"] = str(error)
            return []
        self._known["thread_facts"] = self._told
        found = [self._one(number) for number in identifiers]
        current = self._current(found)
        return sorted(found, key=lambda thread: thread is not current)

    def _current(self, threads: list[Thread]) -> Thread | None:
        """The one that ran when the process was stopped, or else the oldest, which is the first."""
        stored = [thread for thread in threads if thread.registers]
        if not stored:
            self._known.pop("current_thread", None)
            return None
        ran = [
            thread
            for thread in stored
            if (now := self._before.get(thread.thread_id)) and now.state == _RUNS
        ]
        among = ran or stored
        chosen = min(among, key=lambda thread: thread.start_time or 1 << 64)
        because = "it ran when it was stopped" if ran else "it is the oldest"
        self._known["current_thread"] = {"thread_id": chosen.thread_id, "because": because}
        return chosen

    def _one(self, number: int) -> Thread:
        system = self._system
        registers: tuple[Register, ...] = ()
        flags: tuple[str, ...] = ("partial",)
        name, start_time = "", 0
        state = self._state(number)
        access = win.THREAD_QUERY_LIMITED_INFORMATION
        if self._stopped:
            access |= win.THREAD_SUSPEND_RESUME | win.THREAD_GET_CONTEXT
            if self._architecture == "x86":  # Wow64GetThreadContext wants to know more
                access |= win.THREAD_QUERY_INFORMATION
        try:
            handle = system.open_thread(number, access, self._pid)
        except CallFailed as error:
            self._facts.setdefault("thread_errors", {})[number] = str(error)
            return Thread(number, thread_state=state, flags=flags)
        try:
            start_time = system.thread_started(handle)
            known = self._told[number] = self._facts_of(number, handle)
            name = known.pop("name", "")
            if self._stopped:
                count, registers = self._still(number, handle)
                if registers:
                    flags = ()
                    registers += self._bases(known)
                if count == 0:
                    self._facts.setdefault("not_stopped", []).append(number)
                elif count > 1:
                    state, flags = "stopped", (*flags, "suspended")
        except CallFailed as error:
            self._facts.setdefault("thread_errors", {})[number] = str(error)
        finally:
            system.close(handle)
        return Thread(number, start_time, name, state, registers, flags)

    def _state(self, number: int) -> str:
        now = self._before.get(number)
        if now is None:
            return "unknown"
        found = _STATES.get(now.state, "unknown")
        return _REASONS.get(now.wait_reason, found) if now.state == _WAITING else found

    def _bases(self, known: dict[str, Any]) -> tuple[Register, ...]:
        """What the segment register of a thread's own data leads to: its TEB."""
        key, name, width = ("teb", "gs_base", 8)
        if self._architecture == "x86":
            key, name, width = ("teb_of_32_bits", "fs_base", 4)
        if key not in known:
            return ()
        return (Register(name, int(known[key], 16).to_bytes(width, "little")),)

    def _still(self, number: int, handle: int) -> tuple[int, tuple[Register, ...]]:
        """How often a thread is suspended, and its registers while it is.

        One that the freeze missed, or of which that is not told, is suspended for the moment.
        Others are not: the guardian would not know of it if we were killed meanwhile.
        """
        system = self._system
        if count := system.suspend_count(handle):
            registers = self._registers(number, handle)
            if system.suspend_count(handle):  # nobody has let it go in between
                return count, registers
        count = system.suspend_thread(handle)
        try:
            return count, self._registers(number, handle)
        finally:
            system.resume_thread(handle)

    def _registers(self, number: int, handle: int) -> tuple[Register, ...]:
        if self._architecture not in ("x86_64", "x86"):
            return ()
        narrow = self._architecture == "x86"
        registers, lacking = registers_of(self._system, handle, narrow=narrow)
        if lacking:
            self._told[number]["registers_lacking"] = lacking
        return registers

    def _facts_of(self, number: int, handle: int) -> dict[str, Any]:
        """Name, TEB, stack and start address, as far as they are told."""
        system, found = self._system, dict[str, Any]()
        with suppress(CallFailed):
            found["name"] = system.thread_name(handle)
        with suppress(CallFailed):
            stack = stack_of(system, self._process, handle)
            found["teb"] = f"{stack.teb:#x}"
            found["stack_base"], found["stack_limit"] = f"{stack.base:#x}", f"{stack.limit:#x}"
            if self._architecture == "x86":
                narrow = stack_of_32_bits(system, self._process, stack.teb)
                if narrow is not None:
                    found["teb_of_32_bits"] = f"{narrow.teb:#x}"
                    found["stack_base_of_32_bits"] = f"{narrow.base:#x}"
                    found["stack_limit_of_32_bits"] = f"{narrow.limit:#x}"
        # Of some threads less is permitted: so this has a handle of its own.
        with (
            suppress(CallFailed),
            system.thread(number, win.THREAD_QUERY_INFORMATION, self._pid) as other,
        ):
            found["start_address"] = f"{system.start_address(other):#x}"
        now = self._before.get(number)
        if now is not None and now.state == _WAITING:
            found["wait_reason"] = now.wait_reason
        return found
