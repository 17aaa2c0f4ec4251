"""Memory by virtual address, whatever it was captured into: what search and conversion stand on."""

from __future__ import annotations

from .captured_reader import CapturedReader
from .claim import Claim
from .cover import Cover
from .layers import LayeredSpace
from .space import ABSENT, ADDRESSES_END, CAPTURED, DAMAGED, TRUNCATED, AddressSpace, Memory, Run

__all__ = [
    "ABSENT",
    "ADDRESSES_END",
    "CAPTURED",
    "DAMAGED",
    "TRUNCATED",
    "AddressSpace",
    "CapturedReader",
    "Claim",
    "Cover",
    "LayeredSpace",
    "Memory",
    "Run",
]
