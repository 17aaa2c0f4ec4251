"""Key names of the canonical document, for the side that writes it and the one that reads it."""

from __future__ import annotations

__all__ = ["ABOUT_DIALECT", "BLOCK_KEYS", "LISTS", "PARTS", "VERSION"]

VERSION = 1
"""Of the document's form; printed first."""

BLOCK_KEYS = ("index", "offset", "compression", "damage", "payload", "offsets")
"""Keys of a block beside those of its header fields."""

PARTS = ("document", "file", "format", "header", "blocks", "segments", "trailing")
"""All parts, in their order."""

LISTS = ("blocks", "segments")
"""Parts of which there can be any number, so that they are read and written one by one."""

ABOUT_DIALECT = ("producer", "recognised_by", "also_fits")
"""Keys of `format` that say, in words, who has probably written a file and what tells so."""
