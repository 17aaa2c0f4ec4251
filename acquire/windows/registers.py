"""The registers of a thread, from its CONTEXT: of amd64 programs, and of 32-bit ones there."""

from __future__ import annotations

import ctypes

from msl_construct.convert.minidump.context_forms import CONTEXTS
from msl_construct.convert.minidump.contexts import decode_context
from msl_construct.convert.minidump.extended_state import EXTENDED, behind_context
from msl_construct.xsave_layout import FEATURES

from ..model import Register
from ..plain_target import CallFailed
from .calls import WindowsSystem

__all__ = ["CONTEXT_SIZE", "registers_of"]

_X86, _AMD64 = 0, 9
"""PROCESSOR_ARCHITECTURE_*, by which contexts are known."""
_FORM, _NARROW = CONTEXTS[_AMD64], CONTEXTS[_X86]
CONTEXT_SIZE = _FORM.size
_ALL, _ALL_OF_32_BITS = 0x0010_001F, 0x0001_003F
"""CONTEXT_ALL of each: control, integer, segments, floating point, debug registers."""
_ALIGNMENT = 16
_READ = tuple(bit for bit in FEATURES if bit in (2, 5, 6, 7, 9, 11))
"""Features whose registers are understood: AVX, AVX-512, protection keys, shadow stacks."""


def registers_of(
    system: WindowsSystem, thread: int, *, narrow: bool
) -> tuple[tuple[Register, ...], str]:
    """The registers of a thread that stands still; and which it has besides, in words.

    Args:
        thread: a handle that permits that.
        narrow: whether it runs a 32-bit program, whose registers they are then.

    Raises:
        CallFailed: they are not told.
    """
    if narrow:
        room = ctypes.create_string_buffer(_NARROW.size)
        _put_flags(room, _NARROW.flags_at, _ALL_OF_32_BITS)
        system.thread_context_of_32_bits(thread, room)
        return _decoded(_X86, room.raw), ""
    features = system.extended_features() & sum(1 << bit for bit in _READ)
    if not features:
        return _decoded(_AMD64, _plain(system, thread)), ""
    try:
        return _decoded(_AMD64, _extended(system, thread, features)), ""
    except CallFailed as error:
        lacking = f"whatever is wider than 16 bytes: {error}"
        return _decoded(_AMD64, _plain(system, thread)), lacking


def _put_flags(room: ctypes.Array[ctypes.c_char], at: int, flags: int) -> None:
    ctypes.c_uint32.from_buffer(room, at).value = flags


def _plain(system: WindowsSystem, thread: int) -> bytes:
    room = ctypes.create_string_buffer(CONTEXT_SIZE + _ALIGNMENT)
    skip = -ctypes.addressof(room) % _ALIGNMENT
    context = (ctypes.c_char * CONTEXT_SIZE).from_buffer(room, skip)
    _put_flags(context, _FORM.flags_at, _ALL)
    system.thread_context(thread, context)
    return bytes(context)


def _extended(system: WindowsSystem, thread: int, features: int) -> bytes:
    """A CONTEXT, and behind it what stands there of features."""
    kept, context = system.initialized_context(_ALL | EXTENDED, features)
    system.thread_context(thread, context)
    in_use = system.features_of(context)
    parts = {}
    for bit in _READ:
        if features >> bit & 1:
            size = FEATURES[bit].size
            # What is not in use is in its initial state, all zero.
            part = system.feature(context, bit) if in_use >> bit & 1 else bytes(size)
            if len(part) >= size:
                parts[bit] = part[:size]
    found = ctypes.string_at(context, CONTEXT_SIZE)
    del kept
    return found + behind_context(parts, CONTEXT_SIZE)


def _decoded(architecture: int, context: bytes) -> tuple[Register, ...]:
    return tuple(
        Register(one.name, one.value, one.roles)
        for one in decode_context(architecture, context, "<")
    )
