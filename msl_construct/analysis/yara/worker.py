"""Processes that scan: YARA-X keeps the interpreter to itself while it does."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Protocol, cast

from .engines import CompiledRules, Engine, Match, ScanStoppedError, yara_engine

__all__ = ["ForkedWorker", "Scanner", "ScannerHere", "WorkerProcess"]

Buffer = bytes | bytearray | memoryview
Asked = Buffer | tuple[int, int]
_PATIENCE = 5.0
_SIZES = struct.Struct("<QQ")
_STARTED = """
import sys, types
sys.path[:] = {path!r}
package = sys.modules["scanning_for_msl"] = types.ModuleType("scanning_for_msl")
package.__path__ = [{folder!r}]  # this folder without the packages around it, which take time
from scanning_for_msl.worker import serve
serve(sys.stdin.buffer, sys.stdout.buffer)
"""


class Scanner(Protocol):
    """Whoever can be given rules and buffers."""

    def learn(self, number: int, rules: CompiledRules) -> None:
        """Take rules, by a number; whatever had it is forgotten."""

    @property
    def reads(self) -> bool:
        """Whether it can be asked of addresses."""

    def scan(
        self, number: int, data: Asked, values: Mapping[str, str], seconds: int
    ) -> list[Match]:
        """Ask the rules of a number.

        Args:
            data: bytes; or the first address and the one behind the last, if it reads.

        Raises:
            ScanStoppedError: they took too long, or the process ended.
            LookupError: it can't read what stands there.
        """

    def close(self) -> None:
        """End it."""


class ScannerHere:
    """This process."""

    reads = False

    def __init__(self) -> None:
        self._rules: dict[int, CompiledRules] = {}

    def learn(self, number: int, rules: CompiledRules) -> None:
        self._rules[number] = rules

    def scan(
        self, number: int, data: Asked, values: Mapping[str, str], seconds: int
    ) -> list[Match]:
        assert not isinstance(data, tuple)
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
        self._known: dict[int, CompiledRules] = {}
        self._start()

    def _start(self) -> None:
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                _STARTED.format(path=sys.path, folder=str(Path(__file__).parent)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._process = process
        self._to = cast("IO[bytes]", process.stdin)
        self._from = cast("IO[bytes]", process.stdout)
        _widen(self._to)
        _send(self._to, self._engine)

    @property
    def pipes(self) -> tuple[int, int]:
        """Descriptors of its pipes."""
        return self._to.fileno(), self._from.fileno()

    @property
    def reads(self) -> bool:
        """Whether it can be asked of addresses."""
        return False

    def learn(self, number: int, rules: CompiledRules) -> None:
        self._known[number] = rules
        try:
            self._teach(number)
        except OSError:  # it has ended: the next scan finds out
            return

    def _teach(self, number: int) -> None:
        _send(self._to, (number, None, 0, None), self._known[number].stored())

    def scan(
        self, number: int, data: Asked, values: Mapping[str, str], seconds: int
    ) -> list[Match]:
        try:
            asked = (number, dict(values), seconds)
            if isinstance(data, tuple):
                _send(self._to, (*asked, data))
            else:
                _send(self._to, (*asked, None), data)
            answer, _ = _received(self._from)
        except (OSError, EOFError):
            code = self._end()
            self._start()
            for known in self._known:
                self._teach(known)
            raise ScanStoppedError(f"its process ended with {code}") from None
        if answer is None:
            raise LookupError
        if isinstance(answer, str):
            raise ScanStoppedError(answer)
        return [cast("Match", tuple(match)) for match in answer]

    def close(self) -> None:
        self._end()

    def _end(self) -> int:
        with suppress(OSError):
            self._to.close()
        code = self._wait()
        self._from.close()
        return code

    def _wait(self) -> int:
        """Its exit code, once it has noticed that nobody asks any more."""
        try:
            return self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


class ForkedWorker(WorkerProcess):
    """A copy of this process, which reads memory by itself.

    Nothing of this process may have scanned before, and no thread may be there.

    Args:
        engine: what scans.
        read: bytes from an address to another.
        others: made before it.
        rules: that it knows from the beginning, by their numbers.

    Raises:
        OSError: it can't be made.
    """

    def __init__(
        self,
        engine: Engine,
        read: Callable[[int, int], Buffer],
        others: Sequence[WorkerProcess],
        rules: Mapping[int, CompiledRules],
    ) -> None:
        self._read = read
        self._inherited = rules
        self._others = others
        self._forked = 0
        super().__init__(engine)

    @property
    def reads(self) -> bool:
        """Whether it can be asked of addresses."""
        return self._forked > 0

    def learn(self, number: int, rules: CompiledRules) -> None:
        """See `Scanner.learn`."""
        if self.reads and number in self._inherited:
            self._known[number] = rules
        else:
            super().learn(number, rules)

    def _start(self) -> None:
        if self._forked:  # it has ended, and there are threads now
            self._forked = -1
            super()._start()
            return
        asked, answers = os.pipe(), os.pipe()
        self._forked = os.fork()
        if not self._forked:
            try:
                inherited = [pipe for one in self._others for pipe in one.pipes]
                for end in (asked[1], answers[0], *inherited):
                    os.close(end)  # else others would not notice that theirs is closed
                with os.fdopen(asked[0], "rb") as given, os.fdopen(answers[1], "wb") as told:
                    serve(given, told, self._read, self._inherited)
            finally:
                os._exit(0)
        os.close(asked[0])
        os.close(answers[1])
        self._to, self._from = os.fdopen(asked[1], "wb"), os.fdopen(answers[0], "rb")
        _widen(self._to)
        _send(self._to, self._engine)

    def _wait(self) -> int:
        if self._forked < 0:
            return super()._wait()
        end = time.monotonic() + _PATIENCE
        while not (done := os.waitpid(self._forked, os.WNOHANG))[0]:
            if time.monotonic() > end:
                os.kill(self._forked, signal.SIGKILL)
            time.sleep(0.005)
        return os.waitstatus_to_exitcode(done[1])


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


def serve(
    given: IO[bytes],
    answers: IO[bytes],
    read: Callable[[int, int], Buffer] | None = None,
    known: Mapping[int, CompiledRules] | None = None,
) -> None:
    """What such a process does until its input ends.

    Args:
        given, answers: pipes.
        read: bytes from an address to another.
        known: rules, by their numbers.
    """
    rules = dict(known or {})
    try:
        engine = yara_engine(_received(given)[0])
        assert engine is not None
        while True:
            (number, values, seconds, place), data = _received(given)
            if values is None:
                rules[number] = engine.load(data)
                continue
            try:
                if place is not None and read is not None:
                    data = bytes(read(*place))
                answer: object = rules[number].scan(data, values, seconds)
            except ScanStoppedError as error:
                answer = str(error)
            except Exception:  # of reading: whoever asked looks for himself
                answer = None
            del data
            _send(answers, answer)
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return
