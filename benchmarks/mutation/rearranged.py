"""Blocks dropped, repeated or swapped: what is left of the file, and whether it is another one."""

from __future__ import annotations

import random
from dataclasses import dataclass

from .spots import Spot, Spots

_FIXED = {"process_identity", "import_provenance", "end_of_capture", "end_of_extension"}
"""Types whose place the drafts fix in every file (§2, §4.5, §4.6, §9)."""

_FIXED_LIVE = {"module_list_index", "system_context"}
"""Types whose place they fix in a live acquisition (§2, §6)."""


@dataclass(frozen=True)
class Rearranged:
    """A file whose blocks were rearranged.

    Attributes:
        what: how, for people.
        data: its bytes, hashes as they were.
        free: whether, hashes apart, a producer could have written it.
    """

    what: str
    data: bytes
    free: bool


class Blocks:
    """The blocks of a file, to be rearranged."""

    def __init__(self, spots: Spots) -> None:
        self._spots = spots
        self._fields: list[dict[str, tuple[Spot, bytes]]] = [{} for _ in spots.blocks]
        for spot in spots.all:
            if spot.block is not None and spot.field is not None:
                key = f"{spot.layout.key}.{spot.field.key}"
                held = spots.data[spot.offset : spot.end]
                self._fields[spot.block].setdefault(key, (spot, held))
        self._live = "import_provenance" not in spots.keys
        self._counted = any(
            s.field is not None
            and s.field.key == "block_count"
            and any(spots.data[s.offset : s.end])
            for s in spots.all
        )

    def dropped(self, rng: random.Random) -> Rearranged | None:
        """Without one of them."""
        if len(self._spots.blocks) < 2:
            return None
        index = rng.randrange(len(self._spots.blocks))
        offset, length = self._spots.blocks[index]
        data = self._spots.data[:offset] + self._spots.data[offset + length :]
        return Rearranged(f"no {self._spots.keys[index]}", data, self._dispensable(index))

    def repeated(self, rng: random.Random) -> Rearranged | None:
        """One of them twice, with its BlockUUID: never another valid file (§4.1)."""
        if not self._spots.blocks:
            return None
        offset, length = rng.choice(self._spots.blocks)
        data = self._spots.data
        key = self._spots.keys[self._spots.blocks.index((offset, length))]
        new = data[: offset + length] + data[offset:]
        return Rearranged(f"{key} twice", new, False)

    def swapped(self, rng: random.Random) -> Rearranged | None:
        """Two neighbours in each other's place."""
        if len(self._spots.blocks) < 2:
            return None
        index = rng.randrange(len(self._spots.blocks) - 1)
        (first, one), (second, other) = self._spots.blocks[index : index + 2]
        data = self._spots.data
        new = (
            data[:first]
            + data[second : second + other]
            + data[first : first + one]
            + data[second + other :]
        )
        keys = self._spots.keys[index : index + 2]
        return Rearranged(f"{keys[0]} and {keys[1]} swapped", new, self._alike(index))

    def _dispensable(self, index: int) -> bool:
        """Whether a file without the block is another valid file.

        It is where no count counts the block, no field refers to it, its place and presence
        are not demanded, another block keeps the promise of its category in CapBitmap, and
        another one those of the flags HasChildren and HasKeyHints in what it refers to.
        """
        key = self._spots.keys[index]
        if self._counted or key in self._fixed:
            return False
        if self._field(index, "block_header.block_uuid")[0].referred:
            return False
        others = [i for i in range(len(self._spots.keys)) if i != index]
        capability = self._capability(index)
        if capability and all(self._capability(i) != capability for i in others):
            return False
        for name in ("block_header.parent_uuid", "key_hint.region_uuid"):
            held = self._fields[index].get(name, (None, b""))[1]
            if any(held) and all(self._fields[i].get(name, (None, b""))[1] != held for i in others):
                return False
        return True

    def _alike(self, index: int) -> bool:
        """Whether a file with these two the other way round is another valid file.

        It is unless the drafts fix the place of either, one is a thread and the other a
        region (§5.7), or one is the parent of the other: the first fragment of a region comes
        first (§5.1), and what has a parent refers back.
        """
        keys = set(self._spots.keys[index : index + 2])
        if keys & self._fixed or keys == {"thread_context", "memory_region"}:
            return False
        one, other = index, index + 1
        return not (self._parent_of(one, other) or self._parent_of(other, one))

    def _parent_of(self, one: int, other: int) -> bool:
        uuid = self._field(one, "block_header.block_uuid")[1]
        return uuid == self._field(other, "block_header.parent_uuid")[1]

    @property
    def _fixed(self) -> set[str]:
        return _FIXED | (_FIXED_LIVE if self._live else set())

    def _field(self, index: int, name: str) -> tuple[Spot, bytes]:
        return self._fields[index][name]

    def _capability(self, index: int) -> str | None:
        known = {block.key: block for block in self._spots.schema.blocks.values()}
        block = known.get(self._spots.keys[index])
        return block.capability if block is not None else None
