"""What each byte is, over all dumps: counted, never guessed where a dump has nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import DamageError, LimitError
from ...reader.dump import Dump
from ...schema import ByteOrder
from ...space import CAPTURED
from ..aligning import Alignment
from .measures import BLOCK, text_bytes
from .scanning import ScannedPiece

__all__ = ["CLASSES", "COUNTER_STEP", "ByteClasses"]

CLASSES = (
    "constant",
    "rebased_pointer",
    "counter",
    "text",
    "changing",
    "high_entropy",
    "unknown",
)
COUNTER_STEP = {8: 1 << 32, 4: 1 << 16}
"""Most by which a counter goes on from a dump to the next, by its bytes."""


@dataclass(frozen=True)
class _Other:
    """What a dump has where the first has a piece.

    Attributes:
        data: bytes at the same places; zero where there are none.
        known: flags of those that it has.
    """

    data: Any
    known: Any


class ByteClasses:
    """Says of each byte of the first dump which class it is of.

    The first that applies, of a byte that is there:

    - rebased_pointer: its word (8 bytes at a multiple of 8) changed, and in each dump that has all
      of it points to where what it pointed to has gone;
    - counter: its word changed, and went up from each dump that has it to the next, or down, by
      less than 2^32; or its half of 4 bytes by less than 2^16;
    - text: it is one of 6 printable characters or more;
    - high_entropy: its block of 16 bytes is dense;
    - changing: another dump has another byte there;
    - constant: every other dump has the same byte there;
    - unknown: there is no other dump, or one that has no byte there.

    Args:
        np: numpy.
        others: the other dumps, in their order.
        alignments: of each, seen from the first.
        order: byte order of the first.
    """

    def __init__(
        self, np: Any, others: Sequence[Dump], alignments: Sequence[Alignment], order: ByteOrder
    ) -> None:
        self._np, self._others, self._alignments = np, others, alignments
        self._marks = [
            "<" if one is ByteOrder.LITTLE else ">"
            for one in (order, *(dump.schema.byte_order for dump in others))
        ]
        self._stretches = [
            tuple(
                np.array([getattr(part, key) for part in one.stretches], np.uint64)
                for key in ("a", "b", "size")
            )
            for one in alignments
        ]

    def count(self, piece: ScannedPiece, data: Any, dense: Any) -> list[int]:
        """Bytes of each class, in the order of `CLASSES`; then those compared with each dump."""
        flags = self.flags(piece, data, dense)
        counts = [int(self._np.count_nonzero(flags[name])) for name in CLASSES]
        return counts + self._compared

    def flags(self, piece: ScannedPiece, data: Any, dense: Any) -> dict[str, Any]:
        """Flags of the bytes of each class, each byte in one."""
        np = self._np
        first, stop = piece.first, piece.stop
        own = data[first:stop]
        others = [self._other(number, piece) for number in range(len(self._others))]
        self._compared = [int(np.count_nonzero(one.known)) for one in others]
        changed = np.zeros(len(own), bool)
        complete = np.full(len(own), bool(others))
        for other in others:
            changed |= other.known & (other.data != own)
            complete &= other.known
        pointers, counters = self._words(piece, own, others, changed)
        skip = -piece.address % BLOCK
        blocks = np.zeros(len(data), bool)
        blocks[skip : skip + BLOCK * len(dense)].reshape(-1, BLOCK)[:] = dense[:, None]
        left = np.ones(len(own), bool)
        found = {}
        for name, some in (
            ("rebased_pointer", pointers),
            ("counter", counters),
            ("text", text_bytes(np, data)[first:stop]),
            ("high_entropy", blocks[first:stop]),
            ("changing", changed),
            ("constant", complete),
        ):
            found[name] = some & left
            left ^= found[name]
        found["unknown"] = left
        return found

    def _other(self, number: int, piece: ScannedPiece) -> _Other:
        """The bytes of another dump at the places of a piece."""
        np = self._np
        begin, stop = piece.address + piece.first, piece.address + piece.stop
        data = np.zeros(stop - begin, np.uint8)
        known = np.zeros(stop - begin, bool)
        starts, moved, sizes = self._stretches[number]
        index = int(np.searchsorted(starts, np.uint64(begin), "right"))
        for one in range(max(0, index - 1), len(starts)):
            a, b, size = int(starts[one]), int(moved[one]), int(sizes[one])
            if a >= stop:
                break
            low, high = max(a, begin), min(a + size, stop)
            if low >= high:
                continue
            try:
                memory = self._others[number].memory.read(low - a + b, high - low)
            except (DamageError, LimitError):
                continue  # not known; the pass over that dump says so
            taken = 0
            for address, length, state in memory.runs:
                if state == CAPTURED and length == stop - begin:
                    return _Other(np.frombuffer(memory.data, np.uint8), np.ones(length, bool))
                if state == CAPTURED:
                    at = address - b + a - begin
                    data[at : at + length] = np.frombuffer(
                        memory.data[taken : taken + length], np.uint8
                    )
                    known[at : at + length] = True
                    taken += length
        return _Other(data, known)

    def _words(
        self, piece: ScannedPiece, own: Any, others: Sequence[_Other], changed: Any
    ) -> tuple[Any, Any]:
        """Flags of bytes of pointers that moved, and of counters."""
        np = self._np
        pointers, counters = np.zeros(len(own), bool), np.zeros(len(own), bool)
        skip = -(piece.address + piece.first) % 8
        count = max(0, len(own) - skip) // 8
        end = skip + 8 * count
        words = np.flatnonzero(changed[skip:end].view(np.uint64))  # any of its bytes
        if not len(words):
            return pointers, counters
        places = skip + 8 * words[:, None] + np.arange(8)
        values = [own[places].view(f"{self._marks[0]}u8").ravel().astype(np.uint64)]
        there = [np.ones(len(words), bool)]
        for mark, other in zip(self._marks[1:], others):
            values.append(other.data[places].view(f"{mark}u8").ravel().astype(np.uint64))
            there.append(other.known[places].all(axis=1))
        moved, some = np.ones(len(words), bool), np.zeros(len(words), bool)
        for number, (value, known) in enumerate(zip(values[1:], there[1:])):
            where = self._moved(number, values[0])
            moved &= ~known | (where == value)
            some |= known
        pointers[places[moved & some & (values[0] != 0)]] = True
        rising = _steady(np, values, there, COUNTER_STEP[8])
        counters[places[rising]] = True
        for half in (0, 4):
            part = places[:, half : half + 4]
            some32 = [own[part].view(f"{self._marks[0]}u4").ravel().astype(np.uint64)]
            known32 = [np.ones(len(words), bool)]
            for mark, other in zip(self._marks[1:], others):
                some32.append(other.data[part].view(f"{mark}u4").ravel().astype(np.uint64))
                known32.append(other.known[part].all(axis=1))
            rising = _steady(np, some32, known32, COUNTER_STEP[4])
            counters[part[rising]] = True
        return pointers, counters

    def _moved(self, number: int, values: Any) -> Any:
        """Where each address of the first dump is in another; its complement where not known."""
        np = self._np
        starts, moved, sizes = self._stretches[number]
        if not len(starts):
            return ~values
        index = np.searchsorted(starts, values, "right").astype(np.int64) - 1
        inside = index >= 0
        index = np.maximum(index, 0)
        offset = values - starts[index]
        inside &= offset < sizes[index]
        return np.where(inside, moved[index] + offset, ~values)


def _steady(np: Any, values: Sequence[Any], known: Sequence[Any], most: int) -> Any:
    """Flags of values that go up from each dump that has them to the next, or down."""
    up, down = np.ones(len(values[0]), bool), np.ones(len(values[0]), bool)
    last, steps = values[0].copy(), np.zeros(len(values[0]), np.int64)
    limit = np.uint64(most)
    for value, there in zip(values[1:], known[1:]):
        up &= ~there | ((value > last) & (value - last < limit))
        down &= ~there | ((value < last) & (last - value < limit))
        steps += there
        last = np.where(there, value, last)
    return (up | down) & (steps > 0)
