"""From whatever the caller has (a path, a file object, a pipe, bytes) to a source."""

from __future__ import annotations

import io
import os
import stat
import tempfile
from typing import IO, Any

from ..source import BufferSource, FileSource, PathSource, Source, StreamSource

__all__ = ["source_of"]


def source_of(
    file: str | os.PathLike[str] | IO[bytes] | bytes | bytearray | memoryview,
) -> tuple[Source, str, Any]:
    """A random-access source, the file's name, and what has to be closed in the end.

    A pipe is spooled to an unlinked temporary file: disk space, not memory.
    """
    if isinstance(file, (bytes, bytearray, memoryview)):
        return BufferSource(file), "", None
    if isinstance(file, (str, os.PathLike)):
        path = os.fspath(file)
        name = os.path.basename(path)
        if stat.S_ISREG(os.stat(path).st_mode):
            source = PathSource(path)
            return source, name, source
        with open(path, "rb") as pipe:
            spooled = spool(pipe)
        return spooled, name, spooled
    name = os.path.basename(str(getattr(file, "name", "") or ""))
    descriptor = _own_descriptor(file)
    if descriptor >= 0 and stat.S_ISREG(os.fstat(descriptor).st_mode):
        source = PathSource(descriptor)
        return source, name, source
    if descriptor < 0 and file.seekable():
        return FileSource(file), name, None
    spooled = spool(file)
    return spooled, name, spooled


def spool(pipe: IO[bytes]) -> PathSource:
    """A source over everything that a pipe still has to give."""
    with tempfile.TemporaryFile(prefix="msl-spool-") as file:
        StreamSource(pipe).drain(file)
        file.flush()
        return PathSource(file.fileno())


def _own_descriptor(file: IO[bytes]) -> int:
    """The descriptor whose bytes are the file's; gzip.open has one too, of other bytes."""
    raw = getattr(file, "raw", file)
    return raw.fileno() if isinstance(raw, io.FileIO) else -1
