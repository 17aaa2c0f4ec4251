"""Registers that stay as the kernel gave them until somebody asks for one.

A process may have thousands of threads with some ninety registers each, and a dump stores all
of them. Where each byte of a register set ends up in the stored table depends only on the
sizes of the sets and on a few bytes that say how they are laid out. So that is learnt once,
from `decode` and from the schema: both are given sets in which every byte says where it
stands, and what comes out says where it came from. Nothing is known here of any machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from struct import Struct
from typing import Any, NamedTuple, overload

from msl_construct.schema import Layout, Table
from msl_construct.schema.packing import RowPacker

from ...model import Register, StoredRegisters
from . import control, decode

__all__ = ["RawRegisters"]

_Shape = tuple[str, tuple[tuple[int, int, tuple[bytes, ...]], ...]]
"""The machine; of each set its number, its size, and the bytes that say how it is laid out."""

_MOST_SHAPES = 256


class RawRegisters(StoredRegisters):
    """The registers of one thread, decoded where they are looked at.

    Args:
        architecture: see `machine`.
        given: brings the register sets as the kernel gave them, by number, whenever they are
            looked at: those of ten thousand threads are not kept in our own memory.

    Attributes:
        missing: what the thread has besides, in words; see `Decoded`.
        roles: the schema's names of all roles that its registers have.
    """

    __slots__ = ("_count", "_given", "_shape", "missing")

    def __init__(self, architecture: str, given: Callable[[], Mapping[int, bytes]]) -> None:
        self._given = given
        self._shape = _shape(architecture, given())
        self._count, self.missing, self.roles = _summary(self._shape)

    def stored(self, layout: Layout) -> bytes:
        """The Registers of a Thread Context (§5.7), as its layout has them."""
        template = _template(self._shape, layout)
        given = b"".join(map(self._given().__getitem__, template.numbers))
        parts = template.parts[:]
        parts[1::2] = template.reorder(template.values.unpack(given))
        return b"".join(parts)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Register]:
        return iter(self._decoded())

    @overload
    def __getitem__(self, index: int) -> Register: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Register]: ...
    def __getitem__(self, index: int | slice) -> Register | Sequence[Register]:
        return self._decoded()[index]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (RawRegisters, tuple)):
            return NotImplemented
        return self._decoded() == tuple(other)

    def __hash__(self) -> int:
        return hash(self._decoded())

    def __repr__(self) -> str:
        return repr(self._decoded())

    def _decoded(self) -> tuple[Register, ...]:
        return decode(self._shape[0], self._given()).registers


class _Template(NamedTuple):
    """How register sets of one shape become a stored table.

    Attributes:
        numbers: of the sets, which are put one behind the other.
        values: what is taken from them, in their order.
        reorder: brings that into the table's order.
        parts: the table: what is the same for every thread, and in every second place room for
            a value.
    """

    numbers: tuple[int, ...]
    values: Struct
    reorder: Callable[[tuple[Any, ...]], tuple[Any, ...]]
    parts: list[bytes]


_shapes: dict[_Shape, _Shape] = {}


def _shape(architecture: str, sets: Mapping[int, bytes]) -> _Shape:
    """The shape of some sets: the same object for all that are alike, as long as they are few."""
    found = (
        architecture,
        tuple(
            (number, len(given), tuple(given[part] for part in control(architecture, number)))
            for number, given in sorted(sets.items())
        ),
    )
    return _shapes.setdefault(found, found) if len(_shapes) < _MOST_SHAPES else found


def _blank(shape: _Shape, value: bytes) -> dict[int, bytes]:
    """Sets of a shape that are filled with `value`, but for what says how they are laid out."""
    architecture, sets = shape
    found, start = {}, 0
    for number, size, kept in sets:
        filled = bytearray(value[start : start + size])
        for part, content in zip(control(architecture, number), kept):
            filled[part] = content
        found[number] = bytes(filled)
        start += size
    return found


def _size(shape: _Shape) -> int:
    return sum(size for _, size, _ in shape[1])


def _places(size: int) -> tuple[bytes, bytes]:
    """For every byte its place: the rest of a division by 255, and that plus what comes out plus
    one, within 256."""
    times, every = size // 255 + 1, bytes(range(256)) * 2
    low = every[:255] * times
    high = b"".join(every[(time + 1) % 256 :][:255] for time in range(times))
    return low[:size], high[:size]


@lru_cache(_MOST_SHAPES)
def _summary(shape: _Shape) -> tuple[int, tuple[str, ...], frozenset[str]]:
    registers, missing = decode(shape[0], _blank(shape, bytes(_size(shape))))
    roles = frozenset(role for register in registers for role in register.flags)
    return len(registers), missing, roles


@lru_cache(_MOST_SHAPES)
def _template(shape: _Shape, layout: Layout) -> _Template:
    table = layout.field("registers").type
    assert isinstance(table, Table)
    packer = RowPacker(table.entry, "name", "width", "flags", "value")

    def stored(value: bytes) -> bytes:
        registers = decode(shape[0], _blank(shape, value)).registers
        return packer.rows([(r.name, len(r.value), r.flags, r.value) for r in registers])

    # Every byte is told its own place, in two parts that are never the same. Whatever is the same
    # in both tables is no byte of a register.
    low, high = (stored(value) for value in _places(_size(shape)))
    places = [
        None if one == other else one + (other - one - 1) % 256 * 255
        for one, other in zip(low, high)
    ]
    runs: list[tuple[int, int]] = []  # of bytes of the sets, in the table's order
    parts = [b""]
    ended = begun = 0
    while begun < len(places):
        place = places[begun]
        if place is None:
            begun += 1
            continue
        end = begun
        while end < len(places) and places[end] == place + end - begun:
            end += 1
        parts[-1] = low[ended:begun]
        parts += [b"", b""]
        runs.append((place, end - begun))
        ended = begun = end
    parts[-1] = low[ended:]
    wanted, code, done = sorted(runs), "", 0
    for start, size in wanted:
        assert start >= done, "a byte is in two registers"
        code += f"{start - done}x{size}s"
        done = start + size
    code += f"{_size(shape) - done}x"
    order = [wanted.index(run) for run in runs]
    # Of one item or none, `itemgetter` would not make a tuple.
    reorder = itemgetter(*order) if len(order) > 1 else itemgetter(slice(len(order)))
    return _Template(tuple(number for number, _, _ in shape[1]), Struct(code), reorder, parts)
