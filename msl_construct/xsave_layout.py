"""Where the parts of an XSAVE image stand, as x86 processors store it and cores keep it.

That depends on the processor, and nothing in the image says so. Where nothing beside it does, the
layout is recognised as debuggers do it, by the image's size and the mask of enabled features. What
is recognised are the layouts of Intel and AMD, with AVX-512 and without.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

__all__ = [
    "AVX",
    "AVX512",
    "COMPACTED",
    "FEATURES",
    "FORM_AT",
    "FXSAVE_SIZE",
    "HEADER_END",
    "INTEL",
    "IN_USE_AT",
    "KEYS",
    "MASK_AT",
    "SSE_AT",
    "STACK_AT",
    "YMM_AT",
    "StateLayout",
    "XsaveFeature",
    "XsaveParts",
    "compacted_layout",
    "parts_of",
    "told_features",
]

FXSAVE_SIZE = 512
HEADER_END = YMM_AT = 576
STACK_AT, SSE_AT, MASK_AT, IN_USE_AT, FORM_AT = 32, 160, 464, 512, 520
"""x87 and SSE registers; the masks of what is enabled, in use, and there in the compacted form."""

COMPACTED = 1 << 63
"""Bit of the last of them: the features stand one behind the other."""

AVX, AVX512, KEYS = 1 << 2, 7 << 5, 1 << 9
"""Bits of the masks; `KEYS` are protection keys."""


class XsaveParts(NamedTuple):
    """Where AVX-512's masks, the upper halves of zmm0-15, zmm16-31 and protection keys stand."""

    masks: int
    upper: int
    high: int
    keys: int


StateLayout = Mapping[int, tuple[int, int]]
"""Offset in an image that is not compacted, and size, of a feature, by its bit."""


class XsaveFeature(NamedTuple):
    """What an image keeps of a feature of the processor.

    Attributes:
        name: what it is called in messages.
        offset: in an image that is not compacted, of Intel's; 0: it is in none.
        size: bytes.
        aligned: whether it begins at a multiple of 64 in one that is compacted.
    """

    name: str
    offset: int
    size: int
    aligned: bool = False


FEATURES = {
    2: XsaveFeature("AVX", 576, 256),
    3: XsaveFeature("bounds", 960, 64),
    4: XsaveFeature("bound controls", 1024, 64),
    5: XsaveFeature("AVX-512 masks", 1088, 64),
    6: XsaveFeature("AVX-512 upper halves", 1152, 512),
    7: XsaveFeature("AVX-512 zmm16-31", 1664, 1024),
    8: XsaveFeature("processor trace", 0, 128),
    9: XsaveFeature("protection keys", 2688, 8),
    10: XsaveFeature("address space ID", 0, 8),
    11: XsaveFeature("user shadow stack", 0, 16),
    12: XsaveFeature("supervisor shadow stack", 0, 24),
    17: XsaveFeature("AMX tile shapes", 2752, 64, aligned=True),
    18: XsaveFeature("AMX tiles", 2816, 8192, aligned=True),
}
"""By its bit in the masks."""

_LARGEST_FEATURE = 1 << 16
_ALIGNMENT = 64

INTEL = XsaveParts(1088, 1152, 1664, 2688)
_AMD = XsaveParts(832, 896, 1408, 2432)
_AMD_WITHOUT_AVX512 = XsaveParts(832, 896, 1408, 832)


def parts_of(mask: int, size: int) -> XsaveParts | None:
    """The layout of an image of `size` bytes with these features enabled; None: unknown."""
    if not mask & (AVX512 | KEYS):
        return INTEL
    if size in (2432, 2440):
        return _AMD
    if size == 840 and not mask & AVX512:
        return _AMD_WITHOUT_AVX512
    return INTEL if size >= INTEL.keys + 8 * bool(mask & KEYS) else None


def compacted_layout(mask: int, stated: StateLayout) -> StateLayout:
    """Where features stand in a compacted image, up to one of which nobody knows the size.

    Args:
        mask: of those that have room in it.
        stated: sizes, as far as the file says them.
    """
    found = {}
    at = HEADER_END
    for bit in range(2, 63):
        if not mask & 1 << bit:
            continue
        known = FEATURES.get(bit)
        size = stated.get(bit, (0, 0 if known is None else known.size))[1]
        if not 0 < size <= _LARGEST_FEATURE:
            break
        if known is not None and known.aligned:
            at += -at % _ALIGNMENT
        found[bit] = (at, size)
        at += size
    return found


def told_features(mask: int) -> str:
    """A mask of features of which nothing is read, in words."""
    bits = [bit for bit in range(mask.bit_length()) if mask >> bit & 1]
    names = [FEATURES[bit].name if bit in FEATURES else f"bit {bit}" for bit in bits]
    return f"features {mask:#x} of XSAVE ({', '.join(names)})"
