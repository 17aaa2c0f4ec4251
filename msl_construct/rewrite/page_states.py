"""Page maps of a new file, made from those of an old one without looking at single pages."""

from __future__ import annotations

from collections.abc import Sequence

from ..page_map import PAGES_PER_BYTE, PageMap, stored_size

__all__ = ["joined", "with_codes", "without_data"]

_SHIFTS = (6, 4, 2, 0)


def with_codes(page_map: PageMap, codes: Sequence[int]) -> PageMap:
    """The map with other codes for its states, and with zeros behind its last page.

    Args:
        codes: the new code of each of the four.
    """
    table = bytes(sum(codes[byte >> s & 3] << s for s in _SHIFTS) for byte in range(256))
    return _cut(bytearray(page_map.stored.translate(table)), page_map.pages)


def without_data(page_map: PageMap, captured: int, code: int) -> PageMap:
    """The map in which only the first so many captured pages are captured.

    Args:
        captured: how many stay.
        code: of the state that the others get.
    """
    first = _page_behind(page_map, captured)
    later = with_codes(page_map, (code, 1, 2, 3)).stored
    whole, used = divmod(first, PAGES_PER_BYTE)
    stored = bytearray(page_map.stored[:whole] + later[whole:])
    if used:
        kept = 0xFF << 2 * (PAGES_PER_BYTE - used) & 0xFF
        stored[whole] = page_map.stored[whole] & kept | later[whole] & ~kept & 0xFF
    return _cut(stored, page_map.pages)


def joined(maps: Sequence[PageMap]) -> PageMap:
    """One map of the pages of several, one behind the other."""
    if len(maps) == 1:
        return maps[0]
    bits, pages = 0, 0
    for one in maps:
        used = -(-one.pages // PAGES_PER_BYTE)
        value = int.from_bytes(one.stored[:used], "big") >> 2 * (used * PAGES_PER_BYTE - one.pages)
        bits = bits << 2 * one.pages | value
        pages += one.pages
    used = -(-pages // PAGES_PER_BYTE)
    stored = (bits << 2 * (used * PAGES_PER_BYTE - pages)).to_bytes(used, "big")
    return _cut(bytearray(stored), pages)


def _page_behind(page_map: PageMap, captured: int) -> int:
    """The first page that has so many captured ones before it and is one itself."""
    low, high = 0, page_map.pages
    while low < high:
        middle = (low + high) // 2
        if page_map.rank(middle + 1) > captured:
            high = middle
        else:
            low = middle + 1
    return low


def _cut(stored: bytearray, pages: int) -> PageMap:
    """A map of so many pages whose padding is zero."""
    whole, used = divmod(pages, PAGES_PER_BYTE)
    if used:
        stored[whole] &= 0xFF << 2 * (PAGES_PER_BYTE - used) & 0xFF
        whole += 1
    return PageMap(bytes(stored[:whole]).ljust(stored_size(pages), b"\0"), pages)
