"""What a pipe gives, put on disk to be read in any order, as much of it as may be."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable

from ..errors import LimitError
from ..source import Extent, PathSource, StreamSource

__all__ = ["spool", "spool_allowance", "spool_extent"]


def spool(pipe: StreamSource, limit: int | None = None) -> tuple[PathSource, int]:
    """A source over everything that a pipe still has to give, and the offset of its first byte.

    It is an unlinked temporary file: disk space, not memory, and gone with the process.

    Args:
        pipe: what it holds because it was not forgotten is spooled as well.
        limit: bytes that may be put on disk; half of what is free there by default.

    Raises:
        LimitError: the pipe gives more.
    """
    first = pipe.start
    allowed = spool_allowance(limit, first)
    with tempfile.TemporaryFile(prefix="msl-spool-") as file:
        for piece in pipe.drain():
            allowed(pipe.position - first)
            file.write(piece)
        file.flush()
        return PathSource(file.fileno()), first


def spool_extent(extent: Extent, limit: int | None = None) -> PathSource:
    """The same for some bytes of a pipe.

    Raises:
        LimitError: they are more than may be put on disk.
    """
    spool_allowance(limit, extent.offset)(extent.length)
    with tempfile.TemporaryFile(prefix="msl-spool-") as file:
        for piece in extent.chunks():
            file.write(piece)
        file.flush()
        return PathSource(file.fileno())


def spool_allowance(limit: int | None, first: int = 0) -> Callable[[int], None]:
    """What to ask before a number of bytes of a pipe, from an offset on, is put on disk.

    It raises `LimitError` where they are too many.
    """
    most = _most(limit)

    def allowed(size: int) -> None:
        if size > most:
            raise _too_much(most, first)

    return allowed


def _most(limit: int | None) -> int:
    return shutil.disk_usage(tempfile.gettempdir()).free // 2 if limit is None else limit


def _too_much(most: int, offset: int) -> LimitError:
    return LimitError(
        f"what the pipe gives from {offset:#x} on is more than the {most} bytes that may be put on "
        "disk (half of what is free for temporary files, unless told): save it to a file, or "
        "raise max_spool (--max-spool)",
        offset=offset,
    )
