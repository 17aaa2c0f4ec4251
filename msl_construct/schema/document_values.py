"""Plain values of a document, as the vocabulary takes them: of one kind, or refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..abbreviated import abbreviated

__all__ = ["as_hex", "as_name", "as_number", "as_text", "checked_keys"]

_NUMBER = re.compile(r"0|[1-9][0-9]*|0[xX][0-9a-fA-F]+")
_DIGITS = 80  # more than any field holds, and little enough to be converted at once


def as_text(value: Any) -> str:
    """A text.

    Raises:
        ValueError: something else.
    """
    if not isinstance(value, str):
        raise ValueError(f"expected text, found {abbreviated(value)}; quote it")
    return value


def as_hex(value: Any) -> bytes:
    """The bytes that a text states in hex.

    Raises:
        ValueError: something else.
    """
    try:
        return bytes.fromhex(value)
    except (TypeError, ValueError):
        raise ValueError(f"expected bytes as hex, found {abbreviated(value)}") from None


def as_number(value: Any) -> int:
    """A whole number, or the text of one: decimal without leading zeros, or hex with ``0x``.

    Raises:
        ValueError: something else.
    """
    if isinstance(value, str) and len(value) <= _DIGITS and _NUMBER.fullmatch(value):
        return int(value, 16 if value[1:2] in ("x", "X") else 10)
    if isinstance(value, (bool, str)) or not isinstance(value, int):
        raise ValueError(f"expected a number, found {abbreviated(value)}")
    return value


def as_name(value: Any) -> int | str:
    """What stands for a code: a name, a number, or the text of one.

    Raises:
        ValueError: something else.
    """
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError(f"expected a name, found {abbreviated(value)}")
    return value


def checked_keys(value: Mapping[str, Any], *needed: str, also: tuple[str, ...] = ()) -> None:
    """Refuse a mapping that lacks a key, or has one that means nothing here.

    Raises:
        ValueError: it does.
    """
    missing = [key for key in needed if key not in value]
    if missing:
        raise ValueError(f"expected {', '.join(missing)} in {abbreviated(value)}")
    for key in value:
        if key not in needed and key not in also:
            raise ValueError(
                f"expected {', '.join((*needed, *also))} and nothing else, found {abbreviated(key)}"
            )
