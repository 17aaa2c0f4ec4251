"""Several targets at one moment: all are stopped before the first is read.

Whoever stops them has been started before the first is stopped: nothing is done between two
stops. Copies that are read instead of them are made when all stand still, and only then run on.
Those that share memory are let go when all of them have been read: nobody writes to it meanwhile,
so that it is the same in all dumps. One that shares nothing is let go as soon as it is read.
Whatever goes wrong with one of them is its own: the others go on.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from typing import Any, Protocol

from msl_construct.errors import TargetError

from .blocks import Related
from .bounds import Interrupt
from .model import Shared
from .report import Report
from .session import Session

__all__ = ["Observer", "families", "together"]

_MARGIN = 1.5
"""How much more than what is expected is suggested for --max-freeze."""
_ROUNDS = 5
"""How often those are looked for that the targets started while they were being stopped."""

Open = Callable[[int], AbstractContextManager[Session]]


class Observer(Protocol):
    """Who is told what becomes of each."""

    def refused(self, pid: int, error: Exception) -> None:
        """There is no dump of this one: a `TargetError`, or an `OSError` of its file."""

    def began(self, pid: int) -> None:
        """It is being read from now on."""

    def done(self, pid: int, report: Report) -> None:
        """It is let go, and its dump is finished."""


class _Part:
    """One of them, with what has to be closed behind it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.stack = ExitStack()
        self.session: Session

    def open(self, how: Open) -> None:
        self.session = self.stack.enter_context(how(self.pid))
        self.stack.enter_context(self.session)


class _Group:
    """All of them.

    Args:
        how: opens the session of a process.
        observer: is told of each.
        interrupt: ends it: everybody is let go at once.
        max_freeze: seconds that each may stand still.
    """

    def __init__(
        self, how: Open, observer: Observer, interrupt: Interrupt, max_freeze: float | None
    ) -> None:
        self._max_freeze = max_freeze
        self._how = how
        self._observer = observer
        self._interrupt = interrupt
        self._closing = ExitStack()
        self.parts: list[_Part] = []

    def __enter__(self) -> _Group:
        return self

    def __exit__(self, *what: Any) -> bool | None:
        return self._closing.__exit__(*what)

    def _each(self, parts: Iterable[_Part], phase: Callable[[_Part], None]) -> list[_Part]:
        """Take each through a phase; those that came through it."""
        through = []
        for part in parts:
            try:
                phase(part)
            except Exception as error:
                # Closed at once: it may be stopped, and is none of those that are waited for.
                with suppress(Exception):
                    part.stack.__exit__(type(error), error, error.__traceback__)
                self._observer.refused(part.pid, error)
            else:
                through.append(part)
        return through

    def stop(self, pids: Iterable[int]) -> None:
        """Prepare these, then stop them: nothing in between the stops."""
        parts = [_Part(pid) for pid in pids]
        for part in parts:
            self._closing.push(part.stack)
        parts = self._each(parts, lambda part: part.open(self._how))
        for part in parts:
            part.session.among(len(parts))
        parts = self._each(parts, lambda part: part.session.prepare())
        self._check_methods([*self.parts, *parts])
        self._check_bound([*self.parts, *parts])
        self.parts += self._each(parts, lambda part: part.session.standstill.freeze())

    def learn(self) -> None:
        """Learn of all, and let those run whose copies are read."""
        written: set[Hashable] = set()
        if len(self.parts) > 1 and self.parts[0].session.method == "snapshot":
            self.parts = self._each(
                self.parts, lambda part: written.update(part.session.standstill.written())
            )
        self.parts = self._each(self.parts, lambda part: part.session.standstill.copy(written))
        self.parts = self._each(self.parts, lambda part: part.session.standstill.run_on())
        self.parts = self._each(self.parts, lambda part: part.session.learn())

    @staticmethod
    def _check_methods(parts: Sequence[_Part]) -> None:
        """Refuse copies among others: they would run while shared memory is read of the others.

        Raises:
            TargetError: there are some.
        """
        methods = {part.session.method for part in parts}
        if len(methods) > 1 and "snapshot" in methods:
            others = ", ".join(sorted(methods - {"snapshot"}))
            raise TargetError(
                f"some of {len(parts)} targets would run on (--freeze snapshot) while others are "
                f"read (--freeze {others}): what they share would not agree",
                remedy="the same --freeze for all, or --one-by-one",
            )

    def _check_bound(self, parts: Sequence[_Part]) -> None:
        """Refuse what would take too long in all, though none of it does.

        Raises:
            TargetError: it would.
        """
        expected = sum(part.session.expected_freeze for part in parts)
        if self.parts or self._max_freeze is None or expected <= self._max_freeze:
            return  # those that come later are read all the same: each has its own bound
        raise TargetError(
            f"the last of {len(parts)} targets would stand still for about {expected:.0f} s, until "
            f"all are read, and --max-freeze is {self._max_freeze:g} s",
            remedy=f"--one-by-one, or --max-freeze {math.ceil(expected * _MARGIN)}",
        )

    def read(self) -> None:
        """Read all, those first that will be done first, and finish all dumps in the end."""
        sharing = _sharing(self.parts)
        sharing.sort(key=lambda group: sum(part.session.standstill.resident for part in group))
        waiting = [part for group in sharing for part in group]
        read: list[list[_Part]] = []
        for group in sharing:
            done: list[_Part] = []
            for part in sorted(group, key=lambda part: part.session.standstill.resident):
                if self._interrupt.reason:  # their dumps say what is known of them, and no page
                    self._let_go(waiting)
                waiting.remove(part)
                came = self._each([part], self._read_one)
                done += came
                if not set(group) & set(waiting):
                    self._let_go(done)
                self._each(came, lambda part: part.session.write_rest())
            read.append(done)
        stops = [_stop(part.session) for group in read for part in group]
        for group in read if len(self.parts) > 1 else ():
            agreement = _agreement(stops, {part.pid for part in group})
            for part in group:
                part.session.report.sections["together"] = agreement
        self._each([part for group in read for part in group], self._finish)

    def _let_go(self, parts: Iterable[_Part]) -> None:
        for part in parts:
            with suppress(TargetError):  # it is tried again, and said, when its dump is finished
                part.session.let_go()

    def _read_one(self, part: _Part) -> None:
        self._observer.began(part.pid)
        part.session.read()

    def _finish(self, part: _Part) -> None:
        part.session.let_go()
        report = part.session.finish()
        part.stack.close()
        self._observer.done(part.pid, report)


def together(
    pids: Sequence[int],
    how: Open,
    observer: Observer,
    interrupt: Interrupt,
    *,
    descendants: Callable[[int], Iterable[int]],
    more: Callable[[], Iterable[int]] = tuple,
    max_freeze: float | None = None,
) -> None:
    """Acquire several processes that all stand still at the same time.

    Args:
        pids: the processes, in the order in which they are stopped.
        how: opens a session for one of them, see `api.opened`. It is left in any case.
        observer: is told what becomes of each.
        interrupt: by which it is ended: all are let go, and have valid, incomplete dumps.
        descendants: of a process, to tell parents from children.
        more: asked when all of them stand still: processes that belong to them as well, because
            they were started meanwhile.
    """
    with _Group(how, observer, interrupt, max_freeze) as group:
        group.stop(pids)
        tried = set(pids)
        for _ in range(_ROUNDS):
            late = [pid for pid in more() if pid not in tried]
            if not late or interrupt.reason or not group.parts:
                break
            tried.update(late)
            group.stop(late)
        group.learn()
        sessions = [part.session for part in group.parts]
        relations = families([session.pid for session in sessions], descendants)
        if len(sessions) > 1:
            for session in sessions:
                others = [other for other in sessions if other is not session]
                session.relate([_related(session, other, relations) for other in others])
        group.read()


def _related(session: Session, other: Session, relations: dict[tuple[int, int], str]) -> Related:
    relation = relations.get((session.pid, other.pid), "unknown")
    return Related(other.dump_uuid, other.pid, relation)


def _sharing(parts: Sequence[_Part]) -> list[list[_Part]]:
    """Those that see what another one writes, directly or by others, together."""
    groups: list[list[tuple[_Part, Shared | None]]] = []
    for part in parts:
        shared = part.session.standstill.shared
        joined = [(part, shared)]
        apart = []
        for group in groups:
            if any(shared is None or other is None or shared.touches(other) for _, other in group):
                joined += group
            else:
                apart.append(group)
        groups = [*apart, joined]
    return [[part for part, _ in group] for group in groups]


def _stop(session: Session) -> dict[str, Any]:
    frozen = session.standstill.frozen
    return {
        "pid": session.pid,
        "dump_uuid": str(session.dump_uuid),
        "began": str(frozen.began),
        "ended": str(frozen.ended or time.time_ns()),
        "why_ended": frozen.why_ended,
    }


def _agreement(stops: Sequence[dict[str, Any]], pids: set[int]) -> dict[str, Any]:
    """How well the dumps agree.

    Args:
        stops: of all.
        pids: of those that share memory: from their last stop to the first that was let go
            nobody wrote to it.
    """
    began = [int(stop["began"]) for stop in stops]
    own = [stop for stop in stops if stop["pid"] in pids]
    return {
        "skew": str(max(began) - min(began)),
        "sharing": sorted(pids),
        "all_still_from": str(max(int(stop["began"]) for stop in own)),
        "all_still_until": str(min(int(stop["ended"]) for stop in own)),
        "stops": stops,
    }


def families(
    pids: Sequence[int], descendants: Callable[[int], Iterable[int]]
) -> dict[tuple[int, int], str]:
    """Who is whose child, among several targets: (this one, the other one) to what it is."""
    below = {pid: set(descendants(pid)) if len(pids) > 1 else set() for pid in pids}
    found: dict[tuple[int, int], str] = {}
    for pid, inside in below.items():
        own = inside & set(pids)
        for child in own:  # not the children's children
            if not any(child in below[other] for other in own):
                found[pid, child] = "child"
                found[child, pid] = "parent"
    return found
