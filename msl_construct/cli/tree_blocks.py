"""Which blocks a tree shows where: their numbers alone, so that a million of them take little."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator

from ..document.tables import INVESTIGATED
from ..reader.block import RAW, Block
from ..reader.dump import Dump
from ..reader.regions import lacks_data

__all__ = ["BlockList", "TreeBlocks"]

_WHOLE_ONLY = ("process_identity", "import_provenance", "key_hint", "related_dump")
_OWN_SECTION = (
    "process_identity",
    "import_provenance",
    "module_list_index",
    "module_entry",
    "thread_context",
    "memory_region",
    "key_hint",
    "related_dump",
    "vas_map",
    "end_of_capture",
    *INVESTIGATED,
)


class BlockList(Iterable[Block]):
    """Blocks by their numbers, made anew whenever somebody iterates."""

    def __init__(self, get: Callable[[int], Block]) -> None:
        self._get = get
        self.numbers = array("Q")

    def __len__(self) -> int:
        return len(self.numbers)

    def block(self, number: int) -> Block:
        """One of the dump's blocks."""
        return self._get(number)

    def __iter__(self) -> Iterator[Block]:
        return map(self._get, self.numbers)

    @property
    def last(self) -> Block | None:
        """The one that stands last in the file."""
        return self._get(self.numbers[-1]) if self.numbers else None


class TreeBlocks:
    """The blocks of a dump by where the tree shows them.

    They are read again when they are shown.

    Attributes:
        others: of no section of their own.
        damaged: whose payload does not fit its layout.
        unread: whose payload could not be looked at.
        count: all of them.
        undecoded: of how many the draft has no layout, or no such version.
        lacking: how many regions lack bytes that their page maps promise.
    """

    def __init__(self, dump: Dump) -> None:
        self._get = dump.block
        self._by_type: dict[str, BlockList] = {}
        self.others = BlockList(self._get)
        self.damaged = BlockList(self._get)
        self.unread = BlockList(self._get)
        self._known = dump.problems
        self.count = self.undecoded = self.lacking = 0
        for _ in dump.each_capture_block(self._take):
            pass

    def of(self, *keys: str) -> BlockList:
        """Decoded blocks of some types, type by type."""
        found = BlockList(self._get)
        for key in keys:
            if key in self._by_type:
                found.numbers.extend(self._by_type[key].numbers)
        return found

    def _take(self, block: Block) -> None:
        block.hold()
        self.count += 1
        payload, key = block.payload, block.key
        if block.problem is not None:
            unread = block.index in self._known.unread
            (self.unread if unread else self.damaged).numbers.append(block.index)
        elif RAW in payload:
            self.undecoded += 1
        whole = payload.damage is None or key not in _WHOLE_ONLY
        if key in _OWN_SECTION and RAW not in payload and whole:
            if key not in self._by_type:
                self._by_type[key] = BlockList(self._get)
            self._by_type[key].numbers.append(block.index)
            self.lacking += key == "memory_region" and lacks_data(block)
        else:
            self.others.numbers.append(block.index)
