"""Hashes of the whole dump, for the report: BLAKE3 and SHA-256.

A regular file is read back once the target runs again, so that the hashes are of what is on
disk. What goes to a pipe is hashed as it passes. Of a device nothing can be said: it holds more
than the dump, and need not give back what it took.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable
from typing import IO, Any

from msl_construct.hashing import Digests

__all__ = ["HashedOutput", "is_device", "none", "read_back"]

_PIECE = 1 << 20
_FORGET = 16 << 20

Section = dict[str, Any]


def none(why: str) -> Section:
    """What the report says where there are no hashes."""
    return {"blake3": None, "sha256": None, "hashed": "not", "not_hashed": why}


def _found(digests: Digests, how: str) -> Section:
    return {"blake3": digests.blake3, "sha256": digests.sha256, "hashed": how, "not_hashed": ""}


def read_back(file: IO[bytes], over: Callable[[], str]) -> Section:
    """Hash a regular file that is open for reading, and leave it at its end.

    Args:
        over: why not to go on; asked now and then, empty to go on.
    """
    digests = Digests()
    buffer = memoryview(bytearray(_PIECE))
    reached = forgotten = 0
    try:
        file.seek(0)
        while got := file.readinto(buffer):  # type: ignore[attr-defined]
            digests.update(buffer[:got])
            reached += got
            if reached - forgotten >= _FORGET:
                _forget(file, forgotten, reached)
                forgotten = reached
                if why := over():
                    return none(why)
        _forget(file, forgotten, reached)
    except OSError as error:
        return none(f"it can't be read back: {error.strerror or error}")
    finally:
        digests.close()
    return _found(digests, "read_back")


def _forget(file: IO[bytes], start: int, stop: int) -> None:
    """Leave the examined machine's page cache alone."""
    if hasattr(os, "posix_fadvise"):
        with contextlib.suppress(OSError):
            os.posix_fadvise(file.fileno(), start, stop - start, os.POSIX_FADV_DONTNEED)


def is_device(file: Any) -> bool:
    """Whether what is written goes to a device."""
    try:
        mode = os.fstat(file.fileno()).st_mode
    except (AttributeError, OSError, ValueError):
        return False
    return stat.S_ISCHR(mode) or stat.S_ISBLK(mode)


class HashedOutput:
    """A stream that hashes what passes; stands in for the file that it writes to."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digests = Digests()
        self._failed = False

    def write(self, data: memoryview) -> int:
        """Write all of it, and hash it meanwhile.

        Raises:
            OSError: it can't be written.
        """
        view = memoryview(data).cast("B")
        self._digests.begin(view)
        done = 0
        try:
            while done < view.nbytes:
                count = self._file.write(view[done:] if done else view)
                if count is None:
                    raise BlockingIOError("the output is non-blocking and full")
                done += count
        except BaseException:
            self._failed = True
            raise
        finally:
            self._digests.wait()
        return done

    def flush(self) -> None:
        """Hand buffered bytes to whoever takes them."""
        flush = getattr(self._file, "flush", None)
        if flush is not None:
            flush()

    def section(self, written: int) -> Section:
        """What the report says.

        Args:
            written: bytes that should have passed.
        """
        self._digests.close()
        if self._failed or self._digests.size != written:
            return none("it is not known how much of it was taken")
        return _found(self._digests, "streamed")
