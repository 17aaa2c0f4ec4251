"""Targets that run under Wine, what they say of themselves, and how one sees that they run."""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from windows.environment import ROOT, Wine, compiled, dos

__all__ = [
    "PATIENCE",
    "TARGET",
    "Answer",
    "Runner",
    "Target",
    "guardian_of",
    "running",
    "started",
    "wait_for",
]

PATIENCE = 300.0
TARGET = ("target.c", "-municode", "-lws2_32", "-lversion")
"""Its source, and what it is compiled with."""
_ENDING, _ANSWERING = 10.0, 60.0
_SHARE = 0.1


class Answer(NamedTuple):
    """What came of a command."""

    code: int
    out: bytes
    err: str


class Runner:
    """A Python that runs commands one after the other: starting it under Wine takes seconds.

    Args:
        process: runs `windows.runner`.
        folder: where commands run.
    """

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.folder = folder
        self._process = process
        self._asked: Sequence[str] = ()

    @classmethod
    def there(cls, wine: Wine, folder: Path) -> Runner:
        """One under Wine."""
        return cls(wine.start(wine.python("-m", "windows.runner"), folder=folder), folder)

    @classmethod
    def here(cls, folder: Path) -> Runner:
        """One on this system."""
        paths = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
        return cls(
            subprocess.Popen(
                [sys.executable, "-m", "windows.runner"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=folder,
                env={**os.environ, "PYTHONPATH": paths},
            ),
            folder,
        )

    def within(self, folder: Path) -> Runner:
        """The same Python, whose commands run in another folder."""
        return Runner(self._process, folder)

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Answer:
        """Run ``msl``."""
        self.ask(*arguments, stdin=stdin)
        return self.answer()

    def ask(self, *arguments: str, stdin: bytes = b"") -> None:
        """Have it run ``msl``, and don't wait."""
        asked = {
            "folder": str(self.folder),  # Wine knows a path from the root of its current drive
            "arguments": arguments,
            "stdin": base64.b64encode(stdin).decode(),
        }
        self._asked = arguments
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        self._process.stdin.flush()

    def answer(self) -> Answer:
        """What came of what it was asked for."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            assert self._process.stderr is not None
            raise RuntimeError(f"{self._asked}: {self._process.stderr.read().decode()}")
        try:
            found = json.loads(line)
        except ValueError:
            raise RuntimeError(f"{self._asked}: {line[:200]!r} in between") from None
        out, err = (base64.b64decode(found[name]) for name in ("out", "err"))
        return Answer(found["code"], out, err.decode("utf-8"))

    def close(self) -> None:
        """End it."""
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()
        self._process.wait(_ENDING)


@dataclass
class Target:
    """A process of target.c.

    Attributes:
        process: on this machine.
        pid: its number in Wine.
        lines: words of what it has said, by the first of them.
    """

    process: subprocess.Popen[bytes]
    pid: int = 0
    lines: dict[str, list[list[str]]] = field(default_factory=dict)

    def time(self) -> int:
        """What its threads have had of the processor, in nanoseconds."""
        found = 0
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            with suppress(OSError):  # that thread has gone
                found += int((task / "schedstat").read_text().split()[0])
        return found

    def stands_still(self, seconds: float = 0.3) -> bool:
        """Whether it gets nothing of the processor for so long, and while we get some."""
        before = self.time()
        time.sleep(seconds)
        until = time.process_time() + _SHARE
        while self.time() == before and time.process_time() < until:
            pass  # on a busy machine, who runs has to wait for his turn
        return self.time() == before

    def ask(self) -> str:
        """Have its main thread answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"tick\n")
        self.process.stdin.flush()
        answers, _, _ = select.select([self.process.stdout], [], [], _ANSWERING)
        assert answers, f"the target does not answer: {self.states()}"
        return self.process.stdout.readline().decode()

    def states(self) -> str:
        """What its threads do, by the kernel."""
        found = []
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            with suppress(OSError):
                found.append((task / "stat").read_text().rpartition(")")[2].split()[0])
        return " ".join(found)


def wait_for(met: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """Wait until something is so; what that gave."""
    end = time.monotonic() + seconds
    while not (found := met()):
        assert time.monotonic() < end, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.05)
    return found


@contextmanager
def started(wine: Wine, folder: Path, *words: str, name: str = "target") -> Iterator[Target]:
    """Start target.c; it is ready, and ends with this."""
    program = folder / f"{name}.exe"
    if not program.exists():
        program.write_bytes(compiled(*TARGET).read_bytes())
    target = Target(wine.start(wine.command(program, dos(folder / f"{name}.data"), *words)))
    try:
        assert target.process.stdout is not None
        for line in target.process.stdout:
            first, *rest = line.decode("utf-8").split()
            if first == "ready":
                break
            target.lines.setdefault(first, []).append(rest)
        target.pid = int(target.lines["pid"][0][0])
        yield target
    finally:
        # Nobody reads to the end of its streams: if it was the first to start, Wine's services
        # have them, too, and go on as long as anything else runs.
        target.process.kill()
        target.process.wait()
        for stream in (target.process.stdin, target.process.stdout, target.process.stderr):
            assert stream is not None
            with suppress(OSError):
                stream.close()


def guardian_of(acquirer: int) -> int:
    """The guardian's number on this machine, of an acquirer of one prefix; 0: there is none."""
    prefix = _variable(acquirer, b"WINEPREFIX")
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != acquirer:
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if b"guardian.py" in words and _variable(int(entry.name), b"WINEPREFIX") == prefix:
                return int(entry.name)
    return 0


def _variable(pid: int, name: bytes) -> bytes:
    try:
        words = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return b""
    return next((word for word in words if word.startswith(name + b"=")), b"")


def running(pid: int) -> bool:
    """Whether a process of this machine is there, and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
