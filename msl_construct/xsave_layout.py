"""Where the parts of an XSAVE image stand, as x86 processors store it and cores keep it.

That depends on the processor, and nothing in the image says so: as debuggers do, the layout is
recognised by the image's size and the mask of enabled features. What is recognised are the layouts
of Intel and AMD, with AVX-512 and without.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "AVX",
    "AVX512",
    "FEATURES",
    "FXSAVE_SIZE",
    "HEADER_END",
    "INTEL",
    "IN_USE_AT",
    "KEYS",
    "MASK_AT",
    "SSE_AT",
    "STACK_AT",
    "YMM_AT",
    "XsaveFeature",
    "XsaveParts",
    "parts_of",
]

FXSAVE_SIZE = 512
HEADER_END = YMM_AT = 576
STACK_AT, SSE_AT, MASK_AT, IN_USE_AT = 32, 160, 464, 512
"""x87 and SSE registers; the masks of what is enabled, and in use."""

AVX, AVX512, KEYS = 1 << 2, 7 << 5, 1 << 9
"""Bits of the masks; `KEYS` are protection keys."""


class XsaveParts(NamedTuple):
    """Where AVX-512's masks, the upper halves of zmm0-15, zmm16-31 and protection keys stand."""

    masks: int
    upper: int
    high: int
    keys: int


class XsaveFeature(NamedTuple):
    """What an image keeps of a feature of the processor.

    Attributes:
        offset: in an image that is not compacted, of Intel's; 0: it is in none.
        size: bytes.
        aligned: whether it begins at a multiple of 64 in one that is compacted.
    """

    offset: int
    size: int
    aligned: bool = False


FEATURES = {
    2: XsaveFeature(576, 256),
    3: XsaveFeature(960, 64),
    4: XsaveFeature(1024, 64),
    5: XsaveFeature(1088, 64),
    6: XsaveFeature(1152, 512),
    7: XsaveFeature(1664, 1024),
    8: XsaveFeature(0, 128),
    9: XsaveFeature(2688, 8),
    10: XsaveFeature(0, 8),
    11: XsaveFeature(0, 16),
    12: XsaveFeature(0, 24),
    17: XsaveFeature(2752, 64, aligned=True),
    18: XsaveFeature(2816, 8192, aligned=True),
}
"""By its bit in the masks: ymm, bounds and their controls, AVX-512's masks and vectors, trace,
protection keys, address space, shadow stacks of user and supervisor, tiles' shapes and tiles."""

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
