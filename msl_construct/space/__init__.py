"""Memory by virtual address, whatever it was captured into: what search and conversion stand on."""

from __future__ import annotations

from .claim import Claim
from .cover import Cover
from .layers import LayeredSpace
from .nearby import NearbyBytes
from .space import ABSENT, ADDRESSES_END, CAPTURED, DAMAGED, TRUNCATED, AddressSpace, Memory, Run

__all__ = [
    "ABSENT",
    "ADDRESSES_END",
    "CAPTURED",
    "DAMAGED",
    "TRUNCATED",
    "AddressSpace",
    "Claim",
    "Cover",
    "LayeredSpace",
    "Memory",
    "NearbyBytes",
    "Run",
]
