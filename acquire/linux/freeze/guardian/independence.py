"""What keeps a guardian from being stopped together with whoever started it.

A signal for the acquirer's terminal or process group is none for it: it leads its own session
and blocks what can be blocked. A control group that is frozen (``docker pause``, the freezer of
a batch system) is left, where that is permitted. For what remains, a stop by SIGSTOP or a
frozen group of version 2, the kernel itself is told to kill it when the time is up, which
nobody but the kernel can hold up.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal

__all__ = [
    "LastResort",
    "Waker",
    "be_quick",
    "block_signals",
    "call_ourselves",
    "die_first",
    "leave_groups",
]

_MONOTONIC = 1
_SIGNALS = signal.NSIG
_WAKING = 0.1
"""Seconds after which a process that must go on is woken, again and again."""
_PRIORITY = -10
"""Far above the rest, and below what keeps the machine going."""


def call_ourselves(name: str) -> None:
    """Take a name by which people know what this process is."""
    with contextlib.suppress(OSError), open("/proc/self/comm", "wb", 0) as file:
        file.write(name.encode())


def die_first() -> None:
    """Be the first whom the kernel ends where memory runs out, before the target.

    Whoever is forked from here on inherits that.
    """
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "wb", 0) as file:
        file.write(b"1000")


def block_signals() -> None:
    """Let no signal in but those that nobody can block."""
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, _SIGNALS))


def be_quick() -> None:
    """Be preferred to others, where that is permitted: the target's own threads among them, which
    run while they are being stopped one by one."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _PRIORITY)
    # Where sessions are scheduled as one (autogroup), a priority counts within ours alone.
    with contextlib.suppress(OSError), open("/proc/self/autogroup", "wb", 0) as file:
        file.write(str(_PRIORITY).encode())


def _freezing_hierarchies() -> dict[str, str]:
    """Mount points of the control groups that can freeze; each with the name of its line in
    /proc/PID/cgroup (the controller's; empty for version 2)."""
    found = {}
    with contextlib.suppress(OSError), open("/proc/self/mountinfo", "rb") as file:
        for line in file:
            front, _, back = line.decode("utf-8", "surrogateescape").partition(" - ")
            fields = front.split(" ")
            kind, _, options = back.rstrip("\n").partition(" ")
            if len(fields) < 6 or fields[3] != "/":
                continue  # only a part of the hierarchy: what is above can't be reached
            if kind == "cgroup2":
                found[fields[4]] = ""
            elif kind == "cgroup" and "freezer" in options.rpartition(" ")[2].split(","):
                found[fields[4]] = "freezer"
    return found


def _place(pid: int, controller: str) -> str:
    """The control group that a process is in, from the hierarchy's root."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/cgroup", "rb") as file:
        for line in file:
            text = line.decode("utf-8", "surrogateescape").rstrip("\n")
            _, names, path = text.split(":", 2)
            if (controller in names.split(",")) if controller else not names:
                return path
    return "/"


def leave_groups(pid: int) -> None:
    """Move a process as far up as permitted in every hierarchy of control groups that can freeze.

    Version 2 has one hierarchy for everything: the few megabytes of a guardian are accounted
    above then, too, which also keeps it from falling to a memory limit of the acquirer's group
    before it has let go. A process that is frozen by version 1 runs on when it is moved.
    """
    for mount, controller in _freezing_hierarchies().items():
        parts = [part for part in _place(pid, controller).split("/") if part]
        if ".." in parts:
            continue
        for depth in range(len(parts)):
            try:
                with open(os.path.join(mount, *parts[:depth], "cgroup.procs"), "wb", 0) as file:
                    file.write(str(pid).encode())
            except OSError:
                continue
            break


class _Event(ctypes.Structure):
    """struct sigevent."""

    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signal", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("padding", ctypes.c_char * 48),
    )


class _Times(ctypes.Structure):
    """struct itimerspec."""

    _fields_ = (
        ("interval_seconds", ctypes.c_long),
        ("interval_nanoseconds", ctypes.c_long),
        ("seconds", ctypes.c_long),
        ("nanoseconds", ctypes.c_long),
    )


class LastResort:
    """A timer by which the kernel kills this process, stopped or frozen as it may be.

    Where the kernel has none to give, `there` is false, and arming does nothing.
    """

    _SIGNAL = signal.SIGKILL

    def __init__(self) -> None:
        self._timer = ctypes.c_void_p()
        self._library = ctypes.CDLL(None, use_errno=True)
        if not hasattr(self._library, "timer_create"):  # a C library from before 2021
            with contextlib.suppress(OSError):
                self._library = ctypes.CDLL("librt.so.1", use_errno=True)
        self.there = hasattr(self._library, "timer_create") and not self._library.timer_create(
            ctypes.c_int(_MONOTONIC),
            ctypes.byref(_Event(None, int(self._SIGNAL), 0)),
            ctypes.byref(self._timer),
        )

    def arm(self, seconds: float) -> None:
        """Have this process killed so many seconds from now, and not when it was said before."""
        self._set(max(seconds, 0.001))

    def disarm(self) -> None:
        """Have this process live, until it is armed again."""
        self._set(0.0)

    def close(self) -> None:
        """Have this process live, and give the timer back."""
        if self.there:
            self.there = False
            self._library.timer_delete(self._timer)

    def _set(self, seconds: float, again: float = 0.0) -> None:
        if self.there:
            first, then = ((int(each), int(each % 1 * 1e9)) for each in (seconds, again))
            times = _Times(*then, *first)
            self._library.timer_settime(
                self._timer, ctypes.c_int(0), ctypes.byref(times), ctypes.c_void_p()
            )


class Waker(LastResort):
    """A timer by which the kernel wakes this process, as long as the with block lasts, when
    somebody stops it: for what must neither be broken off nor stay half done."""

    _SIGNAL = signal.SIGCONT

    def __enter__(self) -> None:
        self._set(_WAKING, _WAKING)

    def __exit__(self, *_: object) -> None:
        self.close()
