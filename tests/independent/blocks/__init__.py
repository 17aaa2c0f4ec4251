"""What is known of a block type, a module each: its facts, what reads it, and bytes of one.

A block type that a draft gains needs no other file here. Its module has `FACTS`; facts, decoder
and gallery find it by that.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from .facts import BlockFacts

__all__ = ["ADDED", "BlockFacts"]

ADDED: tuple[BlockFacts, ...] = tuple(
    import_module(f"{__name__}.{path.stem}").FACTS
    for path in sorted(Path(__file__).parent.glob("*.py"))
    if path.stem not in ("__init__", "facts")
)
