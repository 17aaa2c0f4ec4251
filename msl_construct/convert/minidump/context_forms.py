"""How the contexts of each processor are laid out.

From `winnt.h`, Breakpad's `minidump_cpu_*.h` and Crashpad's `minidump_context.h`; registers have
gdb's names, in lower case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from ..process import ROLES

__all__ = ["ARCHITECTURES", "CONTEXTS", "NARROW", "Context"]

ARCHITECTURES = {
    0: "x86",
    1: "mips32",
    3: "ppc32",
    5: "arm32",
    9: "x86_64",
    12: "arm64",
    0x8002: "ppc64",
    0x8003: "arm64",
    0x8004: "mips64",
    0x8005: "riscv32",
    0x8006: "riscv64",
}
"""ArchType by ProcessorArchitecture."""

NARROW = (1,)
"""Processors whose general registers stand in fields of twice their width."""

Place = tuple[str, int, int]
"""Name, offset and bytes of a register."""


class FxsaveImage(NamedTuple):
    """Where an FXSAVE image stands in a context, the bit of ContextFlags that says so, and how
    many vector registers it has."""

    at: int
    bit: int
    vectors: int


@dataclass(frozen=True)
class Context:
    """The contexts of a processor.

    Attributes:
        least: bytes that one must have to be read.
        size: bytes of those that are written; 0: none are.
        mark: bits of ContextFlags that name the processor, and say that the general registers
            are there.
        optional: further registers, behind the bit of ContextFlags that says that they are there.
        older: registers that the image has as well; read where there is no image.
        flags_at, flags_width: where ContextFlags stand.
        roles: of registers whose name does not say it.
    """

    least: int
    size: int
    mark: int
    general: tuple[Place, ...]
    optional: tuple[tuple[int, tuple[Place, ...]], ...] = ()
    image: FxsaveImage | None = None
    older: tuple[int, tuple[Place, ...]] | None = None
    flags_at: int = 0
    flags_width: int = 4
    roles: tuple[tuple[str, str], ...] = ()

    def roles_of(self, name: str) -> tuple[str, ...]:
        """What a register is for."""
        found = dict(self.roles).get(name) or ROLES.get(name)
        return (found,) if found else ()


def _row(names: str, at: int, width: int) -> tuple[Place, ...]:
    return tuple((name, at + width * n, width) for n, name in enumerate(names.split()))


def _numbered(letter: str, count: int) -> str:
    return " ".join(f"{letter}{n}" for n in range(count))


_LINK = ("x30", "link_register")
_ARM64_ROLES = (("x29", "fp"), _LINK)
_MIPS_ROLES = (("r29", "sp"), ("r30", "fp"), ("r31", "link_register"))
_MIPS = (
    *_row(f"{_numbered('r', 32)} hi lo", 8, 8),
    *_row("pc badvaddr", 312, 8),
    *_row("status cause", 328, 4),
)
_MIPS_OPTIONAL = ((0x4, (*_row(_numbered("f", 32), 336, 8), *_row("fcsr fir", 592, 4))),)
_RISCV = (
    "pc ra sp gp tp t0 t1 t2 fp s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11"
    " t3 t4 t5 t6"
)
_DEBUGGING = "dr0 dr1 dr2 dr3 dr6 dr7"

CONTEXTS: Mapping[int, Context] = {
    0: Context(
        204,
        716,
        0x10007,
        _row("gs fs es ds edi esi ebx edx ecx eax ebp eip cs eflags esp ss", 0x8C, 4),
        ((0x10, _row(_DEBUGGING, 4, 4)),),
        image=FxsaveImage(0xCC, 0x20, 8),
        older=(
            0x8,
            (
                *_row("fctrl fstat ftag fioff fiseg fooff foseg", 0x1C, 4),
                *_row(_numbered("st", 8), 0x38, 10),
            ),
        ),
    ),
    1: Context(600, 600, 0x40002, _MIPS, _MIPS_OPTIONAL, roles=_MIPS_ROLES),
    3: Context(
        164,
        1004,
        0x20000001,
        _row(f"pc msr {_numbered('r', 32)} cr xer lr ctr mq", 4, 4),
        (
            (0x8, (*_row(_numbered("f", 32), 164, 8), ("fpscr", 424, 4))),
            (0x20, (("vrsave", 160, 4), *_row(f"{_numbered('vr', 32)} vscr", 428, 16))),
        ),
        roles=(("r1", "sp"),),
    ),
    5: Context(
        336,
        416,
        0x200003,
        _row(f"{_numbered('r', 13)} sp lr pc cpsr", 4, 4),
        ((0x4, (("fpscr", 72, 4), *_row(_numbered("d", 32), 80, 8))),),
        roles=(("r11", "fp"),),
    ),
    9: Context(
        0x100,
        1232,
        0x100007,
        (
            *_row("rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15 rip", 0x78, 8),
            *_row("cs ds es fs gs ss", 0x38, 2),
            ("eflags", 0x44, 4),
        ),
        ((0x10, _row(_DEBUGGING, 0x48, 8)),),
        image=FxsaveImage(0x100, 0x08, 16),
        flags_at=0x30,
    ),
    12: Context(
        792,
        912,
        0x400003,
        (("cpsr", 4, 4), *_row(f"{_numbered('x', 31)} sp pc", 8, 8)),
        ((0x4, (*_row(_numbered("v", 32), 272, 16), ("fpcr", 784, 4), ("fpsr", 788, 4))),),
        roles=_ARM64_ROLES,
    ),
    0x8002: Context(
        320,
        1160,
        0x1000001,
        _row(f"pc msr {_numbered('r', 32)} cr xer lr ctr", 8, 8),
        (
            (0x8, (*_row(_numbered("f", 32), 320, 8), ("fpscr", 580, 4))),
            (0x20, (("vrsave", 312, 8), *_row(f"{_numbered('vr', 32)} vscr", 584, 16))),
        ),
        flags_width=8,
        roles=(("r1", "sp"),),
    ),
    0x8003: Context(
        796,
        0,
        0,
        (*_row(f"{_numbered('x', 31)} sp pc", 8, 8), ("cpsr", 272, 4)),
        ((0x4, (*_row("fpsr fpcr", 276, 4), *_row(_numbered("v", 32), 284, 16))),),
        roles=_ARM64_ROLES,
    ),
    0x8004: Context(600, 600, 0x80002, _MIPS, _MIPS_OPTIONAL, roles=_MIPS_ROLES),
    # Of RISC-V there are several layouts, which agree about the general registers of 64 bits.
    0x8006: Context(
        264,
        0,
        0,
        _row(_RISCV, 8, 8),
        roles=(("ra", "link_register"), ("tp", "thread_pointer")),
    ),
}
"""By ProcessorArchitecture."""
