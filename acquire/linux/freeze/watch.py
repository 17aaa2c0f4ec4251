"""The guardian: a process of its own that stops a target and is sure to let it go.

Run as a program, with the standard library only and as little of that as possible, since the
target waits for it. It does what undoing needs, and stopping, too, so that the two can't get
into each other's way. Over its standard input it is told ``hold SECONDS`` (or ``hold -``,
without limit) and answers ``held``, or ``failed NUMBER WHERE``; over ``release``, when the time
is up, or when the input ends because whoever started it is no more, it undoes what it did,
and answers ``released WHY NANOSECONDS`` (since the epoch), and ``cleaned NUMBER`` when nothing
is left of it, or something is that could not be undone, with the error's number.

Arguments: ``sigstop PID START_TICKS STOP_SIGNAL CONTINUE_SIGNAL``, or
``cgroup PID START_TICKS DIRECTORY CHILD FILE FREEZE THAW`` (see `Cgroup`).
"""

from __future__ import annotations

import os
import select
import sys
import time

_LAST_FOR = 5.0
"""Seconds within which a control group has to get empty to be removed."""


def start_ticks(pid: int) -> str:
    """What tells a process from another one that got its number later; empty if it's gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b") ")[2].split()[19].decode()
    except (OSError, IndexError):
        return ""


class Signals:
    """Stopping by signal."""

    def __init__(self, pid: str, ticks: str, stop: str, go_on: str) -> None:
        self._pid, self._ticks = int(pid), ticks
        self._stop, self._continue = int(stop), int(go_on)

    def _send(self, signal: int) -> None:
        if start_ticks(self._pid) != self._ticks:
            raise ProcessLookupError(3, "it has ended")
        os.kill(self._pid, signal)

    def hold(self) -> None:
        """Send the signal that stops."""
        self._send(self._stop)

    def let_go(self) -> None:
        """Send the signal that wakes."""
        self._send(self._continue)

    def clean_up(self) -> None:
        """Nothing else is left behind."""


class Cgroup:
    """Stopping by moving into a control group of its own, and freezing that.

    Args:
        directory: the group that the target is in.
        child: the group to make in it.
        file: the file of that group that freezes.
        freeze, thaw: what to write into it.
    """

    def __init__(
        self, pid: str, ticks: str, directory: str, child: str, file: str, freeze: str, thaw: str
    ) -> None:
        self._pid, self._ticks = pid, ticks
        self._directory, self._child, self._file = directory, child, file
        self._freeze, self._thaw = freeze, thaw

    def _write(self, path: str, text: str) -> None:
        descriptor = os.open(path, os.O_WRONLY)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)

    def _inside(self) -> list[str]:
        """Numbers of the processes in the group, or of a thread of one."""
        for name in ("cgroup.procs", "cgroup.threads", "tasks"):
            # A process whose leader has ended stands only in the lists of threads.
            try:
                with open(f"{self._child}/{name}", encoding="ascii") as file:
                    inside = file.read().split()
            except OSError:
                continue
            if inside:
                return inside if name == "cgroup.procs" else inside[:1]
        return []

    def hold(self) -> None:
        """Move it, then freeze it: moving takes long, and it need not stand still for that."""
        if start_ticks(int(self._pid)) != self._ticks:
            raise ProcessLookupError(3, "it has ended")
        os.mkdir(self._child)
        self._write(f"{self._child}/cgroup.procs", self._pid)
        self._write(f"{self._child}/{self._file}", self._freeze)

    def let_go(self) -> None:
        """Let it run on."""
        if os.path.isdir(self._child):
            self._write(f"{self._child}/{self._file}", self._thaw)

    def clean_up(self) -> None:
        """Move it back, with whatever it has started since, and remove the group."""
        if not os.path.isdir(self._child):
            return
        until = time.monotonic() + _LAST_FOR
        while True:
            try:
                for pid in self._inside():
                    try:  # noqa: SIM105 - contextlib takes longer to import than all of this
                        self._write(f"{self._directory}/cgroup.procs", pid)
                    except ProcessLookupError:
                        pass
                os.rmdir(self._child)
                return
            except OSError:
                # Busy while processes in it end or are being made.
                if time.monotonic() > until:
                    raise
                time.sleep(0.005)


def say(text: str) -> None:
    """Answer; to nobody, if there is nobody left."""
    try:  # noqa: SIM105 - see above
        os.write(1, text.encode() + b"\n")
    except OSError:
        pass


def guard(method: Signals | Cgroup) -> None:
    """Wait for what to do, do it, and undo it whatever happens."""
    rest = b""
    why = "orphaned"
    until: float | None = None
    holding = False
    say("ready")
    while True:
        left = None if until is None else max(until - time.monotonic(), 0.0)
        if not select.select([0], [], [], left)[0]:
            why = "max_freeze"
            break
        got = os.read(0, 4096)
        if not got:
            break
        rest += got
        line, newline, rest = rest.partition(b"\n")
        if not newline:
            rest = line
            continue
        words = line.decode().split()
        if words[0] != "hold" or holding:
            why = "done"
            break
        holding = True
        try:
            method.hold()
        except OSError as error:
            say(f"failed {error.errno} {error.filename or ''}")
            why = "failed"
            break
        if words[1] != "-":
            until = time.monotonic() + float(words[1])
        say("held")
    when = time.time_ns()
    number = 0
    try:
        if holding:
            method.let_go()
            when = time.time_ns()
    except ProcessLookupError:
        why = "gone"
    except OSError as error:
        number = error.errno or 5
    say(f"released {why} {when}")
    try:
        if holding:
            method.clean_up()
    except OSError as error:
        number = error.errno or 5
    say(f"cleaned {number}")


if __name__ == "__main__":
    guard((Signals if sys.argv[1] == "sigstop" else Cgroup)(*sys.argv[2:]))
