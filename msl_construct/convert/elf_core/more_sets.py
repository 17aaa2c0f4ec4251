"""Register sets beyond the general one: which note has them, and what they consist of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...xsave_layout import StateLayout
from .. import x86_state
from ..process import ProcessRegister
from .machines import ElfMachine, Slot, needed_for, registers_of

__all__ = [
    "ARM_FLOATING",
    "FLOATING",
    "FXSAVE",
    "SCALABLE",
    "SCALABLE_HEAD",
    "XSAVE",
    "decode_set",
    "floating_notes",
    "has_set",
    "is_x86",
    "lacks_registers",
    "slots_of",
    "too_wide",
]

FLOATING = 2
"""NT_PRFPREG."""
XSAVE, FXSAVE = 0x202, 0x46E62B7F
"""NT_X86_XSTATE, NT_PRXFPREG."""

ARM_FLOATING = 0x400
"""NT_ARM_VFP."""

SCALABLE = 0x405
"""NT_ARM_SVE."""
SCALABLE_HEAD = 16
_WIDEST = 255
"""Bytes of the widest register that a Thread Context has (§5.7)."""
_X86 = ("x86", "x86_64")


def _row(letter: str, count: int, width: int) -> tuple[Slot, ...]:
    return tuple((f"{letter}{number}", width) for number in range(count))


def _named(names: str, width: int) -> tuple[Slot, ...]:
    return tuple((name, width) for name in names.split())


_RISCV_FLOATS = _named(
    "ft0 ft1 ft2 ft3 ft4 ft5 ft6 ft7 fs0 fs1 fa0 fa1 fa2 fa3 fa4 fa5 fa6 fa7 fs2 fs3 fs4 fs5 fs6"
    " fs7 fs8 fs9 fs10 fs11 ft8 ft9 ft10 ft11",
    8,
)
_RISCV = {FLOATING: (*_RISCV_FLOATS, ("fcsr", 4))}
_POWER = {
    FLOATING: (*_row("f", 32, 8), ("fpscr", 8)),
    0x100: (*_row("vr", 32, 16), ("vscr", 16), ("vrsave", 4)),
    0x102: tuple((f"vs{number}h", 8) for number in range(32)),
}
_MIPS = {FLOATING: (*_row("f", 32, 8), ("fcsr", 4), ("fir", 4))}

_SETS: Mapping[str, Mapping[int, tuple[Slot, ...]]] = {
    "arm64": {
        FLOATING: (*_row("v", 32, 16), ("fpsr", 4), ("fpcr", 4)),
        0x401: (("tpidr", 8), ("tpidr2", 8)),
        0x406: (("pauth_dmask", 8), ("pauth_cmask", 8)),
    },
    "arm32": {ARM_FLOATING: (*_row("d", 32, 8), ("fpscr", 4))},
    "riscv64": _RISCV,
    "riscv32": _RISCV,
    "ppc64": _POWER,
    "ppc32": _POWER,
    "s390x": {
        FLOATING: (("fpc", 4), ("", 4), *_row("f", 16, 8)),
        0x302: (("todcmp", 8),),
        0x304: _row("cr", 16, 8),
        0x306: (("last_break", 8),),
        0x307: (("system_call", 4),),
        0x309: tuple((f"v{number}l", 8) for number in range(16)),
        0x30A: tuple((f"v{number}", 16) for number in range(16, 32)),
    },
    "mips64": _MIPS,
    "mips32": _MIPS,
    "loongarch64": {FLOATING: (*_row("f", 32, 8), ("fcc", 8), ("fcsr", 4))},
}
"""By the type of the note, whether its owner is CORE or LINUX."""

_FSAVE = _named("fctrl fstat ftag fioff fiseg fooff foseg", 4)
_FSAVE_SIZES = (108, 176)
"""As Linux and NetBSD have it, and FreeBSD with what it keeps behind."""


def slots_of(machine: ElfMachine, kind: int) -> tuple[Slot, ...] | None:
    """What a set consists of; None of those that are told otherwise, or not at all."""
    return _SETS.get(machine.arch_type, {}).get(kind)


def floating_notes(machine: ElfMachine) -> tuple[int, ...]:
    """Types of the notes with further registers that are written for a machine."""
    return tuple(_SETS.get(machine.arch_type, {}))


def is_x86(machine: ElfMachine) -> bool:
    """Whether registers beyond the general ones stand in FXSAVE and XSAVE images."""
    return machine.arch_type in _X86


def has_set(machine: ElfMachine, kind: int) -> bool:
    """Whether notes of a type hold registers of a machine that `decode_set` knows."""
    if is_x86(machine):
        return kind in (FLOATING, FXSAVE, XSAVE)
    return slots_of(machine, kind) is not None or (
        machine.arch_type == "arm64" and kind == SCALABLE
    )


def decode_set(
    machine: ElfMachine, kind: int, data: bytes, order: str, layout: StateLayout | None = None
) -> list[ProcessRegister] | None:
    """The registers of a note beyond the general ones; None if it is no such note.

    Args:
        layout: of XSAVE images; None: nobody says.
    """
    slots = slots_of(machine, kind)
    if slots is not None:
        return list(registers_of(machine, data, order, slots))
    if is_x86(machine):
        count = 16 if machine.wide else 8
        if kind == XSAVE and len(data) >= _XSAVE_LEAST:
            return list(x86_state.decode(data, count, layout))
        if kind in (FXSAVE, FLOATING) and len(data) == x86_state.FXSAVE_SIZE:
            return list(x86_state.decode(data, count))
        if kind == FLOATING and len(data) in _FSAVE_SIZES:
            return list(_fsave(data))
    if machine.arch_type == "arm64" and kind == SCALABLE:
        return list(_scalable(data))
    return None


_XSAVE_LEAST = 576
_LATER = ("tpidr2",)
"""Registers that stand at a set's end since some version of Linux."""


def lacks_registers(machine: ElfMachine, kind: int, size: int, head: bytes) -> bool:
    """Whether a note of a type that is read is too short for its registers, or of no known size.

    Args:
        size: bytes of its content.
        head: the first of them.
    """
    slots = slots_of(machine, kind)
    if slots is not None:
        return size < needed_for([one for one in slots if one[0] not in _LATER])
    if is_x86(machine):
        if kind == XSAVE:
            return size < _XSAVE_LEAST
        return size != x86_state.FXSAVE_SIZE and (kind == FXSAVE or size not in _FSAVE_SIZES)
    length = _vector_length(head)
    return bool(length) and size < SCALABLE_HEAD + 32 * length + 17 * (length // 8)


def _fsave(data: bytes) -> Iterator[ProcessRegister]:
    """What FSAVE stores: x87 registers without gaps, and control words of which half counts."""
    at = 4 * len(_FSAVE)
    for number in range(8):
        yield ProcessRegister(f"st{number}", data[at + 10 * number : at + 10 * number + 10])
    for index, (name, width) in enumerate(_FSAVE):
        yield ProcessRegister(name, data[4 * index : 4 * index + (2 if index < 3 else width)])


def _vector_length(data: bytes) -> int:
    """Bytes of a Z register; 0 where the thread does not use them."""
    used = len(data) >= SCALABLE_HEAD and data[12] & 1
    return int.from_bytes(data[8:10], "little") if used else 0


def too_wide(head: bytes) -> int:
    """Bytes of Z registers that are wider than a register of a dump can be; 0: they are not.

    Args:
        head: of the note.
    """
    length = _vector_length(head)
    return length if length > _WIDEST else 0


def _scalable(data: bytes) -> Iterator[ProcessRegister]:
    """Z, P and FFR of a thread that uses the scalable vectors (`struct user_sve_header`)."""
    length = _vector_length(data)
    if not 16 <= length <= _WIDEST or length % 16:
        return
    at = SCALABLE_HEAD
    slots = (*_row("z", 32, length), *_row("p", 16, length // 8), ("ffr", length // 8))
    for name, width in slots:
        value = data[at : at + width]
        at += width
        if len(value) == width:
            yield ProcessRegister(name, value)
