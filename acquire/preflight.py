"""What is done before the target is touched: who it is, what it would take, what refuses it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from msl_construct.errors import TargetError

from . import describing, room
from .account import Account
from .backend import Backend, Target
from .background import Later
from .estimate import Estimate, work_of
from .machine import Machine
from .model import Limit
from .needs import lack_refuses
from .options import Options
from .output import DumpOutput

__all__ = ["Preflight"]


class Preflight:
    """Looks at a target that is not touched yet.

    Args:
        backend: the operating system.
        pid: the target.
        method: how it is to be stopped.
        options: what the caller chose.
        account: where it is said.
        command_line: what the user typed.

    Attributes:
        target: once it is found; whoever holds this closes it.
        limits: of the acquirer itself.
        expected: what it would take; None before `look`.
    """

    def __init__(
        self,
        backend: Backend,
        pid: int,
        method: str,
        options: Options,
        account: Account,
        command_line: Sequence[str],
    ) -> None:
        self.target: Target | None = None
        self.limits: list[Limit] = []
        self.expected: Estimate | None = None
        self._backend = backend
        self._pid = pid
        self._method = method
        self._options = options
        self._account = account
        self._command_line = command_line
        self._preparing: Later[None] | None = None

    def look(
        self, output: DumpOutput, *, prepare: bool = False
    ) -> tuple[Estimate, list[TargetError]]:
        """What it would take, and why it would be refused; nobody is touched.

        Args:
            output: where the dump would go.
            prepare: begin meanwhile with what takes long and need not be frozen; not where it
                might take what the target needs, of which the estimate tells.

        Raises:
            TargetError: the target can't be acquired, or not even be looked at.
        """
        self._account.start(self._command_line)
        if self._method not in self._backend.freezers:
            raise TargetError(
                f"freeze method {self._method!r}: on {self._backend.name} there are "
                f"{', '.join(self._backend.freezers)}"
            )
        with lack_refuses():
            checks = self._backend.preflight(self._pid, self._method)
            self._account["host"] = self._backend.host()
            self._account["preflight"] = checks
            self.target = target = self._backend.target(self._pid)
            mappings = target.mappings()
            self._options.selection.check(mappings)
            self.limits = limits = self._backend.limits(self._pid)
            if prepare and not any(limit.kind == "memory" for limit in limits):
                self._preparing = Later(lambda: target.prepare(self._options.hash_algo))
            work = work_of(target, mappings, self._options, checks.get("threads", 1))
            expected, refusals = room.look(work, self._pid, self._options, output, limits)
        checks["output_free"] = output.free
        checks["estimate"] = expected.as_json()
        checks["limits"] = [asdict(limit) for limit in limits]
        self.expected = expected
        return expected, refusals

    def finish(self) -> None:
        """Do what takes long and need not be frozen, or wait for its end."""
        assert self.target is not None
        if self._preparing is None:
            self.target.prepare(self._options.hash_algo)
        else:
            self._preparing.result()

    def machine(self) -> Machine:
        """The machine, shortly before the target is stopped.

        Raises:
            TargetError: it is not looked at on this system.
        """
        found = self._backend.machine()
        if found is None:
            raise TargetError(f"on {self._backend.name} the machine is not looked at")
        self._account["investigation"] = describing.machine(found)
        return found
