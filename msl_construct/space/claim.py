"""A part of an address space: a region's fragment, a segment of a core file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

__all__ = ["Claim"]


class Claim(Protocol):
    """A part that says something of an address range."""

    @property
    def base(self) -> int:
        """First address."""

    @property
    def end(self) -> int:
        """First address behind it."""

    @property
    def order(self) -> int:
        """Its place in the file, which no other part has.

        Where two hold bytes of one address, the first is believed.
        """

    def runs(self, start: int, end: int) -> Iterator[tuple[int, int, str, int]]:
        """``(address, length, state, offset)`` over [start, end), clipped to the part.

        In address order and without gaps. The offset counts within the part's own bytes and
        means something for ``captured`` runs only. ``absent`` is what the part says nothing of.
        """
