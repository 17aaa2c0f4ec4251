"""Threads that a stop interrupted in a system call which a seccomp filter won't let them repeat.

A thread that is stopped while it waits in a system call makes that call again when it is let
go. Some (nanosleep, clock_nanosleep, poll, futex with a time limit) go on by another one,
restart_syscall, of which hardly any author of a filter has thought: the filter kills. Others
are made again as they were; a filter that came later (SECCOMP_FILTER_FLAG_TSYNC) may forbid
that. Where the filters are shown to permit it nothing is done, and the thread sees nothing.
Where they forbid it, or restart_syscall's fate can't be known, the call ends with EINTR, as by
a signal with a handler. That is done as soon as the thread stands still, so that the target
lives however we end.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import NamedTuple

from . import filters, trace_calls
from .thread_state import status_value

__all__ = ["Restarts"]

_EINTR = 4
_AGAIN = frozenset({-512, -513, -514})
"""ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND: the same call is made again."""
_GO_ON = -516
"""ERESTART_RESTARTBLOCK: restart_syscall is made."""
_INTERRUPTED = _AGAIN | {_GO_ON}
_GENERAL = 1
"""NT_PRSTATUS."""

_X86_64, _I386, _AARCH64, _ARM = 0xC000003E, 0x40000003, 0xC00000B7, 0x40000028
_RESTART_SYSCALL = {_X86_64: 219, _I386: 0, _AARCH64: 128, _ARM: 0}
_X32 = 0x40000000
"""The bit of a call's number that marks the x32 way of making it."""

_WORDS_X86_64, _WORDS_I386, _WORDS_AARCH64 = Struct("=27Q"), Struct("=17i"), Struct("=34Q")
_RAX_IN_USER = 80
_SVC = 0xD4000001
_WAITING_ON_AARCH64 = frozenset({98, 101, 115})
"""futex, nanosleep, clock_nanosleep: of the calls that go on by restart_syscall on ARM."""


class _Waiting(NamedTuple):
    """A system call that will be made again.

    Attributes:
        call: number of the call that will be made.
        by_restart: whether that is restart_syscall.
        data: as a filter will see it.
        give_up: makes it end with EINTR instead.
    """

    call: int
    by_restart: bool
    data: filters.Data
    give_up: Callable[[], None]


def _on_x86(thread_id: int, general: bytes) -> _Waiting | None:
    if len(general) == _WORDS_X86_64.size:
        words = _WORDS_X86_64.unpack(general)
        result = words[10] - (1 << 64) if words[10] >> 63 else words[10]
        result_32 = (words[10] & 0xFFFFFFFF) - (1 << 32)
        original, pointer = words[15], words[16]
        architecture = trace_calls.architecture(thread_id) or _X86_64
        if architecture == _I386:  # int 0x80 of 64-bit code
            result = result_32
        # rdi rsi rdx r10 r8 r9; or rbx rcx rdx rsi rdi rbp
        order = (14, 13, 12, 7, 9, 8) if architecture == _X86_64 else (5, 11, 12, 13, 14, 4)
    else:
        words = _WORDS_I386.unpack(general)
        result, original, pointer = words[6], words[11], words[12] & 0xFFFFFFFF
        architecture = _I386
        order = (0, 1, 2, 3, 4, 5)
    if original & 0xFFFFFFFF == 0xFFFFFFFF or (result not in _AGAIN and result != _GO_ON):
        return None
    mask = (1 << 64) - 1 if architecture == _X86_64 else (1 << 32) - 1
    call = original & 0xFFFFFFFF
    if result == _GO_ON:
        call = _RESTART_SYSCALL[architecture] | (call & _X32 if architecture == _X86_64 else 0)
    arguments = tuple(words[number] & mask for number in order)
    return _Waiting(
        call,
        result == _GO_ON,
        filters.Data(call, architecture, pointer, arguments),
        lambda: trace_calls.poke_register(thread_id, _RAX_IN_USER, -_EINTR),
    )


def _on_aarch64(thread_id: int, general: bytes) -> _Waiting | None:
    # ARM prepares the repetition before the tracer looks: the program counter stands at the
    # instruction that makes the call. One that was never made looks the same, and may end with
    # EINTR as well. Calls of 32-bit code are let alone.
    if len(general) != _WORDS_AARCH64.size:
        return None
    words = _WORDS_AARCH64.unpack(general)
    pointer, call = words[32], words[8] & 0xFFFFFFFF
    try:
        if trace_calls.word_at(thread_id, pointer) & 0xFFFFFFFF != _SVC:
            return None
    except OSError:
        return None
    by_restart = call in _WAITING_ON_AARCH64
    if by_restart:
        call = _RESTART_SYSCALL[_AARCH64]

    def give_up() -> None:
        changed = (-_EINTR & (1 << 64) - 1, *words[1:32], pointer + 4, words[33])
        trace_calls.set_registers(thread_id, _GENERAL, _WORDS_AARCH64.pack(*changed))

    data = filters.Data(call, _AARCH64, pointer + 4, words[:6])
    return _Waiting(call, by_restart, data, give_up)


_BY_SIZE = {
    _WORDS_X86_64.size: _on_x86,
    _WORDS_I386.size: _on_x86,
    _WORDS_AARCH64.size: _on_aarch64,
}


def _may_wait(general: bytes) -> bool:
    """Whether it is worth a closer look; asked of every thread, so quick."""
    if len(general) == _WORDS_X86_64.size:
        return int.from_bytes(general[80:84], "little", signed=True) in _INTERRUPTED
    if len(general) == _WORDS_I386.size:
        return int.from_bytes(general[24:28], "little", signed=True) in _INTERRUPTED
    return True


class Restarts:
    """Looks after the threads of one process; what is learnt of a filter is kept.

    Attributes:
        ended: of each call that ended with EINTR: thread, the call that would have been made,
            and why not.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._known: dict[tuple[bytes, bytes], int] = {}
        self.ended: list[dict[str, int | str]] = []

    def look_after(self, thread_id: int, general: bytes) -> None:
        """See to it that the stopped thread survives being let go.

        Args:
            general: its general registers.
        """
        kind = _BY_SIZE.get(len(general))
        if kind is None or not _may_wait(general):
            return
        has = trace_calls.has_filter(thread_id)
        if has is False:
            return
        if has is None and status_value(self._pid, thread_id, "Seccomp") != "2":
            return
        waiting = kind(thread_id, general)
        if waiting is None:
            return
        why = self._why_not(thread_id, waiting) if has else "its filter can't be read"
        # A call that was permitted once is made again, where nothing is known against it.
        if not why or (not has and not waiting.by_restart):
            return
        waiting.give_up()
        self.ended.append({"thread_id": thread_id, "call": waiting.call, "reason": why})

    def _why_not(self, thread_id: int, waiting: _Waiting) -> str:
        """Why the call must not be made again; empty if it may."""
        try:
            for number in range(1 << 15):
                program = trace_calls.filter_of(thread_id, number)
                if program is None:
                    return ""
                action = self._action(program, waiting.data)
                if waiting.by_restart and action not in filters.PERMITS:
                    return "its seccomp filter does not permit restart_syscall"
                if action in filters.KILLS:
                    return "its seccomp filter does not permit the call any more"
        except (OSError, ValueError) as error:
            return f"its filter can't be read ({error})" if waiting.by_restart else ""
        return ""

    def _action(self, program: bytes, data: filters.Data) -> int:
        # Thousands of threads have one filter, which mostly looks at the call's number alone.
        key = (program, data.bytes[:8])
        if key in self._known:
            return self._known[key]
        verdict = filters.action(program, data)
        if verdict.general:
            self._known[key] = verdict.action
        return verdict.action
