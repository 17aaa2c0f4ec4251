"""Which words of memory point to some addresses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ...reader.dump import Dump
from .scanning import ScannedPiece, scan

__all__ = ["pointers_to"]

_BITS = 20
_MOST = 1 << 20


def pointers_to(
    np: Any,
    dump: Dump,
    targets: Iterable[int],
    *,
    within: Sequence[tuple[int, int]] | None = None,
    processes: int = 1,
) -> dict[int, list[int]]:
    """Addresses of words, at multiples of 8, that hold one of some addresses.

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
        found: list[int] = []
        for at, value in zip(likely[exact].tolist(), values[exact].tolist()):
            found += (value, piece.address + skip + 8 * at)
        return found

    held: dict[int, list[int]] = {}
    if len(wanted):
        flat = scan(np, dump, (), within=within, look=look, processes=processes, only_look=True)
        for value, address in zip(flat.counted[::2], flat.counted[1::2]):
            held.setdefault(value, []).append(address)
    return held
