"""Running a program that may do anything: bounded in time and output, and gone afterwards."""

from __future__ import annotations

import os
import shlex
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from .pipes import readable
from .process_group import command_words, end_group, has_ended, start_group

__all__ = ["Decoder", "ProcessEnd", "Runs"]

_PIECE = 1 << 16
_STDERR_KEPT = 4 << 10
_PLACE = "{}"
_LOOK = 0.25
"""Seconds after which a waiting thread looks whether the run was given up."""


@dataclass(frozen=True)
class ProcessEnd:
    """How a process ended.

    Attributes:
        code: its exit code, negative for a signal; None: it was killed here.
        out: what it printed, up to the limit.
        err: the end of what it said on stderr.
        too_large: it was killed because it printed more than the limit.
        held: the time was up, and it had ended: what it left behind held its output open.
        seconds: how long it took.
        document: the document in what it printed, where that is known already.
    """

    code: int | None
    out: bytes
    err: bytes
    too_large: bool
    held: bool
    seconds: float
    document: dict[str, Any] | None = None


class Runs(Protocol):
    """What puts files to a decoder."""

    def shown(self, path: Path) -> str:
        """The command for a file, as one would type it."""

    def run(
        self, path: Path, *, timeout: float, limit: int, stop: threading.Event | None = None
    ) -> ProcessEnd:
        """How the decoder ends on a file, and what it prints."""

    def close(self) -> None:
        """End what still runs of it."""


class Decoder:
    """A command to run on files.

    Args:
        command: words as a shell splits them; no shell runs it. ``{}`` in a word stands for
            the file's path; without it the file is its stdin.

    Attributes:
        command: as given.
        by_stdin: whether the file is its stdin.

    Raises:
        HarnessError: it has no words, or quotes that are not closed.
    """

    def __init__(self, command: str) -> None:
        self.command = command
        self._words = command_words(command)
        self.by_stdin = not any(_PLACE in word for word in self._words)

    def arguments(self, path: Path) -> list[str]:
        """The words for a file."""
        name = str(path)
        if name.startswith("-"):
            name = os.path.join(os.curdir, name)  # it is no option
        return [word.replace(_PLACE, name) for word in self._words]

    def shown(self, path: Path) -> str:
        """The command for a file, as one would type it."""
        line = shlex.join(self.arguments(path))
        return f"{line} < {shlex.quote(str(path))}" if self.by_stdin else line

    def run(
        self, path: Path, *, timeout: float, limit: int, stop: threading.Event | None = None
    ) -> ProcessEnd:
        """Run it on a file; afterwards nothing of its process group is left.

        Args:
            path: the file.
            timeout: seconds that it may take, its output included.
            limit: bytes that it may print.
            stop: when set, the run is given up.

        Raises:
            HarnessError: it can't be started.
            OSError: the file can't be opened.
        """
        begun = time.monotonic()
        with open(path if self.by_stdin else os.devnull, "rb") as given:
            process = start_group(self.arguments(path), given)
        watch = _Watch(process, begun + timeout, limit, stop or threading.Event())
        try:
            done = watch.read() and watch.wait()
            held = not done and not watch.too_large and has_ended(process)
        finally:
            end_group(process)
        code = process.returncode if done else None
        seconds = time.monotonic() - begun
        return ProcessEnd(code, bytes(watch.out), bytes(watch.err), watch.too_large, held, seconds)

    def close(self) -> None:
        """Nothing of it runs between files."""


class _Watch:
    """A process whose output is read while it runs."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        deadline: float,
        limit: int,
        stop: threading.Event,
    ) -> None:
        self.out = bytearray()
        self.err = bytearray()
        self.too_large = False
        self._process = process
        self._deadline = deadline
        self._limit = limit
        self._stop = stop

    @property
    def _left(self) -> float:
        """Seconds until the time is up; none when the run was given up."""
        return 0.0 if self._stop.is_set() else self._deadline - time.monotonic()

    def read(self) -> bool:
        """Read both outputs to their ends; whether that was possible."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        places = {self._process.stdout: self.out, self._process.stderr: self.err}
        while places:
            left = self._left
            if left <= 0:
                return False
            for pipe in readable(list(places), min(left, _LOOK)):
                data = os.read(pipe.fileno(), _PIECE)
                if not data:
                    del places[pipe]
                elif not self._take(places[pipe], data):
                    return False
        return True

    def _take(self, where: bytearray, data: bytes) -> bool:
        where += data
        if where is self.err:
            del self.err[:-_STDERR_KEPT]
            return True
        self.too_large = len(self.out) > self._limit
        return not self.too_large

    def wait(self) -> bool:
        """Wait for its end, and leave it to be reaped; whether it came in time."""
        pause = 0.001
        while not has_ended(self._process):
            if self._left <= 0:
                return False
            time.sleep(pause)
            pause = min(2 * pause, 0.05)
        return True
