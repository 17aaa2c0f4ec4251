"""From whatever the caller has (a path, a file object, a pipe, bytes) to a source."""

from __future__ import annotations

import errno
import io
import os
import select
import stat
from collections.abc import Callable
from typing import IO, Any

from ..errors import StreamError
from ..source import (
    BufferSource,
    FileSource,
    PathSource,
    RemoteSource,
    Source,
    StreamSource,
    is_remote,
)

__all__ = ["source_of"]

PATIENCE = 10.0
"""Seconds that a pipe or device which is named by its path gets to begin."""

# Opening a named pipe would wait for a writer, and a terminal would become ours.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
)


def source_of(
    file: str | os.PathLike[str] | IO[bytes] | bytes | bytearray | memoryview,
    judge: Callable[[Source], object] = lambda source: None,
    max_spool: int | None = None,
) -> tuple[Source, str, Any]:
    """A random-access source, the file's name, and what has to be closed in the end.

    A pipe or a device is spooled; what has an address (``https://…``) is read by ranges.

    Args:
        file: what the caller has.
        judge: asked before anything is spooled, with what the pipe gives; raises an error if
            it begins as no dump does.
        max_spool: bytes that may be put on disk; see `spool`.

    Raises:
        LimitError: a pipe gives more than may be put on disk.
        OSError: it can't be opened, or is nothing that can be read.
        StreamError: no first byte came through a pipe.
    """
    if isinstance(file, (bytes, bytearray, memoryview)):
        return BufferSource(file), "", None
    if isinstance(file, (str, os.PathLike)):
        path = os.fspath(file)
        if is_remote(path):
            remote = RemoteSource(path)
            return remote, path.rpartition("/")[2], remote
        name = os.path.basename(path)
        with os.fdopen(_opened(path), "rb", 0) as opened:
            if stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                source = PathSource(opened.fileno())
                return source, name, source
            _await_first_byte(opened.fileno())
            spooled = _judged(opened, judge, max_spool)
        return spooled, name, spooled
    name = os.path.basename(str(getattr(file, "name", "") or ""))
    descriptor = _own_descriptor(file)
    if descriptor >= 0 and stat.S_ISREG(os.fstat(descriptor).st_mode):
        source = PathSource(descriptor)
        return source, name, source
    if descriptor < 0 and file.seekable():
        return FileSource(file), name, None
    spooled = _judged(file, judge, max_spool)
    return spooled, name, spooled


def _judged(
    pipe: IO[bytes], judge: Callable[[Source], object], max_spool: int | None
) -> PathSource:
    from .spool import spool

    source = StreamSource(pipe)
    judge(source)
    return spool(source, max_spool)[0]


def _opened(path: str) -> int:
    """A descriptor of something that has bytes."""
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        if error.errno == errno.ENXIO and stat.S_ISSOCK(os.stat(path).st_mode):
            what = "is a socket: expected a file, a pipe or a device"
            raise OSError(errno.ENXIO, what, path) from None
        raise
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    return descriptor


def _await_first_byte(descriptor: int) -> None:
    """Wait until a pipe has begun, or ended; from then on reading it waits."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        if not poll.poll(PATIENCE * 1000):
            raise StreamError(
                f"no byte came within {PATIENCE:g} s: expected somebody who writes a dump to it; "
                "to wait longer, give it as stdin (-)"
            )
    os.set_blocking(descriptor, True)


def _own_descriptor(file: IO[bytes]) -> int:
    """The descriptor whose bytes are the file's; gzip.open has one too, of other bytes."""
    raw = getattr(file, "raw", file)
    return raw.fileno() if isinstance(raw, io.FileIO) else -1
