"""Sharing time fairly: no piece of work takes what others need."""

from __future__ import annotations

import time
from collections.abc import Hashable
from typing import Generic, TypeVar

__all__ = ["Shares"]

T = TypeVar("T", bound=Hashable)

_PART = 0.85
"""The part of the time that is shared out; what comes behind has the rest."""


class Shares(Generic[T]):
    """How long each of several pieces of work may take.

    Args:
        sizes: of the pieces, in the order in which they come.
        began, seconds: when the work began (monotonic), and how long all of it may take.
        first: what may take half of that; None: nothing.
    """

    def __init__(self, sizes: dict[T, int], began: float, seconds: float, first: T | None) -> None:
        self._sizes = dict(sizes)
        self._end = began + _PART * seconds
        self._seconds = seconds
        self._first = first

    def until(self, piece: T) -> float:
        """When to give a piece up; asked once, when its turn has come.

        Whoever needs less than its share leaves the rest to those that follow.
        """
        now = time.monotonic()
        left = max(0.0, self._end - now)
        if piece == self._first:
            share = min(left, self._seconds / 2)
        else:
            whole = sum(self._sizes.values()) or 1
            equal, by_size = left / len(self._sizes), left * self._sizes[piece] / whole
            share = min(max(equal, by_size), left, self._seconds / 4)
        del self._sizes[piece]
        return now + share
