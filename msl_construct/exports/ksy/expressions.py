"""Arithmetic that means the same in every target language.

The compiler's own types don't carry over: Go, Nim and Rust compute in the width of the
operands (``u2 + 7`` wraps), Rust takes mixed operands for 32-bit ones, Java, C++ and C# give
any value a 32-bit type unless it is cast, JavaScript's shifts have 32 bits. So everything that
may need more than 31 bits is cast at every step, and divided where others would shift.
"""

from __future__ import annotations

from ...page_map import PAGES_PER_BYTE, pad8

__all__ = [
    "NUMBER_WIDTH",
    "REMAINING",
    "bit_set",
    "bits_of",
    "count_limit",
    "little_endian",
    "padded",
    "padding",
    "page_count",
    "page_map_size",
    "page_size",
    "wide",
]

REMAINING = "(_io.size.as<s8> - _io.pos.as<s8>).as<s8>"
"""Bytes up to the end of the structure's own stream."""

NUMBER_WIDTH = 8
"""Bytes of the widest number that there is in every language."""

_PADDING = pad8(1)
"""Variable fields are padded to a multiple of this."""

_NARROW = 2
"""Lengths of up to so many bytes can be rounded up in 32 bits."""

_SAFE_BITS = 31
"""JavaScript's ``&`` takes both operands for signed 32-bit integers."""


def wide(field: str) -> str:
    """A field as a signed 64-bit number.

    The cast also makes a number of what C# has as nullable, a field under a condition.
    """
    return f"{field}.as<s8>"


def within(size: str, count: str = "") -> str:
    """A size of which nothing is allocated when it is more than there is.

    Go and C++ make room for all of it before they read: of a damaged length they would die
    instead of finding the end of the file one byte too early.

    Args:
        count: what it is computed from, if that is negative where a u8 is signed.
    """
    positive = f"{count} >= 0.as<s8> and " if count else ""
    return f"({positive}{size} <= {REMAINING} ? {size} : ({REMAINING} + 1).as<s8>).as<s8>"


def padded(length: str, width: int) -> str:
    """A length rounded up to a multiple of 8.

    Args:
        width: bytes of the field that the length is stored in.
    """
    most = _PADDING - 1
    if width <= _NARROW:
        return f"({length}.as<u4> + {most}) / {_PADDING} * {_PADDING}"
    return f"((({wide(length)} + {most}).as<s8> / {_PADDING}).as<s8> * {_PADDING}).as<s8>"


def padding(length: str, width: int) -> str:
    """How much `padded` adds to a length."""
    return f"(({padded(length, width)}).as<s8> - {wide(length)}).as<s8>"


def count_limit(entry_minimum: int, width: int) -> str:
    """How many entries the rest of the structure can hold at most.

    Args:
        entry_minimum: bytes of the smallest entry.
        width: bytes of the field that the count is stored in; both sides of a comparison have
            to be of one type.
    """
    return f"({REMAINING} / {entry_minimum}).as<u{width}>"


def bit_set(field: str, bit: int) -> str:
    """Whether a flag is set.

    Raises:
        ValueError: JavaScript can't test a bit so high.
    """
    if bit >= _SAFE_BITS:
        raise ValueError(f"bit {bit}")
    return f"{field} & {1 << bit:#x} != 0"


def bits_of(field: str, bit: int, bits: int) -> str:
    """A number inside a flag word; the cast gives C# the parentheses it needs."""
    return f"(({field} >> {bit}) & {(1 << bits) - 1}).as<u1>"


def little_endian(field: str, width: str) -> str:
    """The bytes of a field as a little-endian number; of those behind `NUMBER_WIDTH` nothing.

    Byte by byte, as nothing else reads a number of so many bytes as another field says: a shift
    of more than 31 bits is none in JavaScript.

    Args:
        width: the field with the number of bytes, of which there is at least one.
    """
    value = ""
    for index in reversed(range(1, NUMBER_WIDTH)):
        byte = f"{field}[{index}].as<u8>"
        if value:
            byte = f"({byte} + {value} * 256.as<u8>).as<u8>"
        value = f"({width} > {index} ? {byte} : 0.as<u8>).as<u8>"
    return f"({field}[0].as<u8> + {value} * 256.as<u8>).as<u8>"


def page_size(exponent: str, low: int) -> str:
    """The size of a page; the shift stays below 31 bits, as no exponent is above `low` + 30.

    Args:
        exponent: the field with the binary logarithm.
        low: the smallest exponent permitted.
    """
    return f"((1 << ({exponent} - {low})).as<u8> * {1 << low}.as<u8>).as<u8>"


def page_count(region_size: str, size: str) -> str:
    """How many whole pages a region has."""
    return f"({region_size} / {size}).as<s8>"


def page_map_size(pages: str) -> str:
    """The size of a page state map: as many bytes as hold all states, rounded up to 8."""
    at_once = PAGES_PER_BYTE * _PADDING
    return f"((({pages} + {at_once - 1}).as<s8> / {at_once}).as<s8> * {_PADDING}).as<s8>"
