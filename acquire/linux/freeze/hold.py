"""A target that stands still: what all methods have in common."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from ...model import Register
from .guardian.thread_state import Sighting, look, thread_ids

__all__ = ["Hold", "gone"]


class Hold:
    """The target's threads as they were found, and the way to let them go.

    Made, it has begun to get whoever will hold the target; `ready` waits for that, and `stop`
    stops the target. `thaw` undoes what was done, from the beginning on.

    Args:
        pid: the target.
        method: ``ptrace``, ``cgroup``, ``sigstop`` or ``none``.

    Attributes:
        began: nanoseconds since the Unix epoch: when everything stood still.
        facts: for the report.
        threads: every thread, with its state from before it was stopped.
        still: numbers of those that do stand still.
        register_sets: what the kernel gave of each thread, see `..registers`.
        pointers: program counter and stack pointer of each thread, where that is all there is.
        found_stopped: whether the process was stopped before.
    """

    def __init__(self, pid: int, method: str) -> None:
        self.pid = pid
        self.method = method
        self.began = 0
        self.facts: dict[str, Any] = {}
        self.threads: dict[int, Sighting] = {}
        self.still: frozenset[int] = frozenset()
        self.register_sets: Mapping[int, Mapping[int, bytes]] = {}
        self.pointers: dict[int, tuple[Register, ...]] = {}
        self.found_stopped = False
        self._ended = 0
        self._why_ended = ""
        self._once = threading.Lock()

    @property
    def ended(self) -> int:
        """Nanoseconds since the Unix epoch: when it was let go; 0: not yet."""
        self._listen()
        return self._ended

    @property
    def why_ended(self) -> str:
        """``done``; ``max_freeze``: the time was up; ``gone``: the target ended;
        ``guardian_ended``: somebody killed the process that held it; empty while frozen."""
        self._listen()
        return self._why_ended

    def ready(self) -> None:
        """Wait until `stop` takes no more than the stop; nobody is touched.

        Raises:
            TargetError: there is nobody who would hold the target.
        """

    def stop(self) -> None:
        """Stop the target, once; what was done of it is undone by `thaw`, whatever is raised.

        Raises:
            TargetError, Refusal: it can't be stopped.
        """

    def thaw(self) -> None:
        """Let the target go as it was found; more than once does no harm."""
        self._over("done")

    def _listen(self) -> None:
        """Take note of what a guardian has said, if there is one."""

    def _over(self, why: str, when: int = 0) -> None:
        """Note the end; the first to say it is right."""
        with self._once:
            if not self._ended:
                self._why_ended = "gone" if why == "done" and self._gone() else why
                self._ended = when or time.time_ns()

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
