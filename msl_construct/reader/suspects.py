"""What a hash that does not match speaks against, and lists of it that stay short."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from .block import Block

__all__ = ["Few", "Link", "Suspect", "suspect_of"]

MOST = 1000
"""Findings of one kind that are told one by one; of more, how many there are is told."""

T = TypeVar("T")


class Few(Generic[T]):
    """The first of many, and how many came behind them.

    Attributes:
        more: how many were not kept.
        last: block index of the last of these.
    """

    def __init__(self) -> None:
        self._kept: list[T] = []
        self.more = 0
        self.last = 0

    def __iter__(self) -> Iterator[T]:
        return iter(self._kept)

    def __bool__(self) -> bool:
        return bool(self._kept)

    @property
    def first(self) -> T:
        """The first one."""
        return self._kept[0]

    def wants(self, index: int) -> bool:
        """Whether one more is kept, of the block of this index; it is counted if it is not."""
        if len(self._kept) < MOST:
            return True
        self.more += 1
        self.last = index
        return False

    def add(self, one: T) -> None:
        """Keep one."""
        self._kept.append(one)

    def only(self, condition: Callable[[T], bool]) -> None:
        """Keep those for which the condition holds; the others never were."""
        self._kept = [one for one in self._kept if condition(one)]


@dataclass(frozen=True)
class Suspect:
    """Bytes that a hash covers.

    Attributes:
        offset, length: where they are in the file.
        text: what they are: a block, and the addresses that it speaks of.
        addresses: first address, and the first behind; None where it speaks of none.
    """

    offset: int
    length: int
    text: str
    addresses: tuple[int, int] | None = None


@dataclass(frozen=True)
class Link:
    """A PrevHash that is not the hash of what stands before it.

    Attributes:
        block: whose it is.
        expected: what it would have to be.
        before: what stands before it.
    """

    block: Block
    expected: bytes
    before: Suspect


def suspect_of(block: Block) -> Suspect:
    """A block as what a hash covers, with what it says of itself; damaged, that may be wrong."""
    addresses = _addresses(block)
    text = f"block {block.index} ({block.key})"
    if addresses is not None:
        start, end = addresses
        text += f", addresses {start:#x} to {end:#x}"
    return Suspect(block.offset, block.length, text, addresses)


def _addresses(block: Block) -> tuple[int, int] | None:
    kind = block.type
    if kind is None or kind.layout is None or block.compressed:
        return None  # nothing is inflated for the sake of a message
    keys = {field.key for field in kind.layout.fields}
    size = next((key for key in ("region_size", "module_size") if key in keys), None)
    if size is None or "base_addr" not in keys:
        return None
    payload = block.payload
    if "base_addr" not in payload or size not in payload:
        return None
    return payload["base_addr"], payload["base_addr"] + payload[size]
