"""How much of a document is compared, and whether a fault can be seen at that depth."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from functools import lru_cache
from typing import Any

from ..drafts import known, schema
from ..errors import MslError
from ..schema.pages import PageData, PageStateMap

__all__ = [
    "INVALID",
    "ComparisonLevel",
    "blocks_of",
    "hidden_in_block",
    "hidden_in_payload",
    "shows_fault",
]

INVALID = "invalid"
"""Name of the block type that no block may have."""


class ComparisonLevel(str, Enum):
    """How much of a document is compared."""

    BLOCKS = "blocks"
    """The file header, the headers of blocks, segments and what is trailing."""
    REGIONS = "regions"
    """The payloads of memory regions as well, but not their pages, nor what is compressed."""
    PAYLOADS = "payloads"
    """Payloads as well, but not page maps, page data and what is inside compressed payloads."""
    FULL = "full"
    """Everything."""


_IN_PAYLOAD = ("compression", "damage", "payload")


def hidden_in_block(block: dict[str, Any], level: ComparisonLevel) -> tuple[str, ...]:
    """Keys of a block that a level does not look at.

    Args:
        block: the block as expected.
        level: what is compared.
    """
    if level is ComparisonLevel.FULL:
        return ()
    regions = level is ComparisonLevel.REGIONS
    if level is ComparisonLevel.BLOCKS or (regions and not _is_region(block)):
        return _IN_PAYLOAD
    if _compressed(block):
        return _IN_PAYLOAD if regions else ("damage", "payload")
    return ()


def hidden_in_payload(block: dict[str, Any], level: ComparisonLevel) -> tuple[str, ...]:
    """Keys of a block's payload that a level does not look at."""
    return () if level is ComparisonLevel.FULL else _page_keys(known())


def shows_fault(document: dict[str, Any], level: ComparisonLevel) -> bool:
    """Whether the expected document, as far as a level looks, marks a block as not usable."""
    return any(
        block.get("block_type") == INVALID or marks_damage(block, level)
        for block in blocks_of(document)
    )


def marks_damage(block: dict[str, Any], level: ComparisonLevel) -> bool:
    """Whether an expected block has `damage` for a reason that can be seen at a level."""
    if "damage" not in block or "damage" in hidden_in_block(block, level):
        return False
    return level is ComparisonLevel.FULL or not _only_in_page_map(block)


def blocks_of(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The blocks of an expected document, those of segments included."""
    yield from document["blocks"]
    for segment in document.get("segments", ()):
        yield from segment["blocks"]


def _compressed(block: dict[str, Any]) -> bool:
    return "compression" in block or "compressed" in block["flags"]


def _is_region(block: dict[str, Any]) -> bool:
    # A payload of a version that nobody knows is bytes.
    return block.get("block_type") in _regions(known()) and "raw" not in block["payload"]


def _only_in_page_map(block: dict[str, Any]) -> bool:
    """Whether all fields before the page map are there and make sense: the map is too short."""
    payload = block["payload"]
    for kind, before in _page_maps(known()):
        if before and all(key in payload for key in before):
            return bool(kind.low <= payload[kind.log2_key] <= kind.high)
    return False


@lru_cache(maxsize=1)
def _page_keys(drafts: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the fields that hold page states and page data."""
    found = (
        field.key
        for name in drafts
        for layout in schema(name).layouts.values()
        for field in layout.fields
        if isinstance(field.type, (PageStateMap, PageData))
    )
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=1)
def _regions(drafts: tuple[str, ...]) -> frozenset[str]:
    """Names of the block types whose payload has a page map."""
    return frozenset(
        key
        for name in drafts
        for key, layout in schema(name).layouts.items()
        if any(isinstance(field.type, PageStateMap) for field in layout.fields)
    )


@lru_cache(maxsize=1)
def _page_maps(drafts: tuple[str, ...]) -> tuple[tuple[PageStateMap, tuple[str, ...]], ...]:
    """Every kind of page map, with the names of the fields before it."""
    found = []
    for name in drafts:
        for layout in schema(name).layouts.values():
            for index, field in enumerate(layout.fields):
                if isinstance(field.type, PageStateMap):
                    before = tuple(one.key for one in layout.fields[:index])
                    found.append((field.type, before))
    if not found:
        raise MslError("no draft declares a page map")
    return tuple(found)
