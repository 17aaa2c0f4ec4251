"""Texts in memory: runs of printable characters, of one byte each or of two (UTF-16)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ..space import AddressSpace
from .hits import Hit, Searched
from .locations import Locations
from .patterns import SearchPattern
from .searching import search, search_rows
from .string_blocks import StringBlock

__all__ = ["ENCODINGS", "string_rows", "strings"]

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
    processes: int = 1,
) -> Iterator[Hit]:
    """Strings by address; each has its encoding as `Hit.kind`.

    Args:
        space, places, within, searched, processes: as for `search`.
        least: characters that are worth it.
        encodings: some of `ENCODINGS`.
    """
    wanted = _patterns(least, encodings)
    return search(space, places, wanted, within=within, searched=searched, processes=processes)


def string_rows(
    space: AddressSpace,
    places: Locations,
    row: Callable[[Hit], str],
    *,
    rows: Callable[[StringBlock], str] | None = None,
    least: int = 4,
    encodings: Iterable[str] = ("ascii", "utf-16-le"),
    within: Iterable[tuple[int, int]] | None = None,
    searched: Searched | None = None,
    processes: int = 1,
) -> Iterator[tuple[int, str]]:
    """The same as rows of text; see `search_rows`."""
    return search_rows(
        space,
        places,
        _patterns(least, encodings),
        row,
        rows=rows,
        within=within,
        searched=searched,
        processes=processes,
    )


def _patterns(least: int, encodings: Iterable[str]) -> list[SearchPattern]:
    return [
        SearchPattern(
            encoding,
            "",
            None,
            longest=_width_of(encoding) * _LONGEST,
            width=_width_of(encoding),
            runs=(encoding, least),
        )
        for encoding in encodings
    ]


def _width_of(encoding: str) -> int:
    """Bytes of a character."""
    return 1 if encoding == "ascii" else 2
