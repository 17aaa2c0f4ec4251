"""All strings of a piece of memory at once, for those who make very many lines of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from .islands import IslandPiece
from .patterns import SearchPattern
from .string_runs import Characters

__all__ = ["StringBlock", "string_block"]


@dataclass(frozen=True)
class StringBlock:
    """Strings that begin in a piece of memory, by address; arrays of numpy.

    Attributes:
        address: of the first byte of `data`.
        data: bytes of memory.
        starts, ends: where in them each string begins and ends.
        encodings: names of encodings.
        kinds: the number of each string's encoding among them.
    """

    address: int
    data: bytes | bytearray
    starts: Any
    ends: Any
    encodings: Sequence[str]
    kinds: Any

    def __len__(self) -> int:
        """How many there are."""
        return len(self.starts)

    def part(self, first: int, stop: int) -> StringBlock:
        """Some of them, by their number."""
        return replace(
            self,
            starts=self.starts[first:stop],
            ends=self.ends[first:stop],
            kinds=self.kinds[first:stop],
        )


def string_block(
    patterns: Sequence[SearchPattern], piece: IslandPiece, behind: dict[int, int] | None
) -> StringBlock | None:
    """The strings that `matches` finds, sorted as those are.

    Args:
        patterns: of strings, each.
        piece, behind: as `matches` has them; `behind` is told where strings go on.

    Returns:
        None: there is no numpy, or one has to be cut since it is longer than any.
    """
    characters = Characters.of(piece.data)
    if characters is None:
        return None
    numpy = characters.numpy
    found = []
    for number, pattern in enumerate(patterns):
        assert pattern.runs is not None
        encoding, least = pattern.runs
        goes_on = 0 if behind is None else behind.get(number, 0)
        first = max(goes_on - piece.address, piece.first)
        alone = behind is None and first > 0  # one that begins in front of it is none of ours
        starts, ends = characters.runs(least, encoding, first - pattern.width * alone)
        low, high = numpy.searchsorted(starts, (first, piece.stop))
        starts, ends = starts[low:high], ends[low:high]
        if len(starts) and int((ends - starts).max()) > pattern.longest:
            return None
        found.append((starts, ends))
    if behind is not None:
        for number, (_, ends) in enumerate(found):
            if len(ends):
                behind[number] = piece.address + int(ends[-1])
    encodings = [pattern.kind for pattern in patterns]
    starts, ends = (numpy.concatenate([one[side] for one in found]) for side in (0, 1))
    counts = [len(one[0]) for one in found]
    kinds = numpy.repeat(numpy.arange(len(found), dtype=numpy.uint8), counts)
    if len(found) > 1:
        order = starts.argsort(kind="stable")
        starts, ends, kinds = starts[order], ends[order], kinds[order]
    return StringBlock(piece.address, piece.data, starts, ends, encodings, kinds)
