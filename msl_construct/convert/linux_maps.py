"""The lines of /proc/PID/maps, and of what looks like them."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable

from ..errors import LimitError
from .process import EXECUTE, READ, WRITE, MappedRange, ProcessModule

__all__ = ["mappings_from", "modules_from"]

_LINE = re.compile(
    rb"([0-9a-f]{1,16})-([0-9a-f]{1,16}) ([r-][w-][x-][ps-]) ([0-9a-f]{1,16}) \S+ \d+ *([^\n]*)"
)
_MOST_MAPPINGS = 1 << 20
_KINDS = {"[heap]": "heap", "[stack]": "stack"}


def mappings_from(data: bytes, faults: list[str]) -> list[MappedRange]:
    """The mappings, by address; what shares addresses with one before it is left out.

    Args:
        faults: takes lines that say nothing.

    Raises:
        LimitError: there are more than a million.
    """
    found: list[MappedRange] = []
    for number, line in enumerate(io.BytesIO(data), 1):
        text = line.rstrip(b"\0\r\n ")
        if not text:
            continue
        match = _LINE.fullmatch(text)
        if match is None:
            faults.append(f"maps: line {number}: expected START-END RIGHTS OFFSET DEVICE INODE")
            continue
        start, end, offset = (int(match[index], 16) for index in (1, 2, 4))
        if not start < end <= 1 << 64:
            faults.append(f"maps: line {number}: {start:#x} to {end:#x} is no range")
            continue
        rights = (
            (READ if match[3][0:1] == b"r" else 0)
            | (WRITE if match[3][1:2] == b"w" else 0)
            | (EXECUTE if match[3][2:3] == b"x" else 0)
        )
        name = match[5].decode("utf-8", "backslashreplace")
        if len(found) == _MOST_MAPPINGS:
            raise LimitError(f"maps: line {number}: expected at most {_MOST_MAPPINGS} mappings")
        found.append(MappedRange(start, end, rights, _kind(name, match[3]), name, offset))
    images = {one.name for one in found if one.protection & EXECUTE and one.name.startswith("/")}
    found = [
        one._replace(region_type="image") if one.name in images else one for one in sorted(found)
    ]
    apart: list[MappedRange] = []
    for one in found:
        if apart and one.start < apart[-1].end:
            faults.append(f"maps: {one.start:#x}: two mappings share it")
        else:
            apart.append(one)
    return apart


def _kind(name: str, rights: bytes) -> str:
    if name in _KINDS:
        return _KINDS[name]
    if name.startswith("/"):
        return "mapped_file"
    if rights.endswith(b"s"):
        return "shared_mem"
    return "other" if name.startswith("[") else "anonymous"


def modules_from(mappings: Iterable[MappedRange]) -> list[ProcessModule]:
    """One module for each image, from its first mapping to the end of its last."""
    edges: dict[str, tuple[int, int]] = {}
    for one in mappings:
        if one.region_type == "image":
            start, end = edges.get(one.name, (one.start, one.end))
            edges[one.name] = min(start, one.start), max(end, one.end)
    return [ProcessModule(start, end - start, path) for path, (start, end) in edges.items()]
