"""Registers of a thread: from the bytes the kernel hands out to names and values.

The kernel hands out *register sets*, numbered as in the notes of a core file; which ones
there are, and how they are laid out, depends on the machine and on whether the thread runs
32-bit code. Every register stands once: a vector register under the name of its full width
only (``zmm0``, not also ``ymm0`` and ``xmm0``, which are its front).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Protocol

from ...model import Register
from . import aarch64, x86_64
from .decoded import Decoded

__all__ = ["Decoded", "alternatives", "control", "decode", "machine", "pointers", "sets"]


class _Machine(Protocol):
    """What a module about a machine offers."""

    SETS: tuple[int, ...]
    ALTERNATIVES: dict[int, tuple[int, ...]]
    CONTROL: dict[int, tuple[slice, ...]]
    POINTERS: dict[int, tuple[str, str]]

    def decode(self, sets: Mapping[int, bytes]) -> Decoded: ...


_MACHINES: dict[str, _Machine] = {
    "x86_64": x86_64,
    "i386": x86_64,
    "i686": x86_64,
    "aarch64": aarch64,
    "armv8l": aarch64,
}


def machine() -> str:
    """The machine this runs on, as the kernel calls it."""
    return os.uname().machine


def sets(architecture: str) -> tuple[int, ...]:
    """Numbers of the register sets to ask for; none on a machine that is not known."""
    known = _MACHINES.get(architecture)
    return known.SETS if known else ()


def alternatives(architecture: str) -> Mapping[int, tuple[int, ...]]:
    """What to ask for instead of a register set that is not to be had."""
    known = _MACHINES.get(architecture)
    return known.ALTERNATIVES if known else {}


def decode(architecture: str, given: Mapping[int, bytes]) -> Decoded:
    """Registers of one thread.

    Args:
        architecture: see `machine`.
        given: register sets as the kernel gave them, by number.
    """
    known = _MACHINES.get(architecture)
    if known is None:
        return Decoded((), (f"all registers: {architecture} is not known here",))
    return known.decode(given)


def control(architecture: str, number: int) -> tuple[slice, ...]:
    """Those bytes of a register set that say how it is laid out, or what is missing from it.

    They belong to no register: what `decode` gives depends on nothing else but the sizes of
    the sets, except for the values of the registers.
    """
    known = _MACHINES.get(architecture)
    return known.CONTROL.get(number, ()) if known else ()


def pointers(architecture: str, width: int, counter: int, stack: int) -> tuple[Register, ...]:
    """Program counter and stack pointer, where nothing else of a thread is to be had.

    Args:
        width: bytes of an address in the target.
        counter, stack: their values.
    """
    known = _MACHINES.get(architecture)
    if known is None:
        return ()
    names = known.POINTERS[width]
    return (
        Register(names[0], counter.to_bytes(width, "little"), ("pc",)),
        Register(names[1], stack.to_bytes(width, "little"), ("sp",)),
    )
