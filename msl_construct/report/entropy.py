"""How much captured pages look like chance: a bounded number of them, spread evenly."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterator
from functools import cache

from ..errors import MslError
from ..reader.regions import Fragment, Region
from .model import EntropySample

__all__ = ["MOST_PAGES", "entropy_of", "entropy_sample"]

MOST_PAGES = 2048
"""Pages that are looked at."""
_LOOKED_AT = 4096
"""Bytes of a page that are."""


def entropy_of(data: bytes) -> float:
    """Shannon's entropy of at most a page of bytes, in bits a byte."""
    total = len(data)
    if not total or data.count(data[0]) == total:
        return 0.0
    weights = _weights()
    return math.log2(total) - sum(weights[count] for count in Counter(data).values()) / total


@cache
def _weights() -> list[float]:
    """Of each number of bytes, that times its logarithm."""
    return [0.0, *(count * math.log2(count) for count in range(1, _LOOKED_AT + 1))]


def entropy_sample(regions: list[Region], *, most: int = MOST_PAGES) -> EntropySample:
    """Entropy of captured pages, or of every n-th of them where there are more than `most`.

    Args:
        regions: in the order that the places of the sample count in.
    """
    found = EntropySample()
    captured = array("Q", (sum(one.captured for one in region.fragments) for region in regions))
    found.captured = sum(captured)
    step = max(1, -(-found.captured // most))
    passed = 0
    for place, region in enumerate(regions):
        if -passed % step >= captured[place]:  # none of its pages is due
            passed += captured[place]
            continue
        for fragment in region.fragments:
            shift = (fragment.base - region.base_addr) // region.page_size
            for page, rank in _every(fragment, step, passed):
                try:
                    data = fragment.data.part(
                        rank * fragment.page_size, min(fragment.page_size, _LOOKED_AT)
                    )
                    value = entropy_of(bytes(data))
                except (MslError, OSError):
                    found.unread += 1
                    continue
                found.regions.append(place)
                found.pages.append(shift + page)
                found.values.append(min(255, round(value * 32)))
            if not fragment.damaged:
                passed += fragment.captured
    return found


def _every(fragment: Fragment, step: int, passed: int) -> Iterator[tuple[int, int]]:
    """Captured pages of a fragment that are due, each with its number among these.

    Args:
        passed: captured pages in front of the fragment.
    """
    if fragment.damaged:
        return
    rank = 0
    for page, count, state in fragment.states():
        if state != "captured":
            continue
        first = -(passed + rank) % step
        for within in range(first, count, step):
            yield page + within, rank + within
        rank += count
