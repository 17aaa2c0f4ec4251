"""Memory as lines of bytes, with a mark where no byte is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..space import CAPTURED, AddressSpace

__all__ = ["HexLine", "hex_lines"]

_PIECE = 1 << 16


@dataclass(frozen=True)
class HexLine:
    """One line.

    Attributes:
        address: of its first byte.
        data: its bytes; None where one is not known.
        states: what the dump says of those that are not known, each once, in order.
        repeats: how many lines follow that are like it.
    """

    address: int
    data: tuple[int | None, ...]
    states: tuple[str, ...]
    repeats: int = 0


def hex_lines(space: AddressSpace, start: int, end: int, width: int = 16) -> Iterator[HexLine]:
    """Lines of [start, end); those that are like the one before are counted and not yielded.

    Args:
        width: bytes of a line. Lines begin at its multiples.
    """
    held: HexLine | None = None
    for line in _lines(space, start, end, width):
        if held is not None and held.data == line.data and held.states == line.states:
            held = replace(held, repeats=held.repeats + 1 + line.repeats)
            continue
        if held is not None:
            yield held
        held = line
    if held is not None:
        yield held


def _lines(space: AddressSpace, start: int, end: int, width: int) -> Iterator[HexLine]:
    at = start
    while at < end:
        _, length, state = next(iter(space.states(at, end)))
        first = -(-at // width) * width
        many = (at + length - first) // width
        if state != CAPTURED and at == first and many > 1:
            # Of a long hole there is one line.
            yield HexLine(at, (None,) * width, (state,), many - 1)
            at += many * width
            continue
        stop = min(end, first + max(width, min(length, _PIECE) // width * width))
        yield from _read(space, at, stop, width)
        at = stop


def _read(space: AddressSpace, start: int, end: int, width: int) -> Iterator[HexLine]:
    memory = space.read(start, end - start)
    known: list[int | None] = []
    states: list[str] = []
    taken = 0
    for _, length, state in memory.runs:
        if state == CAPTURED:
            known += memory.data[taken : taken + length]
            taken += length
        else:
            known += [None] * length
        states += [state] * length
    at = start
    while at < end:
        size = min(end, at - at % width + width) - at
        first = at - start
        found = dict.fromkeys(s for s in states[first : first + size] if s != CAPTURED)
        yield HexLine(at, tuple(known[first : first + size]), tuple(found))
        at += size
