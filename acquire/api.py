"""The library call."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import IO, Any, cast

from msl_construct.outputs import NewFile, Place, is_passing
from msl_construct.remote_output import RemoteFile, is_remote

from .backend import Backend
from .backends import backend as this_system
from .blocks import Related
from .bounds import Interrupt
from .estimate import Estimate
from .evidence import EvidenceFolder
from .options import Options
from .output import DumpOutput
from .remote_report import RemoteReport
from .report import Report
from .report_file import ReportFile, ReportSink
from .selection import Selection
from .session import Progress, Session

__all__ = ["acquire", "create", "estimate", "opened"]

_LOOK_EVERY = 0.1


@contextlib.contextmanager
def create(
    path: Place,
    *,
    force: bool = False,
    interrupt: Interrupt | None = None,
    timeout: float | None = None,
) -> Iterator[tuple[IO[bytes], Callable[[], None]]]:
    """A new file that only its owner can read, as a dump should be, and what lets it appear.

    Args:
        path: of the file, or its address (``s3://…``); a device or a named pipe is written to,
            never replaced.
        force: replace a file that is there, when it is put in place and not before.
        interrupt: ends the wait for the reader of a named pipe.
        timeout: seconds after which that wait ends in any case; None: never.

    Raises:
        OSError: it can't be made; see `check_place`.
    """
    if is_remote(os.fspath(path)):
        with RemoteFile(os.fspath(path), force=force) as remote:
            yield cast("IO[bytes]", remote), remote.settle
            if not remote.settled:
                raise OSError(errno.EIO, "the dump could not be sent, and nothing is kept", path)
        return
    if not is_passing(path):
        with NewFile(path, force=force) as new:
            yield new.file, new.settle
        return
    descriptor = _open_passing(path, interrupt, timeout)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):  # exchanged behind our back
        os.close(descriptor)
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(path))
    with open(descriptor, "wb", 0) as file:
        yield file, _nothing


def _nothing() -> None:
    """What is written to as it is has its place."""


def _open_passing(path: Place, interrupt: Interrupt | None, timeout: float | None) -> int:
    """A device, or a named pipe; waits for somebody who reads it, and for nothing else.

    Raises:
        InterruptedError: nobody came, and the caller was asked to end.
        TimeoutError: nobody came in time.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    patient = getattr(os, "O_NONBLOCK", 0)
    while True:
        try:
            descriptor = os.open(path, os.O_WRONLY | patient)
        except OSError as error:
            if error.errno != errno.ENXIO or not patient:
                raise
            if interrupt is not None and interrupt.reason:
                raise InterruptedError(errno.EINTR, "nobody reads it", os.fspath(path)) from None
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError(
                    errno.ETIMEDOUT,
                    f"nobody reads it, and the {timeout:g} seconds of --timeout are over",
                    os.fspath(path),
                ) from None
            time.sleep(_LOOK_EVERY)
            continue
        if patient:
            os.set_blocking(descriptor, True)
        return descriptor


def estimate(
    pid: int,
    file: str | os.PathLike[str] | None = None,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    backend: Backend | None = None,
    **options: Any,
) -> Estimate:
    """What it would take to acquire a process: nobody is touched, and nothing written.

    Args:
        pid: the target.
        file: where the dump would go; None: to a pipe.
        include, exclude, backend, options: as for `acquire`.

    Raises:
        TargetError: the target can't be acquired, whatever is chosen.
    """
    chosen = Options(selection=Selection(tuple(include), tuple(exclude)), **options)
    system = backend or this_system(devices=chosen.devices, touch_shared=chosen.touch_shared)
    output = (
        DumpOutput(False) if file is None else DumpOutput.of_path(os.fspath(file), system.in_memory)
    )
    with Session(system, pid, io.BytesIO(), chosen) as session:
        expected, refusals = session.rehearse(output)
    return replace(expected, refusals=tuple(map(str, refusals)))


def acquire(
    pid: int,
    file: str | os.PathLike[str] | IO[bytes],
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    force: bool = False,
    interrupt: Interrupt | None = None,
    progress: Progress | None = None,
    dump_uuid: uuid.UUID | None = None,
    related: Sequence[Related] = (),
    command_line: Sequence[str] = (),
    evidence: Place | None = None,
    name: str = "",
    report: str | os.PathLike[str] | None = None,
    backend: Backend | None = None,
    **options: Any,
) -> Report:
    """Acquire one process.

    Args:
        pid: the target.
        file: a path, or a binary file that stands at its start; a pipe will do.
        include, exclude: which mappings; see `selection.selector`.
        force: replace a file that is there, once a dump is begun.
        interrupt: by which another thread or a signal handler ends it.
        progress: called with bytes of address space that are done, and all of them.
        dump_uuid: DumpUUID; made up unless given.
        related: dumps that are taken along with this one.
        command_line: what the user typed, for the report.
        evidence: a folder for the raw files of the system; see `evidence.EvidenceFolder`.
        name: of the dump, for the report; that of the file unless given.
        report: where the report is written to, before the first page (its status is
            ``running`` then), meanwhile, and in the end.
        backend: another operating system than this one.
        options: the fields of `Options`.

    Returns:
        what was done; `Report.complete` says whether the dump is complete.

    Raises:
        TargetError: the target can't be acquired: the message names the cause and the
            remedy, and no dump was begun.
        FileExistsError: the file, or something in the folder, is there, and `force` isn't given.
        OSError: the file can't be created, or no report where it is to be.
    """
    with opened(
        pid,
        file,
        include=include,
        exclude=exclude,
        force=force,
        interrupt=interrupt,
        progress=progress,
        dump_uuid=dump_uuid,
        related=related,
        command_line=command_line,
        evidence=evidence,
        name=name,
        report=report,
        backend=backend,
        **options,
    ) as session:
        return session.run()


def _report_file(
    report: str | os.PathLike[str] | None, file: IO[bytes], force: bool
) -> ReportSink | None:
    if report is None:
        return None
    if is_remote(os.fspath(report)):
        return RemoteReport(os.fspath(report), force=force, of_remote=isinstance(file, RemoteFile))
    return ReportFile(report, force=force)


@contextlib.contextmanager
def opened(
    pid: int,
    file: str | os.PathLike[str] | IO[bytes],
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    force: bool = False,
    interrupt: Interrupt | None = None,
    progress: Progress | None = None,
    dump_uuid: uuid.UUID | None = None,
    related: Sequence[Related] = (),
    command_line: Sequence[str] = (),
    evidence: Place | None = None,
    name: str = "",
    report: str | os.PathLike[str] | None = None,
    backend: Backend | None = None,
    **options: Any,
) -> Iterator[Session]:
    """A session with its file open, for whoever takes its phases himself.

    It has not begun: that is done by its ``with``, inside this one. Arguments and errors are
    those of `acquire`.
    """
    chosen = Options(
        selection=Selection(tuple(include), tuple(exclude)),
        evidence=evidence is not None,
        **options,
    )
    system = backend or this_system(devices=chosen.devices, touch_shared=chosen.touch_shared)

    def session(
        file: IO[bytes],
        name: str,
        on_begin: Callable[[], None],
        on_end: Callable[[], None] = _nothing,
    ) -> Session:
        return Session(
            system,
            pid,
            file,
            chosen,
            name=name,
            interrupt=interrupt,
            progress=progress,
            dump_uuid=dump_uuid,
            related=related,
            command_line=command_line,
            on_begin=on_begin,
            on_end=on_end,
            report_file=_report_file(report, file, force),
            evidence=None
            if evidence is None
            else EvidenceFolder(evidence, force=force, min_free=chosen.min_free),
        )

    if not isinstance(file, (str, os.PathLike)):
        yield session(file, name or str(getattr(file, "name", "")), _nothing)
        return
    with create(file, force=force, interrupt=interrupt, timeout=chosen.timeout) as (made, settle):
        if is_remote(os.fspath(file)):  # there it appears when all of it is there
            yield session(made, name or os.fspath(file), _nothing, settle)
        else:
            yield session(made, name or os.fspath(file), settle)
