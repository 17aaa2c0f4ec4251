"""The threads of a macOS process."""

from __future__ import annotations

from typing import Any

from ..model import Register, Thread
from .api import MacosCallFailed, MacosSystem
from .registers import STATES

__all__ = ["threads_of"]

_RUN_STATES = {1: "running", 2: "stopped", 3: "waiting", 4: "uninterruptible", 5: "halted"}


def threads_of(
    system: MacosSystem, task: int, architecture: str, stopped: bool, facts: dict[str, Any]
) -> list[Thread]:
    """Every thread, in the order of the kernel's list.

    Args:
        system: the calls.
        task: the task's port.
        architecture: of the program; the schema's name.
        stopped: whether the task stands still; only then are registers read.
        facts: takes ``thread_errors``, what failed, by thread.
    """
    try:
        ports = system.threads(task)
    except MacosCallFailed as error:
        facts["threads_error"] = str(error)
        return []
    found = []
    try:
        for port in ports:
            thread = _thread(system, port, architecture, stopped, facts)
            if thread is not None:
                found.append(thread)
    finally:
        for port in ports:
            system.release(port)
    return found


def _thread(
    system: MacosSystem, port: int, architecture: str, stopped: bool, facts: dict[str, Any]
) -> Thread | None:
    name, state = "", "unknown"
    registers: tuple[Register, ...] = ()
    try:
        number = system.thread_id(port)
    except MacosCallFailed as error:
        # A thread without a number can't be named: it has ended meanwhile.
        facts.setdefault("threads_gone", []).append(str(error))
        return None
    try:
        info = system.thread_info(port)
        name = bytes(info.name).decode("utf-8", "replace")
        state = _RUN_STATES.get(int(info.run_state), "unknown")
        wanted = STATES.get(architecture)
        if stopped and wanted is not None:
            registers = wanted.registers(system.thread_state(port, wanted.flavor, wanted.size))
    except MacosCallFailed as error:
        facts.setdefault("thread_errors", {})[number] = str(error)
    return Thread(number, 0, name, state, registers, () if registers else ("partial",))
