"""Dialects: what producers really wrote where their draft says something else, as overlays.

A dialect is a value in a file of its own, which the registry lists; `recognise` says which one
a file is in.
"""

from __future__ import annotations

from .model import MOST_ROWS, Dialect, Evidence, Producer, Recognition, SeenBlock, is_turned
from .recognise import recognise

__all__ = [
    "MOST_ROWS",
    "Dialect",
    "Evidence",
    "Producer",
    "Recognition",
    "SeenBlock",
    "is_turned",
    "recognise",
]
