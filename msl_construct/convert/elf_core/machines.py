"""Which registers stand where in the general register set of each machine (NT_PRSTATUS).

From the definitions that Linux publishes to programs (`asm/ptrace.h`, `asm/elf.h`, `linux/elf.h`);
names are gdb's, in lower case.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..process import ROLES, ProcessRegister

__all__ = ["MACHINES", "ElfMachine", "machine_of", "needed_for", "registers_of"]

Slot = tuple[str, int]
"""Name and bytes of a register; without a name: bytes that mean nothing."""

_ROLES = {
    **ROLES,
    "pswa": "pc",
    "fs_base": "thread_pointer",
    "tpidr": "thread_pointer",
    "tp": "thread_pointer",
    "ra": "link_register",
}


@dataclass(frozen=True)
class ElfMachine:
    """One of them.

    Attributes:
        number: e_machine.
        wide: whether addresses have 64 bits.
        arch_type: the schema's name.
        general: what the general register set consists of.
        roles: of registers whose name does not say it.
    """

    number: int
    wide: bool
    arch_type: str
    general: tuple[Slot, ...]
    roles: tuple[tuple[str, str], ...] = ()

    @property
    def word(self) -> int:
        """Bytes of an address."""
        return 8 if self.wide else 4

    def role(self, name: str) -> tuple[str, ...]:
        """What a register is for."""
        return self._role_of.get(name, ())

    @cached_property
    def _role_of(self) -> Mapping[str, tuple[str, ...]]:
        return {name: (role,) for name, role in {**_ROLES, **dict(self.roles)}.items()}


def _slots(width: int, names: str) -> tuple[Slot, ...]:
    """Registers of one width; ``-`` is one without a name."""
    return tuple(("" if name == "-" else name, width) for name in names.split())


def _numbered(letter: str, count: int) -> str:
    return " ".join(f"{letter}{number}" for number in range(count))


_X86 = "ebx ecx edx esi edi ebp eax ds es fs gs orig_eax eip cs eflags esp ss"
_X86_64 = (
    "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss"
    " fs_base gs_base ds es fs gs"
)
_ARM = f"{_numbered('r', 13)} sp lr pc cpsr orig_r0"
_AARCH64 = f"{_numbered('x', 31)} sp pc cpsr"
_RISCV = (
    "pc ra sp gp tp t0 t1 t2 fp s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11"
    " t3 t4 t5 t6"
)
_POWER = f"{_numbered('r', 32)} pc msr orig_r3 ctr lr xer cr {{}} trap dar dsisr result - - - -"
_MIPS = f"{_numbered('r', 32)} lo hi pc badvaddr status cause"
_LOONGARCH = f"{_numbered('r', 32)} orig_a0 pc badv - - - - - - - - - -"
_STACK_R1 = (("r1", "sp"),)
_MIPS_ROLES = (("r29", "sp"), ("r30", "fp"), ("r31", "link_register"))


def _s390(word: int) -> tuple[Slot, ...]:
    return (
        *_slots(word, f"pswm pswa {_numbered('r', 16)}"),
        *_slots(4, _numbered("acr", 16)),
        *_slots(word, "orig_r2"),
    )


MACHINES = (
    ElfMachine(62, True, "x86_64", _slots(8, _X86_64)),
    ElfMachine(3, False, "x86", _slots(4, _X86)),
    ElfMachine(183, True, "arm64", _slots(8, _AARCH64), (("x29", "fp"), ("x30", "link_register"))),
    ElfMachine(40, False, "arm32", _slots(4, _ARM), (("r11", "fp"),)),
    ElfMachine(243, True, "riscv64", _slots(8, _RISCV)),
    ElfMachine(243, False, "riscv32", _slots(4, _RISCV)),
    ElfMachine(21, True, "ppc64", _slots(8, _POWER.format("softe")), _STACK_R1),
    ElfMachine(20, False, "ppc32", _slots(4, _POWER.format("mq")), _STACK_R1),
    ElfMachine(22, True, "s390x", _s390(8), (("r15", "sp"), ("r14", "link_register"))),
    ElfMachine(8, True, "mips64", (*_slots(8, _MIPS), *_slots(8, "- " * 7)), _MIPS_ROLES),
    ElfMachine(
        8,
        False,
        "mips32",
        (*_slots(4, "- " * 6), *_slots(4, _MIPS), *_slots(4, "-")),
        _MIPS_ROLES,
    ),
    ElfMachine(
        258,
        True,
        "loongarch64",
        _slots(8, _LOONGARCH),
        (("r3", "sp"), ("r1", "link_register"), ("r22", "fp"), ("r2", "thread_pointer")),
    ),
)


def machine_of(number: int, wide: bool) -> ElfMachine | None:
    """The machine of a file; None if it is none of these."""
    return next((one for one in MACHINES if (one.number, one.wide) == (number, wide)), None)


def needed_for(slots: Sequence[Slot]) -> int:
    """How many bytes of a set have all of its registers."""
    last = max((number for number, (name, _) in enumerate(slots) if name), default=-1)
    return sum(width for _, width in slots[: last + 1])


def registers_of(
    machine: ElfMachine, data: bytes, order: str, slots: tuple[Slot, ...]
) -> Iterator[ProcessRegister]:
    """The registers of a set, as many as it wholly holds.

    Args:
        order: ``<`` or ``>``.
    """
    at = 0
    for name, width in slots:
        value = data[at : at + width]
        at += width
        if len(value) < width:
            return
        if name:
            little = value if order == "<" else value[::-1]
            yield ProcessRegister(name, little, machine.role(name))
