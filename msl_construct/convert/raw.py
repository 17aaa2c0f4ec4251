"""Raw memory: bytes alone, with a base address, or with a list of mappings beside them.

Without either, the file is a raw byte stream of the specification: one region at address 0 (§9).
With a list of mappings (lines as in /proc/PID/maps) the file holds the bytes of each mapping that
can be read, one behind the other. With a list of states, as ``msl export --to raw`` writes it, it
holds what that says.
"""

from __future__ import annotations

import itertools
import json

from ..errors import FormatError
from ..source import Source
from ..space import ADDRESSES_END, CAPTURED
from .faults import Faults
from .linux_maps import mappings_from, modules_from
from .process import READ, CapturedProcess, MappedRange
from .segments import FAILED, FileSegment, SegmentSpace

__all__ = ["read_raw", "source_format"]

_SMALLEST_PAGE = 1 << 10
_KEPT_STATES = ("unmapped", "not_resident")
"""States without bytes that are told again as they are; any other becomes Failed."""


def read_raw(
    source: Source,
    *,
    base: int | None = None,
    maps: bytes | None = None,
    states: bytes | None = None,
    os_type: str = "unknown",
    arch_type: str = "unknown",
    pid: int = 0,
) -> CapturedProcess:
    """The process that raw bytes are said to be of.

    Args:
        base: address of the first byte.
        maps: lines of /proc/PID/maps.
        states: a JSON document with the states, and where the bytes of captured ones are.
        os_type, arch_type, pid: as somebody knows them.

    Raises:
        FormatError: the bytes are not those of the mappings, or reach beyond 64 bits.
    """
    size = source.size or 0
    faults: list[str] = Faults()
    if states is not None:
        mappings = mappings_from(maps, faults) if maps is not None else []
        segments = _stated(states, size)
        unnamed = size - _named(segments)
        if unnamed:
            faults.append(f"{unnamed} of the {size} bytes are named by no state: left out")
        mappings = mappings or [MappedRange.bare(one.base, one.end) for one in sorted(segments)]
    elif maps is not None:
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
            segments.append(FileSegment(one.start, one.end, number, offset, length, length))
            offset += length
    else:
        start = base or 0
        if start + size > ADDRESSES_END:
            raise FormatError(f"{size} bytes at {start:#x} reach beyond 64 bits")
        mappings = [MappedRange.bare(start, start + size)] if size else []
        segments = [FileSegment(start, start + size, 0, 0, size, size)]
    return CapturedProcess(
        os_type=os_type,
        arch_type=arch_type,
        space=SegmentSpace(source, segments),
        mappings=mappings,
        modules=modules_from(mappings),
        pid=pid,
        remarks={"base": "unknown: 0 is written"}
        if base is None and maps is None and states is None
        else {},
        faults=faults,
    )


def _stated(states: bytes, size: int) -> list[FileSegment]:
    """The stretches that a list of states names.

    Raises:
        FormatError: it is no such list, or says something else than the file.
    """
    try:
        rows = json.loads(states)["states"]
        found = []
        for number, row in enumerate(rows):
            base, length = int(row["address"], 16), int(row["length"])
            held = length if row["state"] == CAPTURED else 0
            offset = int(row["offset"]) if held else 0
            if (
                not 0 < length < ADDRESSES_END
                or not 0 <= base <= ADDRESSES_END - length
                or not 0 <= offset <= size - held
            ):
                raise FormatError(
                    f"states: row {number}: {length} bytes at {base:#x}, offset {offset}: the file "
                    f"has {size} bytes"
                )
            state = row["state"] if row["state"] in _KEPT_STATES else FAILED
            found.append(FileSegment(base, base + length, number, offset, held, held, state))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise FormatError(f"states: expected a list as msl export writes it: {error}") from None
    found.sort()
    for before, after in itertools.pairwise(found):
        if after.base < before.end:
            raise FormatError(f"states: two rows share {after.base:#x}")
    return found


def _named(segments: list[FileSegment]) -> int:
    """How many bytes of the file some segment has."""
    count, behind = 0, 0
    for offset, held in sorted((one.offset, one.held) for one in segments):
        count += max(0, offset + held - max(behind, offset))
        behind = max(behind, offset + held)
    return count


def source_format(
    source: Source, *, base: int | None, maps: bytes | None, states: bytes | None = None
) -> str:
    """The schema's name of the SourceFormat of such bytes.

    A raw byte stream has all of its pages: one that ends within a page of 1 KiB is none.
    """
    size = source.size or 0
    whole = size and size % _SMALLEST_PAGE == 0
    return (
        "raw_byte_stream" if whole and base is None and maps is None and states is None else "other"
    )
