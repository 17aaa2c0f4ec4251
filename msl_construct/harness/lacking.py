"""Takes out of documents what a decoder shows to nobody, so that the rest is compared.

A list of it has on each line ``pattern  # reason``. Patterns are of paths: ``header.KEY``,
``blocks.TYPE.KEY``, ``blocks.TYPE.payload.KEY`` and so on, where TYPE is the block's and rows of
tables have no number; ``*`` stands for anything. Blocks of segments are blocks; what stands
behind the header of an encrypted file is ``encrypted.trailing``.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

__all__ = ["without_lacks"]

_EMPTIED: dict[str, Any] = {"payload": {}, "trailing": None}
"""Keys that stand, with what is left of them, where a decoder lacks what is in them."""
_DEPTH = 32
"""No document nests deeper; what a decoder prints may."""


def without_lacks(document: dict[str, Any], lacks: tuple[str, ...]) -> dict[str, Any]:
    """A document without what a decoder lacks.

    Args:
        document: the expected document, or what a decoder printed, which may be anything.
        lacks: the patterns.
    """
    found = _without(document, lacks, "", _DEPTH)
    assert isinstance(found, dict)
    return found


def _without(value: Any, lacks: tuple[str, ...], path: str, depth: int) -> Any:
    if depth == 0:
        return value
    if isinstance(value, list):
        return [_without(one, lacks, path, depth - 1) for one in value]
    if not isinstance(value, dict):
        return value
    if "block_type" in value:
        path = f"blocks.{value['block_type']}"
    elif _is_encrypted(value):
        lacks = tuple(one.replace("encrypted.trailing", "trailing") for one in lacks)
    found = {}
    for key, one in value.items():
        inner = f"{path}.{key}".lstrip(".")
        if not any(fnmatchcase(inner, pattern) for pattern in lacks):
            found[key] = _without(one, lacks, inner, depth - 1)
        elif key in _EMPTIED:
            found[key] = _EMPTIED[key]
    return found


def _is_encrypted(value: dict[str, Any]) -> bool:
    header = value.get("header")
    flags = header.get("flags") if isinstance(header, dict) else None
    return isinstance(flags, list) and "encrypted" in flags
