"""The registers of a thread, from the general state of either architecture."""

from __future__ import annotations

from typing import NamedTuple

from ..model import Register

__all__ = ["STATES", "State"]

_INTEL = "rax rbx rcx rdx rdi rsi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip rflags cs fs gs"
_INTEL_ROLES = {"rip": ("pc",), "rsp": ("sp",), "rbp": ("fp",), "rflags": ("flags",)}
_ARM = " ".join(f"x{i}" for i in range(29)) + " fp lr sp pc"
_ARM_ROLES = {
    "pc": ("pc",),
    "sp": ("sp",),
    "fp": ("fp",),
    "lr": ("link_register",),
    "cpsr": ("flags",),
}


class State(NamedTuple):
    """One flavor of thread_get_state.

    Attributes:
        flavor: its number.
        size: bytes.
        layout: name, offset, bytes and roles of each register.
    """

    flavor: int
    size: int
    layout: tuple[tuple[str, int, int, tuple[str, ...]], ...]

    def registers(self, state: bytes) -> tuple[Register, ...]:
        """The registers in a state."""
        return tuple(
            Register(name, state[offset : offset + width], roles)
            for name, offset, width, roles in self.layout
        )


STATES = {
    # x86_THREAD_STATE64
    "x86_64": State(
        4,
        168,
        tuple(
            (name, 8 * i, 8, _INTEL_ROLES.get(name, ())) for i, name in enumerate(_INTEL.split())
        ),
    ),
    # ARM_THREAD_STATE64; on arm64e, pc, lr, sp and fp may carry pointer authentication codes,
    # which stay as the kernel hands them out.
    "arm64": State(
        6,
        272,
        (
            *((name, 8 * i, 8, _ARM_ROLES.get(name, ())) for i, name in enumerate(_ARM.split())),
            ("cpsr", 264, 4, _ARM_ROLES["cpsr"]),
        ),
    ),
}
"""By the schema's name of the architecture. Floating point and vectors are not asked for."""
