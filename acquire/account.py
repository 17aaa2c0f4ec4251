"""What the report of one acquisition says, from the preflight to its end, and its file."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from . import describing
from .backend import Frozen
from .blocks import Related
from .bounds import Bounds, Stopped
from .dumping import Dumping
from .model import Known, Mapping
from .options import Options
from .report import Report
from .report_file import ReportSink
from .tally import MappingRows, Tally

__all__ = ["Account"]


class Account:
    """Keeps the report of one acquisition while it goes on.

    Args:
        name: of the dump, as the report gives it.
        options: what the caller chose.
        dump_uuid: of the dump.
        dumping: the dump that is written.
        bounds: what ends the acquisition early.
        tally: what came of the pages.
        file: where the report goes; it is there before the first page.

    Attributes:
        report: what is known so far.
        began: when it began, in nanoseconds since 1970; 0 before that.
        related: other dumps that are taken along with this one.
    """

    def __init__(
        self,
        name: str,
        options: Options,
        dump_uuid: uuid.UUID,
        dumping: Dumping,
        bounds: Bounds,
        tally: Tally,
        file: ReportSink | None,
    ) -> None:
        self.report = Report()
        self.began = 0
        self.related: Sequence[Related] = ()
        self._name = name
        self._options = options
        self._dump_uuid = dump_uuid
        self._dumping = dumping
        self._bounds = bounds
        self._tally = tally
        self._file = file

    def __setitem__(self, section: str, value: Any) -> None:
        self.report.sections[section] = value

    def start(self, command_line: Sequence[str]) -> None:
        """Take the time, and say what was asked for."""
        self.began = time.time_ns()
        head = describing.head(self._options, command_line, self.began)
        self.report.sections.update(head)

    def begin_file(self) -> None:
        """See to it that there can be a report, before the target is touched."""
        if self._file is not None:
            self._file.begin(self.report, self._so_far())

    def keep_renewing(self, frozen: Frozen, rows: int) -> None:
        """Renew the file from now on, where memory is read.

        Args:
            frozen: the stop.
            rows: how many mappings are read.
        """
        if self._file is not None:
            self["freeze"] = describing.freeze(frozen)
            self._file.renew(self.report, self._so_far, rows)

    def ended_early(self, error: Stopped | OSError | MemoryError) -> None:
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

    def outcome(self, known: Known, left: Sequence[Mapping], idle: Sequence[str]) -> None:
        """Say what is in the file, which may be less than what was read.

        Args:
            known: what was learnt of the target.
            left: mappings that were not chosen.
            idle: selectors that chose nothing.
        """
        tally, pages = self._tally, self._dumping.pages
        finished = tally.finished(sum(pages.values()), known.identity.page_size) if pages else 0
        self["memory"] = describing.memory(tally, finished, pages, left, idle)
        self["regions"] = MappingRows(tally, finished)
        self["outcomes"] = [asdict(outcome) for outcome in known.outcomes]
        self["dump"] = self._dump(self._dumping.size, certain=bool(pages))

    def finish(self) -> None:
        """Say that it is over, in the file as well."""
        self.report.sections["dump"].update(self._dumping.hashes())
        self["ended"] = str(time.time_ns())
        if self._file is None:
            return
        try:
            self._file.finish(self.report)
        except OSError as error:
            self.report.unwritten = error.strerror or str(error)
            if self._file.made:
                self.report.unwritten += "; the file still says that it is running"

    def broke_off(self, error: BaseException, *, begun: bool) -> None:
        """An exception goes up: the file must not say that it is being worked on.

        Args:
            error: the exception.
            begun: whether there may be something of a dump.
        """
        file, self._file = self._file, None
        if file is None:
            return
        with contextlib.suppress(OSError):
            if not begun:
                file.discard()
                return
            self.report.status = "defect"
            self.report.detail = f"{type(error).__name__}: {error}"
            file.finish(self.report)

    def _so_far(self) -> dict[str, Any]:
        """What changes while memory is read; asked in a thread, at any moment."""
        return {
            "memory": {"pages": self._dumping.pages},
            "dump": self._dump(self._dumping.position, certain=False),
        }

    def _dump(self, size: int | None, *, certain: bool) -> dict[str, Any]:
        return describing.dump(
            self._name,
            self._options,
            self._dump_uuid,
            self._dumping.writer,
            size,
            self.related,
            certain=certain,
        )
