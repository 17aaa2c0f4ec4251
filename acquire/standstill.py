"""How a target stands still: from its stop until it is let go, and what was learnt of it then."""

from __future__ import annotations

from collections.abc import Hashable, Set
from contextlib import suppress

from msl_construct.errors import TargetError

from .backend import Frozen, Target
from .bounds import Interrupt
from .machine import Machine
from .model import Known, Shared
from .needs import lack_refuses
from .options import Options
from .preflight import Preflight

__all__ = ["Standstill"]

_LOOKS = 3
"""How often a target that runs is looked at anew because it executed another program."""


class Standstill:
    """Stops one target, has it copied where that is the method, learns of it, and lets it go.

    The phases are `freeze`, `copy`, `run_on`, `learn` and `end`, each once and in this order.

    Args:
        pid: the target.
        method: how it is stopped.
        preflight: what has found it.
        options: what the caller chose.
        interrupt: the caller's way to stop it.

    Attributes:
        pid: the target.
        resident: bytes of memory that the target had when it was stopped.
    """

    def __init__(
        self, pid: int, method: str, preflight: Preflight, options: Options, interrupt: Interrupt
    ) -> None:
        self.resident = 0
        self.pid = pid
        self._method = method
        self._preflight = preflight
        self._options = options
        self._interrupt = interrupt
        self._frozen: Frozen | None = None
        self._known: Known | None = None

    @property
    def target(self) -> Target:
        """The process; only once it is found."""
        target = self._preflight.target
        assert target is not None
        return target

    @property
    def frozen(self) -> Frozen:
        """The stop; only after `freeze`."""
        assert self._frozen is not None
        return self._frozen

    @property
    def known(self) -> Known:
        """What was learnt; only after `learn`."""
        assert self._known is not None
        return self._known

    @property
    def shared(self) -> Shared | None:
        """What of its memory others may have mapped, too; after `learn`."""
        return self.target.shared_memory(self.known.mappings)

    def written(self) -> Set[Hashable]:
        """What it writes for others to see; between `freeze` and `copy`.

        Raises:
            TargetError: it is gone.
        """
        with lack_refuses():
            shared = self.target.shared_memory(self.target.mappings())
        return shared.written if shared else frozenset()

    def freeze(self) -> None:
        """Stop the target.

        Raises:
            TargetError: it can't be stopped.
        """
        target = self.target
        if self._interrupt.reason:
            raise TargetError(f"{self._interrupt.reason}, before process {self.pid} was touched")
        self.resident = target.resident()
        with lack_refuses():
            self._frozen = target.freeze(self._method, self._options.max_freeze)

    def copy(self, written: Set[Hashable] = frozenset()) -> None:
        """Make the copy that is read, where that is the method, and keep what is not in it.

        Args:
            written: what this and others write for each other to see, see `Shared`.

        Raises:
            TargetError: that can't be.
        """
        with lack_refuses():
            self.target.copy(lambda mappings: self._options.selection.split(mappings)[0], written)

    def run_on(self) -> None:
        """Let the target run, where a copy of it is read.

        Raises:
            TargetError: the time was up.
        """
        self.target.run_on()

    def learn(self, machine: Machine | None) -> Known:
        """Learn of the target what can change.

        What runs on may execute another program in the middle: then it is stopped anew.

        Args:
            machine: that it runs on, where it was looked at.

        Raises:
            TargetError: it does so again and again, or can't be stopped.
        """
        target = self.target
        for left in reversed(range(_LOOKS)):
            mappings = target.mappings()
            known = Known(
                target.identity(),
                mappings,
                target.threads(self.frozen),
                target.modules(mappings),
                target.facts(),
                machine=machine,
            )
            if not (another := target.another_program()):
                self._known = known
                return known
            self.frozen.thaw()
            if left:
                self._frozen = target.freeze(self._method, self._options.max_freeze)
                self.copy()
                self.run_on()
        raise TargetError(
            f"process {self.pid} executed another program ({another}) each of {_LOOKS} times that "
            "it was looked at",
            remedy="stop it for as long as that takes: --freeze ptrace, and --max-freeze longer",
        )

    def end(self) -> None:
        """Let the target go.

        Raises:
            TargetError: it can't be let go; it was tried twice.
        """
        try:
            self.frozen.thaw()
        except TargetError:
            try:
                self.frozen.thaw()
            except TargetError as error:
                self.frozen.facts["not_undone"] = str(error)
                raise

    def abandon(self) -> None:
        """Let the target go if it was stopped; whoever tried first has said that it can't be."""
        if self._frozen is not None:
            with suppress(TargetError):
                self._frozen.thaw()
