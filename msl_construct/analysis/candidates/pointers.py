"""Which words of memory point to some addresses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...reader.dump import Dump
from .scanning import ScannedPiece, scan

__all__ = ["KEPT", "PointerPlaces", "pointers_to"]

_BITS = 20
KEPT = 64
"""Addresses of pointers to one place that are kept: memory can be full of them."""


@dataclass
class PointerPlaces:
    """Words that point to one place.

    Attributes:
        count: how many.
        addresses: of the first of them, as many as are kept.
    """

    count: int = 0
    addresses: list[int] = field(default_factory=list)


def pointers_to(
    np: Any,
    dump: Dump,
    targets: Iterable[int],
    *,
    within: Sequence[tuple[int, int]] | None = None,
    processes: int = 1,
) -> dict[int, PointerPlaces]:
    """Words, at multiples of 8, that hold one of some addresses, by that.

    Args:
        np: numpy.
        targets: what they may hold.
        within: where they stand: ranges, ascending and apart; None: anywhere.
        processes: see `scan`.
    """
    wanted = np.array(sorted(set(targets)), np.uint64)
    mark = "<" if dump.schema.byte_order.value == "little" else ">"
    mask = np.uint64((1 << _BITS) - 1)
    table = np.zeros(1 << _BITS, bool)
    table[((wanted >> np.uint64(3)) & mask).astype(np.int64)] = True

    def look(piece: ScannedPiece, data: Any, _: Any) -> list[int]:
        skip = piece.first + (-(piece.address + piece.first) % 8)
        count = max(0, min(piece.stop - skip + 7, len(data) - skip)) // 8
        words = np.frombuffer(piece.data, f"{mark}u8", count, skip)
        likely = np.flatnonzero(table[((words >> np.uint64(3)) & mask).astype(np.int64)])
        values = words[likely].astype(np.uint64)
        index = np.minimum(np.searchsorted(wanted, values), len(wanted) - 1)
        exact = wanted[index] == values
        places, values = likely[exact], values[exact]
        order = np.argsort(values, kind="stable")
        different, firsts, counts = np.unique(values[order], return_index=True, return_counts=True)
        found: list[int] = []
        for value, first, count in zip(different.tolist(), firsts.tolist(), counts.tolist()):
            some = places[order[first : first + min(count, KEPT)]].tolist()
            found += (value, count, len(some), *(piece.address + skip + 8 * at for at in some))
        return found

    held: dict[int, PointerPlaces] = {}

    def take(told: list[int]) -> None:
        at = 0
        while at < len(told):
            value, count, kept = told[at : at + 3]
            at += 3
            place = held.setdefault(value, PointerPlaces())
            place.count += count
            place.addresses += told[at : at + min(kept, KEPT - len(place.addresses))]
            at += kept

    if len(wanted):
        scan(
            np,
            dump,
            (),
            within=within,
            look=look,
            only_look=True,
            processes=processes,
            counting=take,
        )
    return held
