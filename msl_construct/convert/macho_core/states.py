"""The thread states in LC_THREAD: flavour, number of words, registers."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from .. import x86_state
from ..process import ROLES, ProcessRegister

__all__ = ["PROCESSORS", "StatesUnread", "registers_in", "unread_in"]

_I386, _ARM = 7, 12
_WIDE = 0x01000000
PROCESSORS = {
    _I386: "x86",
    _I386 | _WIDE: "x86_64",
    _ARM: "arm32",
    _ARM | _WIDE: "arm64",
    18: "ppc32",
    18 | _WIDE: "ppc64",
}
"""ArchType by cputype."""

Slot = tuple[str, int]

_ROLES = {
    **ROLES,
    "x29": "fp",
    "x30": "link_register",
}


def _slots(width: int, names: str) -> tuple[Slot, ...]:
    return tuple((name, width) for name in names.split())


def _numbered(letter: str, count: int) -> str:
    return " ".join(f"{letter}{number}" for number in range(count))


_X86_64 = _slots(
    8,
    "rax rbx rcx rdx rdi rsi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip eflags cs fs gs",
)
_X86 = _slots(4, "eax ebx ecx edx edi esi ebp esp ss eflags eip cs ds es fs gs")
_ARM32 = _slots(4, f"{_numbered('r', 13)} sp lr pc cpsr")
_ARM64 = (*_slots(8, f"{_numbered('x', 31)} sp pc"), ("cpsr", 4))
_NEON = (*_slots(16, _numbered("v", 32)), ("fpsr", 4), ("fpcr", 4))

_STATES = {
    (_I386 | _WIDE, 4): _X86_64,
    (_I386, 1): _X86,
    (_ARM, 1): _ARM32,
    (_ARM | _WIDE, 6): _ARM64,
    (_ARM | _WIDE, 17): _NEON,
}
_FLOATS = {(_I386 | _WIDE, 5): 16, (_I386, 2): 8}
"""Flavours with an FXSAVE image behind eight bytes, and how many vector registers it has."""

_WITH_HEADER = {
    (_I386 | _WIDE, 7): 4,
    (_I386 | _WIDE, 8): 5,
    (_I386 | _WIDE, 9): 6,
    (_I386, 7): 1,
    (_I386, 8): 2,
    (_I386, 9): 3,
    (_ARM | _WIDE, 1): 6,
}
"""Flavours that hold a flavour and a count of their own, and which flavour is wanted. Those of x86
are what the kernel writes."""

_HEAD = 8

_NO_REGISTERS = {(_I386 | _WIDE, 6), (_I386, 3), (_ARM, 3), (_ARM | _WIDE, 7)}
"""Flavours that say what a thread was stopped by."""


class StatesUnread(NamedTuple):
    """What of a thread's states is not read.

    Attributes:
        flavours: of states of which nothing is.
        partial: whether they have registers, or a state is shorter than its registers.
    """

    flavours: tuple[int, ...]
    partial: bool


def _states(processor: int, content: bytes, order: str) -> Iterator[tuple[int, bytes, bool]]:
    """Flavour and bytes of each state, and whether all of them are there."""
    head = Struct(order + "II")
    at = 0
    while at + _HEAD <= len(content):
        flavour, words = head.unpack_from(content, at)
        data = content[at + _HEAD : at + _HEAD + 4 * words]
        whole = len(data) == 4 * words
        at += _HEAD + 4 * words
        if (processor, flavour) in _WITH_HEADER and len(data) >= _HEAD:
            inner, _ = head.unpack_from(data)
            if inner == _WITH_HEADER[processor, flavour]:
                flavour, data = inner, data[_HEAD:]
        yield flavour, data, whole


def unread_in(processor: int, content: bytes, order: str) -> StatesUnread:
    """What `registers_in` leaves out of the states of one thread."""
    flavours = []
    partial = False
    for flavour, data, whole in _states(processor, content, order):
        kind = processor, flavour
        needed = sum(width for _, width in _STATES.get(kind, ()))
        needed = _HEAD + x86_state.FXSAVE_SIZE if kind in _FLOATS else needed
        if not needed:
            flavours.append(flavour)
            partial = partial or kind not in _NO_REGISTERS
        partial = partial or not whole or len(data) < needed
    return StatesUnread(tuple(flavours), partial)


def registers_in(processor: int, content: bytes, order: str) -> Iterator[ProcessRegister]:
    """The registers of the states of one thread, as many as are there whole.

    Args:
        content: of LC_THREAD, behind its size.
        order: ``<`` or ``>``.
    """
    seen: set[str] = set()
    for flavour, data, _ in _states(processor, content, order):
        for register in _state(processor, flavour, data, order):
            if register.name not in seen:
                seen.add(register.name)
                yield register


def _state(processor: int, flavour: int, data: bytes, order: str) -> Iterator[ProcessRegister]:
    at = 0
    for name, width in _STATES.get((processor, flavour), ()):
        value = data[at : at + width]
        at += width
        if len(value) == width:
            role = _ROLES.get(name)
            little = value if order == "<" else value[::-1]
            yield ProcessRegister(name, little, (role,) if role else ())
    count = _FLOATS.get((processor, flavour), 0)
    image = data[_HEAD : _HEAD + x86_state.FXSAVE_SIZE]
    if count and len(image) == x86_state.FXSAVE_SIZE:
        yield from x86_state.decode(image, count)
