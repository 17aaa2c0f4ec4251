"""The guardian as we speak with it: it holds a process, and lets it go when we are no more."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from msl_construct.errors import TargetError

from ..plain_target import CallFailed
from . import structures as win
from .calls import WindowsSystem
from .holding import CALLS, THREAD_ACCESS

__all__ = ["GuardianLink", "guarded"]

_STARTING = 30.0
_ANSWERING = 10.0
_ENDING = 5.0
_NO_WINDOW, _NEW_GROUP, _BREAKAWAY = 0x0800_0000, 0x200, 0x0100_0000


class GuardianLink:
    """A process of its own, see `guardian`.

    Args:
        start: starts it.
        lost: called in a thread when it has ended while it held the target, after what it has
            left suspended was let go.
        counts: the suspend counts of the target's threads, by their numbers.
        let_go: lowers each by one.
        let_go_of: lowers that of one thread, where they are stopped one by one.
        take: makes a handle of the guardian's, by its process number, one of ours.

    Raises:
        TargetError: it can't be started.
    """

    def __init__(
        self,
        start: Callable[[], subprocess.Popen[bytes]],
        lost: Callable[[], None],
        counts: Callable[[], dict[int, int]],
        let_go: Callable[[], None],
        let_go_of: Callable[[int], None] | None = None,
        take: Callable[[int, int], int] = lambda _, handle: handle,
    ) -> None:
        self._take = take
        self._copied = False
        self._let_go_of = let_go_of
        self._method = "suspend" if let_go_of is None else "threads"
        self._announced: dict[int, int] = {}
        self._lost = lost
        self._counts = counts
        self._let_go = let_go
        self._found: dict[int, int] = {}
        self._answers: queue.Queue[str] = queue.Queue()
        self._asked = self._held = self._ended = self._is_ready = False
        self._lock = threading.Lock()
        # An answer says not to whom: the timer of a bound may ask while somebody else does.
        self._asking = threading.Lock()
        try:
            self._process = start()
        except (OSError, CallFailed) as error:
            raise TargetError(
                f"no guardian can be started that lets the target go if we end: {error}",
                remedy="acquire it running, with the freeze method none",
            ) from error
        self.facts: dict[str, Any] = {"guardian": self._process.pid}
        self._listener = threading.Thread(target=self._listen, name="msl-guardian", daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        try:
            for line in self._process.stdout:
                word, *rest = line.decode("ascii", "replace").split() or [""]
                if word == "thread":  # one that it is about to suspend
                    self._announced[int(rest[0])] = int(rest[1])
                else:
                    self._answers.put(" ".join((word, *rest)))
        except (OSError, ValueError):
            pass
        with self._lock:
            self._ended = True
            held, asked = self._held, self._asked
            self._held = self._asked = False
            if held or asked:
                self._undo(held)
        self._answers.put("")
        if held:
            self._lost()

    def _undo(self, held: bool) -> None:
        """It may have ended before or behind each call: the counts tell what it has left.

        Args:
            held: whether it had said that it holds the target.
        """
        now = self._counts()
        if self._let_go_of is not None:
            for number, told in self._announced.items():
                before = self._found.get(number, 0) if told < 0 else told
                later = now.get(number)
                # Where that is not told, it takes nothing from a thread that runs.
                if (held or not before) if later is None else later > before:
                    with suppress(CallFailed):
                        self._let_go_of(number)
            return
        known = [(count, now[number]) for number, count in self._found.items() if number in now]
        # Where nothing was told before, what stands still as a whole was stopped by us.
        before_and_later = known or [(0, later) for later in now.values()]
        if all(later > before for before, later in before_and_later):
            with suppress(CallFailed):
                self._let_go()

    def ready(self) -> None:
        """Wait until it has started.

        Raises:
            TargetError: it hasn't.
        """
        if self._is_ready:
            return
        try:
            answer = self._answers.get(timeout=_STARTING)
        except queue.Empty:
            answer = "nothing"
        if answer != "ready":
            raise TargetError(
                f"the guardian that would let the target go if we end said {answer or 'nothing'!r}",
                remedy="acquire it running, with the freeze method none",
            )
        self._is_ready = True

    def _ask(self, word: str) -> list[str]:
        assert self._process.stdin is not None
        with self._asking:
            try:
                self._process.stdin.write(f"{word}\n".encode())
                self._process.stdin.flush()
                answer = self._answers.get(timeout=_ANSWERING).split()
            except (OSError, ValueError, queue.Empty):
                answer = []
        if answer and answer[0] in ("refused", "failed"):
            raise CallFailed(CALLS[self._method, word], int(answer[1], 16))
        return answer

    def suspend(self) -> None:
        """Stop it.

        Raises:
            CallFailed: the system refuses, or the guardian is gone.
        """
        with self._lock:
            if self._ended:
                raise CallFailed("the guardian", 0)
            self._asked = True
            self._announced.clear()
        self._found = self._counts()
        self.facts["found_stopped"] = bool(self._found) and min(self._found.values()) > 0
        try:
            answer = self._ask("suspend")
        except CallFailed:
            self._asked = False
            raise
        with self._lock:
            if answer[:1] == ["held"] and not self._ended:
                self._asked, self._held = False, True
                self.facts["held_by"] = answer[1]
                return
        self.close()  # it may have stopped the target, or be about to: what is left is undone
        self._asked = False
        raise CallFailed("the guardian", 0)

    def resume(self) -> str:
        """Let it go; why it had been already, or nothing.

        Raises:
            CallFailed: the system refuses.
        """
        if self._ended:  # what it left was undone by whoever noticed
            return "guardian_ended"
        answer = self._ask("resume")
        if answer[:1] == ["released"]:
            with self._lock:
                self._held = self._asked = False
            return "" if answer[1] == "done" else answer[1]
        if not self._ended:
            self.close()
        return "guardian_ended"

    def copy(self) -> int:
        """A handle to a copy of the target's memory; the guardian ends that where we end.

        Raises:
            CallFailed: the system refuses, or the guardian is gone.
        """
        answer = self._ask("copy")
        if answer[:1] != ["copied"]:
            self.close()  # it may have made one, or be about to: it ends that
            raise CallFailed("the guardian", 0)
        self._copied = True
        return self._take(self._process.pid, int(answer[1]))

    def discard(self) -> None:
        """Have it end the copy, if there is one."""
        if self._copied and not self._ended:
            self._copied = False
            self._ask("discard")

    def close(self) -> None:
        """End it; what it holds, it lets go, and its copy ends."""
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(_ENDING)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._listener.join(_ENDING)


def guarded(
    system: WindowsSystem,
    process: int,
    method: str,
    max_freeze: float | None,
    lost: Callable[[], None],
) -> GuardianLink:
    """Start a guardian that holds a process.

    Args:
        system: the calls.
        process: a handle that permits suspending.
        method: ``suspend``, ``threads`` or ``snapshot``.
        max_freeze: seconds.
        lost: see `Hold`.

    Raises:
        TargetError: it can't be started.
    """
    pid = system.process_id(process)

    def start() -> subprocess.Popen[bytes]:
        program = [sys.executable, "-I", "-S", str(Path(__file__).with_name("guardian.py"))]
        with ExitStack() as passed:
            target = system.inheritable(process)
            passed.callback(system.close, target)
            own = system.own_handle()
            passed.callback(system.close, own)
            words = [str(target), str(own), f"{max_freeze or 0:g}", method]
            return _started([*program, *words], [target, own])

    def resume_one(number: int) -> None:
        with system.thread(number, THREAD_ACCESS, pid) as thread:
            system.resume_thread(thread)

    def take(guardian: int, handle: int) -> int:
        process = system.open_process(guardian, win.PROCESS_DUP_HANDLE)
        try:
            return system.taken_from(process, handle)
        finally:
            system.close(process)

    return GuardianLink(
        start,
        lost,
        lambda: system.suspend_counts(pid),
        lambda: system.resume_process(process),
        resume_one if method == "threads" else None,
        take,
    )


def _started(command: list[str], handles: list[int]) -> subprocess.Popen[bytes]:
    """With its own console, in no job of ours where that is permitted: what ends us ends others."""
    options: dict[str, Any] = {
        "stdin": subprocess.PIPE,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.DEVNULL,
        "cwd": os.path.abspath(os.sep),
    }
    if sys.platform == "win32":
        options["startupinfo"] = subprocess.STARTUPINFO(lpAttributeList={"handle_list": handles})
    flags = _NO_WINDOW | _NEW_GROUP
    try:
        return subprocess.Popen(command, creationflags=flags | _BREAKAWAY, **options)
    except PermissionError:
        return subprocess.Popen(command, creationflags=flags, **options)
