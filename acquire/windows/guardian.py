"""Holds a process still, and lets it go whatever becomes of the acquirer; a program of its own.

``python -I -S guardian.py TARGET ACQUIRER SECONDS``: handles that it has inherited, as numbers,
and ``--max-freeze`` (0: no bound). It imports nothing of this package, so that it starts quickly.
On stdin it takes a word a line, and answers each with a line on stdout:

* ``suspend``: ``held WAY``, where WAY is ``state_change`` (Windows 11, Server 2022: the kernel
  ends that stop with its holder) or ``suspend_process``; or ``refused STATUS``;
* ``resume``: ``released WHY``, where WHY is ``done`` or ``max_freeze``; or ``failed STATUS``.

It lets the target go, and ends, when stdin ends or the acquirer does.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from typing import IO, Any, Protocol

__all__ = ["Calls", "TargetKeeper", "serve"]

_SUSPEND, _RESUME = 0, 1
_MAXIMUM_ALLOWED = 0x0200_0000
_INFINITE = 0xFFFF_FFFF


class Calls(Protocol):
    """What the guardian does to its target; each gives an NTSTATUS, negative if refused."""

    way: str

    def suspend(self) -> int:
        """Stop it, and set `way`."""

    def resume(self) -> int:
        """Let it go."""


class TargetKeeper:
    """Whether the target is held, and by whom it is let go.

    Args:
        calls: what is done to it.
        seconds: after which it is let go in any case; 0: never.
    """

    def __init__(self, calls: Calls, seconds: float) -> None:
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


def _outlive(acquirer: int, keeper: TargetKeeper) -> None:
    """Wait for the acquirer's end; then let the target go, and end."""
    wait = vars(ctypes)["WinDLL"]("kernel32").WaitForSingleObject
    wait.argtypes, wait.restype = (ctypes.c_void_p, ctypes.c_uint32), ctypes.c_uint32
    wait(acquirer, _INFINITE)
    keeper.release()
    os._exit(0)


def _main(target: int, acquirer: int, seconds: float) -> None:
    keeper = TargetKeeper(_Windows(target), seconds)
    threading.Thread(target=_outlive, args=(acquirer, keeper), daemon=True).start()
    try:
        serve(keeper, sys.stdin.buffer, sys.stdout.buffer)
    finally:
        os._exit(0)  # whoever read the answers may be gone: nothing is left to be flushed


if __name__ == "__main__":
    _main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
