"""What a new file can't say of what an old one says: the list that goes with every conversion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Loss", "Losses"]

_KEPT = 10_000


@dataclass(frozen=True)
class Loss:
    """Something of the old file that the new one does not say.

    Attributes:
        kind: ``draft`` (the draft that is written has no place for it), ``damage`` (the old file
            does not hold what it should), ``limit`` (nobody looked: a limit, or want of memory) or
            ``form`` (it was stored as no draft stores it).
        text: the same for people.
        offset: where it stands in the old file.
        block: index of the block there; None: it belongs to none.
        field: path of the field; empty: it is the whole block.
    """

    kind: str
    text: str
    offset: int | None = None
    block: int | None = None
    field: str = ""

    def __str__(self) -> str:
        return self.text


class Losses:
    """The losses of one conversion, in the order in which they were found.

    Very many are counted, not kept: a hostile file has one for each of its bytes.

    Attributes:
        count: all of them.
    """

    def __init__(self) -> None:
        self.count = 0
        self._kept: list[Loss] = []
        self._fields: set[tuple[int, str]] = set()

    def add(self, loss: Loss) -> None:
        """Take note of one."""
        self.count += 1
        if loss.block is not None and loss.field:
            self._fields.add((loss.block, loss.field))
        if len(self._kept) < _KEPT:
            self._kept.append(loss)

    def covers(self, block: int, field: str) -> bool:
        """Whether a field of a block is told of."""
        return (block, field) in self._fields

    def __iter__(self) -> Iterator[Loss]:
        return iter(self._kept)

    def __len__(self) -> int:
        return self.count
