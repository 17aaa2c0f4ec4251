"""Freezing by ptrace(2), done by a guardian: see `guardian.tracing`.

What no method can hide: some blocked calls of the target return EINTR once (epoll_wait,
sigtimedwait, semop, recv with a time limit, io_getevents; see signal(7)).
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

from .. import registers as known_registers
from .channel import Channel, InProcess, InThread, NotStartedError
from .guarded import Guarded, HoldFailed
from .guardian import refusals
from .guardian.refusals import Refusal
from .guardian.sighting import Sighting
from .register_sets import RegisterSets

__all__ = ["Traced"]


def _wanted() -> str:
    """The register sets to ask for, and instead of what, as the guardian wants it."""
    machine = known_registers.machine()
    instead = known_registers.alternatives(machine)
    return " ".join(
        ",".join(str(one) for one in (number, *instead.get(number, ())))
        for number in known_registers.sets(machine)
    )


class Traced(Guarded):
    """A target whose threads are seized.

    Args:
        pid: the target.
        max_freeze: seconds after which it is let go in any case; None: never.
        registers: whether to read registers.

    Raises:
        TargetError: no guardian can be started.
        Refusal: it can't be stopped: gone, being traced, not permitted, not in time.
    """

    METHOD = "ptrace"

    def __init__(self, pid: int, max_freeze: float | None, *, registers: bool) -> None:
        super().__init__(pid, self.METHOD)
        refusals.refuse_hopeless(pid)
        self._note(self._held(_wanted() if registers else "", max_freeze))

    def _held(self, wanted: str, max_freeze: float | None) -> Any:
        """Have the target stopped: by a guardian that is a process, if that can be."""
        try:
            return self._trace(InProcess, max_freeze, wanted)
        except NotStartedError:  # no interpreter that we may execute
            return self._trace(InThread, max_freeze, wanted)
        except Refusal as refusal:
            if refusal.errno != errno.EPERM:
                raise
            # What a child of ours may not, we may: Yama permits tracing to ancestors only, and
            # a program that is executed can lose rights.
            return self._trace(InThread, max_freeze, wanted)

    def _trace(
        self, kind: Callable[..., Channel], max_freeze: float | None, *arguments: str
    ) -> Any:
        self._start_guardian(str(self.pid), *arguments, kind=kind)
        try:
            return self._hold(max_freeze)
        except HoldFailed as error:
            raise Refusal(
                f"process {self.pid} could not be stopped: {error}",
                remedy="try again, or go on without stopping it: --freeze none",
            ) from error
        except BaseException:
            self.thaw()
            raise

    def _note(self, found: dict[str, Any]) -> None:
        self.began = found["began"]
        self.threads = {seen[0]: Sighting(*seen) for seen in found["threads"]}
        self.still = frozenset(found["still"])
        assert self._channel is not None
        if found["registers"]:
            self.register_sets = RegisterSets(self._channel, found["registers"])
        whose = "the guardian" if self._channel.pid else "the acquirer"
        self.facts = {
            **found["facts"],
            **self._who(),
            "undone_by": f"the kernel, when {whose} ends",
        }
        self.found_stopped = self.facts["found_stopped"]
