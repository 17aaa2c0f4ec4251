"""What a context keeps beyond FXSAVE: an XSAVE area behind CONTEXT_EX, in either form.

In the compacted form the features stand one behind the other in the order of their bits; in the
other each has its place, which the minidump's XSTATE_CONFIG_FEATURE_MSC_INFO says, or else is the
one that Intel's processors have.
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct
from typing import NamedTuple

from ...xsave_layout import (
    COMPACTED,
    FEATURES,
    FXSAVE_SIZE,
    HEADER_END,
    StateLayout,
    compacted_layout,
)
from .. import x86_state

__all__ = [
    "CONTEXT_EX",
    "EXTENDED",
    "NOWHERE",
    "ExtendedState",
    "behind_context",
    "read_area",
    "read_layout",
    "write_layout",
]

EXTENDED = 0x40
"""Bit of ContextFlags (CONTEXT_XSTATE): there is such an area."""

CONTEXT_EX = Struct("<iIiIiI")
"""Offset and length of all, of the context, and of the area; offsets are from here."""

NOWHERE: StateLayout = {}
"""Of a minidump that does not say where features stand."""

_AREA = Struct("<QQ")
_HEADER_SIZE = HEADER_END - FXSAVE_SIZE
_ALIGNMENT = 64
_CONFIG_AT, _CONFIG_SIZE = 832, 528
_CONFIG = Struct("<IIQ")
_PLACE = Struct("<II")
_COOKIE_SIZE = 4


class ExtendedState(NamedTuple):
    """What stands in an area.

    Attributes:
        mask: of the features that are in use; None: there is no area.
        parts: the bytes of each feature that is known, by its bit; zeros of one that the
            processor was asked for and that is as it was in the beginning.
    """

    mask: int | None = None
    parts: Mapping[int, bytes] = {}


def read_area(data: bytes, at: int, layout: StateLayout) -> ExtendedState:
    """The area behind a context.

    Args:
        data: the context, and what stands behind it.
        at: where CONTEXT_EX stands.
        layout: as the minidump says it; may lack features.
    """
    if len(data) < at + CONTEXT_EX.size:
        return ExtendedState()
    *_, offset, length = CONTEXT_EX.unpack_from(data, at)
    area = data[at + offset : at + offset + length] if offset >= 0 else b""
    if len(area) < _HEADER_SIZE:
        return ExtendedState()
    in_use, form = _AREA.unpack_from(area)
    parts = {}
    if form & COMPACTED:
        places = compacted_layout(form & ~COMPACTED, layout)
        for bit, (offset, size) in places.items():
            part = area[offset - FXSAVE_SIZE :][:size]
            if not in_use & 1 << bit:
                parts[bit] = bytes(size)
            elif len(part) == size:
                parts[bit] = part
    else:
        known = {bit: (one.offset, one.size) for bit, one in FEATURES.items() if one.offset}
        for bit, (offset, size) in {**known, **layout}.items():
            start = offset - FXSAVE_SIZE
            part = area[start : start + size] if start >= _HEADER_SIZE else b""
            if in_use & 1 << bit and len(part) == size:
                parts[bit] = part
    whole = {bit: part for bit, part in parts.items() if len(part) >= _least(bit)}
    return ExtendedState(in_use, whole)


def _least(bit: int) -> int:
    """Bytes without which there are not all of a feature's registers."""
    known = FEATURES.get(bit)
    return 0 if known is None else known.size


def behind_context(parts: Mapping[int, bytes], context_size: int) -> bytes:
    """CONTEXT_EX and a compacted area, to stand behind a context of that size."""
    mask = x86_state.features_of(parts)
    area = bytearray(_AREA.pack(mask, COMPACTED | mask).ljust(_HEADER_SIZE, b"\0"))
    for bit in sorted(parts):
        if FEATURES[bit].aligned:
            area += bytes(-len(area) % _ALIGNMENT)
        area += parts[bit]
    start = CONTEXT_EX.size
    whole = context_size + start + len(area)
    head = CONTEXT_EX.pack(-context_size, whole, -context_size, context_size, start, len(area))
    return head + bytes(area)


def read_layout(misc: bytes) -> StateLayout:
    """What MINIDUMP_MISC_INFO_5 says of features; nothing where it is an older one."""
    config = misc[_CONFIG_AT : _CONFIG_AT + _CONFIG_SIZE]
    if len(config) < _CONFIG_SIZE:
        return {}
    _, _, enabled = _CONFIG.unpack_from(config)
    found = {}
    for bit in range(2, 63):
        offset, size = _PLACE.unpack_from(config, _CONFIG.size + _PLACE.size * bit)
        if enabled & 1 << bit and size:
            found[bit] = (offset, size)
    return found


def write_layout(misc: bytes, features: int, context_size: int) -> bytes:
    """A MINIDUMP_MISC_INFO made one that says what stands behind contexts.

    Args:
        features: mask of what does.
        context_size: of the longest context, with what stands behind it.
    """
    places = bytearray(_PLACE.size * 64)
    for bit, place in compacted_layout(features, {}).items():
        _PLACE.pack_into(places, _PLACE.size * bit, *place)
    config = _CONFIG.pack(_CONFIG_SIZE, context_size, features) + places
    whole = misc.ljust(_CONFIG_AT, b"\0") + config + bytes(_COOKIE_SIZE)
    return len(whole).to_bytes(4, "little") + whole[4:]
