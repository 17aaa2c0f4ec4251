"""Addresses of what Key Hints speak of: a hint says an offset in page data, and no address."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from ..reader.block import Block
from ..reader.regions import Fragment, Region
from ..space import ADDRESSES_END, CAPTURED

__all__ = ["HintedAddresses"]

_MOST = 1 << 16


class HintedAddresses:
    """Where the keys are, once the regions have been seen.

    Pages without bytes do not count in an offset (§5.6): the page map says which page it is in.

    Args:
        hints: Key Hint blocks; of very many the first are looked up.
    """

    def __init__(self, hints: Iterable[Block]) -> None:
        # By the UUID's bytes, whose hash can't be foreseen.
        self._found: dict[bytes, dict[int, int | None]] = {}
        count = 0
        for block in hints:
            region, offset = (block.payload.get(key) for key in ("region_uuid", "region_offset"))
            if region is not None and offset is not None and count < _MOST:
                self._found.setdefault(region.bytes, {})[offset] = None
                count += 1
        self._waiting = dict(self._found)

    def __bool__(self) -> bool:
        """Whether anything is looked for."""
        return bool(self._found)

    def take(self, region: Region) -> None:
        """Look for keys in a region.

        A hint names the block whose page data it counts in; one that names the first of several
        means all of them, one behind the other.
        """
        if not self._waiting:
            return
        for fragment in region.fragments:
            wanted = self._waiting.pop(fragment.block.uuid.bytes, None)  # the first has it
            if wanted is None:
                continue
            parts = [fragment]
            if fragment is region.head and not region.orphan:
                parts += [other for other in region.fragments if other is not fragment]
            _look(wanted, parts)

    def at(self, region: UUID, offset: int) -> int | None:
        """The address of an offset in a region's page data; None: it is not known."""
        found = self._found.get(region.bytes, {}).get(offset)
        return None if found is None or found >= ADDRESSES_END else found


def _look(wanted: dict[int, int | None], parts: Sequence[Fragment]) -> None:
    """Tell the addresses of offsets in parts' page data."""
    offsets = sorted(wanted)
    done = before = 0
    for part in parts:
        for address, length, state, offset in part.runs(part.base, part.end):
            if state != CAPTURED:
                continue
            first = before + offset
            while done < len(offsets) and offsets[done] < first + length:
                if offsets[done] >= first:
                    wanted[offsets[done]] = address + offsets[done] - first
                done += 1
            if done == len(offsets):
                return
        before += part.pages.captured * part.page_size
