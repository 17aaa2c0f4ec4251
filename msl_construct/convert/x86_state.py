"""FXSAVE and XSAVE images, as x86 processors store them and cores and minidumps keep them.

Names are gdb's; ``ftag`` is the one byte that FXSAVE keeps, a bit for each x87 register in use.
Of an image whose layout is unknown, what stands at the same place everywhere is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from struct import Struct

from ..xsave_layout import (
    AVX,
    AVX512,
    FXSAVE_SIZE,
    IN_USE_AT,
    INTEL,
    KEYS,
    MASK_AT,
    SSE_AT,
    STACK_AT,
    YMM_AT,
    parts_of,
)
from .process import ProcessRegister

__all__ = ["FXSAVE_SIZE", "decode", "fxsave", "with_narrower", "xsave"]

_AVX_END = 832

_CONTROLS = (
    ("fctrl", 2),
    ("fstat", 2),
    ("ftag", 1),
    ("", 1),
    ("fop", 2),
    ("fioff", 4),
    ("fiseg", 4),
    ("fooff", 4),
    ("foseg", 4),
    ("mxcsr", 4),
    ("", 4),
)
_QUAD = Struct("<Q")

_X87_SSE = 3


def decode(image: bytes, count: int) -> Iterator[ProcessRegister]:
    """The registers of an image of 512 bytes (FXSAVE) or of at least 576 (XSAVE).

    Args:
        count: how many vector registers there are without AVX-512: 16, or 8 of 32-bit code.
    """
    yield from _x87(image)
    low = [image[SSE_AT + 16 * n : SSE_AT + 16 * n + 16] for n in range(count)]
    mask = _QUAD.unpack_from(image, MASK_AT)[0] if len(image) > FXSAVE_SIZE else 0
    if not mask & AVX or len(image) < _AVX_END:
        yield from (ProcessRegister(f"xmm{n}", value) for n, value in enumerate(low))
        return
    middle = [image[YMM_AT + 16 * n : YMM_AT + 16 * n + 16] for n in range(count)]
    parts = parts_of(mask, len(image))
    if parts is None or mask & AVX512 != AVX512:
        yield from (ProcessRegister(f"ymm{n}", low[n] + middle[n]) for n in range(count))
    else:
        for n in range(count):
            upper = image[parts.upper + 32 * n : parts.upper + 32 * n + 32]
            yield ProcessRegister(f"zmm{n}", low[n] + middle[n] + upper)
        for n in range(16 if count == 16 else 0):
            yield ProcessRegister(
                f"zmm{n + 16}", image[parts.high + 64 * n : parts.high + 64 * n + 64]
            )
        for n in range(8):
            yield ProcessRegister(f"k{n}", image[parts.masks + 8 * n : parts.masks + 8 * n + 8])
    if parts is not None and mask & KEYS:
        yield ProcessRegister("pkru", image[parts.keys : parts.keys + 4])


def _x87(image: bytes) -> Iterator[ProcessRegister]:
    for n in range(8):
        at = STACK_AT + 16 * n
        yield ProcessRegister(f"st{n}", image[at : at + 10])
    at = 0
    for name, width in _CONTROLS:
        if name:
            yield ProcessRegister(name, image[at : at + width])
        at += width


def with_narrower(names: Iterable[str]) -> set[str]:
    """Names of registers, and of the lower parts of vector registers among them."""
    found = set(names)
    for name in tuple(found):
        if name.startswith(("zmm", "ymm")):
            found.add(f"xmm{name[3:]}")
        if name.startswith("zmm"):
            found.add(f"ymm{name[3:]}")
    return found


def fxsave(registers: Mapping[str, bytes]) -> bytes | None:
    """An FXSAVE image; None where neither x87 nor SSE registers are known."""
    if "mxcsr" not in registers and "st0" not in registers:
        return None
    image = bytearray(FXSAVE_SIZE)
    at = 0
    for name, width in _CONTROLS:
        _put(image, at, width, registers.get(name))
        at += width
    for n in range(8):
        _put(image, STACK_AT + 16 * n, 10, registers.get(f"st{n}"))
    for n in range(16):
        _put(image, SSE_AT + 16 * n, 16, _vector(registers, n))
    return bytes(image)


def xsave(registers: Mapping[str, bytes]) -> bytes | None:
    """An XSAVE image in Intel's layout; None where no register is wider than FXSAVE has it."""
    masks = "k0" in registers and "zmm0" in registers
    if "ymm0" not in registers and not masks:
        return None
    front = fxsave(registers)
    if front is None:
        return None
    keys = registers.get("pkru")
    mask = _X87_SSE | AVX | (AVX512 if masks else 0) | (KEYS if keys is not None else 0)
    size = _AVX_END
    if masks or keys is not None:
        size = INTEL.keys + (8 if keys is not None else 0)
    image = bytearray(size)
    image[:FXSAVE_SIZE] = front
    _QUAD.pack_into(image, MASK_AT, mask)
    _QUAD.pack_into(image, IN_USE_AT, mask)
    for n in range(16):
        value = _vector(registers, n)
        _put(image, YMM_AT + 16 * n, 16, value[16:32])
        if masks:
            _put(image, INTEL.upper + 32 * n, 32, value[32:64])
            _put(image, INTEL.high + 64 * n, 64, registers.get(f"zmm{n + 16}"))
    for n in range(8 if masks else 0):
        _put(image, INTEL.masks + 8 * n, 8, registers.get(f"k{n}"))
    _put(image, INTEL.keys, 4, keys)
    return bytes(image)


def _vector(registers: Mapping[str, bytes], number: int) -> bytes:
    for kind in ("zmm", "ymm", "xmm"):
        found = registers.get(f"{kind}{number}")
        if found is not None:
            return found
    return b""


def _put(image: bytearray, at: int, width: int, value: bytes | None) -> None:
    if value:
        part = value[:width]
        image[at : at + len(part)] = part
