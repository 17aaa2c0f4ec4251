"""Notes of FreeBSD and NetBSD on x86-64: what says a thread, and how its registers stand there.

From `sys/procfs.h` and `machine/reg.h` of FreeBSD, `sys/exec_elf.h` and `machine/frame_regs.h` of
NetBSD.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from .. import x86_state
from ..process import ProcessRegister
from .machines import ElfMachine, Slot, registers_of

__all__ = [
    "FREEBSD",
    "NETBSD",
    "FoundProcess",
    "free_process",
    "free_registers",
    "free_thread",
    "is_register_note",
    "net_process",
    "net_registers",
    "net_thread",
]

FREEBSD, NETBSD = "FreeBSD", "NetBSD-CORE"
"""Owners of their notes; NetBSD's of a thread end with @ and its number."""

_X86_64 = 62
_FREE_STATUS = {order: Struct(order + "i4xQQQiii4x") for order in "<>"}
_FREE_PROCESS = {order: Struct(order + "i4xQ17s81s2xi") for order in "<>"}
_NET_PROCESS = {order: Struct(order + "IIII64xii") for order in "<>"}
_NET_NAME_AT = 0x7C
_NET_GENERAL, _NET_FLOATING = 33, 35


def _row(names: str, width: int = 8) -> tuple[Slot, ...]:
    return tuple(("" if name == "-" else name, width) for name in names.split())


_FREE = (
    *_row("r15 r14 r13 r12 r11 r10 r9 r8 rdi rsi rbp rbx rdx rcx rax"),
    ("", 4),
    ("fs", 2),
    ("gs", 2),
    ("", 4),
    ("es", 2),
    ("ds", 2),
    *_row("rip cs eflags rsp ss"),
)
_NET = _row(
    "rdi rsi rdx rcx r8 r9 r10 r11 r12 r13 r14 r15 rbp rbx rax gs fs es ds - - rip cs eflags rsp ss"
)


class FoundProcess(NamedTuple):
    """What is said of the process."""

    pid: int
    parent: int
    name: str
    arguments: str
    signal: int


def free_thread(data: bytes, order: str) -> int | None:
    """The number of the thread of FreeBSD's NT_PRSTATUS, of 64 bits."""
    form = _FREE_STATUS[order]
    return form.unpack_from(data)[6] & 0xFFFFFFFF if len(data) >= form.size else None


def free_registers(machine: ElfMachine, data: bytes) -> list[ProcessRegister]:
    """Its general registers."""
    size = _FREE_STATUS["<"].size
    if machine.number != _X86_64 or len(data) < size:
        return []
    return list(registers_of(machine, data[size:], "<", _FREE))


def free_process(data: bytes, order: str) -> FoundProcess | None:
    """FreeBSD's NT_PRPSINFO, of 64 bits."""
    form = _FREE_PROCESS[order]
    if len(data) < form.size:
        return None
    _, _, name, arguments, pid = form.unpack_from(data)
    return FoundProcess(pid, 0, _text(name), _text(arguments), 0)


def net_thread(owner: str) -> int | None:
    """The number of the thread that a note of NetBSD is of."""
    number = owner.partition("@")[2]
    plain = number.isascii() and number.isdigit()  # a superscript is a digit, too
    return int(number) if plain and len(number) < 10 else None


def is_register_note(kind: int) -> bool:
    """Whether notes of a type of NetBSD hold registers of a thread."""
    return kind in (_NET_GENERAL, _NET_FLOATING)


def net_registers(machine: ElfMachine, kind: int, data: bytes) -> list[ProcessRegister]:
    """The registers of a note of NetBSD, if it has some."""
    if machine.number != _X86_64:
        return []
    if kind == _NET_GENERAL:
        return list(registers_of(machine, data, "<", _NET))
    if kind == _NET_FLOATING and len(data) == x86_state.FXSAVE_SIZE:
        return list(x86_state.decode(data, 16))
    return []


def net_process(data: bytes, order: str) -> FoundProcess | None:
    """NetBSD's procinfo."""
    form = _NET_PROCESS[order]
    if len(data) < form.size:
        return None
    _, _, signal, _, pid, parent = form.unpack_from(data)
    name = data[_NET_NAME_AT : _NET_NAME_AT + 32]
    return FoundProcess(pid, parent, _text(name), "", signal)


def _text(data: bytes) -> str:
    return data.partition(b"\0")[0].decode("utf-8", "backslashreplace")
