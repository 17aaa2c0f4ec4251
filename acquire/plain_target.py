"""What targets answer alike of which little is known, and which one call stops."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence, Set
from typing import Any, ClassVar, NoReturn, Protocol, TypeVar

from msl_construct.errors import TargetError

from .backend import Chosen, Pageable
from .bounds import Stopped, gone
from .model import Failure, Mapping, Shared, Stretch
from .suspension import Suspension

__all__ = ["FREEZERS", "CallFailed", "PlainMemory", "PlainTarget", "demand_method"]

FREEZERS = ("suspend", "none")
"""The methods that such a system has."""

T = TypeVar("T")


class CallFailed(Exception):
    """A system call failed.

    Attributes:
        function: its name.
        code: as the system says it: an errno, a kern_return_t, an NTSTATUS, GetLastError's.
    """

    def __init__(self, function: str, code: int) -> None:
        super().__init__(f"{function} failed with error {code:#x}")
        self.function = function
        self.code = code


class PlainMemory(Protocol):
    """The memory of such a target."""

    def mappings(self) -> list[Mapping]:
        """All of it, in address order."""

    def stretches(self, mapping: Mapping) -> Sequence[Stretch]:
        """What to do about the pages of a mapping."""

    def read(self, address: int, into: memoryview) -> int:
        """Read whole pages up to the first that can't be read."""

    def failure(self, address: int, pages: int) -> Failure:
        """Why a page can't be read."""


def demand_method(system: str, method: str, freezers: Sequence[str] = FREEZERS) -> None:
    """Refuse a method of freezing that the system does not have.

    Raises:
        TargetError: it has none of this name.
    """
    if method not in freezers:
        raise TargetError(
            f"{system} has no freeze method {method}", remedy=f"use {' or '.join(freezers)}"
        )


class PlainTarget:
    """The part of a `Target` that is the same wherever one call stops a process.

    Attributes:
        pid: the process.
        system_name: what it runs on, as people write it.
        freezers: the methods of freezing.
        remedy_of_stopped: what to do about a target that can't be resumed.
    """

    pid: int
    system_name: ClassVar[str]
    freezers: ClassVar[tuple[str, ...]] = FREEZERS
    remedy_of_stopped: ClassVar[str]
    _memory: PlainMemory

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._suspension: Suspension | None = None
        self._hashes: dict[str, bytes | None] = {}
        self._facts: dict[str, Any] = {}

    # -- what the system does ------------------------------------------------------------

    def alive(self) -> bool:
        """Whether it has not ended."""
        raise NotImplementedError

    def lives(self) -> bool:
        """The same; where a copy is read, not of that."""
        return self.alive()

    def _suspend(self) -> None:
        """Stop it. Raises `CallFailed`."""
        raise NotImplementedError

    def _let_go(self) -> str:
        """Undo that; why it was let go already, empty if it wasn't. Raises `CallFailed`."""
        raise NotImplementedError

    def _release(self) -> None:
        """Close whatever it was opened by."""
        raise NotImplementedError

    # -- stopping it -----------------------------------------------------------------------

    def arm(self, method: str, max_freeze: float | None) -> None:
        """There is nobody to start: it is stopped by one call of ours.

        Raises:
            TargetError: the method is unknown.
        """
        demand_method(self.system_name, method, self.freezers)

    def ready(self) -> None:
        """There is nobody to wait for."""

    def freeze(self, method: str, max_freeze: float | None) -> Suspension:
        """Stop it, or not (``none``).

        Raises:
            TargetError: the method is unknown, or refused by the system.
        """
        self.arm(method, max_freeze)
        self._suspension = Suspension(method, self._stop, self._resume, self.lives, max_freeze)
        self._suspension.facts.update(self._facts_before())
        self._suspension.begin()
        return self._suspension

    def _facts_before(self) -> dict[str, Any]:
        """What the report is to have of it as it was before it was stopped."""
        return {}

    def _stop(self) -> None:
        try:
            self._suspend()
        except CallFailed as error:
            raise TargetError(
                f"process {self.pid} can't be suspended: {error}",
                remedy="acquire it running, with the freeze method none",
            ) from error

    def _resume(self) -> str:
        try:
            return self._let_go()
        except CallFailed as error:
            raise TargetError(
                f"process {self.pid} could not be resumed: {error}", remedy=self.remedy_of_stopped
            ) from error

    def copy(self, chosen: Chosen, written: Set[Hashable] = frozenset()) -> None:
        """Nothing, unless there is a method that reads a copy."""

    def run_on(self) -> None:
        """Nothing, unless there is a method that reads a copy."""

    def close(self) -> None:
        """Let the target go, if it still stands still, and what it was opened by."""
        try:
            if self._suspension is not None:
                self._suspension.thaw()
        finally:
            self._release()

    # -- its memory ------------------------------------------------------------------------

    def mappings(self) -> list[Mapping]:
        """What it has mapped, in address order."""
        return self._memory.mappings()

    def plans(self, mappings: Sequence[Mapping]) -> Iterator[Sequence[Stretch]]:
        """For each mapping, in order, what to do about its pages."""
        return (self._memory.stretches(mapping) for mapping in mappings)

    def read(self, mapping: Mapping, address: int, into: memoryview) -> int:
        """Read whole pages up to the first that can't be read."""
        return self._memory.read(address, into)

    def failure(self, mapping: Mapping, address: int, pages: int) -> Failure:
        """Why the page at `address` can't be read; `errno` is the system's own number."""
        return self._memory.failure(address, pages)

    # -- what is known of it ---------------------------------------------------------------

    def _asked(self, what: str, otherwise: T, function: Callable[[int], T], argument: int) -> T:
        """What the system says; where it does not, that is listed in `facts`."""
        try:
            return function(argument)
        except CallFailed as error:
            self._unknown(what, error)
            return otherwise

    def _unknown(self, what: str, error: CallFailed) -> None:
        self._facts.setdefault("unknown", {})[what] = str(error)

    def ending(self) -> Stopped:
        """Why it is no longer alive."""
        return gone()

    def afterwards(self) -> dict[str, Any]:
        """Whether it is still there; more is not looked at here."""
        if self.lives():
            return {"verdict": "as_found", "detail": ""}
        detail = f"process {self.pid} has not outlived its acquisition"
        return {"verdict": "ended", "detail": detail}

    def shared_memory(self, mappings: Sequence[Mapping]) -> Shared | None:
        """Not known here."""
        return None

    def readable_later(
        self, mappings: Sequence[Mapping], *, alone: bool
    ) -> tuple[Sequence[Mapping], Pageable | None]:
        """None."""
        return (), None

    def another_program(self) -> str:
        """Never said here."""
        return ""

    def evidence(self) -> NoReturn:
        """Not offered.

        Raises:
            TargetError: always.
        """
        raise TargetError(
            f"no evidence is kept on {self.system_name}", remedy="leave --evidence out"
        )
