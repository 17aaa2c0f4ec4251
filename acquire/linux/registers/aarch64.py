"""Registers of 64-bit ARM, and of 32-bit code on it.

Names are gdb's: ``x0`` to ``x30`` (``x29`` the frame pointer, ``x30`` the link register),
``sp``, ``pc``, ``cpsr``, ``v0`` to ``v31``, ``fpsr``, ``fpcr``, ``tpidr``. Where a thread uses
scalable vectors (SVE), ``v0`` to ``v31`` are their first sixteen bytes, and the rest is
reported missing. Of 32-bit code only the general registers are decoded.
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct

from ...model import Register
from .decoded import Decoded, Names, name_them

__all__ = ["ALTERNATIVES", "CONTROL", "POINTERS", "SETS", "decode"]

_GENERAL, _FLOATING, _THREAD_POINTER, _SCALABLE = 1, 2, 0x401, 0x405
"""NT_PRSTATUS, NT_PRFPREG, NT_ARM_TLS, NT_ARM_SVE."""

SETS: tuple[int, ...] = (_GENERAL, _FLOATING, _THREAD_POINTER, _SCALABLE)
"""Register sets to ask for."""

ALTERNATIVES: dict[int, tuple[int, ...]] = {}
"""What to ask for instead where a set is not to be had."""

_FLAGS_AT = 12  # in user_sve_header: sizes, vector lengths, flags
CONTROL: dict[int, tuple[slice, ...]] = {_SCALABLE: (slice(_FLAGS_AT, _FLAGS_AT + 1),)}
"""Those bytes of a set that say what of it is in use."""

POINTERS = {8: ("pc", "sp"), 4: ("pc", "sp")}
"""Names of program counter and stack pointer by the width of an address."""

_ROLES = {
    "pc": ("pc",),
    "sp": ("sp",),
    "x29": ("fp",),
    "r11": ("fp",),
    "x30": ("link_register",),
    "lr": ("link_register",),
    "cpsr": ("flags",),
}


def _roles(names: tuple[str, ...]) -> Names:
    return names, tuple(_ROLES.get(name, ()) for name in names)


_WORDS_64, _WORDS_32 = Struct("8s" * 34), Struct("4s" * 18)
_NAMES_64 = _roles((*(f"x{number}" for number in range(31)), "sp", "pc", "cpsr"))
_NAMES_32 = _roles((*(f"r{number}" for number in range(13)), "sp", "lr", "pc", "cpsr", "orig_r0"))
_VECTORS = Struct("16s" * 32 + "4s4s")
_VECTOR_NAMES = _roles((*(f"v{number}" for number in range(32)), "fpsr", "fpcr"))


def decode(sets: Mapping[int, bytes]) -> Decoded:
    """Registers of one thread.

    Args:
        sets: what the kernel gave, by number; what it refused is absent.
    """
    general = sets.get(_GENERAL, b"")
    if len(general) == _WORDS_32.size:
        registers = name_them(*_NAMES_32, _WORDS_32.unpack(general))
        return Decoded(tuple(registers), ("floating point and vector registers of 32-bit code",))
    registers, missing = [], []
    if len(general) == _WORDS_64.size:
        registers += name_them(*_NAMES_64, _WORDS_64.unpack(general))
    else:
        missing.append("general registers")
    floating = sets.get(_FLOATING, b"")
    if len(floating) >= _VECTORS.size:
        registers += name_them(*_VECTOR_NAMES, _VECTORS.unpack_from(floating))
    else:
        missing.append("floating point and vector registers")
    pointer = sets.get(_THREAD_POINTER, b"")
    if len(pointer) >= 8:
        registers.append(Register("tpidr", pointer[:8], ("thread_pointer",)))
    else:
        missing.append("thread pointer")
    # Bit 0: the thread uses the long vectors.
    if sets.get(_SCALABLE, bytes(_FLAGS_AT + 1))[_FLAGS_AT] & 1:
        missing.append("scalable vector registers beyond their first 16 bytes")
    return Decoded(tuple(registers), tuple(missing))
