"""What decoding gives, and the fast way to make many registers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

from ...model import Register

__all__ = ["Decoded", "Names", "name_them"]

Names = tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]
"""Names of registers, and the flags of each."""


class Decoded(NamedTuple):
    """Registers of one thread.

    Attributes:
        registers: in the order in which debuggers show them; empty if nothing could be read.
        missing: what the thread has besides, in words; empty if that is all of them.
    """

    registers: tuple[Register, ...]
    missing: tuple[str, ...] = ()


# A named tuple's own constructor is Python code, and there are some ninety registers in a
# thread: this makes them three times as fast.
_register = partial(tuple.__new__, Register)


def name_them(
    names: Sequence[str], flags: Sequence[tuple[str, ...]], values: Iterable[bytes]
) -> list[Register]:
    """Registers of these names, values and flags."""
    return list(map(_register, zip(names, values, flags)))
