"""A target that stands still: what all methods have in common."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from ...model import Register
from .sighting import Sighting, look, thread_ids

__all__ = ["Hold", "gone"]


@dataclass
class Hold:
    """The target's threads as they were found, and the way to let them go.

    Attributes:
        pid: the target.
        method: ``ptrace``, ``cgroup``, ``sigstop`` or ``none``.
        began, ended: nanoseconds since the Unix epoch: when everything stood still, and when
            it was let go (0: not yet).
        why_ended: ``done``, ``max_freeze`` (the time was up), ``gone`` (the target ended);
            empty while frozen.
        facts: for the report.
        threads: every thread, with its state from before it was stopped.
        still: numbers of those that do stand still.
        register_sets: what the kernel gave of each thread, see `..registers`.
        pointers: program counter and stack pointer of each thread, where that is all there is.
        found_stopped: whether the process was stopped before.
    """

    pid: int
    method: str
    began: int = 0
    ended: int = 0
    why_ended: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    threads: dict[int, Sighting] = field(default_factory=dict)
    still: frozenset[int] = frozenset()
    register_sets: dict[int, dict[int, bytes]] = field(default_factory=dict)
    pointers: dict[int, tuple[Register, ...]] = field(default_factory=dict)
    found_stopped: bool = False
    _once: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def thaw(self) -> None:
        """Let the target go as it was found; more than once does no harm."""
        self._over("done")

    def _over(self, why: str, when: int = 0) -> None:
        """Note the end; the first to say it is right."""
        with self._once:
            if not self.ended:
                self.why_ended = "gone" if why == "done" and self._gone() else why
                self.ended = when or time.time_ns()

    def _gone(self) -> bool:
        """Whether the process has ended, or is about to: a leader that stands still can't end
        on its own, and the others go with it."""
        if self.pid in self.still:
            leader = look(self.pid, self.pid)
            return leader is None or leader.state in "ZXx"
        return gone(self.pid)


def gone(pid: int) -> bool:
    """Whether the process has no thread any more that isn't a zombie."""
    for thread_id in thread_ids(pid):
        sighting = look(pid, thread_id)
        if sighting is not None and sighting.state not in "ZXx":
            return False
    return True
