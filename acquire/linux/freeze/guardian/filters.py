"""What a seccomp filter says of a system call: the classic Berkeley packet filter, interpreted.

Only what the kernel permits in a seccomp filter is known (kernel/seccomp.c,
`seccomp_check_filter`). Jumps go forward only, so that every program ends.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from struct import Struct, error, unpack_from

__all__ = ["KILLS", "PERMITS", "Data", "FilterVerdict", "action"]

PERMITS = frozenset({0x7FFF0000, 0x7FFC0000})
"""SECCOMP_RET_ALLOW and SECCOMP_RET_LOG."""
KILLS = frozenset({0x80000000, 0x00000000, 0x00030000, 0x00050000})
"""SECCOMP_RET_KILL_PROCESS, _KILL_THREAD, _TRAP and _ERRNO: the call is not made."""

_INSTRUCTION = Struct("=HBBI")
_DATA = Struct("=iIQ6Q")
_WORD = (1 << 32) - 1
_ACTION = 0xFFFF0000

_LOAD, _LOAD_X, _STORE, _STORE_X, _ALU, _JUMP, _RETURN, _MISC = range(8)
_IMMEDIATE, _ABSOLUTE, _MEMORY, _LENGTH = 0x00, 0x20, 0x60, 0x80
_NEGATE, _ALWAYS = 0x80, 0x00

_ARITHMETIC: dict[int, Callable[[int, int], int]] = {
    0x00: operator.add,
    0x10: operator.sub,
    0x20: operator.mul,
    0x30: operator.floordiv,
    0x40: operator.or_,
    0x50: operator.and_,
    0x60: lambda a, b: a << (b & 31),
    0x70: lambda a, b: a >> (b & 31),
    0xA0: operator.xor,
}
_CONDITIONS: dict[int, Callable[[int, int], bool]] = {
    0x10: operator.eq,
    0x20: operator.gt,
    0x30: operator.ge,
    0x40: lambda a, b: a & b != 0,
}


class Data:
    """struct seccomp_data: a system call as a filter sees it.

    Args:
        call: its number.
        architecture: AUDIT_ARCH_….
        pointer: the address behind the instruction that makes it.
        arguments: six.
    """

    def __init__(
        self, call: int, architecture: int, pointer: int, arguments: tuple[int, ...]
    ) -> None:
        self.bytes = _DATA.pack(call, architecture, pointer, *arguments)


class FilterVerdict:
    """What a filter says.

    Args:
        action: one of SECCOMP_RET_…, without its data.
        general: whether it depends on nothing but number and architecture of the call.
    """

    def __init__(self, action: int, general: bool) -> None:
        self.action = action
        self.general = general


def action(program: bytes, data: Data) -> FilterVerdict:
    """What one filter says of a system call.

    Args:
        program: as PTRACE_SECCOMP_GET_FILTER gives it: eight bytes an instruction.

    Raises:
        ValueError: it is no program that the kernel would take.
    """
    try:
        return _run(list(_INSTRUCTION.iter_unpack(program)), data.bytes)
    except (IndexError, KeyError, ZeroDivisionError, error) as wrong:
        raise ValueError(f"no seccomp filter: {wrong!r}") from wrong


def _run(program: list[tuple[int, ...]], data: bytes) -> FilterVerdict:
    accumulator = index = at = 0
    memory = [0] * 16
    general = True
    while True:
        code, if_true, if_false, value = program[at]
        at += 1
        kind, operation = code & 7, code & 0xF0
        operand = index if code & 8 else value
        if kind == _RETURN:
            return FilterVerdict((accumulator if code & 0x18 == 0x10 else value) & _ACTION, general)
        if kind in (_LOAD, _LOAD_X):
            mode = code & 0xE0
            if mode == _IMMEDIATE:
                loaded = value
            elif mode == _ABSOLUTE:
                loaded = int(unpack_from("=I", data, value)[0])
                general = general and value < 8
            elif mode == _MEMORY:
                loaded = memory[value]
            elif mode == _LENGTH:
                loaded = len(data)
            else:
                raise KeyError(code)
            if kind == _LOAD:
                accumulator = loaded
            else:
                index = loaded
        elif kind == _STORE:
            memory[value] = accumulator
        elif kind == _STORE_X:
            memory[value] = index
        elif kind == _ALU:
            if operation == _NEGATE:
                accumulator = -accumulator & _WORD
            else:
                accumulator = _ARITHMETIC[operation](accumulator, operand) & _WORD
        elif kind == _JUMP:
            if operation == _ALWAYS:
                at += value
            else:
                at += if_true if _CONDITIONS[operation](accumulator, operand) else if_false
        elif code & 0xF8:  # TXA, else TAX
            accumulator = index
        else:
            index = accumulator
