"""Where threads stand that nobody may trace: program counter and stack pointer only."""

from __future__ import annotations

from collections.abc import Iterable

from ...model import Register
from .. import registers

__all__ = ["pointers"]


def _address_width(pid: int) -> int:
    """Bytes of an address in the target, by the class of its executable; 8 if not known."""
    try:
        with open(f"/proc/{pid}/exe", "rb") as file:
            front = file.read(5)
    except OSError:
        return 8
    return 4 if front == b"\x7fELF\x01" else 8


def pointers(pid: int, thread_ids: Iterable[int]) -> dict[int, tuple[Register, ...]]:
    """What /proc/PID/task/TID/syscall says of threads that stand still.

    Its last two words are stack pointer and program counter. Threads of which it says nothing
    are absent.
    """
    found = {}
    machine = registers.machine()
    width = _address_width(pid)
    for thread_id in thread_ids:
        try:
            with open(f"/proc/{pid}/task/{thread_id}/syscall", "rb") as file:
                words = file.read().split()
        except OSError:
            continue
        if len(words) >= 3:
            stack, counter = int(words[-2], 16), int(words[-1], 16)
            found[thread_id] = registers.pointers(machine, width, counter, stack)
    return found
