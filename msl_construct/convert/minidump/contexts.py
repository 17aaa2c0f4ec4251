"""CONTEXT of each processor: which register stands where, in and out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ...xsave_layout import StateLayout
from .. import x86_state
from ..process import ProcessRegister
from ..structures import order_of
from .context_forms import CONTEXTS, NARROW, Context
from .extended_state import (
    EXTENDED,
    NOWHERE,
    ExtendedState,
    behind_context,
    read_area,
)

__all__ = [
    "EncodedContext",
    "decode_context",
    "encode_context",
    "general_names",
    "lacks_area",
    "lacks_registers",
    "unread_parts",
]

_EXTENSION = {0: 716, 9: 1232}
"""By processor: where CONTEXT_EX stands."""
_MXCSR_AT = 0x34


def _flags(form: Context, data: bytes, order: str) -> int:
    field = data[form.flags_at : form.flags_at + form.flags_width]
    return int.from_bytes(field, order_of(order))


def decode_context(
    architecture: int, data: bytes, order: str, layout: StateLayout = NOWHERE
) -> Iterator[ProcessRegister]:
    """The registers of a context; none if it is too short, or of another processor.

    Args:
        architecture: ProcessorArchitecture.
        order: ``<`` or ``>``.
        layout: where features stand behind it, as far as the minidump says that.
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
    parts = _extended(architecture, flags, data, layout).parts
    yield from x86_state.decode_parts(image, parts, form.image.vectors)


def _extended(architecture: int, flags: int, data: bytes, layout: StateLayout) -> ExtendedState:
    at = _EXTENSION.get(architecture)
    if at is None or not flags & EXTENDED:
        return ExtendedState()
    return read_area(data, at, layout)


def unread_parts(architecture: int, data: bytes, order: str, layout: StateLayout = NOWHERE) -> int:
    """The mask of features of a context of which nothing is read (XSTATE_BV)."""
    form = CONTEXTS.get(architecture)
    if form is None or len(data) < form.least:
        return 0
    flags = _flags(form, data, order)
    mask, parts = _extended(architecture, flags, data, layout)
    imaged = form.image is not None and bool(flags & form.image.bit)
    return x86_state.unread_features(mask or 0, parts if imaged else ())


def lacks_area(architecture: int, data: bytes, order: str, layout: StateLayout = NOWHERE) -> bool:
    """Whether a context says that an XSAVE area stands behind it, and none does."""
    form = CONTEXTS.get(architecture)
    if form is None or architecture not in _EXTENSION or len(data) < form.least:
        return False
    flags = _flags(form, data, order)
    return bool(flags & EXTENDED) and _extended(architecture, flags, data, layout).mask is None


def lacks_registers(architecture: int, data: bytes, order: str) -> bool:
    """Whether a context ends before registers that its flags say are there."""
    form = CONTEXTS.get(architecture)
    if form is None or len(data) < form.least:
        return False  # nothing of it is read
    flags = _flags(form, data, order)
    end = 0
    imaged = form.image is not None and bool(flags & form.image.bit)
    if form.image is not None and imaged:
        end = form.image.at + x86_state.FXSAVE_SIZE
    older = () if form.older is None or imaged else (form.older,)
    for bit, places in ((0, form.general), *form.optional, *older):
        if not bit or flags & bit:
            end = max(end, *(at + width for _, at, width in places))
    return len(data) < end


def general_names(architecture: int) -> set[str]:
    """Names of the general registers of a context."""
    form = CONTEXTS.get(architecture)
    return set() if form is None else {name for name, _, _ in form.general}


class EncodedContext(NamedTuple):
    """A little-endian context.

    Attributes:
        data: its bytes, and those behind it; empty, where nobody here knows how a processor's
            contexts look.
        held: names of the registers that it holds. Of floating point registers all or none are
            held: those without a value are zero.
        features: mask of what stands behind it.
    """

    data: bytes
    held: set[str]
    features: int


def encode_context(architecture: int, values: Mapping[str, bytes]) -> EncodedContext:
    """The context of a thread with these registers."""
    form = CONTEXTS.get(architecture)
    if form is None or not form.size:
        return EncodedContext(b"", set(), 0)
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
    parts: Mapping[int, bytes] = {}
    behind = b""
    image = None if form.image is None else x86_state.fxsave(values)
    if form.image is not None and image is not None:
        data[form.image.at : form.image.at + len(image)] = image
        flags |= form.image.bit
        parts = x86_state.parts_of_registers(values) if architecture in _EXTENSION else {}
        held.update(one.name for one in x86_state.decode_parts(image, parts, form.image.vectors))
        if architecture == 9:
            data[_MXCSR_AT : _MXCSR_AT + 4] = values.get("mxcsr", bytes(4))
        if parts:
            flags |= EXTENDED
            behind = behind_context(parts, _EXTENSION[architecture])
    data[form.flags_at : form.flags_at + form.flags_width] = flags.to_bytes(
        form.flags_width, "little"
    )
    return EncodedContext(bytes(data) + behind, held, x86_state.features_of(parts))


def _widened(architecture: int, value: bytes, width: int) -> bytes:
    """A value of a field's width; MIPS draws the sign of 32 bits out."""
    sign = architecture in NARROW and len(value) == 4 and value[3] & 0x80
    return value[:width].ljust(width, b"\xff" if sign else b"\0")
