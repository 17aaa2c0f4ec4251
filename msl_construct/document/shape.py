"""Key names of the canonical document, for the side that writes it and the one that reads it."""

from __future__ import annotations

__all__ = ["BLOCK_KEYS", "TOP_KEYS", "VERSION"]

VERSION = 1
"""Of the document's form; printed first."""

TOP_KEYS = ("document", "file", "format", "header", "blocks", "segments", "trailing")
"""Keys of a document, in order."""

BLOCK_KEYS = ("index", "offset", "compression", "damage", "payload", "offsets")
"""Keys of a block beside those of its header fields."""
