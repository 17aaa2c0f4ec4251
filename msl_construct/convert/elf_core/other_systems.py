"""Notes of FreeBSD and NetBSD: what says a thread, and how its registers stand there.

From `sys/procfs.h`, `sys/user.h` and `machine/reg.h` of FreeBSD, `sys/exec_elf.h`,
`machine/ptrace.h`, `machine/reg.h` and `machine/frame_regs.h` of NetBSD.
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct
from typing import NamedTuple

from ...errors import LimitError
from ..process import ProcessRegister
from .machines import ElfMachine, Slot, needed_for, registers_of
from .mapped_files import FileRow
from .more_sets import FLOATING, decode_set, has_set, lacks_registers

__all__ = [
    "FREEBSD",
    "FREE_MAP",
    "FREE_NAME",
    "FREE_VECTOR",
    "NETBSD",
    "NET_VECTOR",
    "FoundProcess",
    "free_files",
    "free_floats",
    "free_lacks",
    "free_name",
    "free_process",
    "free_registers",
    "free_thread",
    "is_register_note",
    "net_lacks",
    "net_process",
    "net_registers",
    "net_thread",
]

FREEBSD, NETBSD = "FreeBSD", "NetBSD-CORE"
"""Owners of their notes; NetBSD's of a thread end with @ and its number."""

_FREE_STATUS = {
    (order, wide): Struct(order + ("i4xQQQiii4x" if wide else "iIIIiii"))
    for order in "<>"
    for wide in (True, False)
}
_FREE_PROCESS = {
    (order, wide): Struct(order + ("i4xQ17s81s2xi" if wide else "iI17s81s2xi"))
    for order in "<>"
    for wide in (True, False)
}
_NET_PROCESS = {order: Struct(order + "IIII64xii") for order in "<>"}
_NET_NAME_AT = 0x7C

FREE_NAME, FREE_MAP, FREE_VECTOR = 7, 10, 16
"""NT_FREEBSD_THRMISC, NT_FREEBSD_PROCSTAT_VMMAP and NT_FREEBSD_PROCSTAT_AUXV."""

NET_VECTOR = 2
"""NetBSD's auxiliary vector."""

_FREE_NAME_SIZE = 20
_MAP_ROW = Struct("ii3Q")
_MAP_PATH_AT = 136
_MOST_ROWS = 1 << 20


def _row(names: str, width: int = 8) -> tuple[Slot, ...]:
    return tuple(("" if name == "-" else name, width) for name in names.split())


def _numbered(letter: str, count: int, first: int = 0) -> str:
    return " ".join(f"{letter}{number}" for number in range(first, first + count))


def _both(names: str, narrow: str, wide: str) -> Mapping[str, tuple[Slot, ...]]:
    """The same registers on a processor of 32 bits and on one of 64."""
    return {narrow: _row(names, 4), wide: _row(names, 8)}


_POWER = _both(f"{_numbered('r', 32)} lr cr xer ctr pc", "ppc32", "ppc64")
_MIPS = _both(f"{_numbered('r', 32)} status lo hi badvaddr cause pc", "mips32", "mips64")
_ARM = _row(f"{_numbered('r', 13)} sp lr pc cpsr", 4)

_FREE: Mapping[str, tuple[Slot, ...]] = {
    "x86_64": (
        *_row("r15 r14 r13 r12 r11 r10 r9 r8 rdi rsi rbp rbx rdx rcx rax"),
        ("", 4),
        ("fs", 2),
        ("gs", 2),
        ("", 4),
        ("es", 2),
        ("ds", 2),
        *_row("rip cs eflags rsp ss"),
    ),
    "x86": _row("fs es ds edi esi ebp - ebx edx ecx eax - - eip cs eflags esp ss gs", 4),
    "arm64": (*_row(f"{_numbered('x', 31)} sp pc"), ("cpsr", 4)),
    "arm32": _ARM,
    "riscv64": _row(
        f"ra sp gp tp {_numbered('t', 7)} fp {_numbered('s', 11, 1)} {_numbered('a', 8)} pc sstatus"
    ),
    **_POWER,
    **_MIPS,
}
"""General registers of FreeBSD, by ArchType."""

_FREE_FLOATS: Mapping[str, tuple[Slot, ...]] = {
    "riscv64": (
        *(
            slot
            for name in (
                *_numbered("ft", 8).split(),
                *_numbered("fs", 2).split(),
                *_numbered("fa", 8).split(),
                *_numbered("fs", 10, 2).split(),
                *_numbered("ft", 4, 8).split(),
            )
            for slot in ((name, 8), ("", 8))
        ),
        ("fcsr", 8),
    ),
}
"""Its floating point registers, where they do not stand as Linux has them."""

_X = (
    "ra sp gp tp t0 t1 t2 fp s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6"
)
_NET: Mapping[str, tuple[Slot, ...]] = {
    "x86_64": _row(
        "rdi rsi rdx rcx r8 r9 r10 r11 r12 r13 r14 r15 rbp rbx rax gs fs es ds - - rip cs eflags"
        " rsp ss"
    ),
    "x86": _row("eax ecx edx ebx esp ebp esi edi eip eflags cs ss ds es fs gs", 4),
    "arm64": _row(f"{_numbered('x', 31)} sp pc cpsr tpidr"),
    "arm32": _ARM,
    **_both(f"{_X} pc", "riscv32", "riscv64"),
    **_POWER,
    **_MIPS,
}
"""General registers of NetBSD, by ArchType."""

_NET_FLOATS: Mapping[str, tuple[Slot, ...]] = {
    "arm64": (*_row(_numbered("v", 32), 16), ("fpcr", 4), ("fpsr", 4)),
    "arm32": (("", 4), ("fpscr", 4), ("", 8), *_row(_numbered("d", 32))),
    **_both(f"{_numbered('f', 32)} fcsr", "mips32", "mips64"),
    "ppc32": _row(f"{_numbered('f', 32)} fpscr"),
    "ppc64": _row(f"{_numbered('f', 32)} fpscr"),
}
_NET_FIRST = 32
"""Type of the first note of a machine's own (PT_FIRSTMACH); floats are two behind."""
_NO_STEP = ("arm64", "riscv64", "riscv32")
"""Where that is the one of general registers, and not PT_STEP."""


class FoundProcess(NamedTuple):
    """What is said of the process."""

    pid: int
    parent: int
    name: str
    arguments: str
    signal: int


def free_thread(data: bytes, order: str, wide: bool) -> int | None:
    """The number of the thread of FreeBSD's NT_PRSTATUS."""
    form = _FREE_STATUS[order, wide]
    return form.unpack_from(data)[6] & 0xFFFFFFFF if len(data) >= form.size else None


def free_registers(machine: ElfMachine, data: bytes, order: str) -> list[ProcessRegister]:
    """Its general registers."""
    slots = _FREE.get(machine.arch_type, ())
    start = _FREE_STATUS[order, machine.wide].size
    return list(registers_of(machine, data[start:], order, slots))


def free_floats(machine: ElfMachine, data: bytes, order: str) -> list[ProcessRegister] | None:
    """Its floating point registers; None where Linux has them in the same places."""
    slots = _FREE_FLOATS.get(machine.arch_type)
    return None if slots is None else list(registers_of(machine, data, order, slots))


def free_name(data: bytes) -> str:
    """The name of the thread of FreeBSD's NT_THRMISC."""
    return _text(data[:_FREE_NAME_SIZE])


def free_process(data: bytes, order: str, wide: bool) -> FoundProcess | None:
    """FreeBSD's NT_PRPSINFO."""
    form = _FREE_PROCESS[order, wide]
    if len(data) < form.size:
        return None
    _, _, name, arguments, pid = form.unpack_from(data)
    return FoundProcess(pid, 0, _text(name), _text(arguments), 0)


def free_files(data: bytes, order: str, faults: list[str]) -> list[FileRow]:
    """The stretches of files of FreeBSD's list of mappings (`struct kinfo_vmentry`).

    Args:
        faults: takes what is wrong with it.

    Raises:
        LimitError: it has more than a million.
    """
    form = Struct(order + _MAP_ROW.format.lstrip("<>=@!"))
    found: list[FileRow] = []
    at = 4  # behind the size of the structure, of which rows may have less
    while at + _MAP_PATH_AT < len(data):
        size, _, start, end, offset = form.unpack_from(data, at)
        if not _MAP_PATH_AT < size <= len(data) - at:
            faults.append(f"mappings of FreeBSD: a row of {size} bytes at {at:#x}")
            break
        path = _text(data[at + _MAP_PATH_AT : at + size])
        if path and start < end:
            found.append(FileRow(start, end, offset, path))
        if len(found) > _MOST_ROWS:
            raise LimitError(f"mappings of FreeBSD: expected at most {_MOST_ROWS}")
        at += size
    return sorted(found)


def net_thread(owner: str) -> int | None:
    """The number of the thread that a note of NetBSD is of."""
    number = owner.partition("@")[2]
    plain = number.isascii() and number.isdigit()  # a superscript is a digit, too
    return int(number) if plain and len(number) < 10 else None


def is_register_note(machine: ElfMachine, kind: int) -> bool:
    """Whether notes of a type of NetBSD hold registers of a thread that are read."""
    general = _net_general(machine)
    if kind == general:
        return machine.arch_type in _NET
    return kind == general + 2 and (machine.arch_type in _NET_FLOATS or has_set(machine, FLOATING))


def _net_general(machine: ElfMachine) -> int:
    return _NET_FIRST + (machine.arch_type not in _NO_STEP)


def net_registers(machine: ElfMachine, kind: int, data: bytes, order: str) -> list[ProcessRegister]:
    """The registers of a note of NetBSD, if it has some."""
    if not is_register_note(machine, kind):
        return []
    if kind == _net_general(machine):
        slots = _NET[machine.arch_type]
        if machine.arch_type == "mips32" and len(data) == 8 * len(slots):  # n32
            slots = _NET["mips64"]
        return list(registers_of(machine, data, order, slots))
    found = _NET_FLOATS.get(machine.arch_type)
    if found is not None:
        return list(registers_of(machine, data, order, found))
    return decode_set(machine, FLOATING, data, order) or []


def free_lacks(machine: ElfMachine, kind: int, size: int, first: bool) -> bool:
    """Whether a note of FreeBSD is too short for its registers.

    Args:
        size: bytes of its content.
        first: whether it is the NT_PRSTATUS.
    """
    if first:
        slots = _FREE.get(machine.arch_type, ())
        return size < _FREE_STATUS["<", machine.wide].size + needed_for(slots)
    floats = _FREE_FLOATS.get(machine.arch_type)
    if kind == FLOATING and floats is not None:
        return size < needed_for(floats)
    return has_set(machine, kind) and lacks_registers(machine, kind, size, b"")


def net_lacks(machine: ElfMachine, kind: int, size: int) -> bool:
    """Whether a note of NetBSD is too short for its registers.

    Since NetBSD 9 a thread begins with a note that has none (ELF_NOTE_NETBSD_CORE_LWPSTATUS).
    """
    if not is_register_note(machine, kind):
        return False
    if kind == _net_general(machine):
        return size < needed_for(_NET[machine.arch_type])
    floats = _NET_FLOATS.get(machine.arch_type)
    if floats is not None:
        return size < needed_for(floats)
    return lacks_registers(machine, FLOATING, size, b"")


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
