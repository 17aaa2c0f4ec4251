"""What the guardian does, from its start to its end.

Over one pipe it is told ``hold SECONDS`` (or ``hold -``, without limit) and answers ``held
WHERE LENGTH`` (what the method learnt, marshalled, in the shared memory), ``refused WHERE
LENGTH`` (message, remedy and errno of a `Refusal`), or ``failed NUMBER PATH``. Other lines go to
the method's `order` and are answered by ``did WHERE LENGTH``, ``refused`` or ``failed``. Over
``release``, when the time is up, or when the pipe ends because whoever started it is no more,
it undoes what it did, and answers ``released WHY NANOSECONDS`` (since the epoch), and ``cleaned
NUMBER`` when nothing is left of it, or something is that could not be undone, with the error's
number. Then it ends.

Arguments: the descriptor of the shared memory, the method, and what that wants to know.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import time
from collections.abc import Iterator

from .deputy import LATE, Deputy
from .grouping import Grouping
from .independence import (
    LastResort,
    Waker,
    be_quick,
    block_signals,
    call_ourselves,
    die_first,
    leave_groups,
)
from .method import Method, SharedMemory
from .refusals import Refusal
from .signalling import Signalling
from .tracing import Tracing

__all__ = ["Guardian", "main", "method_of"]

_LOOK_EVERY = 0.02
"""Seconds between two looks of a method at a target that it no longer holds."""
_MOMENT = 1.0
"""Seconds to let go of a target that was held longer than it should be."""
_UNDOING = 10.0
"""Seconds after which letting go and cleaning up is taken to hang."""


def method_of(name: str, shared: SharedMemory, arguments: list[str]) -> Method:
    """The method of this name, for the target that the arguments name."""
    if name == "ptrace":
        return Tracing(shared, *arguments)
    if name == "snapshot":
        from .snapshotting import Snapshotting  # the others need not wait for it

        return Snapshotting(shared, *arguments)
    if name == "cgroup":
        return Grouping(*arguments)
    return Signalling(*arguments)


class _Over(Exception):
    """The method says that it is over, and why."""


class Guardian:
    """Waits for what to do, does it, and undoes it whatever happens.

    Args:
        method: how the target is held.
        shared: where answers go that are too long for a pipe.
        orders, answers: descriptors of the two pipes.
        late: seconds behind its time at which the kernel kills this process, which then was
            stopped by somebody.
    """

    def __init__(
        self,
        method: Method,
        shared: SharedMemory,
        orders: int,
        answers: int,
        late: float = LATE - 0.05,
    ) -> None:
        self._method = method
        self._shared = shared
        self._orders = orders
        self._answers = answers
        self._late = late
        self._rest = b""
        self._until: float | None = None
        self._holding = False
        self._dropped = False
        self._deputy: Deputy | None = None
        self._last = LastResort()

    def with_deputy(self) -> Guardian:
        """Fork the process that steps in; where a limit forbids that, go without."""
        with contextlib.suppress(OSError):
            self._deputy = Deputy(self._orders, self._method, self._take_over)
        return self

    def run(self) -> None:
        """Say that all is ready, and guard."""
        self._say(f"ready {self._deputy.pid if self._deputy else 0}")
        self._guard()

    def _take_over(self, until: float | None, overdue: bool) -> None:
        """Go on in the deputy, where the guardian ended."""
        self._deputy = None
        self._last = LastResort()  # timers aren't inherited
        self._until = until
        self._holding = True
        if not self._method.ends_with_us:
            self._guard()
            return
        in_time = until is None or time.monotonic() < until
        why = "guardian_ended" if in_time and not overdue else "max_freeze"
        self._say(f"released {why} {time.time_ns()}")
        self._say("cleaned 0")

    def _say(self, text: str) -> None:
        """Answer; to nobody, if there is nobody left."""
        with contextlib.suppress(OSError):
            os.write(self._answers, text.encode() + b"\n")

    def _guard(self) -> None:
        why = "failed"
        try:
            why = self._obey()
        finally:
            self._undo(why)

    def _line(self) -> str | None:
        """The next order; None: there will be none.

        Raises:
            TimeoutError: the time is up.
            _Over: the method says so.
        """
        poll = select.poll()
        poll.register(self._orders, select.POLLIN)
        while b"\n" not in self._rest:
            left = None
            if self._until is not None:
                left = self._until - time.monotonic()
                if left <= 0:
                    raise TimeoutError
            if self._dropped:
                left = _LOOK_EVERY
                why = self._method.look()
                if why:
                    raise _Over(why)
            if poll.poll(None if left is None else left * 1000 + 0.5):
                got = os.read(self._orders, 4096)
                if not got:
                    return None
                self._rest += got
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()

    def _obey(self) -> str:
        """Do as told until it is over; why it is."""
        while True:
            try:
                line = self._line()
            except TimeoutError:
                return "max_freeze"
            except _Over as over:
                return str(over)
            if line is None:
                return "orphaned"
            words = line.split()
            if words[0] == "release" or (words[0] == "hold" and self._holding):
                return "done"
            try:
                if words[0] == "hold":
                    found = self._hold(None if words[1] == "-" else float(words[1]))
                    self._say(f"held {self._shared.tell(found)}")
                else:
                    self._say(f"did {self._shared.tell(self._method.order(words, self))}")
                continue
            except Refusal as refusal:
                told = (refusal.message, refusal.remedy, refusal.errno)
                self._say(f"refused {self._shared.tell(told)}")
            except OSError as error:
                self._say(f"failed {error.errno or 5} {error.filename or ''}")
            if words[0] == "hold":
                return "failed"

    def _hold(self, limit: float | None) -> object:
        self._holding = True
        if limit is not None:
            self._until = time.monotonic() + limit
            self._last.arm(limit + self._late)
        self._expect(self._until)
        return self._method.hold(self._until)

    # What a method may ask for, see `Limits`.

    @contextlib.contextmanager
    def suspended(self) -> Iterator[None]:
        """Nobody ends us meanwhile, neither the kernel nor the deputy, and the kernel wakes us
        when somebody stops us."""
        self._last.disarm()
        self._tell_deputy("busy")
        try:
            with Waker():
                yield
        finally:
            until = self._until
            if until is not None:  # it may be over, and what is to be done then takes a moment
                until = max(until, time.monotonic() + _MOMENT)
                self._last.arm(until - time.monotonic() + self._late)
            self._expect(until)

    def drop(self) -> None:
        """Go on without a limit."""
        self._dropped, self._until = True, None
        self._last.disarm()
        self._expect(None)

    def _expect(self, until: float | None) -> None:
        if self._deputy is not None:
            self._deputy.expect(until)

    def _tell_deputy(self, what: str) -> None:
        if self._deputy is not None:
            self._deputy.tell(what)

    def _undo(self, why: str) -> None:
        with Waker():
            self._let_go(why)

    def _let_go(self, why: str) -> None:
        self._last.arm(_UNDOING)
        self._tell_deputy("ending")
        number = 0
        try:
            if self._holding:
                self._method.let_go()
        except ProcessLookupError:
            why = "gone"
        except OSError as error:
            number = error.errno or 5
        self._say(f"released {why} {time.time_ns()}")
        try:
            if self._holding:
                self._method.clean_up()
        except OSError as error:
            number = error.errno or 5
        self._say(f"cleaned {number}")
        if self._deputy is not None:
            self._deputy.dismiss()
        self._last.close()


def main(arguments: list[str]) -> None:
    """Run the guardian in a process of its own that leads its session."""
    die_first()
    gc.disable()  # nothing here is worth a pause while a target stands still
    shared = SharedMemory(int(arguments[0]))
    method = method_of(arguments[1], shared, arguments[2:])
    call_ourselves("msl-guardian")
    block_signals()
    be_quick()
    leave_groups(os.getpid())
    Guardian(method, shared, 0, 1).with_deputy().run()
