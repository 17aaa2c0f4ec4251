"""What a Windows process keeps of itself: the PEB with its parameters, TEBs with stacks.

Programs can overwrite all of it. It is read where the system has no answer of its own.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

from ..plain_target import CallFailed
from . import structures as win
from .calls import WindowsSystem

__all__ = [
    "Stack",
    "command_line",
    "environment",
    "number_at",
    "read_at",
    "stack_of",
    "stack_of_32_bits",
]

_PARAMETERS = 0x20
_COMMAND_LINE, _ENVIRONMENT, _ENVIRONMENT_SIZE = 0x70, 0x80, 0x3F0
_STACK_BASE, _STACK_LIMIT = 0x08, 0x10
_SELF_OF_32_BITS = 0x18
_SOURCE = "the process's own parameters, as they are now"
_MOST_ENVIRONMENT = 1 << 20


@dataclass(frozen=True)
class Stack:
    """Where a thread's stack is.

    Attributes:
        teb: the address of the thread's TEB, which is its GS base.
        base: where it begins; it grows downwards.
        limit: the lowest address that is committed.
    """

    teb: int
    base: int
    limit: int


def read_at(system: WindowsSystem, process: int, address: int, size: int) -> bytes:
    """Bytes of the process.

    Raises:
        CallFailed: they can't be read.
    """
    data = bytearray(size)
    came, error = system.read(process, address, memoryview(data))
    if came < size:
        raise CallFailed("ReadProcessMemory", error)
    return bytes(data)


def number_at(system: WindowsSystem, process: int, address: int, size: int = 8) -> int:
    """A number of the process. Raises `CallFailed`."""
    return int.from_bytes(read_at(system, process, address, size), "little")


def _parameters(system: WindowsSystem, process: int) -> int:
    return number_at(system, process, system.peb(process) + _PARAMETERS)


def command_line(system: WindowsSystem, process: int) -> str:
    """As its parameters have it.

    Raises:
        CallFailed: they can't be read.
    """
    address = _parameters(system, process) + _COMMAND_LINE
    size = ctypes.sizeof(win.UnicodeString)
    text = win.UnicodeString.from_buffer_copy(read_at(system, process, address, size))
    raw = read_at(system, process, int(text.buffer), int(text.length)) if text.length else b""
    return raw.decode("utf-16-le", "backslashreplace")


def environment(system: WindowsSystem, process: int) -> dict[str, Any]:
    """Its variables, as ``NAME=VALUE``, in their order, and where they are from.

    Raises:
        CallFailed: they can't be read.
    """
    parameters = _parameters(system, process)
    whole = number_at(system, process, parameters + _ENVIRONMENT_SIZE)
    size = min(whole, _MOST_ENVIRONMENT)
    if not size:
        return {"source": _SOURCE, "state": "empty", "size": 0, "variables": []}
    raw = read_at(system, process, number_at(system, process, parameters + _ENVIRONMENT), size & ~1)
    text, end, _ = raw.decode("utf-16-le", "backslashreplace").partition("\0\0")
    cut = "" if end else f", without their end: {whole} bytes are said to be there"
    return {
        "source": _SOURCE,
        "state": f"as strings{cut}",
        "size": len(raw),
        "variables": [line for line in text.split("\0") if line],
    }


def stack_of(system: WindowsSystem, process: int, thread: int) -> Stack:
    """The stack of a thread.

    Args:
        thread: a handle that permits queries.

    Raises:
        CallFailed: its TEB is not told, or can't be read.
    """
    teb = system.teb(thread)
    return Stack(
        teb,
        number_at(system, process, teb + _STACK_BASE),
        number_at(system, process, teb + _STACK_LIMIT),
    )


def stack_of_32_bits(system: WindowsSystem, process: int, teb: int) -> Stack | None:
    """The stack that a thread has as one of a 32-bit program; None: it has none.

    Args:
        teb: the address of the thread's own TEB, whose first word leads to the other.

    Raises:
        CallFailed: it can't be read.
    """
    narrow = number_at(system, process, teb)
    if not 0 < narrow < 1 << 32:
        return None
    if number_at(system, process, narrow + _SELF_OF_32_BITS, 4) != narrow:
        return None
    base, limit = (number_at(system, process, narrow + at, 4) for at in (4, 8))
    return Stack(narrow, base, limit)
