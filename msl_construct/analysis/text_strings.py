"""Texts in memory: runs of printable characters, of one byte each or of two (UTF-16)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ..space import AddressSpace
from .locations import Locations
from .patterns import SearchPattern
from .searching import Hit, Searched, search

__all__ = ["ENCODINGS", "strings"]

ENCODINGS = ("ascii", "utf-16-le", "utf-16-be")
_LONGEST = 1 << 16
"""Characters of a string that are found as one, wherever it stands."""


def strings(
    space: AddressSpace,
    places: Locations,
    *,
    least: int = 4,
    encodings: Iterable[str] = ("ascii", "utf-16-le"),
    within: Iterable[tuple[int, int]] | None = None,
    searched: Searched | None = None,
) -> Iterator[Hit]:
    """Strings by address; each has its encoding as `Hit.kind`.

    Args:
        space, places, within, searched: as for `search`.
        least: characters that are worth it.
        encodings: some of `ENCODINGS`.
    """
    wanted = [_pattern(encoding, least) for encoding in encodings]
    names = {pattern.given: pattern.given for pattern in wanted}
    for hit in search(space, places, wanted, within=within, searched=searched):
        encoding = names[hit.pattern]
        text = hit.data.decode(encoding, "replace")
        yield replace(hit, kind=encoding, pattern="", text=text)


def _pattern(encoding: str, least: int) -> SearchPattern:
    printable = b"[\\x20-\\x7e\\t]"
    if encoding == "ascii":
        one, width = printable, 1
    elif encoding == "utf-16-le":
        one, width = b"(?:" + printable + b"\\x00)", 2
    else:
        one, width = b"(?:\\x00" + printable + b")", 2
    expression = re.compile(one + b"{%d,%d}" % (least, _LONGEST), re.DOTALL)
    return SearchPattern("regex", encoding, expression, b"", 0, width * _LONGEST)
