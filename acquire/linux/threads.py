"""Threads of a target, as the dump describes them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ..model import Register, Thread
from . import registers
from .freeze.hold import Hold
from .proc_text import since_epoch
from .registers.raw import RawRegisters

__all__ = ["threads"]

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


def threads(hold: Hold) -> list[Thread]:
    """The threads of a target, as they were when it was stopped: the main one, then by age.

    Numbers say nothing of age once the kernel has begun anew with the lowest ones.

    State is from before it was stopped. `Thread.flags` has ``suspended`` for a thread that stands
    still, by our doing or not, and ``partial`` for one whose registers are not all there; a zombie
    has none, and of a target that runs on they are not asked for.
    """
    machine = registers.machine()
    found = []
    by_age = sorted(
        hold.threads.items(), key=lambda one: (one[0] != hold.pid, one[1].start_ticks, one[0])
    )
    for thread_id, seen in by_age:
        flags: tuple[str, ...] = ()
        if thread_id in hold.still or seen.state in "Tt":
            flags = ("suspended",)
        values: Sequence[Register] = ()
        if thread_id in hold.register_sets:
            given = partial(hold.register_sets.__getitem__, thread_id)
            values = raw = RawRegisters(machine, given)
            if raw.missing:
                flags += ("partial",)
        elif thread_id in hold.pointers:
            values = hold.pointers[thread_id]
            flags += ("partial",)
        elif thread_id in hold.still:
            flags += ("partial",)
        found.append(
            Thread(
                thread_id,
                since_epoch(seen.start_ticks),
                seen.name,
                _STATES.get(seen.state, "unknown"),
                values,
                flags,
            )
        )
    return found
