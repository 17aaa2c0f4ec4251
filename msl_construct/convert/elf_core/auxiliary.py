"""The auxiliary vector (AT_…), which stands in the stack of every process of Linux."""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct

from ...space import CAPTURED, AddressSpace
from ..process import MappedRange

__all__ = ["BASE", "ENTRY", "HEADERS_AT", "PAGE_SIZE", "USER", "entries_of", "find_auxiliary"]

HEADERS_AT, PAGE_SIZE, BASE, ENTRY, USER, GROUP = 3, 6, 7, 9, 11, 13
"""AT_PHDR, AT_PAGESZ, AT_BASE, AT_ENTRY, AT_UID, AT_GID."""

_LARGEST_KEY = 127
_MOST_ENTRIES = 128
_MOST_PLACES = 1 << 12
_PAGE_SIZES = (4096, 16384, 65536, 8192)
_PIECE = 1 << 20


def entries_of(data: bytes, word: int, order: str) -> dict[int, int]:
    """The entries of a vector, up to its end.

    Args:
        word: bytes of an address.
        order: ``<`` or ``>``.
    """
    form = Struct(order + ("QQ" if word == 8 else "II"))
    found: dict[int, int] = {}
    for key, value in form.iter_unpack(data[: len(data) - len(data) % form.size]):
        if not key:
            break
        found.setdefault(key, value)
    return found


def find_auxiliary(
    space: AddressSpace, stacks: Iterable[MappedRange], mapped: Iterable[MappedRange], word: int
) -> bytes:
    """The vector's bytes, out of a captured stack; empty if none is found that holds.

    What is found is believed if it tells of a page size, of program headers and of an entry
    point that lie in mappings of a file.

    Args:
        stacks: where to look.
        mapped: what is mapped.
        word: bytes of an address.
    """
    images = [(one.start, one.end) for one in mapped if one.name and not one.name.startswith("[")]
    for stack in stacks:
        runs = [run for run in space.states(stack.start, stack.end) if run[2] == CAPTURED]
        for address, length, _ in reversed(runs):
            stop = address + length
            start = max(address, stop - _PIECE)  # it stands near the end
            data = bytes(space.read(start, stop - start))
            found = _within(data, word, images)
            if found:
                return found
    return b""


def _within(data: bytes, word: int, images: list[tuple[int, int]]) -> bytes:
    form = Struct("<QQ" if word == 8 else "<II")
    for size in _PAGE_SIZES:
        wanted = form.pack(PAGE_SIZE, size)
        at = data.find(wanted)
        tried = 0
        while at >= 0 and tried < _MOST_PLACES:
            if at % word == 0:
                tried += 1
                found = _around(data, at, form)
                if found and _holds(entries_of(found, word, "<"), images):
                    return found
            at = data.find(wanted, at + 1)
    return b""


def _around(data: bytes, at: int, form: Struct) -> bytes:
    """The pairs before and behind one, from the first to AT_NULL."""
    start = at
    for _ in range(_MOST_ENTRIES):
        before = start - form.size
        if before < 0 or not 0 < form.unpack_from(data, before)[0] <= _LARGEST_KEY:
            break
        start = before
    stop = at
    for _ in range(_MOST_ENTRIES):
        if stop + form.size > len(data):
            return b""
        key = form.unpack_from(data, stop)[0]
        stop += form.size
        if not key:
            return data[start:stop]
        if key > _LARGEST_KEY:
            return b""
    return b""


def _holds(entries: dict[int, int], images: list[tuple[int, int]]) -> bool:
    places = [entries.get(HEADERS_AT, 0), entries.get(ENTRY, 0)]
    return all(any(start <= place < end for start, end in images) for place in places)
