"""Which block has which UUID: thirty bytes a block, where a dictionary takes two hundred."""

from __future__ import annotations

from array import array

__all__ = ["NIL", "UuidTable"]

_WIDTH = 16
NIL = bytes(_WIDTH)
"""The UUID that says "none"."""
_FIRST_SIZE = 1 << 10


class UuidTable:
    """UUIDs numbered as they come, and the way back from a UUID to the first of its numbers.

    An open hash table. Python's own hash of bytes places the entries, because it can't be
    foreseen: a file can't be made whose UUIDs all fall into one place.
    """

    def __init__(self) -> None:
        self._stored = bytearray()
        self._places = array("I", bytes(4 * _FIRST_SIZE))  # number + 1; 0: free
        self._used = 0

    def __len__(self) -> int:
        return len(self._stored) // _WIDTH

    def __getitem__(self, number: int) -> bytes:
        return bytes(self._stored[number * _WIDTH : (number + 1) * _WIDTH])

    def add(self, uuid: bytes) -> int | None:
        """Take in the next UUID; the number of an earlier one that is equal.

        The nil UUID gets a number, but is never found: it identifies nothing.
        """
        number = len(self)
        self._stored += uuid
        if uuid == NIL:
            return None
        if 3 * self._used >= 2 * len(self._places):
            self._grow()
        place = self._place(uuid)
        taken = self._places[place]
        if taken:
            return taken - 1
        self._places[place] = number + 1
        self._used += 1
        return None

    def find(self, uuid: bytes) -> int | None:
        """The number of the first that equals `uuid`."""
        taken = self._places[self._place(uuid)]
        return taken - 1 if taken else None

    def _place(self, uuid: bytes) -> int:
        """Where it stands, or the free place where it belongs."""
        mask = len(self._places) - 1
        place = hash(uuid) & mask
        while (taken := self._places[place]) and self[taken - 1] != uuid:
            place = place + 1 & mask
        return place

    def _grow(self) -> None:
        old = self._places
        self._places = array("I", bytes(2 * old.itemsize * len(old)))
        for taken in old:
            if taken:
                self._places[self._place(self[taken - 1])] = taken
