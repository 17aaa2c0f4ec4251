"""Freezing for a snapshot, done by a guardian: see `guardian.snapshotting`.

The target stands still until `Copied.run`; the copy stays until `Copied.thaw`.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

from ...model import Mapping
from .channel import PATIENCE
from .fitness import estimate, limiting, refuse_unfit
from .guarded import HoldFailed
from .guardian.refusals import Refusal, refuse_hopeless
from .ptrace import Traced

__all__ = ["Copied"]

_LEAST_PATIENCE = 5.0
"""Seconds, at least, after which a clone is taken to hang."""


class Copied(Traced):
    """A target that is stopped to be copied, and the copy.

    `began`, `ended` and `why_ended` are of the target's stop.

    Args:
        pid, max_freeze, registers: as for `Traced`.

    Attributes:
        copy: number of the copy; 0: there is none yet.
        lost: why the copy had to go before it was to, see `guardian.snapshotting`; empty: it
            hadn't.

    Raises:
        TargetError: no guardian can be started, or the copy might do harm; the target was not
            touched. `stop` raises it as well.
        Refusal: it can't be stopped.
    """

    METHOD = "snapshot"

    def __init__(self, pid: int, max_freeze: float | None, *, registers: bool) -> None:
        self.copy = 0
        self.lost = ""
        self._runs = False
        refuse_hopeless(pid)
        refuse_unfit(pid, max_freeze)
        self._patience = max(_LEAST_PATIENCE, 3 * estimate(pid))
        self._until: float | None = None
        super().__init__(pid, max_freeze, registers=registers)

    def _more_arguments(self) -> tuple[str, ...]:
        return (limiting(self.pid),)

    def _start_thread(self) -> bool:
        # Never by a thread of ours: whoever is killed amid an injected call takes the target along.
        return False

    def stop(self) -> None:
        """Have the target stopped, if it still may be copied."""
        refuse_unfit(self.pid, self._max_freeze)
        super().stop()
        if self._max_freeze is not None:
            self._until = time.monotonic() + self._max_freeze

    def left(self) -> float | None:
        """Seconds for which the target may still stand; None: there is no bound."""
        return None if self._until is None else self._until - time.monotonic()

    def make(self, vdso: Mapping | None) -> int:
        """Have the target copied: number of the copy.

        Args:
            vdso: the target's; None: it has none.

        Raises:
            Refusal: it can't be; it runs on.
        """
        if vdso is None:
            raise Refusal(
                f"process {self.pid} has no [vdso], whose instruction is needed to copy it",
                remedy="use --freeze ptrace",
            )
        order = f"copy {vdso.start:x} {vdso.end:x} {self._patience}"
        self.copy, nanoseconds, thread = self._order(order, 2 * self._patience)
        self.facts["snapshot"] = {
            "copy": self.copy,
            "made_by_thread": thread,
            "nanoseconds_to_copy": nanoseconds,
        }
        return self.copy

    def run(self) -> None:
        """Let the target run on, while the copy stays.

        Raises:
            Refusal: the time was up before that.
        """
        ended = self._order("run")
        self._runs = True
        self._over("done", ended)
        tables = _kilobytes(f"/proc/{self.copy}/status", "VmPTE")
        self.facts["snapshot"]["page_tables"] = sum(tables)

    def _order(self, order: str, patience: float = PATIENCE) -> Any:
        try:
            return self._ask(order, patience)
        except HoldFailed as error:
            raise self._refusal(str(error)) from error

    def refuse_let_go(self) -> None:
        """Refuse a copy that was not finished when the target was let go, and is gone.

        Raises:
            Refusal: that is so.
        """
        self._listen()
        left = self.left()
        if self._ended or (left is not None and left <= 0):
            raise self._refusal("the target was let go before that")

    def _refusal(self, why: str) -> Refusal:
        left = self.left()
        if self.why_ended == "max_freeze" or (left is not None and left <= 0):
            why = "the time was up (--max-freeze)"
        return Refusal(
            f"process {self.pid} could not be copied: {why}",
            remedy="allow a longer stop (--max-freeze), or use --freeze ptrace",
        )

    def thaw(self) -> None:
        """End the copy, and see to it that nothing is left of it; more than once does no harm.

        Raises:
            TargetError: the target can't be let go.
        """
        with self._thawing:
            channel = self._channel
            if channel is None or not self._runs:
                super().thaw()
                return
            if not self.lost:
                self._note_copied()
                channel.tell("release")
            while self._hear(channel.answer()):
                pass
            if "ended" not in self.facts["snapshot"]:  # the deputy has gone, too
                self.lost = self.lost or "guardian_ended"
            self._dismiss()

    def _note_copied(self) -> None:
        """How much memory the target and the copy no longer share: it exists twice."""
        found = _kilobytes(f"/proc/{self.copy}/smaps_rollup", "Private_Clean", "Private_Dirty")
        self.facts["snapshot"]["copied"] = sum(found)

    def _listen(self) -> None:
        """Take note of what the guardian has said of the copy, too."""
        with self._thawing:
            channel = self._channel
            if channel is not None and not self.lost and (self._runs or not self._ended):
                while self._hear(channel.answer(0.0)):
                    pass

    def look(self) -> str:
        """Why the copy is not there any more; empty if it is, as far as is known."""
        self._listen()
        return self.lost

    def _hear(self, line: str) -> bool:
        words = line.split()
        if self._runs and len(words) == 3 and words[0] == "released":
            self.facts["snapshot"].update(ended=words[2], why_ended=words[1])
            if words[1] != "done":
                self.lost = words[1]
            return True
        if self._runs and len(words) == 2 and words[0] == "cleaned":
            left = words[1] != "0" or self.lost == "guardian_ended"
            self.facts["snapshot"]["zombie_left"] = left
            return False
        return super()._hear(line)


def _kilobytes(path: str, *keys: str) -> list[int]:
    """Values of a file of /proc that has them in kB, in bytes; none where they can't be had."""
    found = []
    with contextlib.suppress(OSError, ValueError, IndexError), open(path, "rb") as file:
        for line in file:
            key, _, value = line.partition(b":")
            if key.decode("ascii", "replace") in keys:
                found.append(int(value.split()[0]) << 10)
    return found
