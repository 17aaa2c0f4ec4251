"""Values of a type, of memory of which not every byte is known."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from ..schema import ByteOrder
from ..space import CAPTURED, AddressSpace, Memory
from .text import moment, printable

__all__ = ["NUMBERS", "ViewRow", "joined", "known_bytes", "number_text", "text_rows"]

NUMBERS = {
    "u8": ("B", 1),
    "u16": ("H", 2),
    "u32": ("I", 4),
    "u64": ("Q", 8),
    "i8": ("b", 1),
    "i16": ("h", 2),
    "i32": ("i", 4),
    "i64": ("q", 8),
    "f32": ("f", 4),
    "f64": ("d", 8),
    "ptr": ("Q", 8),  # or as wide as those of the target
    "time": ("Q", 8),
}
"""Codes of `struct` and widths in bytes."""

_LONGEST = 4096
"""Characters of a text on one line."""


def number_text(view: str, data: bytes, order: ByteOrder) -> str:
    """A number for people; addresses in hexadecimal, times in UTC."""
    if view == "ptr":
        value = int.from_bytes(data, "little" if order is ByteOrder.LITTLE else "big")
        return f"{value:#0{2 * len(data) + 2}x}"
    code, _ = NUMBERS[view]
    (value,) = struct.unpack(("<" if order is ByteOrder.LITTLE else ">") + code, data)
    if view == "time":
        return f"{value}  {moment(value)}"
    if code in "fd":
        return repr(value)
    return f"{value}  {value % (1 << 8 * len(data)):#x}"


def known_bytes(memory: Memory, width: int) -> Iterator[tuple[int, bytes | None, str]]:
    """Offset and bytes of each value; None and a state where some of them are not known.

    What is left of the last one is a value of fewer bytes than its width: none is yielded.
    """
    data = bytearray(memory.size)
    gaps: list[tuple[int, int, str]] = []
    taken = 0
    for address, length, state in memory.runs:
        at = address - memory.address
        if state == CAPTURED:
            data[at : at + length] = memory.data[taken : taken + length]
            taken += length
        else:
            gaps.append((at, at + length, state))
    index = 0
    for offset in range(0, memory.size - width + 1, width):
        while index < len(gaps) and gaps[index][1] <= offset:
            index += 1
        if index < len(gaps) and gaps[index][0] < offset + width:
            begin, end, state = gaps[index]
            whole = begin <= offset and offset + width <= end
            yield offset, None, state if whole else f"partly {state}"
        else:
            yield offset, bytes(data[offset : offset + width]), ""


ViewRow = tuple[int, int, "str | None", str]
"""Address and bytes of a value, and it for people; None: it is not known, for a state."""


def joined(rows: Iterable[ViewRow]) -> Iterator[ViewRow]:
    """The same, with what is not known for one state, and follows each other, as one row."""
    held: ViewRow | None = None
    for row in rows:
        address, length, text, state = row
        if held is not None:
            if text is None and (held[0] + held[1], held[3]) == (address, state):
                held = held[0], held[1] + length, None, state
                continue
            yield held
            held = None
        if text is None:
            held = row
        else:
            yield row
    if held is not None:
        yield held


def text_rows(
    space: AddressSpace, start: int, end: int, view: str, order: ByteOrder
) -> Iterator[ViewRow]:
    """Texts that end with a NUL, one a row; what is not known ends one as well."""
    width = 2 if view == "utf16" else 1
    encoding = {
        "ascii": "ascii",
        "utf8": "utf-8",
        "utf16": "utf-16-le" if order is ByteOrder.LITTLE else "utf-16-be",
    }[view]
    step = _LONGEST * width
    for piece in range(start, end, step):
        memory = space.read(piece, min(step, end - piece))
        begin, held = 0, bytearray()
        for offset, data, state in known_bytes(memory, width):
            if data is not None and any(data):
                begin = begin if held else offset
                held += data
                continue
            if held:
                yield memory.address + begin, len(held), _quoted(held, encoding), ""
                held = bytearray()
            if data is None:
                yield memory.address + offset, width, None, state
        if held:
            yield memory.address + begin, len(held), _quoted(held, encoding), ""


def _quoted(data: bytes | bytearray, encoding: str) -> str:
    return f'"{printable(data.decode(encoding, "backslashreplace"))}"'
