"""The memory info list: what Windows says of its address space."""

from __future__ import annotations

from ...space import ADDRESSES_END
from ..process import MappedRange
from .streams import MEMORY_INFO_LIST, Streams
from .structures import MEMORY_INFO

__all__ = ["COMMITTED", "PROTECTIONS", "TYPES", "protection_of", "ranges_of"]

COMMITTED = 0x1000

_R, _W, _X, _GUARD, _COPY = 1, 2, 4, 8, 16
PROTECTIONS = {
    0x01: 0,
    0x02: _R,
    0x04: _R | _W,
    0x08: _R | _W | _COPY,
    0x10: _X,
    0x20: _R | _X,
    0x40: _R | _W | _X,
    0x80: _R | _W | _X | _COPY,
}
"""Bits of Protection (§5.1) by PAGE_… constant."""

_GUARDED = 0x100
TYPES = {0x1000000: "image", 0x40000: "mapped_file", 0x20000: "anonymous"}
"""RegionType by MEM_… constant."""


def protection_of(value: int) -> int | None:
    """Bits of Protection of a PAGE_… constant with its modifiers; None: it is no such constant."""
    rights = PROTECTIONS.get(value & 0xFF)
    return None if rights is None else rights | (_GUARD if value & _GUARDED else 0)


def ranges_of(streams: Streams) -> list[MappedRange]:
    """Committed memory, by address; what is only reserved has no pages."""
    found = []
    for row in streams.sized_rows(MEMORY_INFO_LIST, MEMORY_INFO, "Q"):
        end = row.base + row.size
        if row.state != COMMITTED or not row.size:
            continue
        if end > ADDRESSES_END:
            streams.faults.append(f"memory info at {row.base:#x}: {row.size:#x} bytes")
            continue
        kind = TYPES.get(row.type, "unknown")
        rights = protection_of(row.protection)
        if rights is None:
            streams.faults.append(
                f"memory info at {row.base:#x}: protection {row.protection:#x} is unknown"
            )
        known = rights is not None
        found.append(MappedRange(row.base, end, rights or 0, kind, rights_known=known))
    apart: list[MappedRange] = []
    for one in sorted(found):
        if apart and one.start < apart[-1].end:
            streams.faults.append(f"memory info at {one.start:#x}: two ranges share it")
        else:
            apart.append(one)
    return apart
