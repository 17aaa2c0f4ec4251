"""The acquirer's line to a guardian: a process of its own, or where there's no way a thread.

The process is what is wanted: it can't be stopped with the acquirer. A thread of the acquirer
can do what it alone is permitted (Yama lets nobody trace but ancestors of the target; rights
may be lost when a program is executed).
"""

from __future__ import annotations

import contextlib
import marshal
import os
import select
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msl_construct.errors import TargetError

from . import guardian
from .guardian.method import SharedMemory
from .guardian.program import Guardian, method_of

__all__ = ["PATIENCE", "Channel", "InProcess", "InThread", "NotStartedError"]

PATIENCE = 30.0
"""Seconds that the guardian may take to answer; moving busy threads takes one or two."""
_LATE_IN_THREAD = 1.0
"""Seconds behind its time at which the kernel ends an acquirer that guards its target itself."""
_PROGRAM = str(Path(guardian.__file__).with_name("__main__.py"))


class NotStartedError(TargetError):
    """There is nobody who would guard the target, which was not touched."""

    @classmethod
    def because(cls, error: Exception) -> NotStartedError:
        """In words."""
        return cls(
            f"the process that guards a stopped target can't be started: {error}",
            remedy="raise the limit that holds (processes, memory, descriptors), or go on without "
            "stopping the target: --freeze none",
        )


class Channel:
    """What both kinds have in common.

    Attributes:
        pid: the guardian's process; 0: it is a thread of ours.
        deputy: the process that steps in for it; 0: there is none.
        memory: descriptor of the memory that is shared with it. Closed when nobody has a use
            for this object any more.
    """

    def __init__(self) -> None:
        self.pid = 0
        self.deputy = 0
        try:
            self.memory = os.memfd_create("msl-acquire")
        except OSError as error:
            raise NotStartedError.because(error) from error
        self._finalizer = weakref.finalize(self, os.close, self.memory)
        self._rest = b""
        self._orders = -1
        self._answers = -1
        self._ready = False

    def ready(self) -> None:
        """Wait until the guardian is ready; more than once does no harm.

        Raises:
            NotStartedError: it does not get so far; it is closed then.
        """
        if self._ready:
            return
        word, _, deputy = self.answer().partition(" ")
        if word != "ready":
            self.close()
            raise NotStartedError.because(OSError("it does not answer"))
        self.deputy = int(deputy)
        self._ready = True

    def tell(self, text: str) -> None:
        """Send an order; to nobody, if there is nobody left."""
        with contextlib.suppress(OSError):
            os.write(self._orders, text.encode() + b"\n")

    def answer(self, patience: float | None = PATIENCE) -> str:
        """The next line; empty if there is nobody left, or it takes too long."""
        until = None if patience is None else time.monotonic() + patience
        poll = select.poll()
        poll.register(self._answers, select.POLLIN)
        while b"\n" not in self._rest:
            left = None if until is None else max(until - time.monotonic(), 0.0) * 1000
            if not poll.poll(left):
                return ""
            got = os.read(self._answers, 4096)
            if not got:
                return ""
            self._rest += got
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()

    def told(self, where: str, length: str) -> Any:
        """What an answer refers to."""
        return marshal.loads(os.pread(self.memory, int(length), int(where)))

    def close(self) -> None:
        """Have the guardian end, and wait for that."""
        raise NotImplementedError


class InProcess(Channel):
    """A guardian that is a process, started and about to be ready.

    Args:
        method, arguments: see `guardian.program.method_of`.
        descriptors: for it to inherit under the same numbers.

    Raises:
        NotStartedError: it can't be started; the target was not touched.
    """

    def __init__(self, method: str, *arguments: str, descriptors: Sequence[int] = ()) -> None:
        super().__init__()
        self._process: subprocess.Popen[bytes] | None = None
        try:
            if not sys.executable:
                raise OSError("this program does not know its Python interpreter")
            process = self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", _PROGRAM, str(self.memory), method, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
                pass_fds=(self.memory, *descriptors),
                bufsize=0,
            )
            assert process.stdin is not None
            assert process.stdout is not None
            self._orders, self._answers = process.stdin.fileno(), process.stdout.fileno()
            self.pid = process.pid
        except OSError as error:
            self.close()
            raise NotStartedError.because(error) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Have the guardian end, and wait for that: only then has the kernel let go of threads
        that could not be stopped."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(PATIENCE)
        process.stdout.close()


class InThread(Channel):
    """A guardian that is a thread of ours: a last resort, since it stops where we are stopped.

    Then the kernel ends all of us, a second after the time is up.

    Args:
        method, arguments: as for `InProcess`.

    Raises:
        NotStartedError: it can't be started; the target was not touched.
    """

    def __init__(self, method: str, *arguments: str) -> None:
        super().__init__()
        shared = SharedMemory(self.memory)
        orders, self._orders = os.pipe()
        self._answers, answers = os.pipe()
        self._theirs = (orders, answers)
        # A daemon: leaving the program does not wait for it, and its end detaches, too.
        self._thread = threading.Thread(
            target=lambda: Guardian(
                method_of(method, shared, list(arguments)), shared, orders, answers, _LATE_IN_THREAD
            ).run(),
            name="msl-tracer",
            daemon=True,
        )
        try:
            self._thread.start()
        except RuntimeError as error:
            for descriptor in (self._orders, self._answers, *self._theirs):
                os.close(descriptor)
            raise NotStartedError.because(error) from error

    def close(self) -> None:
        """Have the guardian end, and wait for that, in the kernel, too."""
        if self._orders == -1:
            return
        os.close(self._orders)
        self._orders = -1
        self._thread.join()
        until = time.monotonic() + 0.2
        while os.path.exists(f"/proc/self/task/{self._thread.native_id}"):
            if time.monotonic() > until:
                break
            time.sleep(0.0001)
        for descriptor in (self._answers, *self._theirs):
            os.close(descriptor)
