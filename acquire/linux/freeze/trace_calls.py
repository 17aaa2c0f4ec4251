"""The few calls of ptrace(2) and waitid(2) that stopping threads takes."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple

__all__ = ["RegisterReader", "Stop", "bury", "detach", "interrupt", "seize", "stop_of", "wait"]

_INTERRUPT, _SEIZE, _DETACH, _GETSIGINFO, _GETREGSET = 0x4207, 0x4206, 17, 0x4202, 0x4204
_ALL_KINDS = 0x40000000
"""__WALL: threads, too."""
_EVENT_STOP = 128
_SIGTRAP = 5
_BUFFER = 16384
"""Bytes for a register set; the largest known, with the tiles of AMX, takes 11,008."""

_libc = ctypes.CDLL(None, use_errno=True)
_ptrace = _libc.ptrace
_ptrace.restype = ctypes.c_long
_ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)


class Stop(NamedTuple):
    """How a thread stopped.

    Attributes:
        ended: it did not stop, it is gone.
        signal: the signal that was about to be delivered, and has to be when it is let go; 0:
            none was.
        group: it takes part in a stop of the whole process (by SIGSTOP and its like).
    """

    ended: bool = False
    signal: int = 0
    group: bool = False


def _call(request: int, thread_id: int, address: int = 0, data: int = 0) -> None:
    if _ptrace(request, thread_id, address, data) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def seize(thread_id: int) -> None:
    """Become its tracer without stopping it.

    Raises:
        OSError: EPERM or ESRCH.
    """
    _call(_SEIZE, thread_id)


def interrupt(thread_id: int) -> None:
    """Make it stop soon.

    Raises:
        OSError: ESRCH, it is gone.
    """
    _call(_INTERRUPT, thread_id)


def detach(thread_id: int, signal: int) -> bool:
    """Let it go on with this signal, or none (0); False if it wasn't stopped, or is gone."""
    try:
        _call(_DETACH, thread_id, 0, signal)
    except OSError:
        return False
    return True


def _meaning(signal: int, event: int) -> Stop:
    if event == _EVENT_STOP:
        return Stop(group=signal != _SIGTRAP)
    return Stop(signal=signal)


def wait(thread_id: int, leader: bool) -> Stop | None:
    """How it stopped, if it has; doesn't wait for it to.

    The end of a leader is left for its parent to see: where this process is the parent, too,
    looking at it would take it away from whoever started it. That of any other thread has to
    be taken note of, or a thread that replaces the program (execve) would wait for us.
    """
    options = os.WSTOPPED | os.WNOHANG | _ALL_KINDS | (0 if leader else os.WEXITED)
    try:
        result = os.waitid(os.P_PID, thread_id, options)
    except ChildProcessError:
        return Stop(ended=True)
    if result is None:
        return None
    if result.si_code in (os.CLD_EXITED, os.CLD_KILLED, os.CLD_DUMPED):
        return Stop(ended=True)
    return _meaning(result.si_status & 0xFF, result.si_status >> 8)


def bury(thread_id: int) -> None:
    """Take note of the end of a thread that has ended; of a tracee of another thread, too."""
    with contextlib.suppress(ChildProcessError):
        os.waitid(os.P_PID, thread_id, os.WEXITED | os.WNOHANG | _ALL_KINDS)


def stop_of(thread_id: int) -> Stop | None:
    """How a stopped thread stopped; None if it has not.

    Asks the thread itself: for when somebody else of this process took the answer that
    `wait` would have had.
    """
    information = (ctypes.c_int * 32)()  # siginfo_t: si_signo, si_errno, si_code, …
    try:
        _call(_GETSIGINFO, thread_id, 0, ctypes.addressof(information))
    except OSError:
        return None
    signal, code = information[0], information[2]
    return _meaning(signal, code >> 8 if code > 0 and code & 0xFF == signal else 0)


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class RegisterReader:
    """Reads register sets of stopped threads.

    Args:
        numbers: the sets to ask for.
        alternatives: what to ask for instead of one that is not to be had.
    """

    def __init__(self, numbers: Iterable[int], alternatives: Mapping[int, tuple[int, ...]]) -> None:
        self._buffer = ctypes.create_string_buffer(_BUFFER)
        self._address = ctypes.addressof(self._buffer)
        self._view = memoryview(self._buffer).cast("B")
        self._vector = _Vector(self._address, _BUFFER)
        self._vector_address = ctypes.addressof(self._vector)
        self._numbers = tuple(numbers)
        self._alternatives = alternatives

    def read(self, thread_id: int) -> dict[int, bytes]:
        """Register sets of the thread; those that the kernel refuses are absent."""
        sets = {}
        for number in self._numbers:
            for candidate in (number, *self._alternatives.get(number, ())):
                given = self._one(thread_id, candidate)
                if given is not None:
                    sets[candidate] = given
                    break
        return sets

    def _one(self, thread_id: int, number: int) -> bytes | None:
        vector = self._vector
        vector.length = _BUFFER
        if _ptrace(_GETREGSET, thread_id, number, self._vector_address) == -1:
            return None
        return self._view[: vector.length].tobytes()
