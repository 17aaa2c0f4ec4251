"""CONTEXT of each processor: where it keeps which register (`winnt.h`; Breakpad's)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .. import x86_state
from ..process import ROLES, ProcessRegister
from ..structures import order_of

__all__ = ["ARCHITECTURES", "OLD_ARM64", "decode_context", "encode_context", "general_names"]

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
}
"""ArchType by ProcessorArchitecture."""

OLD_ARM64 = 0x8003

Place = tuple[str, int, int]
"""Name, offset and bytes of a register."""

_ROLES = {
    **ROLES,
    "x29": "fp",
    "r11": "fp",
    "x30": "link_register",
}


def _row(names: str, at: int, width: int) -> tuple[Place, ...]:
    return tuple((name, at + width * n, width) for n, name in enumerate(names.split()))


def _numbered(letter: str, count: int) -> str:
    return " ".join(f"{letter}{n}" for n in range(count))


_X86_64 = (
    *_row("rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15 rip", 0x78, 8),
    *_row("cs ds es fs gs ss", 0x38, 2),
    ("eflags", 0x44, 4),
)
_X86 = (*_row("gs fs es ds edi esi ebx edx ecx eax ebp eip cs eflags esp ss", 0x8C, 4),)
_ARM = (
    *_row(f"{_numbered('r', 13)} sp lr pc cpsr", 4, 4),
    ("fpscr", 72, 4),
    *_row(_numbered("d", 32), 80, 8),
)
_ARM64 = (
    ("cpsr", 4, 4),
    *_row(f"{_numbered('x', 31)} sp pc", 8, 8),
    *_row(_numbered("v", 32), 272, 16),
    ("fpcr", 784, 4),
    ("fpsr", 788, 4),
)
_ARM64_OLD = (
    *_row(f"{_numbered('x', 31)} sp pc", 8, 8),
    *_row("cpsr fpsr fpcr", 272, 4),
    *_row(_numbered("v", 32), 284, 16),
)

_PLACES: Mapping[int, tuple[int, tuple[Place, ...]]] = {
    0: (204, _X86),
    5: (336, _ARM),
    9: (0x100, _X86_64),
    12: (792, _ARM64),
    OLD_ARM64: (796, _ARM64_OLD),
}
"""By processor: bytes that there must be, and the registers."""

_FLOATING = frozenset(
    ["fpscr", "fpcr", "fpsr", *_numbered("d", 32).split(), *_numbered("v", 32).split()]
)
"""Registers that a context has only if its ContextFlags say so."""

_FXSAVE_AT = {0: (0xCC, 8), 9: (0x100, 16)}
"""By processor: where the FXSAVE image stands, and how many vector registers it has."""

_FLOATING_FLAG = {0: 0x20, 5: 0x04, 9: 0x08, 12: 0x04, OLD_ARM64: 0x04}
"""By processor: the bit of ContextFlags that says that they are there."""

_FLAGS_AT = {9: 0x30}
"""By processor: where ContextFlags stand; 0 for all others."""


def decode_context(architecture: int, data: bytes, order: str) -> Iterator[ProcessRegister]:
    """The registers of a context; none if it is too short, or of another processor.

    Args:
        architecture: ProcessorArchitecture.
        order: ``<`` or ``>``.
    """
    least, places = _PLACES.get(architecture, (0, ()))
    if not places or len(data) < least:
        return
    flags_at = _FLAGS_AT.get(architecture, 0)
    flags = int.from_bytes(data[flags_at : flags_at + 4], order_of(order))
    floating = flags & _FLOATING_FLAG[architecture]
    for name, at, width in places:
        if not floating and name in _FLOATING:
            continue  # it has room for them, and nothing in it
        value = data[at : at + width]
        little = value if order == "<" else value[::-1]
        role = _ROLES.get(name)
        if name == "r11" and architecture == 9:
            role = None
        yield ProcessRegister(name, little, (role,) if role else ())
    at, count = _FXSAVE_AT.get(architecture, (0, 0))
    if at and floating and len(data) >= at + x86_state.FXSAVE_SIZE:
        yield from x86_state.decode(data[at : at + x86_state.FXSAVE_SIZE], count)


_SIZES = {0: 716, 5: 416, 9: 1232, 12: 912}
_MARKS = {0: 0x10000, 5: 0x200000, 9: 0x100000, 12: 0x400000}
"""By processor: bytes of a context, and the bit of ContextFlags that names it."""

_GENERAL_PARTS = {0: 7, 5: 3, 9: 7, 12: 3}
"""Bits of ContextFlags: control and integer registers, segments."""
_MXCSR_AT = 0x34


def general_names(architecture: int) -> set[str]:
    """Names of the general registers of a context."""
    places = _PLACES.get(architecture, (0, ()))[1]
    return {name for name, _, _ in places} - _FLOATING


def encode_context(architecture: int, values: Mapping[str, bytes]) -> tuple[bytes, set[str]]:
    """A little-endian context, and the names of the registers that it holds.

    Returns:
        Nothing, where nobody here knows how a processor's contexts look. Of floating point
        registers all or none are held: those without a value are zero.
    """
    if architecture not in _SIZES:
        return b"", set()
    data = bytearray(_SIZES[architecture])
    held: set[str] = set()
    for name, at, width in _PLACES[architecture][1]:
        if name in values:
            data[at : at + width] = values[name][:width].ljust(width, b"\0")
            held.add(name)
    flags = _MARKS[architecture] | _GENERAL_PARTS[architecture]
    if held & _FLOATING:
        flags |= _FLOATING_FLAG[architecture]
        held.update(name for name, _, _ in _PLACES[architecture][1] if name in _FLOATING)
    image = x86_state.fxsave(values) if architecture in _FXSAVE_AT else None
    if image is not None:
        at, count = _FXSAVE_AT[architecture]
        data[at : at + len(image)] = image
        flags |= _FLOATING_FLAG[architecture]
        held.update(one.name for one in x86_state.decode(image, count))
        if architecture == 9:
            data[_MXCSR_AT : _MXCSR_AT + 4] = values.get("mxcsr", bytes(4))
    at = _FLAGS_AT.get(architecture, 0)
    data[at : at + 4] = flags.to_bytes(4, "little")
    return bytes(data), held
