"""One system call made by a stopped thread of the target, which then goes on as if nothing was.

The thread has been seized with ptrace(2) and stands in a stop of ours (PTRACE_EVENT_STOP). Its
registers are set aside, it executes the instruction ``syscall`` that the kernel's own [vdso]
holds, and its registers are put back:

* ``orig_rax`` is -1 for the time, or the kernel would first restart the call that the stop had
  interrupted, and count the program counter back.
* They are put back in a stop like the first one, and not where the call ends: only from there
  the kernel does restart the interrupted call. (Put back at its end, nanosleep, poll, futex,
  read and sigsuspend return errors that no program knows: 512, 514, 516.)
* All signals are blocked for the time, so that no handler runs in between. There is neither
  single stepping nor a breakpoint: a trap that is blocked would take the target's handler away.
* Calls that the kernel restarts by a block of its own (nanosleep, poll, futex) are not to be
  made: they would overwrite the one of the interrupted call.

Nothing can undo this if the tracer is killed in between, for the few hundred microseconds that it
takes, or as long as the call itself does. So it is done by the guardian, which nothing signals.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from .trace_calls import call

__all__ = [
    "BLOCKED",
    "CLONE",
    "CLONE_FILES",
    "GADGET",
    "MUNMAP",
    "RESTARTED",
    "WAIT4",
    "CallResult",
    "Died",
    "TraceOptions",
    "Unfit",
    "choose",
    "find_gadget",
    "inject",
    "set_options",
    "suspends_filters",
    "wait",
]

GADGET = b"\x0f\x05"
"""The instruction ``syscall`` of x86-64."""
MUNMAP, CLONE, WAIT4 = 11, 56, 61
"""Numbers of system calls."""
CLONE_FILES = 0x400
BLOCKED = range(-516, -511)
"""What a system call that the stop has interrupted, and that goes on afterwards, has in rax."""
RESTARTED = -513
"""ERESTARTNOINTR: a call that did nothing, since a signal or a stop was in its way."""

_CONT, _GETREGS, _SETREGS, _SYSCALL = 7, 12, 13, 24
_SETOPTIONS, _GETEVENTMSG, _INTERRUPT = 0x4200, 0x4201, 0x4207
_GETSIGMASK, _SETSIGMASK = 0x420A, 0x420B
_GET_RSEQ, _GET_USER_DISPATCH = 0x420F, 0x4211
_SIGSTOP, _SIGTRAP, _SYSCALL_STOP = 19, 5, 5 | 0x80
_EVENT_STOP = 128
_NEW_CHILD = (1, 2, 3)  # PTRACE_EVENT_FORK, VFORK, CLONE
_ALL_KINDS = 0x40000000
"""__WALL: whatever the signal is that a child ends with."""
_USER_CODE = 0x33
"""Code segment of 64-bit code."""
_LARGEST_VDSO = 1 << 16
_MASK = 8
"""Bytes of a signal mask."""
_PAUSES = (*(0.0,) * 50, 0.00002, 0.00005, 0.0001)
"""Seconds between two looks at whether a thread has stopped; the last goes on."""

_REGISTERS = (
    *("r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx"),
    *("rsi", "rdi", "orig_rax", "rip", "cs", "eflags", "rsp", "ss", "fs_base", "gs_base"),
    *("ds", "es", "fs", "gs"),
)


class _Registers(ctypes.Structure):
    """struct user_regs_struct of x86-64."""

    _fields_ = tuple((name, ctypes.c_uint64) for name in _REGISTERS)


class Died(Exception):
    """The thread ended meanwhile; its registers are nobody's concern any more."""


class Unfit(Exception):
    """A call can't be injected without harm; the text says why.

    Args:
        why: the text.
        errno: what the kernel said; 0 where it wasn't asked.
    """

    def __init__(self, why: str, errno: int = 0) -> None:
        super().__init__(why)
        self.errno = errno


class TraceOptions:
    """Bits of PTRACE_SETOPTIONS."""

    SYSGOOD = 1
    NEW_CHILDREN = 2 | 4 | 8
    """Forks, vforks and clones, so that the tracer gets the child, stopped."""
    EXITKILL = 1 << 20
    SUSPEND_SECCOMP = 1 << 21


class CallResult(NamedTuple):
    """What came of an injected call.

    Attributes:
        value: what the call returned; a negative errno.
        child: number of the process that it made, in our namespace; 0: none.
        nanoseconds: from the first change of the thread to the last.
    """

    value: int
    child: int
    nanoseconds: int


def set_options(thread_id: int, options: int) -> None:
    """Set the options of a stopped tracee, all of them.

    Raises:
        OSError: EPERM, EINVAL (SUSPEND_SECCOMP is not to be had), ESRCH.
    """
    call(_SETOPTIONS, thread_id, 0, options)


def suspends_filters(thread_id: int) -> bool:
    """Whether we may switch off the seccomp filters of this stopped tracee for a while.

    It takes CAP_SYS_ADMIN, CONFIG_CHECKPOINT_RESTORE, and a tracer without filters.
    """
    try:
        set_options(thread_id, TraceOptions.SUSPEND_SECCOMP)
        set_options(thread_id, 0)
    except OSError:
        return False
    return True


def wait(thread_id: int, patience: float, overdue: Callable[[], None] | None = None) -> int:
    """Wait for a tracee to stop: its status as waitpid(2) tells it.

    Args:
        patience: seconds.
        overdue: called once when they are over; then it is waited for on, since a thread that
            is amid a call for us can't be left. None: `TimeoutError` is raised.

    Raises:
        Died: it ended.
        TimeoutError: it did not stop in time.
    """
    until = time.monotonic() + patience
    rounds = 0
    while True:
        try:
            found, status = os.waitpid(thread_id, os.WNOHANG | _ALL_KINDS)
        except ChildProcessError:
            raise Died from None
        if found:
            if not os.WIFSTOPPED(status):
                raise Died
            return status
        if time.monotonic() > until:
            if overdue is None:
                raise TimeoutError
            overdue()
            overdue, until = None, float("inf")
        time.sleep(_PAUSES[min(rounds, len(_PAUSES) - 1)])
        rounds += 1


def find_gadget(thread_id: int, place: tuple[int, int] = (0, 0)) -> int:
    """Where the [vdso] of a stopped thread's process has `GADGET`.

    Args:
        place: of the [vdso], if it is known; else it is looked for.

    Raises:
        Unfit: it has none, or there is no [vdso].
    """
    code, start, end = b"", *place
    with contextlib.suppress(OSError, OverflowError):
        if not end:
            start, end = _vdso(thread_id)
        with open(f"/proc/{thread_id}/mem", "rb", buffering=0) as memory:
            code = os.pread(memory.fileno(), min(end - start, _LARGEST_VDSO), start)
    found = code.find(GADGET) if code[:4] == b"\x7fELF" else -1
    if found < 0:
        raise Unfit("it has no [vdso] with an instruction for system calls")
    return start + found


def _vdso(thread_id: int) -> tuple[int, int]:
    with open(f"/proc/{thread_id}/maps", "rb") as file:
        for line in file:
            if line.endswith(b" [vdso]\n"):
                start, _, end = line.split(b" ")[0].partition(b"-")
                return int(start, 16), int(end, 16)
    return 0, 0


def _registers(thread_id: int) -> _Registers:
    registers = _Registers()
    call(_GETREGS, thread_id, 0, ctypes.addressof(registers))
    return registers


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _in_user_sequence(thread_id: int, counter: int) -> bool:
    """Whether a thread stands in a restartable sequence, or it is not known.

    The kernel sends a thread that is interrupted there to the sequence's abort handler, but not
    if it finds it elsewhere: in the [vdso].
    """
    configuration = (ctypes.c_uint64 * 3)()  # where it is; size and signature; flags
    try:
        size = ctypes.sizeof(configuration)
        call(_GET_RSEQ, thread_id, size, ctypes.addressof(configuration))
        if not configuration[0]:
            return False
        with open(f"/proc/{thread_id}/mem", "rb", buffering=0) as memory:
            place = struct.unpack("=Q", os.pread(memory.fileno(), 8, configuration[0] + 8))[0]
            if not place:
                return False
            _, start, length = struct.unpack("=QQQ", os.pread(memory.fileno(), 24, place))
    except (OSError, struct.error, OverflowError):
        return True
    return bool(start <= counter < start + length)


def _dispatched(thread_id: int) -> bool:
    """Whether the thread's system calls go to a handler of its own (as under Wine).

    Raises:
        Unfit: the kernel can't say.
    """
    configuration = (ctypes.c_uint64 * 4)()  # mode, selector, offset, length
    try:
        size = ctypes.sizeof(configuration)
        call(_GET_USER_DISPATCH, thread_id, size, ctypes.addressof(configuration))
    except OSError:
        raise Unfit(
            "this kernel can't say whether a thread's system calls are dispatched to the program "
            "itself (Linux 6.4 can)"
        ) from None
    return configuration[0] != 0


def choose(thread_ids: Iterable[int]) -> int:
    """The thread that a call is best made in: one that is blocked in a system call.

    Args:
        thread_ids: those that stand in a stop of ours, without a signal about to be delivered;
            of those that are equally good, the first is taken.

    Raises:
        Unfit: none can be used.
    """
    why = "none of its threads could be stopped"
    second = 0
    for thread_id in thread_ids:
        try:
            registers = _registers(thread_id)
        except OSError:
            continue
        if registers.cs != _USER_CODE:
            why = "its threads run 32-bit code"
            continue
        if _dispatched(thread_id):
            why = "its system calls are dispatched to the program itself (PR_SET_SYSCALL_USER_…)"
            continue
        in_call = _signed(registers.orig_rax) >= 0
        if in_call and _signed(registers.rax) in BLOCKED:
            return thread_id
        if second:
            continue
        if in_call or not _in_user_sequence(thread_id, registers.rip):
            second = thread_id
        else:
            why = "its threads stand in restartable sequences (rseq)"
    if not second:
        raise Unfit(why)
    return second


def inject(
    thread_id: int,
    gadget: int,
    number: int,
    arguments: tuple[int, ...],
    *,
    suspend_filters: bool = False,
    options: int = 0,
    patience: float = 5.0,
    overdue: Callable[[], None] = lambda: None,
) -> CallResult:
    """Have a stopped thread make a system call; it stands in a stop of ours again afterwards.

    Args:
        gadget: address of `GADGET` in its [vdso].
        number: of the call.
        arguments: up to six.
        suspend_filters: switch off its seccomp filters for the time.
        options: that it has, and keeps.
        patience: seconds, see `wait`.
        overdue: see `wait`.

    Raises:
        Died: the thread, or the process, ended.
        OSError: it isn't stopped, or an option is not to be had; nothing was changed.
    """
    meanwhile = options | TraceOptions.SYSGOOD | TraceOptions.NEW_CHILDREN
    set_options(thread_id, meanwhile | (TraceOptions.SUSPEND_SECCOMP if suspend_filters else 0))
    saved, mask, every = _registers(thread_id), ctypes.c_uint64(), ctypes.c_uint64(~0)
    call(_GETSIGMASK, thread_id, _MASK, ctypes.addressof(mask))
    given = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    changed = _Registers.from_buffer_copy(saved)
    changed.rip, changed.orig_rax, changed.rax = gadget, ~0, number
    changed.rdi, changed.rsi, changed.rdx, changed.r10, changed.r8, changed.r9 = given
    began = time.perf_counter_ns()
    try:
        call(_SETSIGMASK, thread_id, _MASK, ctypes.addressof(every))
        try:
            call(_SETREGS, thread_id, 0, ctypes.addressof(changed))
            call(_SYSCALL, thread_id)
            value, child = _to_its_end(thread_id, patience, overdue)
        finally:
            call(_SETREGS, thread_id, 0, ctypes.addressof(saved))
            call(_SETSIGMASK, thread_id, _MASK, ctypes.addressof(mask))
            set_options(thread_id, options)
    except ProcessLookupError:
        raise Died from None
    return CallResult(value, child, time.perf_counter_ns() - began)


def _to_its_end(thread_id: int, patience: float, overdue: Callable[[], None]) -> tuple[int, int]:
    """Follow a thread through the call into the next stop of ours: value and child."""
    value = child = stops = 0
    done = False
    while True:
        status = wait(thread_id, patience, overdue)
        signal, event = os.WSTOPSIG(status), status >> 16
        if event == _EVENT_STOP and done:
            return value, child
        passed_on = 0
        if event in _NEW_CHILD:
            message = ctypes.c_ulong()
            call(_GETEVENTMSG, thread_id, 0, ctypes.addressof(message))
            child = message.value
        elif signal == _SYSCALL_STOP:
            stops += 1
            if stops == 2:
                value = _signed(_registers(thread_id).rax)
                done = True
        elif not event and signal == _SIGSTOP:
            passed_on = signal  # the one that can't be blocked: it is the target's
        elif not event and not done:
            value, done = -4, True  # EINTR: a fault of this very call; the signal is dropped
        if done:
            call(_INTERRUPT, thread_id)
        call(_CONT if done else _SYSCALL, thread_id, 0, passed_on)
