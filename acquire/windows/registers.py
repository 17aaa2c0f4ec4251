"""The registers of a thread, from the CONTEXT of an amd64 program."""

from __future__ import annotations

import ctypes

from ..model import Register

__all__ = ["CONTEXT_SIZE", "ContextBuffer", "registers_of"]

CONTEXT_SIZE = 1232
_FLAGS_OFFSET = 0x30
_CONTROL_INTEGER_SEGMENTS_FLOATING = 0x0010_000F
_ALIGNMENT = 16

_CLASSIC = ("ax", "cx", "dx", "bx", "sp", "bp", "si", "di")
_SEGMENTS = ("cs", "ds", "es", "fs", "gs", "ss")
_ROLES = {"rip": ("pc",), "rsp": ("sp",), "rbp": ("fp",), "eflags": ("flags",)}
_LAYOUT: tuple[tuple[str, int, int], ...] = (
    *((f"r{name}", 0x78 + 8 * i, 8) for i, name in enumerate(_CLASSIC)),
    *((f"r{8 + i}", 0xB8 + 8 * i, 8) for i in range(8)),
    ("rip", 0xF8, 8),
    ("eflags", 0x44, 4),
    *((name, 0x38 + 2 * i, 2) for i, name in enumerate(_SEGMENTS)),
    ("mxcsr", 0x34, 4),
    *((f"xmm{i}", 0x1A0 + 16 * i, 16) for i in range(16)),
    *((f"st{i}", 0x120 + 16 * i, 10) for i in range(8)),
    *(("fctrl", 0x100, 2), ("fstat", 0x102, 2), ("ftag", 0x104, 1), ("fop", 0x106, 2)),
    *(("fioff", 0x108, 4), ("fiseg", 0x10C, 4), ("fooff", 0x110, 4), ("foseg", 0x114, 4)),
)
"""Name, offset in CONTEXT, bytes."""


class ContextBuffer:
    """An aligned CONTEXT that asks for everything but the debug registers."""

    def __init__(self) -> None:
        self._room = ctypes.create_string_buffer(CONTEXT_SIZE + _ALIGNMENT)
        skip = -ctypes.addressof(self._room) % _ALIGNMENT
        self.context = (ctypes.c_char * CONTEXT_SIZE).from_buffer(self._room, skip)
        wanted = ctypes.c_uint32.from_buffer(self.context, _FLAGS_OFFSET)
        wanted.value = _CONTROL_INTEGER_SEGMENTS_FLOATING


def registers_of(context: bytes) -> tuple[Register, ...]:
    """The registers in a CONTEXT, general ones first."""
    return tuple(
        Register(name, context[offset : offset + width], _ROLES.get(name, ()))
        for name, offset, width in _LAYOUT
    )
