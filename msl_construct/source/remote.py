"""A file at a distance (``https://``, ``s3://``, ``ssh://``, what fsspec knows), read by ranges.

Headers stand far apart and are short: what is read of one brings little more than itself along.
Whoever reads on gets more at a time, up to a mebibyte.
"""

from __future__ import annotations

import errno
import os
import time
from bisect import bisect_right, insort
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from ..errors import ChangedError, StreamError
from .base import CHUNK

__all__ = ["RemoteSource", "is_remote", "reason_of", "remote_files", "remote_system"]

T = TypeVar("T")

_FIRST_LOOK = 640
_KEPT = 8 << 20
"""Bytes of it that are kept: what a walk over headers has read, whoever comes back to it finds."""
_ATTEMPTS = 3
_PAUSE = 0.2
_FINAL = (FileNotFoundError, PermissionError, IsADirectoryError, NotImplementedError, ValueError)
_IDENTITY = (
    "ETag",
    "etag",
    "LastModified",
    "Last-Modified",
    "last_modified",
    "Content-MD5",
    "Digest",
    "mtime",
    "created",
    "ino",
)


def is_remote(path: str) -> bool:
    """Whether a path is the address of something at a distance."""
    scheme, between, _ = path.partition("://")
    return bool(between) and scheme.replace("+", "").replace("-", "").replace(":", "").isalnum()


def remote_system(url: str) -> tuple[Any, str]:
    """The file system of an address, as fsspec has it, and the path in it.

    Raises:
        OSError: its server does not answer.
        StreamError: fsspec, or what it needs for such addresses, is not installed; or nothing knows
            what this one leads to.
    """
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise StreamError(
            f"{url}: needs fsspec: pip install 'msl-construct[remote]' ({error})"
        ) from None
    try:
        system, path = url_to_fs(url)
    except ImportError as error:
        raise StreamError(
            f"{url}: needs what fsspec asks for to read such addresses: {reason_of(error)}"
        ) from None
    except OSError as error:
        raise OSError(error.errno or errno.EIO, reason_of(error), url) from None
    except Exception as error:  # every file system has errors of its own
        raise StreamError(f"{url}: {reason_of(error)}") from None
    return system, str(path)


def remote_files(url: str, ending: str) -> list[str]:
    """The addresses below one that end so, in order.

    Raises:
        OSError: its server does not list them.
        StreamError: what knows such addresses is not installed.
    """
    system, path = remote_system(url)
    try:
        found = system.find(path)
    except Exception as error:  # every file system has errors of its own
        raise OSError(errno.EIO, reason_of(error), url) from None
    return sorted(str(system.unstrip_protocol(one)) for one in found if one.endswith(ending))


class RemoteSource:
    """A file of another machine, as it was when it was opened.

    Attributes:
        traffic: bytes that were asked for so far.
        requests: how often something was asked for.

    Args:
        url: its address, as fsspec has it.

    Raises:
        StreamError: fsspec, or what it needs for such addresses, is not installed.
        OSError: it is not there, or can't be read.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.traffic = self.requests = 0
        self._windows: dict[int, bytes] = {}
        self._starts: list[int] = []
        self._kept = 0
        self._behind, self._look = -1, _FIRST_LOOK
        self._system, self._path = remote_system(url)
        info = self._asked(lambda: self._system.info(self._path))
        size = info.get("size")
        if not isinstance(size, int):
            raise StreamError(f"{url}: its size is not known: fetch it first")
        self._size = size
        self._state = self._identity(info)

    @property
    def size(self) -> int:
        return self._size

    @property
    def state(self) -> str:
        """What its server says of its state: another one is another file."""
        return " ".join((str(self._size), *self._state))

    def read(self, offset: int, length: int) -> bytes:
        length = max(0, min(length, self._size - offset))
        if not length:
            return b""
        index = bisect_right(self._starts, offset) - 1
        if index >= 0:
            start = self._starts[index]
            found = self._windows[start][offset - start : offset - start + length]
            if len(found) == length:
                return found
        if length >= CHUNK:
            return self._fetch(offset, length)
        self._look = min(2 * self._look, CHUNK) if offset == self._behind else _FIRST_LOOK
        wanted = min(max(length, self._look), self._size - offset)
        window = self._fetch(offset, wanted)
        self._behind = offset + wanted
        self._keep(offset, window)
        return window[:length]

    def view(self, offset: int, length: int) -> memoryview:
        return memoryview(self.read(offset, length))

    def pieces(self, offset: int, length: int, size: int = CHUNK) -> Iterator[memoryview]:
        end = min(offset + length, self._size)
        while offset < end:
            piece = memoryview(self._fetch(offset, min(size, end - offset)))
            yield piece
            offset += piece.nbytes

    def forget(self, before: int) -> None:
        pass

    def require_unchanged(self) -> None:
        """Make sure that what was read is one state of the file.

        Raises:
            ChangedError: its size, or what its server says of its state, is another one.
        """
        self._system.invalidate_cache()
        info = self._asked(lambda: self._system.info(self._path))
        if (info.get("size"), self._identity(info)) != (self._size, self._state):
            raise ChangedError(
                "the file was changed while it was read: what was found need not belong together; "
                "read it again, or fetch it first"
            )

    def close(self) -> None:
        """Let go of what is kept of it."""
        self._windows.clear()
        self._starts.clear()
        self._kept = 0

    def _keep(self, offset: int, window: bytes) -> None:
        if self._kept + len(window) > _KEPT:
            self.close()
        if offset not in self._windows:
            insort(self._starts, offset)
        self._windows[offset] = window
        self._kept += len(window)

    def _identity(self, info: Any) -> tuple[str, ...]:
        return tuple(f"{key}={info[key]}" for key in _IDENTITY if key in info)

    def _fetch(self, offset: int, length: int) -> bytes:
        data = self._asked(
            lambda: self._system.cat_file(self._path, start=offset, end=offset + length)
        )
        self.traffic += len(data)
        if len(data) == self._size != length:
            raise StreamError(f"{self._url}: its server sends no part of a file: fetch it first")
        if len(data) != length:
            raise ChangedError(
                f"the file gave {len(data)} bytes: expected {length} of the {self._size} that it "
                "had when it was opened",
                offset=offset,
            )
        return bytes(data)

    def _asked(self, ask: Callable[[], T]) -> T:
        """What a server answers, at the third time of asking at the latest.

        Raises:
            OSError: it does not.
        """
        for attempt in range(_ATTEMPTS):
            self.requests += 1
            try:
                return ask()
            except _FINAL as error:
                if isinstance(error, OSError):
                    raise OSError(
                        error.errno or errno.ENOENT, reason_of(error), self._url
                    ) from None
                raise OSError(errno.EIO, reason_of(error), self._url) from None
            except Exception as error:  # every file system has errors of its own
                if attempt == _ATTEMPTS - 1:
                    raise OSError(errno.EIO, reason_of(error), self._url) from None
                time.sleep(_PAUSE * 2**attempt)
        raise AssertionError("unreachable")


def reason_of(error: Exception) -> str:
    """What a server or its file system says, in words."""
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    if isinstance(error, FileNotFoundError):
        # fsspec calls a server that nobody reaches a file that is not there, and says its address.
        why = error.__cause__
        if why is None or not str(why):
            return os.strerror(errno.ENOENT)
        return " ".join(str(why).split())
    return " ".join(str(error).split()) or type(error).__name__
