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
    COMPACTED,
    FEATURES,
    FORM_AT,
    FXSAVE_SIZE,
    HEADER_END,
    IN_USE_AT,
    INTEL,
    KEYS,
    MASK_AT,
    SSE_AT,
    STACK_AT,
    YMM_AT,
    StateLayout,
    compacted_layout,
    parts_of,
)
from .process import ProcessRegister

__all__ = [
    "FXSAVE_SIZE",
    "decode",
    "decode_parts",
    "features_of",
    "fxsave",
    "parts_of_registers",
    "unread_features",
    "unread_in_image",
    "with_narrower",
    "xsave",
]

_AVX_END, _SSE_END = 832, 416

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

_X87, _SSE, _X87_SSE = 1, 2, 3
_FIRST_CONTROL = (0x37F).to_bytes(2, "little")
_FIRST_MXCSR = (0x1F80).to_bytes(4, "little")
_MXCSR_AT, _CONTROLS_END = 24, 24
"""What the processor begins with; 0 is all the rest."""
_VECTORS = (2, 5, 6, 7)
_KEYS_BIT = 9
_FURTHER: Mapping[int, tuple[tuple[str, int], ...]] = {
    3: (("bnd0raw", 16), ("bnd1raw", 16), ("bnd2raw", 16), ("bnd3raw", 16)),
    4: (("bndcfgu", 8), ("bndstatus", 8)),
    11: (("u_cet", 8), ("pl3_ssp", 8)),
}
"""Registers of features that stand in a place of their own, by bit."""


def decode(
    image: bytes, count: int, layout: StateLayout | None = None
) -> Iterator[ProcessRegister]:
    """The registers of an image of 512 bytes (FXSAVE) or of at least 576 (XSAVE).

    Args:
        count: how many vector registers there are without AVX-512: 16, or 8 of 32-bit code.
        layout: where the features stand in it; None: as they do in one of its size. In one that
            is compacted they stand elsewhere, and have these sizes.
    """
    image = _settled(image)
    layout, enabled = _layout_in(image, layout)
    if layout is not None:
        places = _placed(enabled, len(image), layout)
        in_use = _mask(image, IN_USE_AT)
        found = {
            bit: image[at : at + n] if in_use >> bit & 1 else bytes(n) for bit, at, n in places
        }
        yield from decode_parts(image, found, count)
        return
    yield from _x87(image)
    low = [image[SSE_AT + 16 * n : SSE_AT + 16 * n + 16] for n in range(count)]
    mask = _QUAD.unpack_from(image, MASK_AT)[0] if len(image) > FXSAVE_SIZE else 0
    if not mask & AVX or len(image) < _AVX_END:
        yield from (ProcessRegister(f"xmm{n}", value) for n, value in enumerate(low))
        return
    image = _used(image, mask)
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


def _mask(image: bytes, at: int) -> int:
    return int.from_bytes(image[at : at + 8], "little")


def _settled(image: bytes) -> bytes:
    """An image whose x87 and SSE registers are those that the processor would load from it.

    What is not in use has not been stored: whatever stands in its place.
    """
    in_use = _mask(image, IN_USE_AT)
    if len(image) < HEADER_END or in_use & _X87_SSE == _X87_SSE:
        return image
    settled = bytearray(image)
    if not in_use & _X87:
        settled[:_CONTROLS_END] = _FIRST_CONTROL.ljust(_CONTROLS_END, b"\0")
        settled[STACK_AT:SSE_AT] = bytes(SSE_AT - STACK_AT)
    if not in_use & _SSE:
        settled[SSE_AT:_SSE_END] = bytes(_SSE_END - SSE_AT)
        if not in_use & AVX:
            settled[_MXCSR_AT : _MXCSR_AT + 4] = _FIRST_MXCSR
    return bytes(settled)


def _used(image: bytes, mask: int) -> bytes:
    """An image of known size with zeros for the features that are not in use."""
    parts, in_use = parts_of(mask, len(image)), _mask(image, IN_USE_AT)
    stated = {bit: FEATURES[bit].size for bit in (*_VECTORS, _KEYS_BIT) if not in_use >> bit & 1}
    places = {2: YMM_AT}
    if parts is not None:
        places |= {5: parts.masks, 6: parts.upper, 7: parts.high, _KEYS_BIT: parts.keys}
    settled = bytearray(image)
    for bit, size in stated.items():
        if bit in places and mask >> bit & 1:
            settled[places[bit] : places[bit] + size] = bytes(size)
    return bytes(settled[: len(image)])


def _layout_in(head: bytes, stated: StateLayout | None) -> tuple[StateLayout | None, int]:
    """Where features stand in an image, and the mask of those that have room there.

    Args:
        head: its first 576 bytes, or more.
        stated: as `decode` has it.
    """
    form = _mask(head, FORM_AT)
    if form & COMPACTED:
        enabled = form & ~COMPACTED
        return compacted_layout(enabled, stated or {}), enabled
    return stated, _mask(head, MASK_AT)


def _placed(mask: int, size: int, layout: StateLayout) -> Iterator[tuple[int, int, int]]:
    """Bit, offset and size of the features that an image has room for.

    Args:
        mask: of those that are enabled.
        size: of all of it.
    """
    for bit, (at, length) in layout.items():
        known = FEATURES.get(bit)
        whole = at >= HEADER_END and at + length <= size
        if mask >> bit & 1 and known is not None and known.size == length and whole:
            yield bit, at, length


def decode_parts(front: bytes, parts: Mapping[int, bytes], count: int) -> Iterator[ProcessRegister]:
    """The registers of an FXSAVE image, and of features that stand elsewhere.

    Args:
        parts: the bytes of each feature, by its bit (`FEATURES`).
        count: as `decode` has it.
    """
    taken = [bit for bit in (*_VECTORS, _KEYS_BIT) if bit in parts]
    image = bytearray(front[:FXSAVE_SIZE].ljust(INTEL.keys + 8, b"\0"))
    _QUAD.pack_into(image, MASK_AT, features_of(taken))
    _QUAD.pack_into(image, IN_USE_AT, features_of(taken) | _X87_SSE)
    for bit in taken:
        _put(image, FEATURES[bit].offset, FEATURES[bit].size, parts[bit])
    yield from decode(bytes(image), count)
    for bit, names in _FURTHER.items():
        at = 0
        for name, width in names if bit in parts else ():
            yield ProcessRegister(name, parts[bit][at : at + width])
            at += width


def features_of(parts: Iterable[int]) -> int:
    """A mask of features."""
    return sum(1 << bit for bit in parts)


def unread_features(mask: int, parts: Iterable[int]) -> int:
    """The features in use of which `decode_parts` takes nothing.

    Args:
        mask: of those in use.
        parts: those that are at hand.
    """
    known = features_of(parts)
    read = known & (AVX | KEYS | features_of(_FURTHER))
    read |= AVX512 if known & (AVX | AVX512) == AVX | AVX512 else 0
    return mask & ~_X87_SSE & ~read


def unread_in_image(head: bytes, size: int, layout: StateLayout | None = None) -> int:
    """The features in use in an XSAVE image of which `decode` takes nothing.

    Args:
        head: its first 576 bytes.
        size: of all of it.
        layout: where features stand in it; None: as they do in one of its size.
    """
    if len(head) < HEADER_END:
        return 0
    mask, in_use = _mask(head, MASK_AT), _mask(head, IN_USE_AT)
    layout, enabled = _layout_in(head, layout)
    if layout is not None:
        return unread_features(in_use, [bit for bit, _, _ in _placed(enabled, size, layout)])
    if not mask & AVX or size < _AVX_END:
        return in_use & ~_X87_SSE
    read = AVX
    if parts_of(mask, size) is not None:
        read |= mask & KEYS | (AVX512 if mask & AVX512 == AVX512 else 0)
    return in_use & ~_X87_SSE & ~read


def parts_of_registers(registers: Mapping[str, bytes]) -> dict[int, bytes]:
    """What `decode_parts` takes, of all features of which every register is known."""
    found = {}
    image = xsave(registers)
    if image is not None:
        (mask,) = _QUAD.unpack_from(image, IN_USE_AT)
        for bit in (*_VECTORS, _KEYS_BIT):
            if mask & 1 << bit:
                found[bit] = image[FEATURES[bit].offset :][: FEATURES[bit].size]
    elif "pkru" in registers:
        found[_KEYS_BIT] = registers["pkru"][:4].ljust(FEATURES[_KEYS_BIT].size, b"\0")
    for bit, names in _FURTHER.items():
        if all(name in registers for name, _ in names):
            data = b"".join(registers[name][:width].ljust(width, b"\0") for name, width in names)
            found[bit] = data.ljust(FEATURES[bit].size, b"\0")
    return found


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
