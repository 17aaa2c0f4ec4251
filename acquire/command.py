"""One run of the command: sessions as they were asked for, and people told of each."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import IO, Any

import click

from msl_construct.builder import new_uuid
from msl_construct.cli.common import STDIO, Exit, complain, data_out, discard_stdout, note
from msl_construct.errors import TargetError

from . import api
from .backend import Backend
from .blocks import Related
from .bounds import Interrupt
from .ending import tell
from .output_places import Places, stdout
from .progress import Bar
from .report import Report, pieces
from .session import Session
from .several_targets import families, together

__all__ = ["Command"]

_WORST = (Exit.FINE, Exit.INCOMPLETE, Exit.TARGET, Exit.UNREADABLE, Exit.DEFECT)
"""With several targets the exit code is that of the worst; worse stands further right."""


class Command:
    """Acquires targets, and says what became of them.

    Args:
        system: the operating system.
        places: where things go.
        interrupt: ends it.
        options: the arguments of `api.acquire` that are the same for all.
        alone: there is one target only: what it is refused with is raised.
        quiet: say only what is amiss.

    Attributes:
        code: of the worst so far.
    """

    def __init__(
        self,
        system: Backend,
        places: Places,
        interrupt: Interrupt,
        options: dict[str, Any],
        *,
        alone: bool,
        quiet: bool,
    ) -> None:
        self._system = system
        self._places = places
        self._interrupt = interrupt
        self._options = options
        self._alone = alone
        self._quiet = quiet
        self._bar: Bar | None = None
        self.code = Exit.FINE

    # -- how -------------------------------------------------------------------------------

    def together(self, pids: Sequence[int], *, children: bool) -> None:
        """All of them stopped, then read.

        Args:
            children: those that they have started when they stand still belong to them as well.
        """

        def late() -> Iterable[int]:
            if not children or self._places.output == STDIO:  # which takes one dump
                return ()
            return [child for pid in pids for child in self._descendants(pid)]

        together(
            pids,
            self._open,
            self,
            self._interrupt,
            descendants=self._descendants,
            more=late,
            max_freeze=self._options["max_freeze"],
        )
        self._end_of_bar()

    def one_by_one(self, pids: Sequence[int], method: str) -> None:
        """Each stopped, read and let go before the next."""
        possible = []
        for pid in pids:  # dumps name each other: those that can't be made must not be named
            try:
                self._system.preflight(pid, method)
            except TargetError as error:
                self.refused(pid, error)
            else:
                possible.append(pid)
        uuids = {pid: new_uuid() for pid in possible}
        relations = families(possible, self._descendants)
        for pid in possible:
            related = [
                Related(uuids[other], other, relations.get((pid, other), "unknown"))
                for other in possible
                if other != pid
            ]

            def how(pid: int, related: Sequence[Related] = related) -> Any:
                return self._open(pid, dump_uuid=uuids[pid], related=related)

            together([pid], how, self, self._interrupt, descendants=self._descendants)
            self._end_of_bar()
            if self._interrupt.reason:
                break

    def _descendants(self, pid: int) -> Iterable[int]:
        with suppress(TargetError, OSError):
            return self._system.children(pid)
        return ()

    def _open(self, pid: int, **more: Any) -> AbstractContextManager[Session]:
        path, report = self._places.dump(pid), self._places.report_of(pid)
        bar = Bar(f"process {pid}", shown=not self._quiet)
        file: str | IO[bytes] = path if path != STDIO else stdout()
        return api.opened(
            pid,
            file,
            force=self._places.force,
            interrupt=self._interrupt,
            progress=self._progress if bar.shown else None,
            command_line=sys.argv,
            report=None if report == STDIO else report,
            backend=self._system,
            evidence=self._places.evidence_of(pid),
            **self._options,
            **more,
        )

    # -- what is told ----------------------------------------------------------------------

    def _progress(self, done: int, whole: int) -> None:
        if self._bar is not None:
            self._bar(done, whole)

    def _end_of_bar(self) -> None:
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.__exit__(None, None, None)

    def refused(self, pid: int, error: Exception) -> None:
        """There is no dump of it."""
        self._end_of_bar()
        if isinstance(error, FileExistsError):
            place = error.filename or self._places.dump(pid)
            error = click.UsageError(f"{place}: is there already; --force replaces it")
        if self._alone or isinstance(error, click.UsageError):
            raise error
        self._worse(complain(error, f"process {pid}"))

    def began(self, pid: int) -> None:
        """It is being read."""
        self._end_of_bar()
        self._bar = Bar(f"process {pid}", shown=not self._quiet)

    def done(self, pid: int, report: Report) -> None:
        """Its dump is finished."""
        self._end_of_bar()
        path, where = self._places.dump(pid), self._places.report_of(pid)
        if where == STDIO:
            try:
                with data_out() as out:
                    out.writelines(pieces(report.summary()))
            except BrokenPipeError:  # the exit code must still say what came of it
                discard_stdout()
        evidence = self._places.evidence_of(pid)
        files = ["stdout" if path == STDIO else path]
        files += [] if where is None or report.unwritten else [where]
        files += [] if evidence is None else [f"{evidence}/"]
        code = tell(report, pid, files, quiet=self._quiet)
        if report.unwritten:
            note(f"msl: {where}: the report can't be written: {report.unwritten}")
        lost = (report["evidence"] or {}).get("detail", "")
        if lost:
            note(f"msl: {evidence}: the evidence is incomplete: {lost}")
        amiss = report.complete and (report.unwritten or lost)
        self._worse(Exit.UNREADABLE if amiss else code)

    def _worse(self, code: Exit) -> None:
        self.code = max(self.code, code, key=_WORST.index)
