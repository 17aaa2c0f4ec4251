"""What a value is that does not fit the bytes that are there."""

from __future__ import annotations

from typing import Any

__all__ = ["Misfit"]


class Misfit(Exception):
    """A value does not fit the bytes that remain.

    Attributes:
        path: where, from the structure outwards: ``entries[3].path``.
        offset: where the value begins.
        value: what could be decoded of it, if anything.
        restart: where the bytes begin that belong to no decoded value.
    """

    def __init__(
        self,
        expected: str,
        found: str,
        *,
        path: str = "",
        offset: int = -1,
        value: Any = None,
        restart: int = -1,
    ) -> None:
        super().__init__(expected, found)
        self.expected = expected
        self.found = found
        self.path = path
        self.offset = offset
        self.value = value
        self.restart = restart

    def at(self, key: str, offset: int) -> Misfit:
        """The same, seen from the structure whose field `key` begins at `offset`."""
        self.path = key + self.path
        if self.offset < 0:
            self.offset = offset
        if self.restart < 0:
            self.restart = offset
        return self
