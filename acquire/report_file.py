"""The report's file: there before the first page is read, renewed meanwhile, finished in the end.

Whatever becomes of the acquirer, a whole report is there: each version is written under another
name, and takes the place of the one before in one step.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from msl_construct.outputs import NewFile, is_passing

from .report import REPORT_VERSION, Report, pieces

__all__ = ["ReportFile", "ReportSink", "write_report"]

_SOON = 0.02
"""Seconds that the first page waits for what is known to be on disk, where no report is there."""

_LATER = 0.02
"""Seconds from the first page on after which a report that is there is renewed: most targets are
let go before, and need not share our time with it."""

_EVERY = 1.0
_SHARE = 100
"""Renewing takes at most one part in so many of the time."""

_PATIENCE = 10.0
_RESERVE = 256 << 10
"""Bytes kept free for the last version, besides the size of the one that is there."""

_CHANGING = ("report", "status", "detail", "written", "memory", "dump")

Progress = Callable[[], dict[str, Any]]
"""Sections of the report that change while memory is read."""


def write_report(report: Report, path: str | os.PathLike[str], *, force: bool) -> None:
    """Write a report to a file that only its owner can read, in one step.

    Raises:
        OSError: it can't be written, or is there already and `force` isn't given.
    """
    ReportFile(path, force=force).finish(report)


class ReportSink(Protocol):
    """Where the report of an acquisition goes, in a folder or at a distance.

    Attributes:
        made: whether a version of it is there.
    """

    made: bool

    def begin(self, report: Report, progress: dict[str, Any] | None = None) -> None:
        """See to it that there can be a report, before the target is touched.

        Args:
            progress: the sections that will change.

        Raises:
            OSError: there can't.
            StreamError: likewise, of an address that nothing can be written to.
        """

    def renew(self, report: Report, progress: Progress, rows: int) -> None:
        """Let whoever looks see what is known by now, where that can be.

        Args:
            progress: gives the sections that change.
            rows: of regions that the finished report will have.
        """

    def finish(self, report: Report) -> None:
        """Write the report as it is in the end.

        Raises:
            OSError: it can't be written.
        """

    def discard(self) -> None:
        """There is nothing to report on: leave things as they were found."""


class ReportFile:
    """A report on disk; a device or a named pipe gets the finished one only.

    Args:
        path: where it goes.
        force: a file that is there is replaced, once there is a dump to report on.

    Attributes:
        made: whether a version of it is there.
    """

    def __init__(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        self.path = Path(path)
        self._passing = is_passing(path)
        self._replace = force and os.path.lexists(self.path)
        self.made = False
        self._ours = 0, 0, 0
        self._waiting: NewFile | None = None
        self._reserve: int | None = None
        self._thread: threading.Thread | None = None
        self._written = threading.Event()
        self._over = threading.Event()

    def begin(self, report: Report, progress: dict[str, Any] | None = None) -> None:
        """See to it that there can be a report, before the target is touched.

        Args:
            progress: the sections that will change.

        Raises:
            OSError: there can't.
        """
        if self._passing:
            return
        try:
            if not self._replace:
                self._store(_running(_known(report.summary()), progress or {}))
                return
            # What is there stays until there is a dump.
            self._waiting = NewFile(self.path, force=True)
            _write(self._waiting, _running(_known(report.summary()), progress or {}))
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from None

    def renew(self, report: Report, progress: Progress, rows: int) -> None:
        """Write what is known by now, and renew it now and then until `finish`.

        Comes back soon, whatever the disk does: a thread writes.

        Args:
            progress: gives the sections that change.
            rows: of regions that the finished report will have.
        """
        if self._passing:
            return
        self._appear()
        found = report.summary()
        self._thread = threading.Thread(
            target=self._renewing, args=(found, progress, rows), name="msl-report", daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError:  # there are no more threads to be had: once has to do
            self._thread = None
            with contextlib.suppress(OSError):
                self._store(_running(_known(found), progress()))
            return
        if not self.made:
            self._written.wait(_SOON)

    def finish(self, report: Report) -> None:
        """Write the report as it is in the end.

        Raises:
            OSError: it can't be written; the one before stays.
        """
        self._stop()
        if self._passing:
            with open(self.path, "w", encoding="utf-8", newline="\n") as out:
                out.writelines(pieces(report.summary()))
            return
        self._release()
        self._forget_waiting()
        self._store(pieces(report.summary()), last=True)

    def discard(self) -> None:
        """There is nothing to report on: leave things as they were found."""
        self._stop()
        self._release()
        self._forget_waiting()
        if self.made and not self._replace:
            with contextlib.suppress(OSError):
                os.unlink(self.path)

    def _appear(self) -> None:
        """Let the first version take the place of somebody else's report."""
        new = self._waiting
        if new is None:
            return
        with contextlib.suppress(OSError):
            new.settle()
            self._ours = _who(self._told(new))
            self.made = True
        self._forget_waiting()

    def _forget_waiting(self) -> None:
        new, self._waiting = self._waiting, None
        if new is not None:
            new.__exit__(None, None, None)

    def _release(self) -> None:
        """Give back the room that was kept for the last version."""
        if self._reserve is not None:
            os.close(self._reserve)
            self._reserve = None

    # -- in the thread -----------------------------------------------------------------

    def _renewing(self, found: dict[str, Any], progress: Progress, rows: int) -> None:
        pause = _EVERY
        if self.made and self._over.wait(_LATER):
            return
        known = _known(found)
        size = sum(map(len, known)) + 300 * rows + _RESERVE
        while True:
            began = time.monotonic()
            try:  # a disk that is full now may not be full later
                self._store(_running(known, progress()))
                if not self._written.is_set():
                    self._reserve = _reserved(self.path, size)
            except OSError:
                pass
            finally:
                self._written.set()
            pause = max(_EVERY, _SHARE * (time.monotonic() - began))
            if self._over.wait(pause):
                return

    def _stop(self) -> None:
        """End the thread.

        Raises:
            OSError: the disk does not answer.
        """
        self._over.set()
        if self._thread is not None:
            self._thread.join(_PATIENCE)
            if self._thread.is_alive():
                raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT), str(self.path))
            self._thread = None

    # -- one version -------------------------------------------------------------------

    def _store(self, text: Iterable[str], *, last: bool = False) -> None:
        """Put a version in the place of the one before.

        Raises:
            OSError: it can't be written, or somebody else's file is there by now.
        """
        with NewFile(self.path, force=self.made or self._replace) as new:
            _write(new, text)
            if last:
                os.fsync(new.file.fileno())
            if self.made and _who(os.lstat(self.path)) != self._ours:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(self.path))
            new.settle()
            self._ours = _who(self._told(new))
        self.made = True

    def _told(self, new: NewFile) -> os.stat_result:
        """What tells our version from others: by its name where descriptors know less of it."""
        return os.lstat(self.path) if sys.platform == "win32" else os.fstat(new.file.fileno())


def _write(new: NewFile, text: Iterable[str]) -> None:
    with open(new.file.fileno(), "w", encoding="utf-8", newline="\n", closefd=False) as out:
        out.writelines(text)


def _known(found: dict[str, Any]) -> list[str]:
    """What of a report does not change any more, as JSON."""
    return list(pieces({key: found[key] for key in found if key not in _CHANGING}, compact=True))


def _running(known: Sequence[str], changing: dict[str, Any]) -> Iterator[str]:
    """A version of a report that says that it is not the last."""
    front = {
        "report": REPORT_VERSION,
        "status": "running",
        "detail": "not finished when this was written",
        "written": str(time.time_ns()),
        **changing,
    }
    *begin, _ = pieces(front, compact=True)
    yield from begin
    yield "," + known[0][1:]  # in place of its brace
    yield from known[1:]


def _who(told: os.stat_result) -> tuple[int, int, int]:
    # Inodes are used again. The time of the last write changes on Windows when a file is closed;
    # what other systems call ctime is when it was made there.
    when = told.st_ctime_ns if sys.platform == "win32" else told.st_mtime_ns
    return told.st_dev, told.st_ino, when


def _reserved(path: Path, size: int) -> int | None:
    """A file without a name that has room for `size` bytes; None where there can be none."""
    flag = getattr(os, "O_TMPFILE", None)
    if flag is None or not hasattr(os, "posix_fallocate"):
        return None
    try:
        descriptor = os.open(path.parent, os.O_WRONLY | flag | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
