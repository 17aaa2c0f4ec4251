"""What a Windows process keeps of itself: the PEB with its parameters and heaps, TEBs with stacks.

Programs can overwrite all of it. It is read where the system has no answer of its own.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..plain_target import CallFailed
from . import structures as win
from .calls import WindowsSystem

__all__ = ["Stack", "command_line", "environment", "heaps", "stack_of"]

_PARAMETERS = 0x20
_DEFAULT_HEAP, _HEAP_COUNT, _HEAPS = 0x30, 0xE8, 0xF0
_COMMAND_LINE, _ENVIRONMENT, _ENVIRONMENT_SIZE = 0x70, 0x80, 0x3F0
_STACK_BASE, _STACK_LIMIT = 0x08, 0x10
_SOURCE = "the process's own parameters, as they are now"
_MOST_HEAPS = 4096
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


def _read(system: WindowsSystem, process: int, address: int, size: int) -> bytes:
    """Bytes of the process.

    Raises:
        CallFailed: they can't be read.
    """
    data = bytearray(size)
    came, error = system.read(process, address, memoryview(data))
    if came < size:
        raise CallFailed("ReadProcessMemory", error)
    return bytes(data)


def _number(system: WindowsSystem, process: int, address: int, size: int = 8) -> int:
    return int.from_bytes(_read(system, process, address, size), "little")


def _parameters(system: WindowsSystem, process: int) -> int:
    return _number(system, process, system.peb(process) + _PARAMETERS)


def command_line(system: WindowsSystem, process: int) -> str:
    """As its parameters have it.

    Raises:
        CallFailed: they can't be read.
    """
    address = _parameters(system, process) + _COMMAND_LINE
    size = ctypes.sizeof(win.UnicodeString)
    text = win.UnicodeString.from_buffer_copy(_read(system, process, address, size))
    raw = _read(system, process, int(text.buffer), int(text.length)) if text.length else b""
    return raw.decode("utf-16-le", "backslashreplace")


def environment(system: WindowsSystem, process: int) -> dict[str, Any]:
    """Its variables, as ``NAME=VALUE``, in their order, and where they are from.

    Raises:
        CallFailed: they can't be read.
    """
    parameters = _parameters(system, process)
    whole = _number(system, process, parameters + _ENVIRONMENT_SIZE)
    size = min(whole, _MOST_ENVIRONMENT)
    if not size:
        return {"source": _SOURCE, "state": "empty", "size": 0, "variables": []}
    raw = _read(system, process, _number(system, process, parameters + _ENVIRONMENT), size & ~1)
    text, end, _ = raw.decode("utf-16-le", "backslashreplace").partition("\0\0")
    cut = "" if end else f", without their end: {whole} bytes are said to be there"
    return {
        "source": _SOURCE,
        "state": f"as strings{cut}",
        "size": len(raw),
        "variables": [line for line in text.split("\0") if line],
    }


def heaps(system: WindowsSystem, process: int) -> Iterator[int]:
    """Where its heaps begin; further segments of a heap have their own allocations.

    Raises:
        CallFailed: the list can't be read.
    """
    peb = system.peb(process)
    yield _number(system, process, peb + _DEFAULT_HEAP)  # Wine lists none
    count = min(_number(system, process, peb + _HEAP_COUNT, 4), _MOST_HEAPS)
    listed = _number(system, process, peb + _HEAPS)
    if count and listed:
        raw = _read(system, process, listed, 8 * count)
        for at in range(0, len(raw), 8):
            yield int.from_bytes(raw[at : at + 8], "little")


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
        _number(system, process, teb + _STACK_BASE),
        _number(system, process, teb + _STACK_LIMIT),
    )
