"""NT_PRSTATUS and NT_PRPSINFO: the thread and the process, as `linux/elfcore.h` lays them out."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

__all__ = [
    "SIGNAL_SIZE",
    "Info",
    "SignalInfo",
    "Status",
    "info_size",
    "read_info",
    "read_signal",
    "read_status",
    "registers_at",
    "write_info",
    "write_signal",
    "write_status",
]

_STATUS = {
    (wide, order): Struct(order + ("iiihHQQiiii64x" if wide else "iiihHIIiiii32x"))
    for wide in (True, False)
    for order in "<>"
}
"""elf_prstatus before pr_reg, by whether words have 64 bits; the times are not told."""

_INFO = {136: "Bc2B4xQII4i16s80s", 128: "Bc2BIII4i16s80s", 124: "Bc2BIHH4i16s80s"}
"""elf_prpsinfo by its size; with 16 bits for user and group on some machines of 32 bits."""


SIGNAL_SIZE = 128
_SIGNAL = {True: "iii4xQ", False: "iiiI"}
"""siginfo as far as faults have it, by whether words have 64 bits."""
_FAULTS = (4, 5, 7, 8, 11)
"""SIGILL, SIGTRAP, SIGBUS, SIGFPE and SIGSEGV, which tell of an address."""


class SignalInfo(NamedTuple):
    """A signal.

    Attributes:
        code: what it was sent for.
        address: what it is about; None of one that is about none.
    """

    number: int
    code: int
    address: int | None


class Status(NamedTuple):
    """What is said of a thread besides its registers."""

    signal: int
    thread_id: int
    parent: int
    group: int
    session: int


class Info(NamedTuple):
    """What is said of the process."""

    state: int
    user: int
    user_group: int
    pid: int
    parent: int
    group: int
    session: int
    name: bytes
    arguments: bytes


def registers_at(wide: bool) -> int:
    """Where the registers begin."""
    return _STATUS[wide, "<"].size


def read_status(data: bytes, wide: bool, order: str) -> Status | None:
    """The thread of an NT_PRSTATUS; None if it is too short."""
    form = _STATUS[wide, order]
    if len(data) < form.size:
        return None
    values = form.unpack_from(data)
    return Status(values[3] or values[0], *values[7:11])


def write_status(status: Status, registers: bytes, wide: bool, order: str, valid: bool) -> bytes:
    """An NT_PRSTATUS.

    Args:
        valid: whether floating point registers follow.
    """
    front = _STATUS[wide, order].pack(
        status.signal,
        0,
        0,
        status.signal,
        0,
        0,
        0,
        status.thread_id,
        status.parent,
        status.group,
        status.session,
    )
    tail = Struct(order + ("i4x" if wide else "i")).pack(int(valid))
    return front + registers + tail


def read_signal(data: bytes, wide: bool, order: str, swapped: bool) -> SignalInfo | None:
    """The signal of an NT_SIGINFO; None if it is too short.

    Args:
        swapped: whether the code stands before the error number, as on MIPS.
    """
    form = Struct(order + _SIGNAL[wide])
    if len(data) < form.size:
        return None
    number, first, second, address = form.unpack_from(data)
    code = first if swapped else second
    # Of one that somebody has sent, the sender stands there.
    about = number in _FAULTS and code > 0
    return SignalInfo(number, code, address if about else None)


def write_signal(info: SignalInfo, wide: bool, order: str, swapped: bool) -> bytes:
    """An NT_SIGINFO."""
    pair = (info.code, 0) if swapped else (0, info.code)
    mask = (1 << (64 if wide else 32)) - 1
    data = Struct(order + _SIGNAL[wide]).pack(info.number, *pair, (info.address or 0) & mask)
    return data.ljust(SIGNAL_SIZE, b"\0")


def info_size(arch_type: str, wide: bool) -> int:
    """Bytes of an NT_PRPSINFO."""
    if wide:
        return 136
    return 124 if arch_type in ("x86", "arm32", "s390x") else 128


def _info_form(size: int, order: str) -> Struct | None:
    return Struct(order + _INFO[size]) if size in _INFO else None


def read_info(data: bytes, order: str) -> Info | None:
    """The process of an NT_PRPSINFO; None of a size that nobody writes."""
    form = _info_form(len(data), order)
    if form is None:
        return None
    state, _, _, _, _, user, group, pid, parent, process_group, session, name, arguments = (
        form.unpack(data)
    )
    return Info(state, user, group, pid, parent, process_group, session, name, arguments)


def write_info(info: Info, size: int, order: str) -> bytes:
    """An NT_PRPSINFO of a size."""
    form = _info_form(size, order)
    assert form is not None
    mask = 0xFFFF if size == 124 else 0xFFFFFFFF
    return form.pack(
        info.state,
        b"RSDTZW"[info.state : info.state + 1] or b".",
        0,
        0,
        0,
        info.user & mask,
        info.user_group & mask,
        info.pid,
        info.parent,
        info.group,
        info.session,
        info.name,
        info.arguments,
    )
