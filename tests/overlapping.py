"""What the tests of the overlapped output share: bounds, and a look at what stays behind."""

from __future__ import annotations

import io
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar

from open_files import descriptors

Found = TypeVar("Found")

PATIENCE = 60.0
"""Seconds after which something hangs: far more than anything here takes."""

DATA = random.Random(7).randbytes(24 << 20)
"""Bytes of which no two stretches are alike."""


def bounded(function: Callable[[], Found], seconds: float = PATIENCE) -> Found:
    """What the function returns or raises; a failure where it does neither in time."""
    found: list[Any] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            found.append(function())
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, name="bounded", daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), f"it hangs: nothing after {seconds} seconds"
    if raised:
        raise raised[0]
    return found[0]


def drained(descriptor: int) -> Callable[[], bytes]:
    """Reads a pipe in a thread; what is returned waits for its end and says what came."""
    pieces: list[bytes] = []

    def run() -> None:
        with os.fdopen(descriptor, "rb", 0) as file:
            while piece := file.read(1 << 20):
                pieces.append(piece)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def wait() -> bytes:
        thread.join(PATIENCE)
        assert not thread.is_alive(), "the pipe was not closed"
        return b"".join(pieces)

    return wait


def ours() -> list[threading.Thread]:
    """The threads that the builder has started."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("msl-")]


def _files() -> set[str]:
    """What is open in this process, and is not of a process."""
    return {one for one in descriptors() if " /proc/" not in one}


@contextmanager
def quiet() -> Iterator[None]:
    """Afterwards there are no more of our threads and open files than before."""
    files, threads = _files(), set(ours())
    yield
    deadline = time.monotonic() + PATIENCE
    while (set(ours()) - threads or _files() - files) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not set(ours()) - threads
    assert not _files() - files


class Output(Protocol):
    """A place to write to, and what stands there afterwards (None: nobody can tell)."""

    file: IO[bytes]

    def content(self) -> bytes | None: ...


class OnDisk:
    def __init__(self, path: Path, mode: str = "w+b", buffering: int = -1) -> None:
        self.path = path
        self.file: Any = open(path, mode, buffering)  # noqa: SIM115 - content() closes it

    def content(self) -> bytes:
        self.file.close()
        return self.path.read_bytes()


class Piped:
    def __init__(self) -> None:
        read, write = os.pipe()
        self.file = os.fdopen(write, "wb", 0)
        self.drained = drained(read)

    def content(self) -> bytes:
        self.file.close()
        return self.drained()


class InMemory:
    def __init__(self) -> None:
        self.file = io.BytesIO()

    def content(self) -> bytes:
        return self.file.getvalue()


class Nowhere:
    def __init__(self) -> None:
        self.file = open(os.devnull, "wb")  # noqa: SIM115 - content() closes it

    def content(self) -> None:
        self.file.close()
