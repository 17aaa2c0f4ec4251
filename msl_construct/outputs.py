"""Files that hold what others must not read: made anew, ours alone, never through a link.

A file that stands where one is to be written is never written into: it may be another user's,
readable by everybody, or known under a second name. It is replaced. A symbolic link is refused,
for whoever made it would choose what is overwritten. A device or a named pipe is written to, and
stays what it is.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import IO

from .windows_files import new_file, refused_name

__all__ = ["NewFile", "Place", "check_name", "check_place", "is_passing", "own_file", "whole_file"]

Place = str | os.PathLike[str]

_FLAGS = (
    os.O_RDWR
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_OWNER_ONLY = 0o600
_NAME = 200
_AS_UMASK_HAS_IT = 0o666
_CAP_FOWNER = 1 << 3
_OPENED = "/proc/self/fd"


def is_passing(path: Place) -> bool:
    """Whether a device, a named pipe or the like is there, also behind a link (/dev/stdout)."""
    try:
        kind = os.stat(path).st_mode
    except OSError:
        return False
    return not stat.S_ISREG(kind) and not stat.S_ISDIR(kind)


def check_name(path: Place) -> None:
    """Refuse a name that means something else to this system than a file.

    Raises:
        OSError: it does (EINVAL).
    """
    if sys.platform == "win32" and (reason := refused_name(os.fspath(path))):
        raise OSError(errno.EINVAL, reason, os.fspath(path))


def check_place(path: Place, *, force: bool) -> None:
    """Refuse a place that a file can't be made in.

    Args:
        force: whether a file that is there is replaced.

    Raises:
        FileExistsError: a file is there, and `force` isn't given.
        IsADirectoryError: a folder is there.
        OSError: a symbolic link is there (ELOOP), or somebody else's on the way (EPERM), or a
            file that only its owner may replace (EPERM), or a name that means something else to
            Windows (EINVAL).
    """
    check_name(path)
    if is_passing(path):
        return
    _check_way(path)
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    kind = found.st_mode
    if stat.S_ISLNK(kind):
        raise OSError(
            errno.ELOOP, "is a symbolic link: name the file that is meant", os.fspath(path)
        )
    if stat.S_ISDIR(kind):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if not force:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(path))
    _check_owner(path, found.st_uid)


def _absolute(path: Place) -> str:
    """A path from the root on.

    Raises:
        FileNotFoundError: it begins in a working directory that is no more.
    """
    try:
        return os.path.abspath(path)
    except FileNotFoundError as error:
        reason = "the working directory has been deleted"
        raise FileNotFoundError(error.errno, reason, os.fspath(path)) from None


def _check_owner(path: Place, owner: int) -> None:
    """Refuse another user's file where the folder's sticky bit keeps it from being replaced.

    Raises:
        OSError: neither the file nor the folder is ours.
    """
    if not hasattr(os, "geteuid"):
        return
    folder = os.stat(os.path.dirname(_absolute(path)))
    sticky = folder.st_mode & stat.S_ISVTX
    if sticky and os.geteuid() not in (owner, folder.st_uid) and not _passes_for_owner():
        raise OSError(
            errno.EPERM,
            f"is a file of user {owner} in a folder whose sticky bit is set, and can't be "
            "replaced: choose another place",
            os.fspath(path),
        )


def _passes_for_owner() -> bool:
    """Whether the sticky bit does not bind us: CAP_FOWNER."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            held = next(line for line in file if line.startswith("CapEff:"))
        return bool(int(held.split()[1], 16) & _CAP_FOWNER)
    except (OSError, StopIteration):  # not Linux, or no /proc
        return os.geteuid() == 0


def _check_way(path: Place) -> None:
    """Refuse folders that lead elsewhere by the will of another user.

    That is what the kernel refuses with fs.protected_symlinks, which can be off.

    Raises:
        OSError: a link of somebody else in a folder that everybody may write to.
    """
    if not hasattr(os, "geteuid"):
        return
    place = _absolute(path)
    while (folder := os.path.dirname(place)) != place:
        place = folder
        try:
            link = os.lstat(folder)
            if not stat.S_ISLNK(link.st_mode):  # nearly always: this is asked for every file
                continue
            around = os.stat(os.path.dirname(folder))
        except OSError:
            continue  # whoever opens it will say what is wrong
        everybody = stat.S_ISVTX | stat.S_IWOTH
        if around.st_mode & everybody == everybody and link.st_uid not in (
            os.geteuid(),
            around.st_uid,
        ):
            raise OSError(
                errno.EPERM,
                f"is a symbolic link of user {link.st_uid} in a folder that everybody may write "
                "to: name the folder that is meant",
                folder,
            )


class NewFile:
    """A new file that only its owner can read, and that appears at `settle`; a context manager.

    Until then it has no name, and is gone with whoever writes it, even one who is killed. Where a
    file system can't do that, it has a hidden name. Where another file stands, that stays, with
    what it holds, until `settle`. Without `settle` nothing has happened in the end.

    Args:
        path: of the file.
        force: replace a file that is there.
        secret: only its owner can read it; else whoever the umask lets.

    Attributes:
        file: it, opened for reading and writing, without a buffer.

    Raises:
        OSError: see `check_place`; or it can't be made.
    """

    def __init__(self, path: Place, *, force: bool = False, secret: bool = True) -> None:
        check_place(path, force=force)
        self._path = os.fspath(path)
        self._force = force
        self._settled = False
        self._kept = ""
        folder, name = os.path.split(self._path)
        self._beside = os.path.join(folder, f".{_shortened(name)}.{secrets.token_hex(8)}")
        mode = _OWNER_ONLY if secret else _AS_UMASK_HAS_IT
        found = _nameless(folder, mode)
        self._named = found is None
        try:
            descriptor = _new(self._beside, mode) if found is None else found
        except OSError as error:  # which names a file that nobody asked for
            raise OSError(error.errno, error.strerror, self._path) from None
        if secret and hasattr(os, "fchmod"):  # a folder's default access list may say otherwise
            with suppress(OSError):
                os.fchmod(descriptor, _OWNER_ONLY)
        self.file: IO[bytes] = open(descriptor, "r+b", 0)  # noqa: SIM115 - closed in __exit__

    def __enter__(self) -> NewFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.file.close()
        if self._named and not self._settled:
            with suppress(OSError):
                os.unlink(self._beside)

    def settle(self, *, revocable: bool = False) -> None:
        """Put it where it belongs; more than once does no harm.

        Args:
            revocable: what stood there is kept aside, until `confirm` or `revoke`.

        Raises:
            OSError: something else came there meanwhile.
        """
        if self._settled:
            return
        check_place(self._path, force=self._force)
        if is_passing(self._path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), self._path)
        if self._force and os.path.lexists(self._path):
            if not self._named:
                self._give_name(self._beside)
                self._named = True
            if revocable:
                self._keep()
            try:
                os.replace(self._beside, self._path)
            except OSError as error:  # which names the one that nobody asked for
                raise OSError(error.errno, error.strerror, self._path) from None
        elif self._named:
            self._link()
        else:
            self._give_name(self._path)
        self._settled = True

    def confirm(self) -> None:
        """Let go of what stood there before."""
        if self._kept:
            with suppress(OSError):
                os.unlink(self._kept)
            self._kept = ""

    def revoke(self) -> None:
        """Undo a `settle`, or one that failed: what stood there is there again.

        Raises:
            OSError: it can't be put back; then it has a hidden name beside.
        """
        if self._kept:
            os.replace(self._kept, self._path)
            self.confirm()  # of two names of one file the first has stayed
        elif self._settled:
            os.unlink(self._path)

    def _keep(self) -> None:
        """Give what stands there a second name, or, where a file has only one, another.

        Raises:
            OSError: it is gone.
        """
        kept = f"{self._beside}.before"
        try:
            os.link(self._path, kept, follow_symlinks=False)
        except OSError:
            os.rename(self._path, kept)
        self._kept = kept

    def _give_name(self, path: str) -> None:
        """Let a file appear that has no name yet.

        Raises:
            FileExistsError: somebody has that name.
        """
        number = self.file.fileno()
        try:
            # Any descriptor, which an absolute path does not need, has the link be followed.
            os.link(f"{_OPENED}/{number}", path, src_dir_fd=number, follow_symlinks=True)
        except OSError as error:  # which names both
            raise OSError(error.errno, error.strerror, self._path) from None

    def _link(self) -> None:
        """Give it its name, unless somebody has it meanwhile."""
        if sys.platform == "win32":  # where a rename replaces nothing
            try:
                os.rename(self._beside, self._path)
            except OSError as error:
                raise OSError(error.errno, error.strerror, self._path) from None
            return
        try:
            os.link(self._beside, self._path)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            os.rename(self._beside, self._path)
        else:
            os.unlink(self._beside)


def _new(path: str, mode: int) -> int:
    if sys.platform == "win32":
        return new_file(path, secret=mode == _OWNER_ONLY)
    return os.open(path, _FLAGS, mode)


def _shortened(name: str) -> str:
    """As much of a name as leaves room for more of it: file systems count bytes."""
    return name.encode("utf-8", "ignore")[:_NAME].decode("utf-8", "ignore")


def _nameless(folder: str, mode: int) -> int | None:
    """A new file in a folder that nobody sees; None where there can be none, or it could get no
    name later."""
    flag = getattr(os, "O_TMPFILE", None)
    if flag is None:
        return None
    try:
        descriptor = os.open(folder or ".", os.O_RDWR | os.O_CLOEXEC | flag, mode)
    except OSError:  # of a folder that can't be written to, the other way says what is wrong
        return None
    if os.path.exists(f"{_OPENED}/{descriptor}"):
        return descriptor
    os.close(descriptor)
    return None


@contextmanager
def whole_file(path: Place, *, force: bool = False, secret: bool = True) -> Iterator[IO[bytes]]:
    """A file that is there whole or not at all; or a device or a pipe, as it is.

    Args:
        path: of the file.
        force: replace a file that is there.
        secret: only its owner can read it; else whoever the umask lets.

    Raises:
        OSError: see `check_place`; or it can't be made.
    """
    check_name(path)
    if is_passing(path):
        with open(path, "wb") as passing:
            yield passing
        return
    with NewFile(path, force=force, secret=secret) as new:
        with open(new.file.fileno(), "wb", closefd=False) as buffered:
            yield buffered
        new.settle()


def own_file(path: Place) -> IO[bytes]:
    """A new file for reading and writing that is there at once, its owner's alone.

    What stands there is replaced; a device or a pipe is opened as it is.

    Raises:
        OSError: see `check_place`; or it can't be made.
    """
    if is_passing(path):
        return open(path, "w+b")
    check_place(path, force=True)
    with suppress(FileNotFoundError):
        os.unlink(path)
    return open(_new(os.fspath(path), _OWNER_ONLY), "w+b")
