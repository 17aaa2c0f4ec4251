"""One acquisition, from the preflight to the report, phase by phase."""

from __future__ import annotations

import contextlib
import gc
import time
import uuid
from collections.abc import Callable, Hashable, Sequence, Set
from dataclasses import asdict
from types import TracebackType
from typing import IO, Any

from msl_construct.builder import new_uuid
from msl_construct.errors import TargetError
from msl_construct.reader.acquisition_report import target_hash

from . import blocks, describing, machine_blocks, room
from .backend import Backend, Frozen, Target
from .background import Later
from .blocks import Related
from .bounds import Bounds, Interrupt, Stopped
from .collecting import Collecting
from .dumping import Dumping, Progress
from .estimate import Estimate, work_of
from .evidence import EvidenceFolder, EvidenceLimits
from .machine import Machine
from .memory_capture import MemoryCapture
from .model import Known, Limit, Mapping, Shared, Thread
from .needs import check_tasks, lack_refuses
from .options import Options
from .output import DumpOutput
from .report import Report
from .report_file import ReportFile
from .tally import MappingRows, Tally
from .warming import warm

__all__ = ["Progress", "Session"]

_FILES_REMAIN = ("complete", "target_gone", "target_replaced")
"""What may have come of it where there still is a point in reading files that were mapped."""

_RUNS_ON = ("none", "snapshot")
"""Methods by which the target runs on while it is read."""
_LOOKS = 3
"""How often a target that runs is looked at anew because it executed another program."""


class Session:
    """Acquires one process: `run` does it all, or phase by phase.

    The phases are `prepare`, `stop` (which is `freeze`, `copy`, `run_on` and `learn`), `read`,
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
        report_file: where the report goes; it is there before the first page.
        evidence: where the system's own files are kept; removed where there is no dump.

    Attributes:
        report: what is known so far.
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
        report_file: ReportFile | None = None,
        evidence: EvidenceFolder | None = None,
    ) -> None:
        self._evidence_folder = evidence
        self._backend = backend
        self._pid = pid
        self._file = file
        self._options = options
        self._name = name
        self._dump_uuid = dump_uuid or new_uuid()
        self._related = related
        self._command_line = list(command_line)
        self._report_file = report_file
        self._begun = False
        self._bounds = Bounds(options, interrupt or Interrupt())
        self._dumping = Dumping(file, options, self._bounds, on_begin)
        self.report = Report()
        newer = options.has_not_resident
        kept = "captured" if options.untouched == "zeros" else "failed"
        self._tally = Tally(
            "not_resident" if newer else kept,
            "not_resident" if newer else "failed",
            backend.error_name,
        )
        self._memory = MemoryCapture(self._dumping, self._tally, self._bounds, progress)
        self._method = options.freeze or backend.freezers[0]
        self._began = 0
        self._resident = 0
        self._unfreeze: Callable[[], None] = _nothing
        self._target: Target | None = None
        self._preparing: Later[None] | None = None
        self._frozen: Frozen | None = None
        self._known: Known | None = None
        self._left: list[Mapping] = []
        self._idle: list[str] = []
        self._written = False
        self._expected: Estimate | None = None
        self._several = 1
        self._machine: Machine | None = None
        self._collecting: Collecting | None = None
        self._limits: list[Limit] = []

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
        self._bounds.close()
        self._unfreeze()
        try:
            if self._frozen is not None:
                with contextlib.suppress(TargetError):  # it was said by whoever tried first
                    self._frozen.thaw()
        finally:
            self._dumping.abandon()
            self._memory.close()
            if self._collecting is not None:
                self._collecting.close(keep=self._begun)
            elif self._evidence_folder is not None:
                self._evidence_folder.abandon()
            if self._target is not None:
                self._target.close()
            if error is not None:
                self._broke_off(error)

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
    def resident(self) -> int:
        """Bytes of memory that the target had when it was stopped."""
        return self._resident

    @property
    def expected_freeze(self) -> float:
        """Seconds for which the target is expected to stand still; after `prepare`."""
        return self._expected.freeze if self._expected else 0.0

    @property
    def shared(self) -> Shared | None:
        """What of its memory others may have mapped, too; after `learn`."""
        assert self._target is not None
        assert self._known is not None
        return self._target.shared_memory(self._known.mappings)

    def written(self) -> Set[Hashable]:
        """What it writes for others to see; between `freeze` and `copy`.

        Raises:
            TargetError: it is gone.
        """
        assert self._target is not None
        with lack_refuses():
            shared = self._target.shared_memory(self._target.mappings())
        return shared.written if shared else frozenset()

    @property
    def frozen(self) -> Frozen:
        """The stop; only after `freeze`."""
        assert self._frozen is not None
        return self._frozen

    def relate(self, related: Sequence[Related]) -> None:
        """Say which dumps are taken along with this one; before it is read."""
        self._related = related

    def among(self, several: int) -> None:
        """Say how many are stopped together, and share memory for them; before `prepare`."""
        self._several = several

    # -- the phases --------------------------------------------------------------------

    def prepare(self) -> None:
        """Everything that can be done before the target is touched.

        Raises:
            TargetError: it can't be acquired.
        """
        output = DumpOutput.of_file(self._file, self._backend.in_memory)
        expected, refusals = self.rehearse(output, prepare=True)
        self._expected = expected
        if refusals:
            raise refusals[0]
        assert self._target is not None
        with lack_refuses():
            check_tasks(expected.needs.tasks, self._limits)
            # Whoever will stop it starts while modules are still being hashed.
            self._target.arm(self._method, self._options.max_freeze)
            if self._preparing is None:
                self._prepare_target()
            else:
                self._preparing.result()
            if self._options.investigation:
                self._machine = self._investigated()
            if self._evidence_folder is not None:
                self._begin_evidence(self._target, self._evidence_folder)
            self._warm_up(self._target)
        if self._report_file is not None:
            self._report_file.begin(self.report, self._progress_so_far())
        with lack_refuses():
            self._target.ready()

    def _investigated(self) -> Machine:
        """The machine, shortly before the target is stopped.

        Raises:
            TargetError: it is not looked at on this system.
        """
        found = self._backend.machine()
        if found is None:
            raise TargetError(f"on {self._backend.name} the machine is not looked at")
        self.report.sections["investigation"] = describing.machine(found)
        return found

    def _warm_up(self, target: Target) -> None:
        """Learn and write once what is learnt and written while the target stands still."""
        identity, mappings = target.identity(), target.mappings()
        found = Known(identity, mappings, [], target.modules(mappings), target.facts())
        self._options.selection.split(mappings)
        # It is what the report says where we are killed in the first moments of the stop.
        self.report.sections["target"] = describing.target(found)
        warm(self._options, self._header(found, regions=True, threads=True), found)
        self._dumping.get_ready()
        if self._method not in _RUNS_ON:
            assert self._expected is not None
            self._memory.prepare_to_hold(self._expected, self._limits, self._several)
        if not gc.get_freeze_count():  # else it is our caller's, or another session's
            # What is there by now need not be looked through while the target waits.
            gc.freeze()
            self._unfreeze = gc.unfreeze

    def rehearse(
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
        self._began = time.time_ns()
        if self._method not in self._backend.freezers:
            raise TargetError(
                f"freeze method {self._method!r}: on {self._backend.name} there are "
                f"{', '.join(self._backend.freezers)}"
            )
        with lack_refuses():
            checks = self._backend.preflight(self._pid, self._method)
            sections = self.report.sections
            sections.update(describing.head(self._options, self._command_line, self._began))
            sections["host"] = self._backend.host()
            sections["preflight"] = checks
            self._target = target = self._backend.target(self._pid)
            mappings = target.mappings()
            self._options.selection.check(mappings)
            self._limits = limits = self._backend.limits(self._pid)
            if prepare and not any(limit.kind == "memory" for limit in limits):
                self._preparing = Later(self._prepare_target)
            work = work_of(target, mappings, self._options, checks.get("threads", 1))
            expected, refusals = room.look(work, self._pid, self._options, output, limits)
        checks["output_free"] = output.free
        checks["estimate"] = expected.as_json()
        checks["limits"] = [asdict(limit) for limit in limits]
        return expected, refusals

    def _prepare_target(self) -> None:
        assert self._target is not None
        self._target.prepare(self._options.hash_algo)

    def stop(self) -> None:
        """Stop the target, and learn of it what can change.

        Raises:
            TargetError: it can't be stopped, or not be acquired as it turns out to be.
        """
        self.freeze()
        self.copy()
        self.run_on()
        self.learn()

    def freeze(self) -> None:
        """Stop the target.

        Raises:
            TargetError: it can't be stopped.
        """
        target = self._target
        assert target is not None
        if self._bounds.interrupt.reason:
            raise TargetError(
                f"{self._bounds.interrupt.reason}, before process {self._pid} was touched"
            )
        self._resident = target.resident()
        with lack_refuses():
            self._frozen = target.freeze(self._method, self._options.max_freeze)

    def copy(self, written: Set[Hashable] = frozenset()) -> None:
        """Make the copy that is read, where that is the method, and keep what is not in it.

        Args:
            written: what this and others write for each other to see, see `Shared`.

        Raises:
            TargetError: that can't be.
        """
        assert self._target is not None
        with lack_refuses():
            self._target.copy(lambda mappings: self._options.selection.split(mappings)[0], written)

    def run_on(self) -> None:
        """Let the target run, where a copy of it is read.

        Raises:
            TargetError: the time was up.
        """
        assert self._target is not None
        self._target.run_on()

    def learn(self) -> None:
        """Learn of the target what can change.

        Raises:
            TargetError: it can't be acquired as it turns out to be.
        """
        target = self._target
        assert target is not None
        with lack_refuses():
            self._known = known = self._learn_of_one_program(target)
        self._options.selection.check(known.mappings, _stack_pointers(known, self._options))
        self.report.sections["target"] = describing.target(known)
        self.report.sections["outcomes"] = known.outcomes
        room.check_limit(self._options, self._pid, known, self._stored_threads())
        if self._collecting is not None:
            self._collecting.frozen(self._method, known.mappings, self._options.evidence_seconds)

    def _learn_of_one_program(self, target: Target) -> Known:
        """What runs on may execute another program in the middle: then it is stopped anew.

        Raises:
            TargetError: it does so again and again, or can't be stopped.
        """
        for left in reversed(range(_LOOKS)):
            assert self._frozen is not None
            mappings = target.mappings()
            known = Known(
                target.identity(),
                mappings,
                target.threads(self._frozen),
                target.modules(mappings),
                target.facts(),
                machine=self._machine,
            )
            if not (another := target.another_program()):
                return known
            self._frozen.thaw()
            if left:
                self._frozen = target.freeze(self._method, self._options.max_freeze)
                self.copy()
                self.run_on()
        raise TargetError(
            f"process {self._pid} executed another program ({another}) each of {_LOOKS} times that "
            "it was looked at",
            remedy="stop it for as long as that takes: --freeze ptrace, and --max-freeze longer",
        )

    def read(self) -> None:
        """Write what was learnt, then read the memory.

        A bound that is reached and an output that fails are told by the report's status.
        """
        known = self._known
        assert known is not None
        target, memory = self._target, self._memory
        assert target is not None
        pointers = _stack_pointers(known, self._options)
        chosen, self._left = self._options.selection.split(known.mappings, pointers)
        self._idle = self._options.selection.idle(known.mappings, pointers)
        memory.choose(target, chosen, alone=not self._related)
        self._begun = True
        try:
            memory.read(target, room.behind(known), self._begin_dump)
        except (Stopped, OSError, MemoryError) as error:
            self._ended_early(error)

    def _begin_dump(self) -> None:
        """Write what stands in front of the regions.

        Raises:
            OSError: it can't be written.
        """
        assert self._known is not None
        assert self._frozen is not None
        if self._report_file is not None:
            self.report.sections["freeze"] = describing.freeze(self._frozen)
            rows = self._memory.mappings
            self._report_file.renew(self.report, self._progress_so_far, rows)
        threads, regions = self._stored_threads(), bool(self._memory.mappings)
        self._dumping.begin(
            self._header(self._known, regions=regions, threads=bool(threads)),
            self._known,
            threads,
            self._related,
            room.cache_room(self._limits),
            target_hash(self.report.sections["target"]) if self._machine else "",
        )

    def let_go(self) -> None:
        """Let the target go.

        Raises:
            TargetError: it can't be let go; it was tried twice.
        """
        frozen = self._frozen
        assert frozen is not None
        try:
            frozen.thaw()
        except TargetError:
            try:
                frozen.thaw()
            except TargetError as error:
                frozen.facts["not_undone"] = str(error)
            if self.report.complete:
                raise

    def write_rest(self) -> None:
        """Read what need not stand still, write what stands behind the regions, and give back
        what writing takes."""
        known, target = self._known, self._target
        if self._written or known is None or target is None:
            return
        self._written = True
        tail = room.behind(known)
        try:
            if not self._dumping.failed:
                if self._dumping.writer is None:
                    self._begin_dump()
                self._memory.write_held(tail)
            if self.report.status in _FILES_REMAIN:
                self._memory.read_later(tail)
        except (Stopped, OSError, MemoryError) as error:
            self._ended_early(error)
        self._dumping.end_regions()
        if self._dumping.writer is not None and not self._dumping.failed:
            self._write_tail(known)
        self._bounds.close()
        self._dumping.abandon()
        self._memory.close()
        if self.report.status == "output_failed":
            given_up = self._dumping.save_tail(known, target.page_size)
            if given_up is not None:
                self.report.detail += (
                    f"; its last {given_up} bytes gave way to modules and mappings"
                )

    def finish(self) -> Report:
        """Write what is missing, and say what came of it all."""
        known, target, frozen = self._known, self._target, self._frozen
        assert known is not None
        assert target is not None
        assert frozen is not None
        self.write_rest()
        self._outcome(known)
        sections = self.report.sections
        sections["freeze"] = describing.freeze(frozen)
        sections["after"] = target.afterwards()
        sections["resident"] = {"before": self._resident, "after": target.resident()}
        sections["evidence"] = (
            None
            if self._collecting is None
            else self._collecting.after({"freeze": sections["freeze"]})
        )
        sections["dump"].update(self._dumping.hashes())
        sections["ended"] = str(time.time_ns())
        if self._report_file is not None:
            try:
                self._report_file.finish(self.report)
            except OSError as error:
                self.report.unwritten = error.strerror or str(error)
                if self._report_file.made:
                    self.report.unwritten += "; the file still says that it is running"
        return self.report

    # -- inside them -------------------------------------------------------------------

    def _write_tail(self, known: Known) -> None:
        """What stands behind the regions: of a dump that was stopped as well, but for its end."""
        try:
            if self.report.complete:
                self._bounds.check()
        except Stopped as stop:
            self._ended_early(stop)
        try:
            self._dumping.add_tail(known, complete=self.report.complete)
        except (OSError, MemoryError) as error:
            self._ended_early(error)

    def _progress_so_far(self) -> dict[str, Any]:
        """For the report of an acquisition that goes on; in a thread, at any moment."""
        return {
            "memory": {"pages": self._dumping.pages},
            "dump": self._dump(self._dumping.position, certain=False),
        }

    def _broke_off(self, error: BaseException) -> None:
        """An exception goes up: the report must not say that it is being worked on."""
        file, self._report_file = self._report_file, None
        if file is None:
            return
        with contextlib.suppress(OSError):
            if not self._begun:
                file.discard()
                return
            self.report.status = "defect"
            self.report.detail = f"{type(error).__name__}: {error}"
            file.finish(self.report)

    def _begin_evidence(self, target: Target, folder: EvidenceFolder) -> None:
        limits = EvidenceLimits(self._options.evidence_max_file, self._options.evidence_max_total)
        self._collecting = Collecting(
            folder, target.evidence(), limits, lambda: bool(self._bounds.interrupt.reason)
        )
        self._collecting.before(
            {
                "dump": {"path": self._name, "dump_uuid": str(self._dump_uuid), "pid": self._pid},
                "examiner": self._options.examiner,
                "case": self._options.case,
            }
        )

    def _stored_threads(self) -> list[Thread]:
        assert self._known is not None
        return [thread for thread in self._known.threads if blocks.complete(thread)]

    def _header(self, known: Known, *, regions: bool, threads: bool) -> dict[str, Any]:
        header: dict[str, Any] = {
            "os_type": known.identity.os_type,
            "arch_type": known.identity.arch_type,
            "pid": self._pid,
            "clock_source": "clock_realtime",
            "dump_uuid": self._dump_uuid,
            "timestamp": self._began,
            "cap_bitmap": blocks.capabilities(
                regions=regions,
                threads=threads,
                related=bool(self._related),
                machine=machine_blocks.capabilities(known),
            ),
        }
        if known.machine is not None:
            header["flags"] = ["investigation"]
        if self._options.hash_algo != "blake3":  # which the other draft has no field for
            header["hash_algo"] = self._options.hash_algo
        return header

    def _ended_early(self, error: Stopped | OSError | MemoryError) -> None:
        """Take note of why the dump is incomplete."""
        if isinstance(error, MemoryError):
            error = Stopped("out_of_memory", "the acquirer got no more memory")
        if isinstance(error, OSError):
            self._dumping.failed = True
            self.report.status = "output_failed"
            self.report.detail = f"the output failed: {error.strerror or error}"
            try:
                self._bounds.check()
            except Stopped as stop:  # it was given up, because it had been asked to end
                error = stop
        if isinstance(error, Stopped):
            self.report.status, self.report.detail = error.status, error.detail

    def _outcome(self, known: Known) -> None:
        """What is in the file, which may be less than what was read."""
        tally, sections, pages = self._tally, self.report.sections, self._dumping.pages
        finished = tally.finished(sum(pages.values()), known.identity.page_size) if pages else 0
        sections["memory"] = describing.memory(tally, finished, pages, self._left, self._idle)
        sections["regions"] = MappingRows(tally, finished)
        sections["outcomes"] = [asdict(outcome) for outcome in known.outcomes]
        sections["dump"] = self._dump(self._dumping.size, certain=bool(pages))

    def _dump(self, size: int | None, *, certain: bool) -> dict[str, Any]:
        return describing.dump(
            self._name,
            self._options,
            self._dump_uuid,
            self._dumping.writer,
            size,
            self._related,
            certain=certain,
        )


def _nothing() -> None:
    """What there is to undo where nothing was done."""


def _stack_pointers(known: Known, options: Options) -> list[int]:
    """Of all threads whose registers are known; none where the choice needs none."""
    if options.selection.everything:
        return []
    return [
        int.from_bytes(register.value, "little")
        for thread in known.threads
        for register in thread.registers
        if "sp" in register.flags
    ]
