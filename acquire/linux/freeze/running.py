"""No freezing: the target runs on while it is read, and what is read is of different times."""

from __future__ import annotations

import time

from .guardian import refusals
from .guardian.thread_state import look_at_all
from .hold import Hold

__all__ = ["Running"]


class Running(Hold):
    """A target that is left alone.

    Args:
        pid: the target.

    Raises:
        Refusal: it is gone.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(pid, "none")
        refusals.refuse_hopeless(pid)

    def stop(self) -> None:
        """Look at its threads; nobody is stopped."""
        pid = self.pid
        refusals.refuse_hopeless(pid)
        self.threads = look_at_all(pid)
        self.found_stopped = any(thread.state == "T" for thread in self.threads.values())
        self.began = time.time_ns()
        self.facts = {"threads": len(self.threads), "found_stopped": self.found_stopped}
