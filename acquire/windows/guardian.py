"""Holds a process still, and lets it go whatever becomes of the acquirer; a program of its own.

``python -I -S guardian.py TARGET ACQUIRER SECONDS METHOD``: handles that it has inherited, as
numbers, ``--max-freeze`` (0: no bound), and ``suspend``, ``threads`` or ``snapshot``. It imports
nothing of this package, so that it starts quickly. On stdin it takes a word a line, and answers
each with a line on stdout:

* ``suspend``: ``held WAY``, where WAY is ``state_change`` (Windows 11, Server 2022: the kernel
  ends that stop with its holder), ``suspend_process`` or ``suspend_thread``; or ``refused STATUS``;
  by the last of these ways, a line ``thread NUMBER COUNT`` comes before each thread is suspended:
  which one, and how often it had been already (-1: not told);
* ``resume``: ``released WHY``, where WHY is ``done`` or ``max_freeze``; or ``failed STATUS``;
* ``copy``: ``copied HANDLE``, a handle of its own to a copy of the target's memory; or
  ``refused CODE``;
* ``discard``: ``discarded done``: there is no copy any more.

It lets the target go, discards the copy, and ends, when stdin ends or the acquirer does.
"""

from __future__ import annotations

import ctypes
import errno
import os
import runpy
import sys
import threading
from collections.abc import Callable
from typing import IO, Protocol

__all__ = [
    "CopyCalls",
    "StoppedThreads",
    "TargetCalls",
    "TargetCopier",
    "TargetKeeper",
    "TargetThreadCalls",
    "Teller",
    "serve",
]

_INFINITE = 0xFFFF_FFFF
_UNSUCCESSFUL = 0xC000_0001 - (1 << 32)
_LOOKS = 64
"""How often threads are listed anew, while each time some have come."""
_TELLING = 1.0
_INVALID_HANDLE = 6  # ERROR_INVALID_HANDLE


class TargetCalls(Protocol):
    """What the guardian does to its target; each gives an NTSTATUS, negative if refused."""

    way: str

    def suspend(self) -> int:
        """Stop it, and set `way`."""

    def resume(self) -> int:
        """Let it go."""


class TargetThreadCalls(Protocol):
    """What is done to the threads of one process."""

    def numbers(self) -> list[int]:
        """Of all there are."""

    def open(self, number: int) -> int:
        """A handle, to be closed; 0: it is gone, or not ours to stop."""

    def count(self, handle: int) -> int:
        """How often it is suspended; -1: not told."""

    def suspend(self, handle: int) -> bool:
        """Suspend it once more; whether that was done."""

    def resume(self, handle: int) -> bool:
        """Undo that; whether it was done, or there is nothing left to be undone."""

    def close(self, handle: int) -> None:
        """Close a handle."""


class StoppedThreads:
    """A process that is stopped thread by thread; satisfies `TargetCalls`.

    Args:
        threads: what is done to them.
        tell: is told of each before it is suspended, see above: lines of those that come together.
    """

    way = "suspend_thread"

    def __init__(self, threads: TargetThreadCalls, tell: Callable[[str], None]) -> None:
        self._threads = threads
        self._tell = tell
        self._held: dict[int, int] = {}

    def suspend(self) -> int:
        """Stop all there are, and those that come meanwhile."""
        try:
            before: set[int] = set()
            for _ in range(_LOOKS):
                left = {number for number in self._threads.numbers() if number not in self._held}
                self._stop(sorted(left))
                # One that has ended before it was stopped is not there the next time; if its number
                # is, that may be another's by now, and is tried once more.
                refused = left - self._held.keys()
                if refused == left <= before:
                    break
                before = refused
        except BaseException:
            self.resume()
            raise
        return 0 if self._held else _UNSUCCESSFUL

    def _stop(self, numbers: list[int]) -> None:
        opened = {number: self._threads.open(number) for number in numbers}
        left = {number: handle for number, handle in opened.items() if handle}
        try:
            if left:
                counts = ((number, self._threads.count(left[number])) for number in left)
                self._tell("".join(f"thread {number} {count}\n" for number, count in counts))
            for number, handle in tuple(left.items()):
                if self._threads.suspend(handle):
                    self._held[number] = left.pop(number)
        finally:
            for handle in left.values():
                self._threads.close(handle)

    def resume(self) -> int:
        """Let go those that were stopped."""
        for number, handle in tuple(self._held.items()):
            if self._threads.resume(handle):
                del self._held[number]
                self._threads.close(handle)
        return _UNSUCCESSFUL if self._held else 0


class TargetKeeper:
    """Whether the target is held, and by whom it is let go.

    Args:
        calls: what is done to it.
        seconds: after which it is let go in any case; 0: never.
    """

    def __init__(self, calls: TargetCalls, seconds: float) -> None:
        self._calls = calls
        self._seconds = seconds
        self._lock = threading.Lock()
        self._held = False
        self._why = "done"
        self._timer: threading.Timer | None = None

    def suspend(self) -> str:
        """Stop it; the answer."""
        with self._lock:
            if self._held:
                return f"held {self._calls.way}"
            self._why = "done"
            if self._seconds:  # it waits for the lock, and is there before anything stands still
                self._timer = threading.Timer(self._seconds, self.release, ("max_freeze",))
                self._timer.daemon = True
                self._timer.start()
            status = self._calls.suspend()
            self._held = status >= 0
            if not self._held:
                self._no_timer()
                return f"refused {status & 0xFFFF_FFFF:#x}"
            return f"held {self._calls.way}"

    def release(self, why: str = "done") -> str:
        """Let it go, if it is held; the answer."""
        with self._lock:
            if self._held:
                status = self._calls.resume()
                if status < 0:
                    return f"failed {status & 0xFFFF_FFFF:#x}"
                self._held = False
                self._why = why
                self._no_timer()
            return f"released {self._why}"

    def _no_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


class CopyCalls(Protocol):
    """How a copy of the target's memory is made: a process that never runs."""

    def capture(self) -> tuple[int, int]:
        """An error code, 0 if there is none, and a snapshot."""

    def copy_in(self, snapshot: int) -> tuple[int, int]:
        """An error code, and the handle of the copy in a snapshot; that belongs to the snapshot."""

    def is_another(self, process: int) -> bool:
        """Whether a handle is of a process, and neither of the target nor of our own."""

    def end(self, process: int) -> None:
        """End a process."""

    def free(self, snapshot: int) -> None:
        """Free a snapshot."""


class TargetCopier:
    """The copy of a target's memory, and its end; nobody else ends it where we are killed.

    Args:
        calls: what is done.
    """

    def __init__(self, calls: CopyCalls) -> None:
        self._calls = calls
        self._lock = threading.Lock()
        self._snapshot = self._process = 0

    def copy(self) -> tuple[int, int]:
        """Make it: an error code, 0 if there is none, and the handle of the copy."""
        with self._lock:
            code, snapshot = self._calls.capture()
            if code:
                return code, 0
            self._snapshot = snapshot
            code, process = self._calls.copy_in(snapshot)
            if not code and not self._calls.is_another(process):
                code = _INVALID_HANDLE  # whatever that is: it must never be ended
            if code:
                self._free()
                return code, 0
            self._process = process
            return 0, process

    def discard(self) -> None:
        """End it, if there is one; freeing the snapshot alone is known to leave it there."""
        with self._lock:
            process, self._process = self._process, 0
            if process:
                self._calls.end(process)
            self._free()

    def _free(self) -> None:
        snapshot, self._snapshot = self._snapshot, 0
        if snapshot:
            self._calls.free(snapshot)

    def answer_copy(self) -> str:
        """The same, as a line."""
        code, process = self.copy()
        return f"refused {code:#x}" if code else f"copied {process}"

    def answer_discard(self) -> str:
        """The same, as a line."""
        self.discard()
        return "discarded done"


def serve(
    keeper: TargetKeeper,
    words: IO[bytes],
    answers: IO[bytes],
    copier: TargetCopier | None = None,
) -> None:
    """Do as told until nobody tells any more; then let the target go."""
    known: dict[bytes, Callable[[], str]] = {b"suspend": keeper.suspend, b"resume": keeper.release}
    if copier is not None:
        known |= {b"copy": copier.answer_copy, b"discard": copier.answer_discard}
    try:
        answers.write(b"ready\n")
        answers.flush()
        for line in iter(words.readline, b""):
            answer = known[line.strip()]()
            answers.write(f"{answer}\n".encode())
            answers.flush()
    finally:
        keeper.release()
        if copier is not None:
            copier.discard()


def _outlive(acquirer: int, keeper: TargetKeeper, copier: TargetCopier | None) -> None:
    """Wait for the acquirer's end; then let the target go, and end."""
    wait = vars(ctypes)["WinDLL"]("kernel32").WaitForSingleObject
    wait.argtypes, wait.restype = (ctypes.c_void_p, ctypes.c_uint32), ctypes.c_uint32
    wait(acquirer, _INFINITE)
    keeper.release()
    if copier is not None:
        copier.discard()
    os._exit(0)


class Teller:
    """Writes to whoever may not read: then threads that are held don't wait with us.

    Args:
        out: where to.
    """

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out

    def __call__(self, text: str) -> None:
        """Write.

        Raises:
            OSError: it can't be written, or (`TimeoutError`) not within a second.
        """
        failed: list[OSError] = []
        written = threading.Event()

        def write() -> None:
            try:
                self._out.write(text.encode())
                self._out.flush()
            except OSError as error:
                failed.append(error)
            except ValueError as error:  # closed meanwhile: nobody waits for this text any more
                failed.append(OSError(errno.EBADF, str(error)))
            written.set()

        threading.Thread(target=write, daemon=True).start()
        if not written.wait(_TELLING):
            raise TimeoutError("nobody reads which threads are stopped")
        if failed:
            raise failed[0]


def _main(target: int, acquirer: int, seconds: float, method: str) -> None:
    beside = os.path.join(os.path.dirname(__file__), "guardian_calls.py")
    of_windows = runpy.run_path(beside)
    threads = method == "threads"
    calls: TargetCalls = (
        StoppedThreads(of_windows["ThreadSystem"](target), Teller(sys.stdout.buffer))
        if threads
        else of_windows["ProcessSystem"](target)
    )
    keeper = TargetKeeper(calls, seconds)
    copier = TargetCopier(of_windows["CopyingSystem"](target)) if method == "snapshot" else None
    threading.Thread(target=_outlive, args=(acquirer, keeper, copier), daemon=True).start()
    try:
        serve(keeper, sys.stdin.buffer, sys.stdout.buffer, copier)
    finally:
        os._exit(0)  # whoever read the answers may be gone: nothing is left to be flushed


if __name__ == "__main__":
    _main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4])
