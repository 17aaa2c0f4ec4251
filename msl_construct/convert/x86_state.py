"""FXSAVE and XSAVE images, as x86 processors store them and cores and minidumps keep them.

Names are gdb's; ``ftag`` is the one byte that FXSAVE keeps, a bit for each x87 register in use.
Where the parts of an XSAVE image stand depends on the processor, and nothing in the image says
so: as debuggers do, the layout is recognised by the image's size and the mask of enabled features.
What is recognised are the layouts of Intel and AMD, with AVX-512 and without. Of an unknown one,
what stands at the same place everywhere is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from struct import Struct

from .process import ProcessRegister

__all__ = ["FXSAVE_SIZE", "decode", "fxsave", "with_narrower", "xsave"]

FXSAVE_SIZE = 512
_HEADER_END = 576
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
_STACK_AT, _SSE_AT, _MASK_AT, _IN_USE_AT, _YMM_AT = 32, 160, 464, 512, 576
_QUAD = Struct("<Q")

_X87_SSE, _AVX, _AVX512, _KEYS = 3, 1 << 2, 7 << 5, 1 << 9


@dataclass(frozen=True)
class _Parts:
    """Where the masks, the upper halves of zmm0-15, zmm16-31 and the protection keys stand."""

    masks: int
    upper: int
    high: int
    keys: int


_INTEL = _Parts(1088, 1152, 1664, 2688)
_AMD = _Parts(832, 896, 1408, 2432)
_AMD_WITHOUT = _Parts(832, 896, 1408, 832)


def _parts(mask: int, size: int) -> _Parts | None:
    if not mask & (_AVX512 | _KEYS):
        return _INTEL
    if size in (2432, 2440):
        return _AMD
    if size == 840 and not mask & _AVX512:
        return _AMD_WITHOUT
    return _INTEL if size >= 2688 + 8 * bool(mask & _KEYS) else None


def decode(image: bytes, count: int) -> Iterator[ProcessRegister]:
    """The registers of an image of 512 bytes (FXSAVE) or of at least 576 (XSAVE).

    Args:
        count: how many vector registers there are without AVX-512: 16, or 8 of 32-bit code.
    """
    yield from _x87(image)
    low = [image[_SSE_AT + 16 * n : _SSE_AT + 16 * n + 16] for n in range(count)]
    mask = _QUAD.unpack_from(image, _MASK_AT)[0] if len(image) > FXSAVE_SIZE else 0
    if not mask & _AVX or len(image) < _AVX_END:
        yield from (ProcessRegister(f"xmm{n}", value) for n, value in enumerate(low))
        return
    middle = [image[_YMM_AT + 16 * n : _YMM_AT + 16 * n + 16] for n in range(count)]
    parts = _parts(mask, len(image))
    if parts is None or mask & _AVX512 != _AVX512:
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
    if parts is not None and mask & _KEYS:
        yield ProcessRegister("pkru", image[parts.keys : parts.keys + 4])


def _x87(image: bytes) -> Iterator[ProcessRegister]:
    for n in range(8):
        at = _STACK_AT + 16 * n
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
        _put(image, _STACK_AT + 16 * n, 10, registers.get(f"st{n}"))
    for n in range(16):
        _put(image, _SSE_AT + 16 * n, 16, _vector(registers, n))
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
    mask = _X87_SSE | _AVX | (_AVX512 if masks else 0) | (_KEYS if keys is not None else 0)
    size = _AVX_END
    if masks or keys is not None:
        size = _INTEL.keys + (8 if keys is not None else 0)
    image = bytearray(size)
    image[:FXSAVE_SIZE] = front
    _QUAD.pack_into(image, _MASK_AT, mask)
    _QUAD.pack_into(image, _IN_USE_AT, mask)
    for n in range(16):
        value = _vector(registers, n)
        _put(image, _YMM_AT + 16 * n, 16, value[16:32])
        if masks:
            _put(image, _INTEL.upper + 32 * n, 32, value[32:64])
            _put(image, _INTEL.high + 64 * n, 64, registers.get(f"zmm{n + 16}"))
    for n in range(8 if masks else 0):
        _put(image, _INTEL.masks + 8 * n, 8, registers.get(f"k{n}"))
    _put(image, _INTEL.keys, 4, keys)
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
