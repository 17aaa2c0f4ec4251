"""The library call."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
import uuid
from collections.abc import Iterator, Sequence
from typing import IO, Any

from .backend import Backend
from .backends import backend as this_system
from .blocks import Related
from .bounds import Interrupt
from .options import Options
from .report import Report
from .selection import Selection
from .session import Progress, Session

__all__ = ["acquire", "create"]

_LOOK_EVERY = 0.1


@contextlib.contextmanager
def create(
    path: str | os.PathLike[str], *, force: bool = False, interrupt: Interrupt | None = None
) -> Iterator[IO[bytes]]:
    """A new file that only its owner can read, as a dump should be.

    Args:
        path: of the file; a device or a named pipe is written to, never replaced.
        interrupt: ends the wait for the reader of a named pipe.
        force: take it if it is there; it keeps what it holds until a dump is written.

    Raises:
        FileExistsError: it is there, and `force` isn't given.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
    passing = os.path.exists(path) and not os.path.isfile(path)
    if passing:
        descriptor = _open_passing(path, interrupt)
    else:
        descriptor = os.open(path, flags if force else flags | os.O_EXCL, 0o600)
    if passing and stat.S_ISREG(os.fstat(descriptor).st_mode):  # exchanged behind our back
        os.close(descriptor)
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(path))
    with open(descriptor, "wb" if passing else "r+b", 0) as file:
        yield file


def _open_passing(path: str | os.PathLike[str], interrupt: Interrupt | None) -> int:
    """A device, or a named pipe; waits for somebody who reads it, and for nothing else.

    Raises:
        InterruptedError: nobody came, and the caller was asked to end.
    """
    patient = getattr(os, "O_NONBLOCK", 0)
    while True:
        try:
            descriptor = os.open(path, os.O_WRONLY | patient)
        except OSError as error:
            if error.errno != errno.ENXIO or not patient:
                raise
            if interrupt is not None and interrupt.reason:
                raise InterruptedError(errno.EINTR, "nobody reads it", os.fspath(path)) from None
            time.sleep(_LOOK_EVERY)
            continue
        if patient:
            os.set_blocking(descriptor, True)
        return descriptor


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
    name: str = "",
    backend: Backend | None = None,
    **options: Any,
) -> Report:
    """Acquire one process.

    Args:
        pid: the target.
        file: a path, or a binary file that stands at its start; a pipe will do.
        include, exclude: which mappings; see `selection.selector`.
        force: overwrite a file that is there.
        interrupt: by which another thread or a signal handler ends it.
        progress: called with bytes of address space that are done, and all of them.
        dump_uuid: DumpUUID; made up unless given.
        related: dumps that are taken along with this one.
        command_line: what the user typed, for the report.
        name: of the dump, for the report; that of the file unless given.
        backend: another operating system than this one.
        options: the fields of `Options`.

    Returns:
        what was done; `Report.complete` says whether the dump is complete.

    Raises:
        TargetError: the target can't be acquired: the message names the cause and the
            remedy, and no dump was begun.
        FileExistsError: the file is there, and `force` isn't given.
        OSError: the file can't be created.
    """
    chosen = Options(selection=Selection(tuple(include), tuple(exclude)), **options)
    system = backend or this_system(devices=chosen.devices)
    if not isinstance(file, (str, os.PathLike)):
        return Session(
            system,
            pid,
            file,
            chosen,
            name=name or str(getattr(file, "name", "")),
            interrupt=interrupt,
            progress=progress,
            dump_uuid=dump_uuid,
            related=related,
            command_line=command_line,
        ).run()
    existed = os.path.lexists(file)
    try:
        with create(file, force=force, interrupt=interrupt) as opened:
            return acquire(
                pid,
                opened,
                include=include,
                exclude=exclude,
                interrupt=interrupt,
                progress=progress,
                dump_uuid=dump_uuid,
                related=related,
                command_line=command_line,
                name=name or os.fspath(file),
                backend=system,
                **options,
            )
    except BaseException:
        if not existed:  # an empty file would look like a dump that was cut
            with contextlib.suppress(OSError):
                if os.path.getsize(file) == 0:
                    os.unlink(file)
        raise
