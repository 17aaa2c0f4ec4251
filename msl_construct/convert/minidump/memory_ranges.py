"""The memory of a minidump, and what was mapped where."""

from __future__ import annotations

from collections.abc import Sequence

from ...space import ADDRESSES_END
from ..linux_maps import mappings_from
from ..named_ranges import named_ranges
from ..process import MappedRange, ProcessModule, ProcessThread, pointers_of
from ..segments import FileSegment, SegmentSpace
from . import streams as kinds
from .memory_info import ranges_of
from .streams import Streams
from .structures import MEMORY, MEMORY_64, MEMORY_64_HEAD
from .threads import ThreadRow

__all__ = ["mappings_of", "segments_of"]

_MOST_TOLD = 64


def segments_of(streams: Streams, threads: Sequence[ThreadRow]) -> list[FileSegment]:
    """Every range of which the file has bytes, each once."""
    found: dict[tuple[int, int, int], None] = {}
    for row in streams.rows(kinds.MEMORY_LIST, MEMORY):
        found[row.base, row.size, row.offset] = None
    head = streams.one(kinds.MEMORY_64_LIST, MEMORY_64_HEAD)
    if head is not None:
        offset = head.offset
        start, count = MEMORY_64_HEAD.size, head.rows
        for wide in streams.table(kinds.MEMORY_64_LIST, MEMORY_64, start, count):
            found[wide.base, wide.size, offset] = None
            offset += wide.size
    for thread in threads:
        if thread.stack_size and thread.stack_offset:
            found[thread.stack, thread.stack_size, thread.stack_offset] = None
    segments = []
    lacking: list[int] = []
    for order, (base, size, offset) in enumerate(found):
        end = min(base + size, ADDRESSES_END)
        if base + size > ADDRESSES_END:
            streams.faults.append(
                f"memory at {base:#x}: {size:#x} bytes: the address space ends before that"
            )
        if end <= base:
            continue
        size = end - base
        present = max(0, min(size, streams.held.size - offset))
        if present < size:
            lacking.append(base + present)
        segments.append(FileSegment(base, end, order, offset, size, present))
    for address in lacking[:_MOST_TOLD]:
        streams.faults.append(
            f"memory from {address:#x} on: the file ends after {streams.held.size} bytes"
        )
    if len(lacking) > _MOST_TOLD:
        streams.faults.append(f"{len(lacking) - _MOST_TOLD} more ranges are not there whole")
    return segments


def mappings_of(
    streams: Streams,
    space: SegmentSpace,
    modules: Sequence[ProcessModule],
    threads: Sequence[ProcessThread],
) -> list[MappedRange]:
    """What is mapped: as the file says, else the ranges that it has, named by the modules."""
    if kinds.MEMORY_INFO_LIST in streams:
        found = ranges_of(streams)
    elif kinds.LINUX_MAPS in streams:
        found = mappings_from(streams.content(kinds.LINUX_MAPS), streams.faults)
    else:
        found = [MappedRange.bare(start, end) for start, end in space.ranges()]
    pointers = sorted(one.stack for one in pointers_of(threads) if one.stack is not None)
    return named_ranges(found, modules, pointers)
