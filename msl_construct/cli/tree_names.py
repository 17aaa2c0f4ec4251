"""What the VAS Map calls the mappings that regions begin with."""

from __future__ import annotations

from array import array
from bisect import bisect_left

from .tree_blocks import TreeBlocks

__all__ = ["MappingNames"]


class MappingNames:
    """Names by address, of the regions that are there alone, each text once."""

    def __init__(self, blocks: TreeBlocks) -> None:
        payloads = (block.payload for block in blocks.of("memory_region"))
        found = (payload["base_addr"] for payload in payloads if "base_addr" in payload)
        last = blocks.of("vas_map").last
        entries = () if last is None else last.payload.get("entries", ())
        self._bases = array("Q", sorted(found) if len(entries) else ())
        self._texts: list[str] = [""]
        self._at = array("L", bytes(array("L").itemsize * len(self._bases)))
        numbers: dict[str, int] = {}
        for entry in entries:
            text = entry["mapped_path"]
            if not text:
                continue
            place = bisect_left(self._bases, entry["base_addr"])
            if place < len(self._bases) and self._bases[place] == entry["base_addr"]:
                if text not in numbers:
                    numbers[text] = len(self._texts)
                    self._texts.append(text)
                self._at[place] = numbers[text]

    def of(self, address: int) -> str:
        """The name of the mapping that begins there; empty where it has none."""
        place = bisect_left(self._bases, address)
        if place < len(self._bases) and self._bases[place] == address:
            return self._texts[self._at[place]]
        return ""
