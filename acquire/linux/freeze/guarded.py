"""A target that a guardian holds for us.

The guardian is started before the target is touched, told what to do, and listened to. It may
wait for long before it is told anything, and ends if it never is. It leads a session of its own,
so that a Ctrl-C for us is none for it, and undoes the freeze when the time is up, or when our end
of its pipe closes, however that comes about. Its deputy steps in for it. Where both are gone we
undo it, if we still run.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

from msl_construct.errors import TargetError

from .channel import PATIENCE, Channel, InProcess
from .guardian.method import SharedMemory
from .guardian.program import method_of
from .guardian.refusals import Refusal
from .hold import Hold

__all__ = ["Guarded", "HoldFailed"]


class HoldFailed(Exception):
    """The guardian could not stop the target.

    Attributes:
        errno: what the system said; 0 if the guardian itself failed.
        path: the file it was about, if it was about one.
    """

    def __init__(self, errno: int, path: str) -> None:
        super().__init__(os.strerror(errno) if errno else "the guardian did not answer")
        self.errno = errno
        self.path = path


class Guarded(Hold):
    """A target that is held by a guardian.

    Args:
        pid: the target.
        method: ``ptrace``, ``sigstop`` or ``cgroup``.
    """

    def __init__(self, pid: int, method: str) -> None:
        super().__init__(pid, method)
        self._arguments: tuple[str, ...] = ()
        self._channel: Channel | None = None
        self._touched = self._cleaned = self._to_undo = False
        self._thawing = threading.RLock()

    def _start_guardian(self, *arguments: str, kind: Callable[..., Channel] = InProcess) -> None:
        """Start a guardian for this target.

        Args:
            arguments: what the method wants to know, see `guardian.program.method_of`.

        Raises:
            TargetError: it can't be started.
        """
        self._dismiss()
        self._arguments = arguments
        self._touched = self._cleaned = False
        self._channel = kind(self.method, *arguments)

    def ready(self) -> None:
        """Wait until the guardian is ready, if there is one.

        Raises:
            TargetError: it does not get so far.
        """
        if self._channel is not None:
            self._channel.ready()

    def _who(self) -> dict[str, int]:
        """For the facts: the processes that hold it; 0: there is none."""
        channel = self._channel
        return {
            "guardian": channel.pid if channel else 0,
            "deputy": channel.deputy if channel else 0,
        }

    def _hold(self, max_freeze: float | None) -> Any:
        """Have the target stopped; what the guardian learnt.

        Raises:
            HoldFailed, Refusal: it wasn't.
        """
        self.ready()
        self._touched = True
        return self._ask(f"hold {'-' if max_freeze is None else max_freeze}")

    def _ask(self, order: str, patience: float = PATIENCE) -> Any:
        """Give an order and wait for what comes of it.

        Args:
            patience: seconds.

        Raises:
            HoldFailed, Refusal: nothing does.
        """
        channel = self._channel
        assert channel is not None
        channel.tell(order)
        words = channel.answer(patience).split(" ", 2)
        if words[0] in ("held", "did"):
            return channel.told(*words[1:])
        self._dismiss()
        if words[0] == "refused":
            message, remedy, errno = channel.told(*words[1:])
            raise Refusal(message, remedy=remedy, errno=errno)
        failed = words[0] == "failed" and len(words) == 3
        raise HoldFailed(int(words[1]) if failed else 0, words[2] if failed else "")

    def thaw(self) -> None:
        """Let the target go as it was found; more than once does no harm.

        Raises:
            TargetError: it can't be let go; another call tries again.
        """
        with self._thawing:
            channel = self._channel
            if channel is None or not self._touched:
                self._dismiss()
                if self._to_undo:
                    self._undo_ourselves()
                self._over("done")
                return
            if not self._ended:
                channel.tell("release")
            while not self._cleaned and self._hear(channel.answer()):
                pass
            self._dismiss()
            if not self._ended:
                self._undo_ourselves()

    def _listen(self) -> None:
        with self._thawing:
            channel = self._channel
            if channel is not None and not self._ended:
                while not self._cleaned and self._hear(channel.answer(0.0)):
                    pass

    def _hear(self, line: str) -> bool:
        """Note when and why the target was let go; whether there may be more to hear."""
        words = line.split()
        if len(words) == 3 and words[0] == "released":
            self._over(words[1], int(words[2]))
            return True
        if len(words) == 2 and words[0] == "cleaned":
            self._cleaned = True  # it is the last that is ever said
            if words[1] != "0":
                self.facts["not_undone"] = {"errno": int(words[1]), "remedy": self._by_hand()}
        return False

    def _undo_ourselves(self) -> None:
        method = method_of(self.method, SharedMemory(-1), list(self._arguments))
        if method.ends_with_us:
            self._over("guardian_ended")
            return
        self.facts["undone_by"] = "the acquirer: the guardian was gone"
        self._to_undo = True
        try:
            method.let_go()
            self._over("done")
            method.clean_up()
            self._to_undo = False
        except ProcessLookupError:
            self._to_undo = False
            self._over("gone")
        except OSError as error:
            raise TargetError(
                f"process {self.pid} can't be let go: {error}", remedy=self._by_hand()
            ) from error

    def _by_hand(self) -> str:
        """What somebody at a terminal would do about it."""
        return f"let it go by hand: kill -CONT {self.pid}"

    def _dismiss(self) -> None:
        """Have the guardian end, and wait for it."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()
