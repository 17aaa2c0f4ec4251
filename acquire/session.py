"""One acquisition, from the preflight to the report."""

from __future__ import annotations

import contextlib
import shutil
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import IO, Any

from msl_construct import Writer
from msl_construct.builder import RegionFeed, new_uuid
from msl_construct.builder.conveyor import Conveyor
from msl_construct.errors import TargetError

from . import blocks
from .backend import Backend, Frozen, Target
from .blocks import Related
from .bounds import Bounds, Interrupt, Stopped
from .model import Identity, Mapping, Module, Outcome, Thread
from .options import Options
from .pages import Pages
from .report import Report, tool
from .tally import Rows, Tally

__all__ = ["Session"]

_OWN_MEMORY = 128 << 20
_SMALL_PARTS = 1 << 20
"""Bytes of data in a block where the size of the dump is bounded: little is lost at its end."""

Progress = Callable[[int, int], None]
"""Told of bytes of address space that are done, and how many there are."""


@dataclass
class _Known:
    """What was learnt of the target while it stood still."""

    identity: Identity
    mappings: list[Mapping]
    threads: list[Thread]
    modules: list[Module]
    facts: dict[str, Any]
    outcomes: list[Outcome] = field(default_factory=list)


class Session:
    """Acquires one process.

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
    ) -> None:
        self._backend = backend
        self._pid = pid
        self._file = file
        self._options = options
        self._name = name
        self._progress = progress
        self._dump_uuid = dump_uuid or new_uuid()
        self._related = related
        self._command_line = list(command_line)
        self._bounds = Bounds(options, interrupt or Interrupt())
        self._report = Report()
        newer = options.draft != "draft-2026-03"
        kept = "captured" if options.untouched == "zeros" else "failed"
        self._tally = Tally(
            "not_resident" if newer else kept,
            "not_resident" if newer else "failed",
            backend.error_name,
        )
        self._page = 0
        self._failed = False
        self._feed: RegionFeed | None = None
        self._began = 0

    def run(self) -> Report:
        """Do it.

        Raises:
            TargetError: the target can't be acquired; nothing was written, and it runs on.
        """
        self._began = time.time_ns()
        method = self._options.freeze or self._backend.freezers[0]
        if method not in self._backend.freezers:
            raise TargetError(
                f"freeze method {method!r}: on {self._backend.name} there are "
                f"{', '.join(self._backend.freezers)}"
            )
        checks = self._backend.preflight(self._pid, method)
        sections = self._report.sections
        sections.update(self._head(checks))
        target = self._backend.target(self._pid)
        try:
            self._page = target.page_size
            self._check_room(target)
            target.prepare()
            if self._bounds.interrupt.reason:
                raise TargetError(
                    f"{self._bounds.interrupt.reason}, before process {self._pid} was touched"
                )
            before = target.resident()
            frozen = target.freeze(method, self._options.max_freeze)
            try:
                known = self._learn(target, frozen)
                self._describe(known)
                self._capture(target, frozen, known)
            finally:
                with contextlib.suppress(TargetError):  # it was said by whoever tried first
                    frozen.thaw()
            sections["freeze"] = _freeze(frozen)
            sections["resident"] = {"before": before, "after": target.resident()}
        finally:
            target.close()
        sections["ended"] = str(time.time_ns())
        return self._report

    # -- before the target is touched --------------------------------------------------

    def _head(self, checks: dict[str, Any]) -> dict[str, Any]:
        options = asdict(self._options)
        options["selection"] = {
            "include": list(self._options.selection.include),
            "exclude": list(self._options.selection.exclude),
        }
        return {
            "tool": tool(),
            "command_line": self._command_line,
            "examiner": self._options.examiner,
            "case": self._options.case,
            "note": self._options.note,
            "started": str(self._began),
            "ended": "0",
            "options": options,
            "host": self._backend.host(),
            "preflight": checks,
        }

    def _check_room(self, target: Target) -> None:
        """Refuse what can't fit, before the target is touched.

        Raises:
            TargetError: no space for the dump, or no memory for ourselves.
        """
        with contextlib.suppress(ImportError, OSError):
            import psutil

            available = psutil.virtual_memory().available
            if available < _OWN_MEMORY:
                raise TargetError(
                    f"only {available} bytes of memory are available, at least {_OWN_MEMORY} are "
                    "needed",
                    remedy="free memory on this machine",
                )
        chosen, _ = self._options.selection.split(target.mappings())
        most = sum(mapping.size for mapping in chosen)
        preflight = self._report.sections["preflight"]
        preflight["address_space"] = most
        free = self._free()
        if free is None:
            return
        preflight["output_free"] = free
        room = free - self._options.min_free
        if most <= room:
            return
        estimate = self._estimate(target, chosen)
        preflight["estimated_size"] = estimate
        if estimate > room and self._options.compress == "none":
            raise TargetError(
                f"the dump needs about {estimate} bytes, {max(0, room)} are free for it where "
                f"it is to be written ({self._options.min_free} stay free)",
                remedy="write elsewhere, choose --compress zstd, --exclude mappings, "
                "--untouched failed or --draft draft-2026-10, or lower --min-free",
            )

    def _estimate(self, target: Target, chosen: Sequence[Mapping]) -> int:
        pages = 0
        for mapping, plan in zip(chosen, target.plans(chosen)):
            for stretch in plan:
                if self._tally.state_of(mapping, stretch) == "captured":
                    pages += stretch.pages
        return pages * target.page_size

    def _free(self) -> int | None:
        """Bytes that are free where the dump is written; None where that is no question."""
        try:
            if not Conveyor.is_regular(self._file):
                return None
            return shutil.disk_usage(self._file.fileno()).free
        except (AttributeError, OSError, ValueError):
            return None

    # -- while it stands still ---------------------------------------------------------

    def _learn(self, target: Target, frozen: Frozen) -> _Known:
        mappings = target.mappings()
        return _Known(
            target.identity(),
            mappings,
            target.threads(frozen),
            target.modules(mappings),
            target.facts(),
        )

    def _capture(self, target: Target, frozen: Frozen, known: _Known) -> None:
        chosen, left = self._options.selection.split(known.mappings)
        threads = [thread for thread in known.threads if blocks.complete(thread)]
        header = {
            "os_type": known.identity.os_type,
            "arch_type": known.identity.arch_type,
            "pid": self._pid,
            "clock_source": "clock_realtime",
            "dump_uuid": self._dump_uuid,
            "timestamp": self._began,
            "cap_bitmap": blocks.capabilities(
                regions=bool(chosen), threads=bool(threads), related=bool(self._related)
            ),
        }
        writer: Writer | None = None
        self._check_limit(known, threads)
        try:
            writer = Writer(
                self._file,
                header,
                draft=self._options.draft,
                compression=self._options.compress,
                level=self._options.level,
                overlapped=True,
            )
            assert isinstance(writer.sink, Conveyor)
            if writer.sink.revisable:
                self._file.truncate(0)  # nothing was written yet: now it is certain to be
            self._bounds.watch(writer.sink, self._file)
            blocks.add_identity(writer, known.identity, known.outcomes)
            found = blocks.add_module_list(writer, known.modules, known.outcomes)
            blocks.add_related(writer, self._related)
            blocks.add_threads(writer, threads)
            self._read(target, writer, chosen, _tail(known))
            frozen.thaw()
            self._bounds.check()
            blocks.add_modules(writer, known.modules, found)
            blocks.add_vas_map(writer, known.mappings)
            writer.close()
        except Stopped as stop:
            self._report.status, self._report.detail = stop.status, stop.detail
        except OSError as error:
            self._failed = True
            self._report.status = "output_failed"
            self._report.detail = f"the output failed: {error.strerror or error}"
            try:
                self._bounds.check()
            except Stopped as stop:  # it was given up, because it had been asked to end
                self._report.status, self._report.detail = stop.status, stop.detail
        finally:
            self._bounds.close()
            try:
                frozen.thaw()
            except TargetError as error:
                frozen.facts["not_undone"] = str(error)
            finally:
                if writer is not None:
                    with contextlib.suppress(OSError):
                        writer.abandon()
        self._outcome(writer, left)

    def _check_limit(self, known: _Known, threads: Sequence[Thread]) -> None:
        """Refuse a limit that what must stand in front of and behind the regions exceeds.

        Raises:
            TargetError: it does.
        """
        most = self._options.max_bytes
        registers = sum(len(thread.registers) for thread in threads)
        least = 2 * _tail(known) + 128 * registers + 1024 * (len(threads) + 2)
        if most is not None and most < least:
            raise TargetError(
                f"--max-bytes {most}: process {self._pid} needs about {least} without its memory",
                remedy="allow more",
            )

    def _read(self, target: Target, writer: Writer, chosen: Sequence[Mapping], tail: int) -> None:
        few = None if self._options.max_bytes is None else _SMALL_PARTS
        self._feed = feed = writer.feed(longest=few)
        self._bounds.bound(feed, tail)
        try:
            pages = Pages(target, feed, self._tally)
            if self._progress is None:
                for mapping, plan in zip(chosen, target.plans(chosen)):
                    pages.capture(mapping, plan)
            else:
                self._read_visibly(target, pages, feed, chosen, self._progress)
            feed.finish()
        finally:
            feed.close()
        if not target.alive():
            raise Stopped("target_gone", "the target ended while it was being read")

    def _read_visibly(
        self,
        target: Target,
        pages: Pages,
        feed: RegionFeed,
        chosen: Sequence[Mapping],
        progress: Progress,
    ) -> None:
        done, whole = 0, sum(mapping.size for mapping in chosen)
        feed.watch = lambda size: progress(min(whole, done + size), whole)
        for mapping, plan in zip(chosen, target.plans(chosen)):
            pages.capture(mapping, plan)
            done += mapping.size
            progress(done, whole)

    # -- for the report ----------------------------------------------------------------

    def _describe(self, known: _Known) -> None:
        identity = asdict(known.identity)
        identity["start_time"] = str(known.identity.start_time)
        threads = [
            {
                "thread_id": thread.thread_id,
                "start_time": str(thread.start_time),
                "name": thread.name,
                "thread_state": thread.thread_state,
                "flags": list(thread.flags),
                "registers": len(thread.registers),
                "stored": blocks.complete(thread),
            }
            for thread in known.threads
        ]
        modules = [
            {
                "base_addr": f"{module.base_addr:#x}",
                "module_size": module.module_size,
                "path": module.path,
                "version": module.version,
                "disk_hash": module.disk_hash.hex() if module.disk_hash else None,
                "build_id": module.build_id.hex(),
            }
            for module in known.modules
        ]
        self._report.sections["target"] = {**identity, "threads": threads, "modules": modules}
        self._report.sections["target"].update(known.facts)
        self._report.sections["outcomes"] = known.outcomes

    def _size(self, writer: Writer | None) -> int | None:
        """Bytes of the dump; None where a failing output does not tell."""
        try:
            if Conveyor.is_regular(self._file, at_start=False):
                return self._file.seek(0, 2)
        except (AttributeError, OSError, ValueError):
            return None
        return None if self._failed or writer is None else writer.sink.position

    def _outcome(self, writer: Writer | None, left: Sequence[Mapping]) -> None:
        """What is in the file, which may be less than what was read."""
        tally, sections = self._tally, self._report.sections
        pages: dict[str, int] = {}
        finished = 0
        if self._failed:
            pass  # what was read is not what could be written: the dump itself must be asked
        elif self._feed is not None and writer is not None:
            finished = tally.finished(sum(self._feed.states), self._page)
            for code, count in enumerate(self._feed.states):
                if count:
                    pages[writer.schema.page_states.decode(code).name] = count
        sections["memory"] = {
            "pages": pages,
            "causes": tally.cause_rows(tally.totals(finished)),
            "first_page_time": str(tally.first_page),
            "last_page_time": str(tally.last_page),
            "skew": str(tally.last_page - tally.first_page),
            "excluded": [f"{mapping.start:#x}-{mapping.end:#x}" for mapping in left],
        }
        sections["regions"] = Rows(tally, finished)
        sections["outcomes"] = [asdict(outcome) for outcome in sections["outcomes"]]
        sections["dump"] = {
            "path": self._name,
            "draft": self._options.draft,
            "compression": self._options.compress,
            "dump_uuid": str(self._dump_uuid),
            "file_hash": writer.file_hash.hex() if writer and writer.file_hash else None,
            "size": self._size(writer),
            "blocks": writer.blocks.index if writer and pages else None,
            "related": [
                {"dump_uuid": str(other.dump_uuid), "pid": other.pid} for other in self._related
            ],
        }


def _tail(known: _Known) -> int:
    """At most what the blocks behind the regions take: a bound, and no layout."""
    texts = sum(len(m.path) * 4 + len(m.version) * 4 + len(m.native_blob) for m in known.modules)
    names = sum(len(mapping.name) * 4 for mapping in known.mappings)
    return texts + names + 512 * (len(known.modules) + 1) + 64 * len(known.mappings)


def _freeze(frozen: Frozen) -> dict[str, Any]:
    return {
        "method": frozen.method,
        "began": str(frozen.began),
        "ended": str(frozen.ended),
        "duration": str(max(0, frozen.ended - frozen.began)),
        "why_ended": frozen.why_ended,
        **frozen.facts,
    }
