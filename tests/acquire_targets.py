"""Real programs to be acquired: compiled when a test needs them, killed whatever happens.

::

    with target("zoo", "anon") as (process, lines):
        ...  # `process` runs; `lines` is what it said before its line "ready"
        process.ask("truncate")  # a line to its standard input, its answer of one line
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

SOURCES = Path(__file__).parent / "targets"
PATIENCE = 60.0
"""Seconds that a target may take to get ready, or to answer."""


DIRECTORY = "MSL_TEST_PROGRAMS"
"""Names the folder of programs that all processes of a test run share."""


@cache
def _directory() -> Path:
    given = os.environ.get(DIRECTORY)
    if given:
        return Path(given)
    path = tempfile.mkdtemp(prefix="msl-targets-")
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return Path(path)


@cache
def compiled(name: str, *options: str) -> Path:
    """The program of tests/targets/`name`.c; skips the test, by name, without a compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler (gcc)")
    program = _directory() / "-".join([name, *(option.strip("-") for option in options)])
    flags = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-pthread", *options]
    with open(f"{program}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes may want it at once
        if not program.exists():
            made = f"{program}.made"
            done = subprocess.run(
                [compiler, *flags, "-o", made, str(SOURCES / f"{name}.c")],
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            os.rename(made, program)
    return program


class Running(subprocess.Popen[bytes]):
    """A target that runs."""

    _rest = b""

    def line(self, patience: float = PATIENCE) -> str:
        """Its next line, without the newline; fails where none comes in time."""
        assert self.stdout is not None
        until = time.monotonic() + patience
        while b"\n" not in self._rest:
            left = until - time.monotonic()
            assert left > 0, f"{self.args!r}: nothing said in {patience} s, after {self._rest!r}"
            if select.select([self.stdout], [], [], left)[0]:
                got = os.read(self.stdout.fileno(), 65536)
                assert got, f"{self.args!r}: ended ({self.wait(5)}) after {self._rest!r}"
                self._rest += got
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode("utf-8", "surrogateescape")

    def ask(self, command: str, patience: float = PATIENCE) -> str:
        """Send a line and take the line that answers it."""
        assert self.stdin is not None
        self.stdin.write(command.encode() + b"\n")
        return self.line(patience)


def _has_executed(pid: int, program: str) -> None:
    """Wait until a process no longer is `program`, but what that executes."""
    until = time.monotonic() + PATIENCE
    program = os.path.realpath(program)
    with contextlib.suppress(OSError):  # it has ended, or is not ours to look at
        while os.readlink(f"/proc/{pid}/exe") == program:
            assert time.monotonic() < until, f"{program} executes nothing"
            time.sleep(0.001)


@contextlib.contextmanager
def started(command: Sequence[str], ready: str = "ready") -> Iterator[tuple[Running, list[str]]]:
    """Any program that says the line `ready`: (it, its lines before); killed in the end.

    An empty `ready` waits for nothing. The program leads its own session, and everything in
    its process group dies with it.
    """
    # The guardian is for the case that this process is killed and can't tidy up any more.
    guardian = shutil.which("setpriv")
    guarded = [guardian, "--pdeathsig", "KILL", "--", *command] if guardian else command
    process = Running(
        guarded, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, start_new_session=True
    )
    try:
        if guardian:
            _has_executed(process.pid, guardian)
        lines: list[str] = []
        while ready and (line := process.line()) != ready:
            lines.append(line)
        yield process, lines
    finally:
        # Not yet waited for, so that the number can't have gone to somebody else.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait(PATIENCE)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


@contextlib.contextmanager
def target(
    name: str, *arguments: str, options: Sequence[str] = ()
) -> Iterator[tuple[Running, list[str]]]:
    """Run tests/targets/`name`.c with `arguments` until the end of the with block."""
    with started([str(compiled(name, *options)), *arguments]) as both:
        yield both
