"""CONTEXT of each processor: which register stands where, in and out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from struct import Struct

from .. import x86_state
from ..process import ProcessRegister
from ..structures import order_of
from .context_forms import CONTEXTS, NARROW, Context

__all__ = ["decode_context", "encode_context", "general_names", "unread_parts"]

_EXTENDED = 0x40
"""CONTEXT_XSTATE: what the processor keeps beyond FXSAVE stands behind the context."""
_EXTENSION = {0: 716, 9: 1232}
"""By processor: where CONTEXT_EX stands."""
_PARTS = Struct("<iIiIiI")
_AREA = Struct("<QQ")
_VECTORS, _UPPER_AT, _UPPER = 1 << 2, 64, 16
_MXCSR_AT = 0x34


def _flags(form: Context, data: bytes, order: str) -> int:
    field = data[form.flags_at : form.flags_at + form.flags_width]
    return int.from_bytes(field, order_of(order))


def decode_context(architecture: int, data: bytes, order: str) -> Iterator[ProcessRegister]:
    """The registers of a context; none if it is too short, or of another processor.

    Args:
        architecture: ProcessorArchitecture.
        order: ``<`` or ``>``.
    """
    form = CONTEXTS.get(architecture)
    if form is None or len(data) < form.least:
        return
    flags = _flags(form, data, order)
    imaged = form.image is not None and bool(flags & form.image.bit)
    older = () if form.older is None or imaged else (form.older,)
    for bit, places in ((0, form.general), *form.optional, *older):
        if bit and not flags & bit:
            continue  # it has room for them, and nothing in it
        for name, at, width in places:
            value = data[at : at + width]
            if len(value) < width:
                continue
            little = value if order == "<" else value[::-1]
            if architecture in NARROW and places is form.general:
                little = little[:4]  # kept in 64 bits, with the sign drawn out
            yield ProcessRegister(name, little, form.roles_of(name))
    if form.image is None or not imaged:
        return
    at = form.image.at
    image = data[at : at + x86_state.FXSAVE_SIZE]
    if len(image) < x86_state.FXSAVE_SIZE:
        return
    upper = _upper_halves(architecture, flags, data, form.image.vectors)
    for register in x86_state.decode(image, form.image.vectors):
        number = register.name.removeprefix("xmm")
        if upper and register.name != number:
            n = _UPPER * int(number)
            yield ProcessRegister(f"ymm{number}", register.value + upper[n : n + _UPPER])
        else:
            yield register


def _extended_area(architecture: int, flags: int, data: bytes) -> tuple[int, bytes]:
    """The mask of features of what stands behind a context, and its bytes; 0: nothing."""
    at = _EXTENSION.get(architecture)
    if at is None or not flags & _EXTENDED or len(data) < at + _PARTS.size:
        return 0, b""
    *_, offset, length = _PARTS.unpack_from(data, at)
    area = data[at + offset : at + offset + length] if offset >= 0 else b""
    return (_AREA.unpack_from(area)[0], area) if len(area) >= _UPPER_AT else (0, b"")


def _upper_halves(architecture: int, flags: int, data: bytes, count: int) -> bytes:
    """The upper halves of the ymm registers, which come first of all; empty: there are none."""
    mask, area = _extended_area(architecture, flags, data)
    upper = area[_UPPER_AT : _UPPER_AT + _UPPER * count]
    return upper if mask & _VECTORS and len(upper) == _UPPER * count else b""


def unread_parts(architecture: int, data: bytes, order: str) -> int:
    """The mask of features of a context of which nothing is read (XSTATE_BV)."""
    form = CONTEXTS.get(architecture)
    if form is None or len(data) < form.least:
        return 0
    flags = _flags(form, data, order)
    mask, _ = _extended_area(architecture, flags, data)
    count = 0 if form.image is None else form.image.vectors
    return mask & ~3 & ~(_VECTORS if _upper_halves(architecture, flags, data, count) else 0)


def general_names(architecture: int) -> set[str]:
    """Names of the general registers of a context."""
    form = CONTEXTS.get(architecture)
    return set() if form is None else {name for name, _, _ in form.general}


def encode_context(architecture: int, values: Mapping[str, bytes]) -> tuple[bytes, set[str]]:
    """A little-endian context, and the names of the registers that it holds.

    Returns:
        Nothing, where nobody here knows how a processor's contexts look. Of floating point
        registers all or none are held: those without a value are zero.
    """
    form = CONTEXTS.get(architecture)
    if form is None or not form.size:
        return b"", set()
    data = bytearray(form.size)
    held: set[str] = set()
    flags = form.mark
    for bit, places in ((0, form.general), *form.optional):
        known = {name for name, _, _ in places if name in values}
        if bit and not known:
            continue
        flags |= bit
        held |= known if not bit else {name for name, _, _ in places}
        for name, at, width in places:
            if name in known:
                data[at : at + width] = _widened(architecture, values[name], width)
    image = None if form.image is None else x86_state.fxsave(values)
    if form.image is not None and image is not None:
        data[form.image.at : form.image.at + len(image)] = image
        flags |= form.image.bit
        held.update(one.name for one in x86_state.decode(image, form.image.vectors))
        if architecture == 9:
            data[_MXCSR_AT : _MXCSR_AT + 4] = values.get("mxcsr", bytes(4))
    data[form.flags_at : form.flags_at + form.flags_width] = flags.to_bytes(
        form.flags_width, "little"
    )
    return bytes(data), held


def _widened(architecture: int, value: bytes, width: int) -> bytes:
    """A value of a field's width; MIPS draws the sign of 32 bits out."""
    sign = architecture in NARROW and len(value) == 4 and value[3] & 0x80
    return value[:width].ljust(width, b"\xff" if sign else b"\0")
