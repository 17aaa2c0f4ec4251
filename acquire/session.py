"""One acquisition, from the preflight to the report, phase by phase."""

from __future__ import annotations

import gc
import uuid
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import IO, Any

from msl_construct.builder import new_uuid
from msl_construct.errors import TargetError
from msl_construct.reader.acquisition_report import target_hash

from . import blocks, describing, room
from .account import Account
from .backend import Backend, Target
from .blocks import Related
from .bounds import Bounds, Interrupt, Stopped
from .collecting import Collecting
from .dump_header import dump_header
from .dumping import Dumping, Progress
from .estimate import Estimate
from .evidence import EvidenceFolder, EvidenceLimits
from .machine import Machine
from .memory_capture import MemoryCapture
from .model import Known, Mapping
from .needs import check_tasks, lack_refuses
from .options import Options
from .output import DumpOutput
from .preflight import Preflight
from .report import Report
from .report_file import ReportSink
from .standstill import Standstill
from .tally import Tally
from .warming import warm

__all__ = ["Progress", "Session"]

_FILES_REMAIN = ("complete", "target_gone", "target_replaced")
"""What may have come of it where there still is a point in reading files that were mapped."""

_RUNS_ON = ("none", "snapshot")
"""Methods by which the target runs on while it is read."""


class Session:
    """Acquires one process: `run` does it all, or phase by phase.

    The phases are `prepare`, `stop` (which is those of `Standstill`, and `learn`), `read`,
    `let_go` and `finish`, each once and in this order, within a ``with``: whatever happens in
    between, the target is let go at its end. Several sessions can be stopped one after the other,
    and then read: see `together`.

    Args:
        backend: the operating system.
        pid: the target.
        file: where the dump goes: a binary file that stands at its start, or a pipe.
        options: what the caller chose.
        name: of the file, for the report.
        interrupt: the caller's way to stop it.
        progress: told how far it is.
        dump_uuid: of the dump; made up unless given.
        related: other dumps that are taken along with it.
        command_line: what the user typed, for the report.
        on_begin: called when the header of the dump and its first block are written.
        on_end: called when all of it is; raises an `OSError` if it is not where it belongs.
        report_file: where the report goes; it is there before the first page.
        evidence: where the system's own files are kept; removed where there is no dump.

    Attributes:
        report: what is known so far.
        standstill: the target from its stop on.
    """

    def __init__(
        self,
        backend: Backend,
        pid: int,
        file: IO[bytes],
        options: Options,
        *,
        name: str = "",
        interrupt: Interrupt | None = None,
        progress: Progress | None = None,
        dump_uuid: uuid.UUID | None = None,
        related: Sequence[Related] = (),
        command_line: Sequence[str] = (),
        on_begin: Callable[[], None] = lambda: None,
        on_end: Callable[[], None] = lambda: None,
        report_file: ReportSink | None = None,
        evidence: EvidenceFolder | None = None,
    ) -> None:
        self._evidence_folder = evidence
        self._backend = backend
        self._pid = pid
        self._file = file
        self._options = options
        self._name = name
        self._dump_uuid = dump_uuid or new_uuid()
        self._begun = False
        self._on_end = on_end
        self._bounds = Bounds(options, interrupt or Interrupt())
        self._dumping = Dumping(file, options, self._bounds, on_begin)
        newer = options.has_not_resident
        kept = "captured" if options.untouched == "zeros" else "failed"
        tally = Tally(
            "not_resident" if newer else kept,
            "not_resident" if newer else "failed",
            backend.error_name,
        )
        self._memory = MemoryCapture(self._dumping, tally, self._bounds, progress)
        self._account = Account(
            name, options, self._dump_uuid, self._dumping, self._bounds, tally, report_file
        )
        self._account.related = related
        self.report = self._account.report
        self._method = options.freeze or backend.freezers[0]
        self._preflight = Preflight(
            backend, pid, self._method, options, self._account, list(command_line)
        )
        self.standstill = Standstill(
            pid, self._method, self._preflight, options, self._bounds.interrupt
        )
        self._unfreeze: Callable[[], None] = _nothing
        self._left: list[Mapping] = []
        self._idle: list[str] = []
        self._written = False
        self._several = 1
        self._machine: Machine | None = None
        self._collecting: Collecting | None = None

    def run(self) -> Report:
        """Do it.

        Raises:
            TargetError: the target can't be acquired; nothing was written, and it runs on.
        """
        with self:
            self.prepare()
            self.stop()
            self.read()
            self.let_go()
            return self.finish()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._unfreeze()
        try:
            self.standstill.abandon()
        finally:
            self._dumping.abandon()
            self._bounds.close()
            self._memory.close()
            if self._collecting is not None:
                self._collecting.close(keep=self._begun)
            elif self._evidence_folder is not None:
                self._evidence_folder.abandon()
            try:
                if self._preflight.target is not None:
                    self._preflight.target.close()
            finally:
                if error is not None:
                    self._account.broke_off(error, begun=self._begun)

    # -- for those who take several ---------------------------------------------------

    @property
    def pid(self) -> int:
        """The target."""
        return self._pid

    @property
    def dump_uuid(self) -> uuid.UUID:
        """Of the dump to come."""
        return self._dump_uuid

    @property
    def method(self) -> str:
        """How the target is stopped."""
        return self._method

    @property
    def expected_freeze(self) -> float:
        """Seconds for which the target is expected to stand still; after `prepare`."""
        expected = self._preflight.expected
        return expected.freeze if expected else 0.0

    def relate(self, related: Sequence[Related]) -> None:
        """Say which dumps are taken along with this one; before it is read."""
        self._account.related = related

    def among(self, several: int) -> None:
        """Say how many are stopped together, and share memory for them; before `prepare`."""
        self._several = several

    # -- the phases --------------------------------------------------------------------

    def prepare(self) -> None:
        """Everything that can be done before the target is touched.

        Raises:
            TargetError: it can't be acquired.
        """
        preflight = self._preflight
        expected, refusals = preflight.look(
            DumpOutput.of_file(self._file, self._backend.in_memory), prepare=True
        )
        if refusals:
            raise refusals[0]
        target = self.standstill.target
        with lack_refuses():
            check_tasks(expected.needs.tasks, preflight.limits)
            # Whoever will stop it starts while modules are still being hashed.
            target.arm(self._method, self._options.max_freeze)
            preflight.finish()
            if self._options.investigation:
                self._machine = preflight.machine()
            if self._evidence_folder is not None:
                self._collecting = Collecting(
                    self._evidence_folder,
                    target.evidence(),
                    EvidenceLimits(
                        self._options.evidence_max_file, self._options.evidence_max_total
                    ),
                    lambda: bool(self._bounds.interrupt.reason),
                )
                self._collecting.before(
                    describing.belongings(self._name, self._dump_uuid, self._pid, self._options)
                )
            self._warm_up(target, expected)
        self._account.begin_file()
        with lack_refuses():
            target.ready()

    def _warm_up(self, target: Target, expected: Estimate) -> None:
        """Learn and write once what is learnt and written while the target stands still."""
        identity, mappings = target.identity(), target.mappings()
        found = Known(identity, mappings, [], target.modules(mappings), target.facts())
        self._options.selection.split(mappings)
        # It is what the report says where we are killed in the first moments of the stop.
        self._account["target"] = describing.target(found)
        warm(self._options, self._header(found, regions=True, threads=True), found)
        self._dumping.get_ready()
        if self._method not in _RUNS_ON:
            self._memory.prepare_to_hold(expected, self._preflight.limits, self._several)
        if not gc.get_freeze_count():  # else it is our caller's, or another session's
            # What is there by now need not be looked through while the target waits.
            gc.freeze()
            self._unfreeze = gc.unfreeze

    def rehearse(self, output: DumpOutput) -> tuple[Estimate, list[TargetError]]:
        """What it would take, and why it would be refused; nobody is touched.

        Args:
            output: where the dump would go.

        Raises:
            TargetError: the target can't be acquired, or not even be looked at.
        """
        return self._preflight.look(output)

    def stop(self) -> None:
        """Stop the target, and learn of it what can change.

        Raises:
            TargetError: it can't be stopped, or not be acquired as it turns out to be.
        """
        self.standstill.freeze()
        self.standstill.copy()
        self.standstill.run_on()
        self.learn()

    def learn(self) -> None:
        """Learn of the target what can change.

        Raises:
            TargetError: it can't be acquired as it turns out to be.
        """
        with lack_refuses():
            known = self.standstill.learn(self._machine)
        self._options.selection.check(known.mappings, self._stack_pointers(known))
        self._account["target"] = describing.target(known)
        self._account["outcomes"] = known.outcomes
        room.check_limit(self._options, self._pid, known, blocks.stored_threads(known))
        if self._collecting is not None:
            self._collecting.frozen(self._method, known.mappings, self._options.evidence_seconds)

    def read(self) -> None:
        """Write what was learnt, then read the memory.

        A bound that is reached and an output that fails are told by the report's status.
        """
        known, target, memory = self.standstill.known, self.standstill.target, self._memory
        pointers = self._stack_pointers(known)
        chosen, self._left = self._options.selection.split(known.mappings, pointers)
        self._idle = self._options.selection.idle(known.mappings, pointers)
        memory.choose(target, chosen, alone=not self._account.related)
        self._begun = True
        try:
            memory.read(target, room.behind(known), self._begin_dump)
        except (Stopped, OSError, MemoryError) as error:
            self._account.ended_early(error)

    def _begin_dump(self) -> None:
        """Write what stands in front of the regions.

        Raises:
            OSError: it can't be written.
        """
        known = self.standstill.known
        self._account.keep_renewing(self.standstill.frozen, self._memory.mappings)
        threads, regions = blocks.stored_threads(known), bool(self._memory.mappings)
        self._dumping.begin(
            self._header(known, regions=regions, threads=bool(threads)),
            known,
            threads,
            self._account.related,
            room.cache_room(self._preflight.limits),
            target_hash(self.report.sections["target"]) if self._machine else "",
        )

    def let_go(self) -> None:
        """Let the target go.

        Raises:
            TargetError: it can't be let go, of which nothing else in the report would tell.
        """
        try:
            self.standstill.end()
        except TargetError:
            if self.report.complete:
                raise

    def write_rest(self) -> None:
        """Read what need not stand still, write what stands behind the regions, and give back
        what writing takes."""
        if self._written:
            return
        self._written = True
        known = self.standstill.known
        tail = room.behind(known)
        try:
            if not self._dumping.failed:
                if self._dumping.writer is None:
                    self._begin_dump()
                self._memory.write_held(tail)
            if self.report.status in _FILES_REMAIN:
                self._memory.read_later(tail)
        except (Stopped, OSError, MemoryError) as error:
            self._account.ended_early(error)
        self._dumping.end_regions()
        if self._dumping.writer is not None and not self._dumping.failed:
            self._write_tail(known)
        self._dumping.abandon()
        self._bounds.close()
        self._memory.close()
        if self.report.status == "output_failed":
            given_up = self._dumping.save_tail(known, self.standstill.target.page_size)
            if given_up is not None:
                self.report.detail += (
                    f"; its last {given_up} bytes gave way to modules and mappings"
                )

    def finish(self) -> Report:
        """Write what is missing, and say what came of it all."""
        known, target = self.standstill.known, self.standstill.target
        self.write_rest()
        account = self._account
        if self._dumping.writer is not None:
            try:
                self._on_end()
            except OSError as error:
                account.ended_early(error)
        account.outcome(known, self._left, self._idle)
        account["freeze"] = freeze = describing.freeze(self.standstill.frozen)
        account["after"] = target.afterwards()
        account["resident"] = {"before": self.standstill.resident, "after": target.resident()}
        collecting = self._collecting
        account["evidence"] = None if collecting is None else collecting.after({"freeze": freeze})
        account.finish()
        return self.report

    # -- inside them -------------------------------------------------------------------

    def _write_tail(self, known: Known) -> None:
        """What stands behind the regions: of a dump that was stopped as well, but for its end."""
        try:
            if self.report.complete:
                self._bounds.check()
        except Stopped as stop:
            self._account.ended_early(stop)
        try:
            self._dumping.add_tail(known, complete=self.report.complete)
        except (OSError, MemoryError) as error:
            self._account.ended_early(error)

    def _stack_pointers(self, known: Known) -> list[int]:
        return [] if self._options.selection.everything else known.stack_pointers()

    def _header(self, known: Known, *, regions: bool, threads: bool) -> dict[str, Any]:
        return dump_header(
            known,
            self._options,
            self._dump_uuid,
            self._account.began,
            regions=regions,
            threads=threads,
            related=bool(self._account.related),
        )


def _nothing() -> None:
    """What there is to undo where nothing was done."""
