"""NT_FILE of a core, and the mappings and modules that follow from it and from the segments."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from struct import Struct
from typing import NamedTuple

from ...errors import LimitError
from ...space import CAPTURED, AddressSpace
from ..process import EXECUTE, MappedRange, ProcessModule
from .structures import MAGIC

__all__ = ["FileRow", "file_rows", "images_of", "mappings_of", "modules_of"]

_MOST_ROWS = 1 << 20


class FileRow(NamedTuple):
    """A stretch of a mapped file."""

    start: int
    end: int
    offset: int
    path: str


def file_rows(data: bytes, word: int, order: str, faults: list[str]) -> list[FileRow]:
    """The rows of an NT_FILE, as many as it holds wholly.

    Args:
        word: bytes of an address.
        faults: takes what is wrong with it.

    Raises:
        LimitError: it has more than a million.
    """
    code = "Q" if word == 8 else "I"
    head = Struct(f"{order}2{code}")
    row = Struct(f"{order}3{code}")
    if len(data) < head.size:
        faults.append(f"NT_FILE: expected at least {head.size} bytes, found {len(data)}")
        return []
    count, page = head.unpack_from(data)
    names_at = head.size + count * row.size
    if names_at > len(data):
        faults.append(f"NT_FILE: expected {count} rows, its {len(data)} bytes have no room")
        return []
    if count > _MOST_ROWS:
        raise LimitError(f"NT_FILE: {count} rows: expected at most {_MOST_ROWS}")
    names = data[names_at:].split(b"\0")
    found = []
    for index, (start, end, offset) in enumerate(row.iter_unpack(data[head.size : names_at])):
        if start >= end or index >= len(names):
            faults.append(f"NT_FILE: row {index}: {start:#x} to {end:#x} without a range or a name")
            continue
        path = names[index].decode("utf-8", "backslashreplace")
        found.append(FileRow(start, end, offset * page, path))
    return sorted(found)


def mappings_of(
    loads: Iterable[MappedRange], rows: Sequence[FileRow], images: set[str]
) -> list[MappedRange]:
    """The segments, cut where a mapped file begins or ends; and files that no segment has.

    Args:
        loads: by address; they share no address.
        images: paths of files that are images.
    """
    found: list[MappedRange] = []
    starts = [row.start for row in rows]
    for load in loads:
        at = load.start
        index = max(0, bisect_right(starts, at) - 1)
        while at < load.end:
            while index < len(rows) and rows[index].end <= at:
                index += 1
            if index == len(rows) or rows[index].start >= load.end:
                found.append(load._replace(start=at))
                break
            row = rows[index]
            if row.start > at:
                found.append(load._replace(start=at, end=row.start))
                at = row.start
            stop = min(row.end, load.end)
            kind = "image" if row.path in images else "mapped_file"
            found.append(
                MappedRange(at, stop, load.protection, kind, row.path, row.offset + at - row.start)
            )
            at = stop
    known = sorted((one.start, one.end) for one in found)
    behind = 0
    for row in rows:  # by address; what several say of an address is taken once
        for start, end in _uncovered(max(behind, row.start), row.end, known):
            kind = "image" if row.path in images else "mapped_file"
            at = row.offset + start - row.start
            found.append(MappedRange(start, end, 0, kind, row.path, at, rights_known=False))
        behind = max(behind, row.end)
    return _apart(found)


def _uncovered(start: int, end: int, known: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    index = max(0, bisect_right(known, (start, 1 << 64)) - 1)
    at = start
    while index < len(known) and known[index][0] < end and at < end:
        if known[index][0] > at:
            yield at, known[index][0]
        at = max(at, known[index][1])
        index += 1
    if at < end:
        yield at, end


def _apart(found: list[MappedRange]) -> list[MappedRange]:
    """By address; of what shares addresses, the first keeps them."""
    apart: list[MappedRange] = []
    end = 0
    for one in sorted(found, key=lambda each: each.start):
        if one.end <= end:
            continue
        apart.append(one if one.start >= end else one._replace(start=end))
        end = one.end
    return apart


def images_of(
    space: AddressSpace, loads: Sequence[MappedRange], rows: Sequence[FileRow]
) -> set[str]:
    """Paths of files that are images: code is mapped from them, or they begin as ELF files do."""
    found: set[str] = set()
    starts = [load.start for load in loads]
    for row in rows:
        index = bisect_right(starts, row.start) - 1
        load = loads[index] if index >= 0 else None
        if load is not None and row.start < load.end and load.protection & EXECUTE:
            found.add(row.path)
        elif row.offset == 0 and next(space.states(row.start, row.start + 4))[2] == CAPTURED:
            head = space.read(row.start, 4)
            if head.complete and bytes(head.data) == MAGIC:
                found.add(row.path)
    return found


def modules_of(rows: Iterable[FileRow], images: set[str]) -> list[ProcessModule]:
    """One module for each image: from its first mapping to the end of its last."""
    edges: dict[str, tuple[int, int]] = {}
    for row in rows:
        if row.path in images:
            start, end = edges.get(row.path, (row.start, row.end))
            edges[row.path] = min(start, row.start), max(end, row.end)
    return [
        ProcessModule(start, end - start, path)
        for path, (start, end) in sorted(edges.items(), key=lambda one: one[1])
    ]
