"""Processes that scan: YARA-X keeps the interpreter to itself while it does."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Protocol, cast

from .engines import CompiledRules, Engine, Match, ScanStoppedError, yara_engine

__all__ = ["InProcess", "Scanner", "WorkerProcess"]

Buffer = bytes | bytearray | memoryview
_SIZES = struct.Struct("<QQ")
_STARTED = """
import sys, types
sys.path[:] = {path!r}
package = sys.modules["scanning_for_msl"] = types.ModuleType("scanning_for_msl")
package.__path__ = [{folder!r}]  # this folder without the packages around it, which take time
from scanning_for_msl.worker import serve
serve()
"""


class Scanner(Protocol):
    """Whoever can be given rules and buffers."""

    def learn(self, number: int, rules: CompiledRules) -> None:
        """Take rules, by a number; whatever had it is forgotten."""

    def scan(
        self, number: int, data: Buffer, values: Mapping[str, str], seconds: int
    ) -> list[Match]:
        """Ask the rules of a number.

        Raises:
            ScanStoppedError: they took too long, or the process ended.
        """

    def close(self) -> None:
        """End it."""


class InProcess:
    """This process."""

    def __init__(self) -> None:
        self._rules: dict[int, CompiledRules] = {}

    def learn(self, number: int, rules: CompiledRules) -> None:
        self._rules[number] = rules

    def scan(
        self, number: int, data: Buffer, values: Mapping[str, str], seconds: int
    ) -> list[Match]:
        return self._rules[number].scan(bytes(data), values, seconds)

    def close(self) -> None:
        self._rules.clear()


class WorkerProcess:
    """A process of its own, which ends with its input.

    Raises:
        OSError: it can't be started.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.name
        self._known: dict[int, bytes] = {}
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                _STARTED.format(path=sys.path, folder=str(Path(__file__).parent)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        _widen(self._pipe_in)
        _send(self._pipe_in, self._engine)

    @property
    def _pipe_in(self) -> IO[bytes]:
        return cast("IO[bytes]", self._process.stdin)

    def learn(self, number: int, rules: CompiledRules) -> None:
        self._known[number] = rules.stored()
        try:
            self._teach(number)
        except OSError:  # it has ended: the next scan finds out
            return

    def _teach(self, number: int) -> None:
        _send(self._pipe_in, (number, None, 0), self._known[number])

    def scan(
        self, number: int, data: Buffer, values: Mapping[str, str], seconds: int
    ) -> list[Match]:
        try:
            _send(self._pipe_in, (number, dict(values), seconds), data)
            answer, _ = _received(cast("IO[bytes]", self._process.stdout))
        except (OSError, EOFError):
            self.close()
            code = self._process.returncode
            self._start()
            for known in self._known:
                self._teach(known)
            raise ScanStoppedError(f"its process ended with {code}") from None
        if isinstance(answer, str):
            raise ScanStoppedError(answer)
        return [cast("Match", tuple(match)) for match in answer]

    def close(self) -> None:
        with suppress(OSError):
            self._pipe_in.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        cast("IO[bytes]", self._process.stdout).close()


def _widen(pipe: IO[bytes]) -> None:
    """As much room in the pipe as the system gives without asking."""
    try:
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 1 << 20)
    except (ImportError, AttributeError, OSError):
        return


def _send(pipe: IO[bytes], message: object, data: Buffer = b"") -> None:
    """A message, and bytes behind it. Nothing that comes back can be more than text and numbers."""
    text = json.dumps(message).encode()
    pipe.write(_SIZES.pack(len(text), len(data)) + text)
    pipe.write(data)
    pipe.flush()


def _received(pipe: IO[bytes]) -> tuple[Any, bytes]:
    sizes = pipe.read(_SIZES.size)
    if len(sizes) < _SIZES.size:
        raise EOFError
    text, data = _SIZES.unpack(sizes)
    return json.loads(pipe.read(text)), pipe.read(data)


def serve() -> None:
    """What such a process does until its input ends."""
    given, answers = sys.stdin.buffer, sys.stdout.buffer
    rules: dict[int, CompiledRules] = {}
    try:
        engine = yara_engine(_received(given)[0])
        assert engine is not None
        while True:
            (number, values, seconds), data = _received(given)
            if values is None:
                rules[number] = engine.load(data)
                continue
            try:
                answer: object = rules[number].scan(data, values, seconds)
            except ScanStoppedError as error:
                answer = str(error)
            del data
            _send(answers, answer)
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return
