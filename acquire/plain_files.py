"""The files of modules, where no more is known of them than their paths.

A file may lie on a server that doesn't answer, or be very large: all of it takes no longer than
on Linux, in a thread that is left to itself when it stalls.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from msl_construct.hashing import new_hasher

from .shares import Shares

__all__ = ["SECONDS", "FileFound", "TooLong", "hash_file", "look_at"]

SECONDS = 30.0
"""How long all files may take."""
_PIECE = 1 << 20
_LATE = "not hashed: its share of the time was up"


@dataclass(frozen=True)
class FileFound:
    """What was found out about a file.

    Attributes:
        disk_hash: None: it has none, and `problem` says why.
        version: what its resources say; empty where they don't.
        problem: why something is missing; empty where nothing is.
    """

    disk_hash: bytes | None = None
    version: str = ""
    problem: str = ""


class TooLong(Exception):
    """A file takes more than its share of the time."""


GoOn = Callable[[], None]
"""To be called between two reads. Raises `TooLong`."""
Look = Callable[[str, GoOn], FileFound]
"""Looks at one file."""


def hash_file(path: str, hash_algo: str, go_on: GoOn) -> FileFound:
    """The hash of a regular file, or why there is none.

    Raises:
        TooLong: it would take too long.
    """
    try:
        # Anything but a regular file might block, or never end.
        if not stat.S_ISREG(os.stat(path).st_mode):
            return FileFound(problem="not hashed: it is no regular file")
        hasher = new_hasher(hash_algo)
        with open(path, "rb") as file:
            while piece := file.read(_PIECE):
                hasher.update(piece)
                go_on()
    except OSError as error:
        return FileFound(problem=f"can't be read: {error.strerror}")
    except ValueError as error:  # a NUL in its path
        return FileFound(problem=f"can't be read: {error}")
    return FileFound(hasher.digest())


def look_at(paths: Iterable[str], look: Look, seconds: float) -> dict[str, FileFound]:
    """Facts about each of these files, in at most about `seconds`.

    Each gets a share of what time there is: the first, which is the program, then the others by
    their size. Where one stalls, those of its file system are given up with it.
    """
    remaining = list(dict.fromkeys(paths))
    everything, found = tuple(remaining), dict[str, FileFound]()
    began = time.monotonic()
    deadline, patience = began + seconds, max(0.5, seconds / 3)
    while remaining:
        job = _Job(remaining, look, began, seconds, everything[0])
        threading.Thread(target=job.run, name="msl-modules", daemon=True).start()
        stuck = job.wait(deadline, patience)
        found |= job.results
        if stuck is None or time.monotonic() >= deadline:
            break
        problem = f"its file system did not answer in {patience:g} s"
        alike = [one for one in remaining if job.place(one) == job.place(stuck)]
        for path in {stuck, *alike} - set(found):
            found[path] = FileFound(problem=problem)
        remaining = [path for path in remaining if path not in found]
    return {path: found.get(path, FileFound(problem=_LATE)) for path in everything}


class _Job:
    """The work of one thread; what is done after it was given up is nobody's."""

    def __init__(
        self, paths: Sequence[str], look: Look, began: float, seconds: float, first: str
    ) -> None:
        self._paths = list(paths)
        self._look = look
        self._began = began
        self._seconds = seconds
        self._first = first
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._given_up = False
        self._beat = self._until = time.monotonic()
        self._current: str | None = None
        self._devices: dict[str, int] = {}
        self._results: dict[str, FileFound] = {}

    @property
    def results(self) -> dict[str, FileFound]:
        """What was found, by path."""
        with self._lock:
            return dict(self._results)

    def place(self, path: str) -> tuple[str, int | None]:
        """The drive and the file system of a file; of one for which neither is told, itself."""
        drive, device = os.path.splitdrive(path)[0].casefold(), self._devices.get(path)
        return (drive or path) if device is None else drive, device

    def wait(self, deadline: float, patience: float) -> str | None:
        """Wait for the end, or until nothing moved for `patience`: then the file in question."""
        while not self._done.is_set():
            left = min(deadline, self._beat + patience) - time.monotonic()
            if left <= 0:
                with self._lock:
                    self._given_up = True
                return self._current
            self._done.wait(left)
        return None

    def run(self) -> None:
        """Go through the files."""
        try:
            sizes = {path: self._size(path) for path in self._paths}
            order = sorted(sizes, key=lambda path: (path != self._first, sizes[path]))
            first = self._first if self._first in sizes else None
            shares = Shares({one: sizes[one] for one in order}, self._began, self._seconds, first)
            for path in order:
                self._until = shares.until(path)
                self._begin(path)
                try:
                    facts = self._look(path, self._go_on)
                except TooLong:
                    facts = FileFound(problem=_LATE)
                with self._lock:
                    if self._given_up:
                        return
                    self._results[path] = facts
        finally:
            self._done.set()

    def _begin(self, path: str) -> None:
        self._current, self._beat = path, time.monotonic()

    def _size(self, path: str) -> int:
        self._begin(path)
        try:
            told = os.stat(path)
        except (OSError, ValueError):
            return 0
        self._devices[path] = told.st_dev
        return told.st_size

    def _go_on(self) -> None:
        self._beat = time.monotonic()
        if self._given_up or self._beat > self._until:
            raise TooLong
