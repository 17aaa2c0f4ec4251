"""Where the heaps of a Windows process are: segments, and the blocks that are too large for them.

Windows documents neither. What is followed is linked in both directions and carries the heap's own
mark, so that a heap of another kind (a segment heap, Wine's) ends the walk at its first allocation.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from ..plain_target import CallFailed
from .calls import WindowsSystem
from .peb import number_at, read_at

__all__ = ["MOST_PARTS", "heaps"]

MOST_PARTS = 1 << 16
"""So many addresses are followed, of all heaps: a program can write as many as it likes, and heaps
that share them."""
_MOST_HEAPS = 4096
_MARK = struct.pack("<I", 0xFFEEFFEE)
_HEAD_WITHIN = 0x400


class _Form(NamedTuple):
    """How it is laid out for an address of `width` bytes.

    In the PEB there are the default heap, the number of heaps and their list; in a segment its
    mark, its link, and its heap. The first segment is the heap itself; the list of large blocks
    begins right in front of that of segments.
    """

    width: int
    default: int
    heap_count: int
    listed: int
    mark: int
    link: int
    heap: int


_WIDE = _Form(8, 0x30, 0xE8, 0xF0, 0x10, 0x18, 0x28)
_NARROW = _Form(4, 0x18, 0x88, 0x90, 0x08, 0x10, 0x18)


def heaps(system: WindowsSystem, process: int, *, narrow: bool = False) -> Iterator[int]:
    """An address in each allocation of its heaps.

    Args:
        narrow: of the 32-bit program that it runs; else of the process itself.

    Raises:
        CallFailed: the list of heaps can't be read.
    """
    form = _NARROW if narrow else _WIDE
    peb = system.peb_of_32_bits(process) if narrow else system.peb(process)
    if not peb:
        return
    default = number_at(system, process, peb + form.default, form.width)  # Wine lists none
    count = min(number_at(system, process, peb + form.heap_count, 4), _MOST_HEAPS)
    listed = number_at(system, process, peb + form.listed, form.width)
    found = {default: None}
    if count and listed:
        raw = read_at(system, process, listed, form.width * count)
        for at in range(0, len(raw), form.width):
            found[int.from_bytes(raw[at : at + form.width], "little")] = None
    for heap in found:
        if heap:
            yield heap
            try:
                yield from _parts(system, process, heap, form)
            except CallFailed:  # it was destroyed in this moment, or is of another kind
                continue


def _parts(system: WindowsSystem, process: int, heap: int, form: _Form) -> Iterator[int]:
    """Further segments, and large blocks.

    Raises:
        CallFailed: something of it can't be read.
    """
    if not _is_segment(system, process, heap, heap, form):
        return
    for link in _links(system, process, heap + form.link, form):
        segment = link - form.link
        if heap < link < heap + _HEAD_WITHIN:
            yield from _links(system, process, link - 2 * form.width, form)
            return
        if not _is_segment(system, process, segment, heap, form):
            return
        yield segment


def _is_segment(system: WindowsSystem, process: int, at: int, heap: int, form: _Form) -> bool:
    raw = read_at(system, process, at, form.heap + form.width)
    return (
        raw[form.mark : form.mark + 4] == _MARK
        and int.from_bytes(raw[form.heap :], "little") == heap
    )


def _links(system: WindowsSystem, process: int, first: int, form: _Form) -> Iterator[int]:
    """The others of a ring, for as long as each says who is in front of it."""
    behind = first
    for _ in range(MOST_PARTS):
        at = number_at(system, process, behind, form.width)
        if at == first or not at:
            return
        if number_at(system, process, at + form.width, form.width) != behind:
            return
        yield at
        behind = at
