"""The few calls of ptrace(2) and waitid(2) that stopping threads takes."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import struct
from collections.abc import Sequence
from typing import NamedTuple

__all__ = [
    "RegisterReader",
    "Stop",
    "architecture",
    "bury",
    "call",
    "detach",
    "filter_of",
    "has_filter",
    "interrupt",
    "poke_register",
    "seize",
    "set_registers",
    "stop_of",
    "wait",
    "word_at",
]

_PEEKTEXT, _POKEUSER, _DETACH, _GETSIGINFO, _GETREGSET, _SETREGSET, _SEIZE, _INTERRUPT = (
    *(1, 6, 17, 0x4202, 0x4204, 0x4205, 0x4206, 0x4207),
)
_GET_FILTER, _GET_SYSCALL_INFO = 0x420C, 0x420E
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


def call(request: int, thread_id: int, address: int = 0, data: int = 0) -> int:
    """Make one request of ptrace(2).

    Raises:
        OSError: the kernel refuses it.
    """
    result: int = _ptrace(request, thread_id, address, data)
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def seize(thread_id: int) -> None:
    """Become its tracer without stopping it.

    Raises:
        OSError: EPERM or ESRCH.
    """
    call(_SEIZE, thread_id)


def interrupt(thread_id: int) -> None:
    """Make it stop soon.

    Raises:
        OSError: ESRCH, it is gone.
    """
    call(_INTERRUPT, thread_id)


def detach(thread_id: int, signal: int) -> bool:
    """Let it go on with this signal, or none (0); False if it wasn't stopped, or is gone."""
    try:
        call(_DETACH, thread_id, 0, signal)
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
        call(_GETSIGINFO, thread_id, 0, ctypes.addressof(information))
    except OSError:
        return None
    signal, code = information[0], information[2]
    return _meaning(signal, code >> 8 if code > 0 and code & 0xFF == signal else 0)


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def has_filter(thread_id: int) -> bool | None:
    """Whether a stopped thread has a seccomp filter; None where the kernel won't tell us."""
    if _ptrace(_GET_FILTER, thread_id, 0, 0) > 0:
        return True
    # EINVAL: no filter; ENOENT: no such. EACCES: we lack CAP_SYS_ADMIN, or have a filter
    # ourselves. EIO: a kernel that can't. Without an exception, since most threads have none.
    return False if ctypes.get_errno() in (errno.EINVAL, errno.ENOENT) else None


def filter_of(thread_id: int, number: int) -> bytes | None:
    """The program of one of the seccomp filters of a stopped thread; None: there are no more.

    Raises:
        OSError: it can't be had.
    """
    try:
        count = call(_GET_FILTER, thread_id, number)
        program = ctypes.create_string_buffer(8 * count)
        call(_GET_FILTER, thread_id, number, ctypes.addressof(program))
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOENT):
            return None
        raise
    return program.raw


def architecture(thread_id: int) -> int | None:
    """For which architecture (AUDIT_ARCH_…) a stopped thread makes system calls; None: a kernel
    from before Linux 5.3 does not say."""
    information = ctypes.create_string_buffer(88)  # struct ptrace_syscall_info
    try:
        call(_GET_SYSCALL_INFO, thread_id, 88, ctypes.addressof(information))
    except OSError:
        return None
    return int(struct.unpack_from("=4xI", information)[0])


def poke_register(thread_id: int, offset: int, value: int) -> None:
    """Set one word of the general registers of a stopped thread.

    Args:
        offset: in struct user.
    """
    call(_POKEUSER, thread_id, offset, value & (1 << 64) - 1)


def set_registers(thread_id: int, number: int, data: bytes) -> None:
    """Set a register set of a stopped thread."""
    buffer = ctypes.create_string_buffer(data, len(data))
    vector = _Vector(ctypes.addressof(buffer), len(data))
    call(_SETREGSET, thread_id, number, ctypes.addressof(vector))


def word_at(thread_id: int, address: int) -> int:
    """The word in the memory of a stopped thread.

    Raises:
        OSError: there is none.
    """
    ctypes.set_errno(0)
    word: int = _ptrace(_PEEKTEXT, thread_id, address, 0)
    number = ctypes.get_errno()
    if number:
        raise OSError(number, os.strerror(number))
    return word & (1 << 64) - 1


class RegisterReader:
    """Reads register sets of stopped threads.

    Args:
        wanted: for each set to ask for its number, and what to ask for instead where it is not
            to be had.
    """

    def __init__(self, wanted: Sequence[Sequence[int]]) -> None:
        self._buffer = ctypes.create_string_buffer(_BUFFER)
        self._view = memoryview(self._buffer).cast("B")
        self._vector = _Vector(ctypes.addressof(self._buffer), _BUFFER)
        self._vector_address = ctypes.addressof(self._vector)
        self._wanted = wanted

    def read(self, thread_id: int) -> list[tuple[int, bytes]]:
        """Register sets of the thread by number; those that the kernel refuses are absent."""
        found = []
        vector, address = self._vector, self._vector_address
        for numbers in self._wanted:
            for number in numbers:
                vector.length = _BUFFER
                if _ptrace(_GETREGSET, thread_id, number, address) != -1:
                    found.append((number, self._view[: vector.length].tobytes()))
                    break
        return found
