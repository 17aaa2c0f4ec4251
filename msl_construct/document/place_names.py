"""What stands at an address, in few bytes for each thing: modules, and mappings of the VAS Map."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from operator import gt

from ..reader.block import Block

__all__ = ["NAMING", "PlaceNames"]

NAMING = ("module_entry", "vas_map")
"""Types of blocks that names come from."""

_MOST = 1 << 64


class PlaceNames:
    """Names by address, each text once.

    Args:
        modules: Module Entry blocks.
        maps: VAS Map blocks, of which the last one in the file counts.
    """

    def __init__(self, modules: Iterable[Block], maps: Iterable[Block]) -> None:
        self._texts: list[str] = []
        self._numbers: dict[str, int] = {}
        self._modules = self._ranges(_of_modules(modules))
        self._all = array("Q"), array("Q")
        self._mappings = self._ranges(_of_map(maps, *self._all))
        self._numbers.clear()

    @property
    def mappings(self) -> Iterator[tuple[int, int]]:
        """All mappings, with a name or not, by address: the first and the first one behind."""
        starts, ends = self._all
        order: Iterable[int] = range(len(starts))
        if any(map(gt, starts, islice(starts, 1, None))):
            order = sorted(order, key=starts.__getitem__)
        return ((starts[place], ends[place] + 1) for place in order)

    def module_of(self, address: int) -> str | None:
        """Path of the module that covers an address; None: none does."""
        return self._at(self._modules, address)

    def mapping_of(self, address: int) -> str | None:
        """Name of the mapping that covers an address; None: none does, or it has none."""
        return self._at(self._mappings, address)

    def _ranges(self, found: Iterator[tuple[int, int, str]]) -> tuple[array[int], ...]:
        """Starts, ends and numbers of texts, by address."""
        starts, ends, texts = array("Q"), array("Q"), array("L")
        in_order = True
        for start, end, text in found:
            if not start < end <= _MOST:
                continue
            in_order = in_order and (not starts or starts[-1] <= start)
            starts.append(start)
            ends.append(end - 1)
            if text not in self._numbers:
                self._numbers[text] = len(self._texts)
                self._texts.append(text)
            texts.append(self._numbers[text])
        if in_order:
            return starts, ends, texts
        order = sorted(range(len(starts)), key=starts.__getitem__)
        return tuple(
            array(one.typecode, map(one.__getitem__, order)) for one in (starts, ends, texts)
        )

    def _at(self, ranges: tuple[array[int], ...], address: int) -> str | None:
        starts, ends, texts = ranges
        place = bisect_right(starts, address) - 1
        if place < 0 or address > ends[place]:
            return None
        return self._texts[texts[place]]


def _of_modules(blocks: Iterable[Block]) -> Iterator[tuple[int, int, str]]:
    for block in blocks:
        payload = block.payload
        if payload.get("path") and "module_size" in payload:
            base = payload["base_addr"]
            yield base, base + payload["module_size"], payload["path"]


def _of_map(
    blocks: Iterable[Block], starts: array[int], ends: array[int]
) -> Iterator[tuple[int, int, str]]:
    """Those that have a name; first and last address of every one are put into the arrays."""
    for block in deque(blocks, maxlen=1):
        for entry in block.payload.get("entries", ()):
            base = entry["base_addr"]
            end = base + entry["region_size"]
            if base < end <= _MOST:
                starts.append(base)
                ends.append(end - 1)
            if entry["mapped_path"]:
                yield base, end, entry["mapped_path"]
