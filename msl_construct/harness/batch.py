"""Decoders that take many files in one process: paths in, one line of JSON out for each."""

from __future__ import annotations

import os
import queue
import shlex
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import HarnessError
from .output import NoDocument, parse
from .pipes import readable
from .process import ProcessEnd
from .process_group import command_words, end_group, has_ended, start_group

__all__ = ["BatchDecoder"]

_PIECE = 1 << 16
_STDERR_KEPT = 4 << 10
_LOOK = 0.25
"""Seconds after which a waiting thread looks whether the run was given up."""
_NOT_AS_AGREED = 70
"""What a line counts as that is no answer: a defect of the program."""


class BatchDecoder:
    """A command that runs for the whole corpus, once for each that runs at a time.

    It reads paths from stdin, one a line, and answers each with a line of JSON on stdout: an
    object with ``exit``, the code with which it would end on this file alone, and ``document``, the
    canonical document, where there is one. At the end of stdin it ends. One that ends before,
    or does not answer in time, is started anew for the next file.

    Args:
        command: words as a shell splits them; no shell runs it.

    Attributes:
        command: as given.

    Raises:
        HarnessError: it has no words, or quotes that are not closed.
    """

    def __init__(self, command: str) -> None:
        self.command = command
        self._words = command_words(command)
        self._idle: queue.SimpleQueue[_Process] = queue.SimpleQueue()

    def shown(self, path: Path) -> str:
        """A command that shows what it says of a file."""
        return f"echo {shlex.quote(str(path))} | {shlex.join(self._words)}"

    def run(
        self, path: Path, *, timeout: float, limit: int, stop: threading.Event | None = None
    ) -> ProcessEnd:
        """What it answers for a file.

        Args:
            path: the file.
            timeout: seconds that it may take.
            limit: bytes that its answer may have.
            stop: when set, the run is given up.

        Raises:
            HarnessError: it can't be started, or the path can't stand in a line.
        """
        name = os.path.abspath(path)
        if "\n" in name:
            raise HarnessError(f"a batch has a path on each line, and this has two: {name!r}")
        begun = time.monotonic()
        process = self._next()
        given_up = stop or threading.Event()
        deadline = begun + timeout

        def left() -> float:
            return 0.0 if given_up.is_set() else deadline - time.monotonic()

        line, too_large = process.ask(name, left, limit)
        whole = line.endswith(b"\n")
        code: int | None = None
        document: dict[str, Any] | None = None
        if whole:
            code, document, why = _answer(line)
            if process.was_of_before(document):
                code, document = _NOT_AS_AGREED, None
                why = b"no answer of a batch: a second one about the file before\n"
            process.err += why
        if whole and code != _NOT_AS_AGREED:
            self._idle.put(process)
        else:
            ended = process.end()
            code = code if whole else ended
        seconds = time.monotonic() - begun
        err = bytes(process.take_err())
        return ProcessEnd(code, b"", err, too_large, False, seconds, document)

    def _next(self) -> _Process:
        """A process that waits for a path; one that says more than it was asked is not kept."""
        while True:
            try:
                process = self._idle.get_nowait()
            except queue.Empty:
                return _Process(self._words)
            if not process.has_output:
                return process
            process.end()

    def close(self) -> None:
        """End the processes, which have nothing more to read."""
        while True:
            try:
                self._idle.get_nowait().end()
            except queue.Empty:
                return


def _answer(line: bytes) -> tuple[int, dict[str, Any] | None, bytes]:
    """Code and document of a line, and why it is no answer."""
    try:
        found = parse(line)
    except NoDocument as error:
        return _NOT_AS_AGREED, None, f"no answer of a batch: {error}\n".encode()
    code, document = found.get("exit"), found.get("document")
    if type(code) is not int or not 0 <= code <= 255:
        return _NOT_AS_AGREED, None, b"no answer of a batch: exit is no exit code\n"
    if document is not None and not isinstance(document, dict):
        return _NOT_AS_AGREED, None, b"no answer of a batch: document is no object\n"
    said = found.get("error")
    return code, document, f"{said}\n".encode("utf-8", "replace") if said else b""


class _Process:
    """A running decoder, and what it said on stderr since it was last asked."""

    def __init__(self, words: list[str]) -> None:
        self._process = start_group(words, subprocess.PIPE)
        self.err = bytearray()
        self._asked = self._before = ""

    def ask(self, name: str, left: Callable[[], float], limit: int) -> tuple[bytes, bool]:
        """Its answer, without the line's end if it did not come; whether it was too large."""
        self._before, self._asked = self._asked, os.path.basename(name)
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        with suppress(OSError):  # it has ended; its output says how
            process.stdin.write(os.fsencode(name) + b"\n")
            process.stdin.flush()
        out = bytearray()
        places = {process.stdout: out, process.stderr: self.err}
        while not out.endswith(b"\n") and places:
            seconds = left()
            if seconds <= 0:
                break
            for pipe in readable(list(places), min(seconds, _LOOK)):
                data = os.read(pipe.fileno(), _PIECE)
                places[pipe].extend(data)
                if not data:
                    del places[pipe]
            del self.err[:-_STDERR_KEPT]
            if len(out) > limit:
                return b"", True
        return bytes(out), False

    def was_of_before(self, document: dict[str, Any] | None) -> bool:
        """Whether a document names the file before: its second answer came when this was asked."""
        file = document.get("file") if document else None
        name = file.get("name") if isinstance(file, dict) else None
        said = os.path.basename(name) if isinstance(name, str) else ""
        return said != self._asked and said != "" and said == self._before

    @property
    def has_output(self) -> bool:
        """Whether it has printed something, or ended, without being asked."""
        assert self._process.stdout is not None
        return bool(readable([self._process.stdout], 0))

    def take_err(self) -> bytearray:
        """What it said on stderr."""
        said, self.err = self.err, bytearray()
        return said

    def end(self) -> int | None:
        """Kill the whole group; the code that it had ended with, None if it had not."""
        process = self._process
        ended = process.stdout is None or _ends_at_once(process)
        end_group(process)
        return process.returncode if ended else None


def _ends_at_once(process: subprocess.Popen[bytes]) -> bool:
    """Whether a child has ended, or does so at once; it stays a zombie until it is reaped."""
    until = time.monotonic() + _LOOK
    while not has_ended(process):
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True
