"""Regions that Key Hints speak of: a hint says an offset in one, and no address."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from ..reader.block import Block

__all__ = ["hinted_regions"]

_MOST = 1 << 16


def hinted_regions(hints: Iterable[Block]) -> set[UUID]:
    """Identities of them; of very many the first.

    Args:
        hints: Key Hint blocks.
    """
    found: set[UUID] = set()
    for block in hints:
        identity = block.payload.get("region_uuid")
        if identity is not None and len(found) < _MOST:
            found.add(identity)
    return found
