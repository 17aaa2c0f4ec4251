"""Registers of x86-64, and of 32-bit code on it.

Names are gdb's. ``ftag`` is the one byte that FXSAVE keeps (a bit for each x87 register in
use), not the sixteen bits that gdb makes of it. The x87 pointers are given as the pairs
``fioff``/``fiseg`` and ``fooff``/``foseg`` of four bytes each; for 64-bit code a pair is the
two halves of one address.

The vector registers come from the XSAVE image, whose layout `xsave_layout` recognises. From an
unknown one, what stands at the same place everywhere is taken (x87, SSE, the upper half of
ymm), and the rest is reported missing. The
tiles of AMX (a kilobyte each, wider than a register may be), the bounds of MPX and the
additional registers of APX are not decoded: reported missing, where they are in use.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from operator import itemgetter
from struct import Struct

from msl_construct.xsave_layout import (
    AVX,
    AVX512,
    FXSAVE_SIZE,
    HEADER_END,
    IN_USE_AT,
    KEYS,
    MASK_AT,
    SSE_AT,
    YMM_AT,
    XsaveParts,
    parts_of,
)

from ...model import Register
from .decoded import Decoded, Names, name_them

__all__ = ["ALTERNATIVES", "CONTROL", "POINTERS", "SETS", "decode"]

_GENERAL, _FLOATING, _EXTENDED, _FLOATING_32 = 1, 2, 0x202, 0x46E62B7F
"""NT_PRSTATUS, NT_PRFPREG, NT_X86_XSTATE, NT_PRXFPREG."""

SETS: tuple[int, ...] = (_GENERAL, _EXTENDED)
"""Register sets to ask for."""

ALTERNATIVES: dict[int, tuple[int, ...]] = {_EXTENDED: (_FLOATING_32, _FLOATING)}
"""What to ask for instead where a set is not to be had (a processor without XSAVE)."""

CONTROL: dict[int, tuple[slice, ...]] = {
    _EXTENDED: (slice(MASK_AT, MASK_AT + 8), slice(IN_USE_AT, IN_USE_AT + 8))
}
"""Those bytes of a set that say how it is laid out, and what of it is in use."""

POINTERS = {8: ("rip", "rsp"), 4: ("eip", "esp")}
"""Names of program counter and stack pointer by the width of an address."""

_ROLES = {
    "rip": ("pc",),
    "rsp": ("sp",),
    "rbp": ("fp",),
    "eflags": ("flags",),
    "fs_base": ("thread_pointer",),
    "eip": ("pc",),
    "esp": ("sp",),
    "ebp": ("fp",),
}


def _roles(names: tuple[str, ...]) -> Names:
    return names, tuple(_ROLES.get(name, ()) for name in names)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_STORED_64 = _words(
    "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss"
    " fs_base gs_base ds es fs gs"
)
_SHOWN_64 = _roles(
    _words(
        "rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip eflags cs ss ds"
        " es fs gs fs_base gs_base orig_rax"
    )
)
_STORED_32 = _words("ebx ecx edx esi edi ebp eax ds es fs gs orig_eax eip cs eflags esp ss")
_SHOWN_32 = _roles(_words("eax ebx ecx edx esi edi ebp esp eip eflags cs ss ds es fs gs orig_eax"))
_WORDS_64 = Struct("8s" * 27)
_WORDS_32 = Struct("4s" * 17)
_reorder_64 = itemgetter(*(_STORED_64.index(name) for name in _SHOWN_64[0]))
_reorder_32 = itemgetter(*(_STORED_32.index(name) for name in _SHOWN_32[0]))

# The front of FXSAVE and XSAVE images: control words and pointers, MXCSR (and its mask, not a
# register), x87 registers of ten bytes in sixteen; then the SSE registers.
_X87 = Struct("2s2s1sx2s4s4s4s4s4s4x" + "10s6x" * 8)
_CONTROLS = _words("fctrl fstat ftag fop fioff fiseg fooff foseg mxcsr")
_STACK = tuple(f"st{number}" for number in range(8))
_X87_SHOWN = _roles(_STACK + _CONTROLS)
_SSE = Struct(f"{SSE_AT}x" + "16s" * 16)

_MASK, _IN_USE = Struct(f"<{MASK_AT}xQ"), Struct(f"<{IN_USE_AT}xQ")
_BOUNDS, _TILES, _MORE = 3 << 3, 3 << 17, 1 << 19
_YMM = Struct(f"{YMM_AT}x" + "16s" * 16)
_MASKS = Struct("8s" * 8)
_HIGH = Struct("64s" * 16)


class _Image:
    """What takes the parts of one kind of XSAVE image out of it."""

    def __init__(self, parts: XsaveParts) -> None:
        self.masks = slice(parts.masks, parts.masks + 8 * 8)
        self.upper = Struct(f"{parts.upper}x" + "32s" * 16)
        self.high = slice(parts.high, parts.high + 16 * 64)
        self.keys = slice(parts.keys, parts.keys + 4)


@cache
def _image(mask: int, size: int) -> _Image | None:
    """What reads an image of `size` bytes with these features enabled; None: nobody knows how."""
    parts = parts_of(mask, size)
    return None if parts is None else _Image(parts)


@cache
def _vector_names(kind: str, count: int) -> Names:
    return _roles(tuple(f"{kind}{number}" for number in range(count)))


# Most threads leave most of these alone, so that they are equal from thread to thread.


@lru_cache(256)
def _x87(front: bytes) -> list[Register]:
    values = _X87.unpack(front)
    return name_them(*_X87_SHOWN, values[len(_CONTROLS) :] + values[: len(_CONTROLS)])


@lru_cache(256)
def _masks(stretch: bytes) -> list[Register]:
    return name_them(*_vector_names("k", 8), _MASKS.unpack(stretch))


@lru_cache(256)
def _high(stretch: bytes) -> list[Register]:
    names, flags = _vector_names("zmm", 32)
    return name_them(names[16:], flags[16:], _HIGH.unpack(stretch))


def decode(sets: Mapping[int, bytes]) -> Decoded:
    """Registers of one thread.

    Args:
        sets: what the kernel gave, by number; what it refused is absent.
    """
    general = sets.get(_GENERAL, b"")
    missing: list[str] = []
    wide = True
    if len(general) == _WORDS_64.size:
        registers = name_them(*_SHOWN_64, _reorder_64(_WORDS_64.unpack(general)))
    elif len(general) == _WORDS_32.size:
        registers = name_them(*_SHOWN_32, _reorder_32(_WORDS_32.unpack(general)))
        wide = False
    else:
        registers = []
        missing.append("general registers")
    image = sets.get(_EXTENDED, b"")
    if len(image) < HEADER_END:
        image = sets.get(_FLOATING, b"")
        if len(image) != FXSAVE_SIZE:
            image = sets.get(_FLOATING_32, b"")
        if len(image) != FXSAVE_SIZE:
            return Decoded(tuple(registers), (*missing, "floating point and vector registers"))
        missing.append("whatever of the vector registers is wider than 16 bytes")
    registers += _vectors(image, 16 if wide else 8, missing)
    return Decoded(tuple(registers), tuple(missing))


def _vectors(image: bytes, count: int, missing: list[str]) -> list[Register]:
    """x87, SSE and what has been added since, each vector register at its full width.

    Args:
        count: how many vector registers the code that runs can name without AVX-512.
        missing: takes what could not be decoded.
    """
    registers = list(_x87(image[:SSE_AT]))
    low = _SSE.unpack_from(image)[:count]
    if len(image) == FXSAVE_SIZE:
        return registers + name_them(*_vector_names("xmm", count), low)
    (mask,), (in_use,) = _MASK.unpack_from(image), _IN_USE.unpack_from(image)
    for bits, what in ((_BOUNDS, "MPX"), (_TILES, "AMX"), (_MORE, "APX")):
        if in_use & bits:
            missing.append(f"registers of {what}")
    if not mask & AVX:
        return registers + name_them(*_vector_names("xmm", count), low)
    if len(image) < _YMM.size:
        missing.append("vector registers wider than 16 bytes")
        return registers + name_them(*_vector_names("xmm", count), low)
    # A part that is not in use is in its initial state, all zero; the kernel writes it so.
    middle = _YMM.unpack_from(image)
    layout = _image(mask, len(image))
    if layout is None:
        missing.append("AVX-512 registers and protection keys: unknown layout of the XSAVE image")
        return registers + name_them(*_vector_names("ymm", count), map(b"".join, zip(low, middle)))
    if mask & AVX512 == AVX512:
        values = map(b"".join, zip(low, middle, layout.upper.unpack_from(image)))
        registers += name_them(*_vector_names("zmm", count), values)
        if count == 16:
            registers += _high(image[layout.high])
        registers += _masks(image[layout.masks])
    else:
        registers += name_them(*_vector_names("ymm", count), map(b"".join, zip(low, middle)))
    if mask & KEYS:
        registers.append(Register("pkru", image[layout.keys]))
    return registers
