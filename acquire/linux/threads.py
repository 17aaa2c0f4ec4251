"""Threads of a target, as the dump describes them.

Start times are the boot time, which the kernel gives in whole seconds (``btime`` of
/proc/stat), plus the thread's own in clock ticks, ten milliseconds as a rule: up to a second
early, but the same whenever and by whomever they are asked for. Whoever sets the clock moves
the boot time with it.
"""

from __future__ import annotations

import os
from functools import cache

from ..model import Register, Thread
from . import registers
from .freeze.hold import Hold

__all__ = ["boot_time", "start_time", "threads"]

_STATES = {
    "R": "running",
    "S": "sleeping",
    "D": "uninterruptible",
    "K": "uninterruptible",
    "T": "stopped",
    "t": "stopped",
    "Z": "zombie",
    "X": "halted",
    "x": "halted",
    "I": "waiting",
    "W": "waiting",
    "P": "waiting",
}
"""The schema's names for the kernel's letters."""

_SECOND = 1_000_000_000


@cache
def boot_time() -> int:
    """When the system was started, in nanoseconds since the Unix epoch; 0 if not known."""
    try:
        with open("/proc/stat", "rb") as file:
            for line in file:
                if line.startswith(b"btime "):
                    return int(line.split()[1]) * _SECOND
    except OSError:
        pass
    return 0


_ticks_per_second = cache(os.sysconf)


def start_time(ticks: int) -> int:
    """When something was started, in nanoseconds since the Unix epoch; 0 if not known.

    Args:
        ticks: clock ticks from boot, as /proc/PID/stat has them.
    """
    boot = boot_time()
    return boot + ticks * _SECOND // _ticks_per_second("SC_CLK_TCK") if boot else 0


def threads(hold: Hold) -> list[Thread]:
    """The threads of a target, in the kernel's order, as they were when it was stopped.

    State is from before that. `Thread.flags` has ``suspended`` for a thread that stands still,
    by our doing or not, and ``partial`` for one whose registers are not all there; a zombie
    has none, and of a target that runs on they are not asked for.
    """
    machine = registers.machine()
    found = []
    for thread_id, seen in sorted(hold.threads.items()):
        flags: tuple[str, ...] = ()
        if thread_id in hold.still or seen.state in "Tt":
            flags = ("suspended",)
        values: tuple[Register, ...] = ()
        if thread_id in hold.register_sets:
            decoded = registers.decode(machine, hold.register_sets[thread_id])
            values = decoded.registers
            if decoded.missing:
                flags += ("partial",)
        elif thread_id in hold.pointers:
            values = hold.pointers[thread_id]
            flags += ("partial",)
        elif thread_id in hold.still:
            flags += ("partial",)
        found.append(
            Thread(
                thread_id,
                start_time(seen.start_ticks),
                seen.name,
                _STATES.get(seen.state, "unknown"),
                values,
                flags,
            )
        )
    return found
