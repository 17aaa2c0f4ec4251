"""A file at a distance that is written: in parts as they come, and there whole or not at all.

Nobody sees it before the server has confirmed all of it. What was begun and came to no end is given
up, so that nothing is left there; only who is killed can't do that, and then object stores keep
parts, which nobody sees either, until a rule of theirs takes them away.
"""

from __future__ import annotations

import errno
import io
import os
import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, TypeVar

from .errors import StreamError
from .source import is_remote
from .source.remote import reason_of, remote_system

__all__ = ["RemoteFile", "check_remote", "is_remote", "is_same_place"]

T = TypeVar("T")

_PART = 8 << 20
_PARTS = 1000
"""So many parts are sent before they get twice as large: object stores take 10,000 at most."""

_WHOLE_IN_THE_END = {"abfs", "abfss", "az"}
"""Stores that show nothing of a file before its last part, although what fsspec opens there knows
of no end that is given up. What stood there goes with the first part."""


def check_remote(url: str, *, force: bool) -> None:
    """Refuse an address that nothing can be written to; nothing is left there.

    Raises:
        FileExistsError: something is there, and `force` isn't given.
        OSError: its server does not say, or a file can't be begun there.
        StreamError: what knows such addresses is not installed, or can't write there.
    """
    with RemoteFile(url, force=force):
        pass  # what is not settled is given up


def _check_free(url: str, force: bool) -> None:
    """Refuse an address that something is at.

    Raises:
        FileExistsError: something is there, and `force` isn't given.
        OSError: its server does not say.
        StreamError: what knows such addresses is not installed.
    """
    system, path = remote_system(url)
    if force:
        return
    if _asked(url, lambda: system.exists(path)):
        raise FileExistsError(errno.EEXIST, "is there already", url)


def is_same_place(one: str, other: str) -> bool:
    """Whether two paths or addresses are of the same file, as far as they say it.

    Raises:
        StreamError: what knows such addresses is not installed.
    """
    return _place(one) == _place(other)


def _place(path: str) -> tuple[str, str]:
    kind = "file"
    if is_remote(path):
        system, path = remote_system(path)
        kinds = _kinds(system)
        kind = "file" if "file" in kinds else kinds[0]
    return kind, os.path.normcase(os.path.realpath(path)) if kind == "file" else path


def _kinds(system: Any) -> tuple[str, ...]:
    """What addresses of a file system begin with."""
    return system.protocol if isinstance(system.protocol, tuple) else (system.protocol,)


class RemoteFile(io.RawIOBase):
    """A new file at an address.

    Args:
        url: its address, as fsspec has it.
        force: replace what is there.

    Attributes:
        name: its address.
        sent: bytes that were handed over.
        settled: whether the server has all of it, and shows it.

    Raises:
        FileExistsError: something is there, and `force` isn't given.
        OSError: it can't be begun.
        StreamError: what knows such addresses is not installed, or can't write there.
    """

    def __init__(self, url: str, *, force: bool = False) -> None:
        super().__init__()
        self.name = url
        self.sent = 0
        self.settled = self._failed = False
        self._before_larger = _PART * _PARTS
        _check_free(url, force)
        self._system, self._path = remote_system(url)
        self._force = force
        self._require_guard()
        self._file = _asked(url, lambda: self._begun(self._path, self._mode()))

    def _require_guard(self) -> None:
        """Refuse an address where half a file would be seen, or what stands there be lost.

        A name beside it, which nobody has, is opened: to be opened may be the end of what is there.

        Raises:
            OSError: a file can't be begun there.
            StreamError: it is such an address.
        """
        beside = f"{self._path}.{secrets.token_hex(8)}"
        file = _asked(self.name, lambda: self._begun(beside, "wb"))
        try:
            guarded = self._is_guarded(file, beside)
        finally:
            _give_up(file)
        if guarded:
            return
        with suppress(Exception):  # most have made nothing yet
            self._system.rm_file(beside)
        raise StreamError(
            f"{self.name}: nothing can be written there that nobody sees half done"
            + (", or that leaves what is there until the end" if self._force else "")
            + ": write to a file, and copy that"
        )

    def _is_guarded(self, file: Any, path: str) -> bool:
        """Whether what is written shows only in the end, and what is there stays until then.

        Args:
            file: open for writing at a path that nothing was at.
        """
        if not hasattr(file, "commit") or not hasattr(file, "discard"):
            return False
        self._system.invalidate_cache()
        if _asked(self.name, lambda: self._system.exists(path)):
            return False
        from fsspec.spec import AbstractBufferedFile

        if getattr(type(file), "commit", None) is not AbstractBufferedFile.commit:
            return True
        # That one does nothing: the file is sent when it is closed, or part by part.
        if not _WHOLE_IN_THE_END.intersection(_kinds(self._system)):
            return False
        return not (self._force and _asked(self.name, lambda: self._system.exists(self._path)))

    def _begun(self, path: str, mode: str) -> Any:
        try:
            return self._system.open(path, mode, block_size=_PART, autocommit=False)
        except NotImplementedError:
            kind = self.name.partition("://")[0]
            raise StreamError(
                f"{self.name}: nothing can be written to addresses that begin with {kind}://: "
                "expected a file, or an object store such as s3://BUCKET/NAME"
            ) from None

    def _mode(self) -> str:
        """Whether what is there is replaced, where the store itself sees to it."""
        return "xb" if not self._force and "s3" in _kinds(self._system) else "wb"

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        """Hand bytes over; they are sent when they are enough for a part.

        Raises:
            OSError: the server does not take them.
        """
        view = memoryview(data).cast("B")
        self._failed = True  # until all of it is taken
        for start in range(0, view.nbytes, _PART):
            piece = view[start : start + _PART]
            _asked(self.name, lambda piece=piece: self._file.write(piece))  # type: ignore[misc]
            self.sent += piece.nbytes
            if self.sent >= self._before_larger and hasattr(self._file, "blocksize"):
                self._file.blocksize *= 2
                self._before_larger += self._file.blocksize * _PARTS
        self._failed = False
        return view.nbytes

    def settle(self) -> None:
        """Send the rest, and let it appear; more than once does no harm.

        Raises:
            FileExistsError: something else came there meanwhile.
            OSError: the server does not confirm it, or has another size of it.
        """
        if self.settled:
            return
        if self._failed:
            raise OSError(errno.EIO, "not all of it could be sent: nothing is kept", self.name)
        if not self._force:
            self._system.invalidate_cache()
            _check_free(self.name, force=False)
        _asked(self.name, self._file.close)
        _asked(self.name, self._commit)
        self.settled = True
        self._system.invalidate_cache()
        size = _asked(self.name, lambda: self._system.info(self._path)).get("size")
        if size != self.sent:
            raise OSError(
                errno.EIO, f"its server has {size} bytes of the {self.sent} that it got", self.name
            )

    def _commit(self) -> None:
        """Let it appear; on this machine as what only its owner can read, like every dump."""
        if _place(self.name)[0] == "file" and hasattr(self._file, "temp"):
            shutil.move(self._file.temp, self._path)  # its own commit lets everybody read it
        else:
            self._file.commit()

    def __enter__(self) -> RemoteFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self.settled:
            _give_up(self._file)
        super().close()


def _give_up(file: Any) -> None:
    """Let nothing of a file appear."""
    with suppress(Exception):  # what is worse is on its way already
        file.discard() if hasattr(file, "discard") else file.close()
    with suppress(AttributeError):  # of what is kept in memory
        file.closed = True  # else it would be sent when nobody refers to it any more


def _asked(url: str, ask: Callable[[], T]) -> T:
    """What a server answers; whoever knows it has asked again already.

    Raises:
        OSError: it does not.
    """
    try:
        return ask()
    except StreamError:
        raise
    except OSError as error:
        raise OSError(error.errno or errno.EIO, reason_of(error), url) from None
    except Exception as error:  # every file system has errors of its own
        raise OSError(errno.EIO, reason_of(error), url) from None
