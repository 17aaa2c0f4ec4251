"""Raw memory: bytes alone, with a base address, or with a list of mappings beside them.

Without either, the file is a raw byte stream of the specification: one region at address 0 (§9).
With a list of mappings (lines as in /proc/PID/maps) the file holds the bytes of each mapping that
can be read, one behind the other.
"""

from __future__ import annotations

from ..errors import FormatError
from ..source import Source
from .faults import Faults
from .linux_maps import mappings_from, modules_from
from .process import READ, CapturedProcess, MappedRange
from .segments import Segment, SegmentSpace

__all__ = ["read_raw", "source_format"]

_TOP = 1 << 64
_SMALLEST_PAGE = 1 << 10


def read_raw(
    source: Source,
    *,
    base: int | None = None,
    maps: bytes | None = None,
    os_type: str = "unknown",
    arch_type: str = "unknown",
    pid: int = 0,
) -> CapturedProcess:
    """The process that raw bytes are said to be of.

    Args:
        base: address of the first byte.
        maps: lines of /proc/PID/maps.
        os_type, arch_type, pid: as somebody knows them.

    Raises:
        FormatError: the bytes are not those of the mappings, or reach beyond 64 bits.
    """
    size = source.size or 0
    faults: list[str] = Faults()
    if maps is not None:
        mappings = mappings_from(maps, faults)
        readable = [one for one in mappings if one.protection & READ]
        expected = sum(one.end - one.start for one in readable)
        if expected != size:
            raise FormatError(
                f"{size} bytes: the {len(readable)} mappings that can be read have {expected}"
            )
        segments, offset = [], 0
        for number, one in enumerate(readable):
            length = one.end - one.start
            segments.append(Segment(one.start, one.end, number, offset, length, length))
            offset += length
    else:
        start = base or 0
        if start + size > _TOP:
            raise FormatError(f"{size} bytes at {start:#x} reach beyond 64 bits")
        mappings = [MappedRange(start, start + size)] if size else []
        segments = [Segment(start, start + size, 0, 0, size, size)]
    return CapturedProcess(
        os_type=os_type,
        arch_type=arch_type,
        space=SegmentSpace(source, segments),
        mappings=mappings,
        modules=modules_from(mappings),
        pid=pid,
        remarks={"base": "unknown: 0 is written"} if base is None and maps is None else {},
        faults=faults,
    )


def source_format(source: Source, *, base: int | None, maps: bytes | None) -> str:
    """The schema's name of the SourceFormat of such bytes.

    A raw byte stream has all of its pages: one that ends within a page of 1 KiB is none.
    """
    size = source.size or 0
    whole = size and size % _SMALLEST_PAGE == 0
    return "raw_byte_stream" if whole and base is None and maps is None else "other"
