"""Holds a process still, and lets it go whatever becomes of the acquirer; a program of its own.

``python -I -S guardian.py TARGET ACQUIRER SECONDS METHOD``: handles that it has inherited, as
numbers, ``--max-freeze`` (0: no bound), and ``suspend`` or ``threads``. It imports nothing of this
package, so that it starts quickly. On stdin it takes a word a line, and answers each with a line
on stdout:

* ``suspend``: ``held WAY``, where WAY is ``state_change`` (Windows 11, Server 2022: the kernel
  ends that stop with its holder), ``suspend_process`` or ``suspend_thread``; or ``refused STATUS``;
  by the last of these ways, a line ``thread NUMBER COUNT`` comes before each thread is suspended:
  which one, and how often it had been already (-1: not told);
* ``resume``: ``released WHY``, where WHY is ``done`` or ``max_freeze``; or ``failed STATUS``.

It lets the target go, and ends, when stdin ends or the acquirer does.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
import threading
from collections.abc import Callable
from typing import IO, Any, Protocol

__all__ = ["StoppedThreads", "TargetCalls", "TargetKeeper", "TargetThreadCalls", "Teller", "serve"]

_SUSPEND, _RESUME = 0, 1
_MAXIMUM_ALLOWED = 0x0200_0000
_INFINITE = 0xFFFF_FFFF
_UNSUCCESSFUL = 0xC000_0001 - (1 << 32)
_LOOKS = 64
"""How often threads are listed anew, while each time some have come."""
_TELLING = 1.0
_SNAP_THREADS, _NO_HANDLE = 0x4, (1 << 64) - 1
_THREAD_ACCESS = 0x802  # THREAD_SUSPEND_RESUME, THREAD_QUERY_LIMITED_INFORMATION
_SUSPEND_COUNT = 35  # ThreadSuspendCount
_STILL_ACTIVE, _FAILED = 259, 0xFFFF_FFFF


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
            tried: set[int] = set()
            for _ in range(_LOOKS):
                new = [number for number in self._threads.numbers() if number not in tried]
                if not new:
                    break
                tried.update(new)
                self._stop(new)
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


def serve(keeper: TargetKeeper, words: IO[bytes], answers: IO[bytes]) -> None:
    """Do as told until nobody tells any more; then let the target go."""
    known: dict[bytes, Callable[[], str]] = {b"suspend": keeper.suspend, b"resume": keeper.release}
    try:
        answers.write(b"ready\n")
        answers.flush()
        for line in iter(words.readline, b""):
            answer = known[line.strip()]()
            answers.write(f"{answer}\n".encode())
            answers.flush()
    finally:
        keeper.release()


class _Windows:
    """The calls of a real Windows."""

    def __init__(self, target: int) -> None:
        library: Any = vars(ctypes)["WinDLL"]("ntdll")
        handle = ctypes.c_void_p
        self.way = ""
        self._target = handle(target)
        self._plain = {}
        for name in ("NtSuspendProcess", "NtResumeProcess"):
            self._plain[name] = getattr(library, name)
            self._plain[name].argtypes, self._plain[name].restype = (handle,), ctypes.c_int32
        self._create = getattr(library, "NtCreateProcessStateChange", None)
        self._change = getattr(library, "NtChangeProcessState", None)
        self._close = library.NtClose
        self._close.argtypes = (handle,)
        self._held = handle()
        if self._create is not None and self._change is not None:
            self._create.argtypes = (handle, ctypes.c_uint32, handle, handle, ctypes.c_uint64)
            self._change.argtypes = (
                *(handle, handle, ctypes.c_uint32),
                *(handle, ctypes.c_size_t, ctypes.c_uint64),
            )
            self._create.restype = self._change.restype = ctypes.c_int32

    def suspend(self) -> int:
        if self._change_state():
            self.way = "state_change"
            return 0
        self.way = "suspend_process"
        return int(self._plain["NtSuspendProcess"](self._target))

    def _change_state(self) -> bool:
        if self._create is None or self._change is None:
            return False
        held = ctypes.c_void_p()
        wanted = (ctypes.byref(held), _MAXIMUM_ALLOWED, None, self._target, 0)
        if int(self._create(*wanted)) < 0:
            return False
        if int(self._change(held, self._target, _SUSPEND, None, 0, 0)) < 0:
            self._close(held)
            return False
        self._held = held
        return True

    def resume(self) -> int:
        if self.way == "suspend_process":
            return int(self._plain["NtResumeProcess"](self._target))
        if self._change is not None:
            self._change(self._held, self._target, _RESUME, None, 0, 0)
        self._close(self._held)  # which ends the stop if that call did not
        return 0


class _WindowsThreads:
    """The calls of a real Windows to the threads of a process."""

    def __init__(self, target: int) -> None:
        library: Any = vars(ctypes)["WinDLL"]("kernel32")
        handle, word = ctypes.c_void_p, ctypes.c_uint32

        def function(name: str, result: Any, *arguments: Any) -> Any:
            found = getattr(library, name)
            found.restype, found.argtypes = result, arguments
            return found

        self._snapshot = function("CreateToolhelp32Snapshot", handle, word, word)
        self._first = function("Thread32First", ctypes.c_int32, handle, handle)
        self._next = function("Thread32Next", ctypes.c_int32, handle, handle)
        self._open = function("OpenThread", handle, word, ctypes.c_int32, word)
        self._owner = function("GetProcessIdOfThread", word, handle)
        self._suspend = function("SuspendThread", word, handle)
        self._resume = function("ResumeThread", word, handle)
        self._exit_code = function("GetExitCodeThread", ctypes.c_int32, handle, handle)
        self._close = function("CloseHandle", ctypes.c_int32, handle)
        self._pid = int(function("GetProcessId", word, handle)(target))
        self._query = vars(ctypes)["WinDLL"]("ntdll").NtQueryInformationThread
        self._query.argtypes = (handle, word, handle, word, handle)
        self._query.restype = ctypes.c_int32

    def numbers(self) -> list[int]:
        snapshot = self._snapshot(_SNAP_THREADS, 0)
        if snapshot in (None, _NO_HANDLE):
            return []
        entry = (ctypes.c_uint32 * 7)()  # THREADENTRY32
        found: list[int] = []
        step = self._first
        try:
            while True:
                entry[0] = ctypes.sizeof(entry)
                if not step(snapshot, ctypes.byref(entry)):
                    return found
                step = self._next
                if entry[3] == self._pid:
                    found.append(int(entry[2]))
        finally:
            self._close(snapshot)

    def open(self, number: int) -> int:
        handle = self._open(_THREAD_ACCESS, 0, number)
        if handle and self._owner(handle) != self._pid:  # its number was used again
            self._close(handle)
            return 0
        return int(handle or 0)

    def count(self, handle: int) -> int:
        found = ctypes.c_uint32()
        status = self._query(handle, _SUSPEND_COUNT, ctypes.byref(found), 4, None)
        return found.value if status >= 0 else -1

    def suspend(self, handle: int) -> bool:
        return bool(self._suspend(handle) != _FAILED)

    def resume(self, handle: int) -> bool:
        if self._resume(handle) != _FAILED:
            return True
        code = ctypes.c_uint32()
        return bool(self._exit_code(handle, ctypes.byref(code)) and code.value != _STILL_ACTIVE)

    def close(self, handle: int) -> None:
        self._close(handle)


def _outlive(acquirer: int, keeper: TargetKeeper) -> None:
    """Wait for the acquirer's end; then let the target go, and end."""
    wait = vars(ctypes)["WinDLL"]("kernel32").WaitForSingleObject
    wait.argtypes, wait.restype = (ctypes.c_void_p, ctypes.c_uint32), ctypes.c_uint32
    wait(acquirer, _INFINITE)
    keeper.release()
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
    threads = method == "threads"
    calls: TargetCalls = (
        StoppedThreads(_WindowsThreads(target), Teller(sys.stdout.buffer))
        if threads
        else _Windows(target)
    )
    keeper = TargetKeeper(calls, seconds)
    threading.Thread(target=_outlive, args=(acquirer, keeper), daemon=True).start()
    try:
        serve(keeper, sys.stdin.buffer, sys.stdout.buffer)
    finally:
        os._exit(0)  # whoever read the answers may be gone: nothing is left to be flushed


if __name__ == "__main__":
    _main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4])
