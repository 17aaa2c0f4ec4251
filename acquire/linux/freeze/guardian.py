"""Our end of the guardian: started before the target is touched, told what to do, listened to.

The guardian (`watch`) leads a session of its own, so that a Ctrl-C for us is none for it, and
undoes the freeze when our end of its pipe closes, however that comes about. It can't if it is
killed itself: then we do it, if we still run. Where both are killed at once, as when a
container is stopped from outside, what was stopped by signal or control group stays so.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import threading
import time
from pathlib import Path

from msl_construct.errors import TargetError

from . import watch
from .hold import Hold
from .sighting import Sighting

__all__ = ["Guarded", "HoldFailed"]

_PATIENCE = 30.0
"""Seconds that the guardian may take to answer; moving busy threads takes one or two."""
_SOURCE = Path(watch.__file__)
_METHODS = {"sigstop": watch.Signals, "cgroup": watch.Cgroup}


class HoldFailed(Exception):
    """The guardian could not stop the target.

    Attributes:
        errno: what the system said; 0 if the guardian itself failed.
        path: the file it was about, if it was about one.
    """

    def __init__(self, errno: int, path: str) -> None:
        super().__init__(os.strerror(errno) if errno else "the guardian did not answer")
        self.errno = errno
        self.path = path


class Guarded(Hold):
    """A target that is held by a guardian.

    Args:
        pid: the target.
        method: ``sigstop`` or ``cgroup``.
    """

    def __init__(self, pid: int, method: str) -> None:
        super().__init__(pid, method)
        self._arguments: tuple[str, ...] = ()
        self._process: subprocess.Popen[bytes] | None = None
        self._listener: threading.Thread | None = None
        self._rest = b""
        self._thawing = threading.Lock()

    def _start_guardian(self, leader: Sighting, *arguments: str) -> None:
        """Start a guardian for this target, and wait until it is ready.

        Raises:
            TargetError: it can't be started.
        """
        self._arguments = (str(self.pid), str(leader.start_ticks), *arguments)
        self._rest = b""
        try:
            if not sys.executable:
                raise OSError("this program does not know its Python interpreter")
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_SOURCE), self.method, *self._arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
                bufsize=0,
            )
            if self._answer() != "ready":
                raise OSError("it does not answer")
        except OSError as error:
            self._dismiss()
            raise TargetError(
                f"the process that guards a frozen target can't be started: {error}",
                remedy="use --freeze ptrace, which needs none",
            ) from error

    @property
    def _guardian(self) -> int:
        """Its process number; 0: there is none."""
        return self._process.pid if self._process is not None else 0

    def _hold(self, max_freeze: float | None) -> None:
        """Have the target stopped.

        Raises:
            HoldFailed: it wasn't.
        """
        self._tell(f"hold {'-' if max_freeze is None else max_freeze}")
        words = self._answer().split(" ", 2)
        if words[0] != "held":
            self._dismiss()
            failed = words[0] == "failed" and len(words) == 3
            raise HoldFailed(int(words[1]) if failed else 0, words[2] if failed else "")
        self._listener = threading.Thread(target=self._listen, name="msl-guardian", daemon=True)
        self._listener.start()

    def thaw(self) -> None:
        """Let the target go as it was found; more than once does no harm.

        Raises:
            TargetError: it can't be let go.
        """
        with self._thawing:
            if self._process is None:
                self._over("done")
                return
            self._tell("release")
            if self._listener is not None:
                self._listener.join(_PATIENCE)
            self._dismiss()
            if not self.ended:
                self._undo_ourselves()

    def _undo_ourselves(self) -> None:
        self.facts["undone_by"] = "the acquirer: the guardian was gone"
        method = _METHODS[self.method](*self._arguments)
        try:
            method.let_go()
            self._over("done")
            method.clean_up()
        except ProcessLookupError:
            self._over("gone")
        except OSError as error:
            raise TargetError(
                f"process {self.pid} can't be let go: {error}", remedy=self._by_hand()
            ) from error

    def _by_hand(self) -> str:
        """What somebody at a terminal would do about it."""
        return f"let it go by hand: kill -CONT {self.pid}"

    def _tell(self, text: str) -> None:
        process = self._process
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.write(text.encode() + b"\n")

    def _answer(self, patience: float | None = _PATIENCE) -> str:
        """The guardian's next line; empty if it is gone or silent."""
        process = self._process
        if process is None or process.stdout is None:
            return ""
        descriptor = process.stdout.fileno()
        until = None if patience is None else time.monotonic() + patience
        while b"\n" not in self._rest:
            left = None if until is None else max(until - time.monotonic(), 0.0)
            if not select.select([descriptor], [], [], left)[0]:
                return ""
            got = os.read(descriptor, 4096)
            if not got:
                return ""
            self._rest += got
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()

    def _listen(self) -> None:
        """Note when and why the target was let go."""
        words = self._answer(None).split()
        if len(words) == 3 and words[0] == "released":
            self._over(words[1], int(words[2]))
            words = self._answer(None).split()
            if len(words) == 2 and words[1] != "0":
                self.facts["not_undone"] = {"errno": int(words[1]), "remedy": self._by_hand()}

    def _dismiss(self) -> None:
        """Have the guardian end, and wait for it."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_PATIENCE)
        if self._listener is not None:
            self._listener.join(_PATIENCE)
        if process.stdout is not None:
            process.stdout.close()
