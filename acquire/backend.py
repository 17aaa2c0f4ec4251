"""What an operating system must offer to be acquired from.

The session asks in this order: `Backend.preflight`, `Backend.target`, `Target.arm`,
`Target.prepare`, `ready`, `freeze`, `copy`, `run_on`, then within the freeze `identity`,
`mappings`, `threads`, `modules`, `facts`, `plans` and many `read`, and in the end `alive`,
`Frozen.thaw`, `Target.afterwards`, `close`.
Nothing here knows the layout of a dump.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence, Set
from typing import Any, Protocol

from .bounds import Stopped
from .evidence import EvidenceFolder, EvidenceLimits
from .machine import Machine
from .model import Failure, Identity, Limit, Mapping, Module, Shared, Stretch, Thread

__all__ = ["Backend", "Chosen", "EvidenceCollector", "Frozen", "Pageable", "Target"]

Chosen = Callable[[Sequence[Mapping]], Sequence[Mapping]]
"""Picks those mappings of a target's that are to be captured."""


class Frozen(Protocol):
    """A target that stands still, or (`method` ``none``) runs on.

    Attributes:
        method: ``ptrace``, ``cgroup``, ``sigstop``, ``snapshot``, ``none``, or another system's.
        began, ended: nanoseconds since the Unix epoch: when everything stood still, and when
            it was let go (0: not yet).
        why_ended: ``done``, ``max_freeze`` (the time was up), ``gone`` (the target ended);
            empty while frozen.
        facts: for the report: number of threads, whether it had been stopped before, what
            could not be stopped and why.
    """

    method: str
    began: int
    facts: dict[str, Any]

    @property
    def ended(self) -> int:
        """See above; may be asked for at any time."""

    @property
    def why_ended(self) -> str:
        """The same."""

    def thaw(self) -> None:
        """Let the target go as it was found; more than once does no harm."""


class EvidenceCollector(Protocol):
    """Collects the system's own files about a target, moment by moment, in this order."""

    def before(self, folder: EvidenceFolder, stop: Callable[[], bool]) -> None:
        """Take what takes long, and what stopping the target would change.

        Args:
            stop: whether to leave the rest.

        Raises:
            OSError: the folder can't be written to.
        """

    def frozen(self, moment: str, mappings: Sequence[Mapping], seconds: float) -> None:
        """Take what is cheap, into memory, while the target stands still.

        Args:
            moment: its name for the manifest; ``running`` where nothing was stopped.
            mappings: the target's.
            seconds: at most this long.

        Raises:
            OSError: the system refuses what that takes.
        """

    def after(
        self, folder: EvidenceFolder, limits: EvidenceLimits, stop: Callable[[], bool]
    ) -> None:
        """Take the rest, and copy the target's own files.

        Raises:
            OSError: the folder can't be written to.
        """

    def close(self) -> None:
        """Let go of everything; more than once does no harm."""


class Pageable(Protocol):
    """Memory that is read page by page."""

    page_size: int

    def plans(self, mappings: Sequence[Mapping]) -> Iterator[Sequence[Stretch]]:
        """For each mapping, in order, what to do about its pages; their sum is the mapping.

        Lazy: asked for shortly before the mapping is read. Nothing is read for it. They are
        mostly in address order, but need not be.
        """

    def read(self, mapping: Mapping, address: int, into: memoryview) -> int:
        """Read whole pages from `address` on; how many bytes came.

        Stops in front of the first page that can't be read, having tried every way to
        read it. Never blocks on a page that nobody will ever provide. Called from several
        threads at once, as `failure` is: by one for the page at which its own read stopped.
        """

    def failure(self, mapping: Mapping, address: int, pages: int) -> Failure:
        """Why the page at `address`, where `read` stopped, can't be read.

        Args:
            pages: how many of the mapping's pages from there on are of interest.
        """


class Target(Pageable, Protocol):
    """One process."""

    pid: int

    def prepare(self, hash_algo: str = "blake3") -> None:
        """Do ahead of the freeze whatever takes long and may be done then: hash modules.

        Args:
            hash_algo: what with, by its name in the schema.
        """

    def arm(self, method: str, max_freeze: float | None) -> None:
        """Start whoever will stop it and let it go, so that `freeze` need not; don't wait for
        that. It is not touched, and `close` undoes it.

        Args:
            method, max_freeze: as for `freeze`.

        Raises:
            TargetError: it can't be stopped so, as far as that shows already.
        """

    def ready(self) -> None:
        """Wait for what `arm` began.

        Raises:
            TargetError: nobody could be started.
        """

    def freeze(self, method: str, max_freeze: float | None) -> Frozen:
        """Stop every thread; takes no longer than the stop, where it was armed for the same.

        Args:
            method: as the user asked.
            max_freeze: seconds after which the target is let go in any case, by somebody who
                is not blocked by whatever blocks the caller.

        Raises:
            TargetError: it can't be stopped so.
        """

    def copy(self, chosen: Chosen, written: Set[Hashable] = frozenset()) -> None:
        """Where a copy is read instead of it, make that, and keep what the copy would not hold.
        Several that share memory all stand still meanwhile.

        Args:
            chosen: of what is to be kept.
            written: what these several write for others to see, see `Shared.written`: it is
                kept, too.

        Raises:
            TargetError: that can't be; it is let go.
        """

    def run_on(self) -> None:
        """Where a copy is read instead of it, let it run; all copies have been made.

        Raises:
            TargetError: the copy is lost; it is let go.
        """

    def identity(self) -> Identity:
        """Who it is."""

    def mappings(self) -> list[Mapping]:
        """Its address space, in address order."""

    def modules(self, mappings: Sequence[Mapping]) -> list[Module]:
        """What is mapped as code."""

    def threads(self, frozen: Frozen) -> list[Thread]:
        """Its threads, with registers where the freeze permits."""

    def readable_later(
        self, mappings: Sequence[Mapping], *, alone: bool
    ) -> tuple[Sequence[Mapping], Pageable | None]:
        """What can be read after it has been let go, whatever becomes of it then.

        To be asked while it stands still, and before `plans`. Parts of other mappings may be
        planned to be read so, too: see `model.Action.LATER`.

        Args:
            alone: nobody stands still who has some of its memory mapped as well.

        Returns:
            whole mappings, in order, of which that is true; and what reads them and those parts
            until `close`, None where there is nothing of the kind.
        """

    def resident(self) -> int:
        """Bytes of memory that the target occupies now; 0 where unknown."""

    def alive(self) -> bool:
        """Whether its address space, or the copy that is read, is still there."""

    def ending(self) -> Stopped:
        """Why it isn't, for the report."""

    def shared_memory(self, mappings: Sequence[Mapping]) -> Shared | None:
        """What of its memory others may have mapped as well; None where that is not known."""

    def another_program(self) -> str:
        """The program that it executes instead of the one that it was frozen with; else empty."""

    def afterwards(self) -> dict[str, Any]:
        """How it fares when it has been let go, for the report; may take a moment.

        Returns:
            At least ``verdict`` (``as_found``, ``ended``, or another word) and ``detail`` (the
            same in words for people; empty if it is as it was).
        """

    def facts(self) -> dict[str, Any]:
        """Everything else for the report: descriptors, connections, environment, …"""

    def evidence(self) -> EvidenceCollector:
        """What collects evidence of it.

        Raises:
            TargetError: the system offers none: see `Backend.keeps_evidence`.
        """

    def close(self) -> None:
        """Let go of everything but the target."""


class Backend(Protocol):
    """One operating system."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def freezers(self) -> tuple[str, ...]:
        """Methods of freezing; the first is the default."""

    def machine(self) -> Machine | None:
        """What runs on the machine, and who is connected; None where that is not looked at.

        Takes some milliseconds for each process.
        """

    @property
    def lists(self) -> str:
        """The system's own command that shows what is running."""

    @property
    def keeps_evidence(self) -> bool:
        """Whether `Target.evidence` is offered."""

    def members(self, kind: str, name: str) -> list[int]:
        """PIDs, in order, of the processes that belong together, whatever state they are in.

        Args:
            kind: ``name``, ``container`` or ``unit``: what `name` is the name of.

        Raises:
            TargetError: this system knows no such thing, or it is not clear which one is meant.
        """

    def unfit(self, pid: int) -> str:
        """Why there is nothing to acquire of a process, such as a zombie; empty otherwise."""

    def describe(self, pid: int) -> str:
        """A process in a few words: whose, since when, and its command."""

    def children(self, pid: int) -> list[int]:
        """PIDs of its descendants, in order."""

    def preflight(self, pid: int, method: str) -> dict[str, Any]:
        """Check that the target can be acquired, without touching it; facts for the report.

        Raises:
            TargetError: it can't; the message names the cause and the remedy.
        """

    def limits(self, pid: int) -> list[Limit]:
        """What limits this process, and whether the target `pid` shares it."""

    def in_memory(self, device: int) -> bool:
        """Whether the file system of this device number keeps its files in memory."""

    def target(self, pid: int) -> Target:
        """Open it.

        Raises:
            TargetError: it is gone, or not ours to read.
        """

    def resume(self, pid: int) -> str:
        """Let a process run on that an acquirer has left stopped; what was done.

        Raises:
            TargetError: it can't be, or this system leaves none.
        """

    def error_name(self, number: int) -> str:
        """The symbol of an error number in `Failure` and `Stretch`."""

    def host(self) -> dict[str, Any]:
        """Facts about the machine: name, system, boot id, clocks."""
